"""A sequence diagram as data: who takes part, and what passes between them, in order.

It is told from the history of executions (``diagram_story``) and written as PlantUML (``diagram_text``).
"""

from dataclasses import dataclass
from enum import StrEnum

from leleka.terminal import CommandError


class DiagramError(CommandError):
    """There is nothing to draw, or it can't be drawn; the message says why."""


class Participant(StrEnum):
    """Who takes part, from left to right. A service's name is its folder in ``chalicelib``, with a capital."""

    CUSTOMER = "Customer"
    WEB = "WebApp"
    API = "API"
    OPERATOR = "Operator"
    RECONCILER = "Recovery"
    ORCHESTRATOR = "Orchestrator"
    BROKER = "Broker"
    BOOKING = "Booking"
    FLIGHT = "Flight"
    SEAT = "Seat"
    REDIS = "Redis"
    BAGGAGE = "Baggage"
    PRICING = "Pricing"
    PAYMENT = "Payment"
    NOTIFICATION = "Notification"


class Arrow(StrEnum):
    """The four kinds of messages, as PlantUML writes them."""

    REQUEST = "->"
    """Synchronous: the sender waits for the reply."""
    REPLY = "-->"
    COMMAND = "->>"
    """Asynchronous, a command or an event: the sender has nothing to wait for on this line."""
    ANSWER = "-->>"
    """Asynchronous: the reply to a command, by its task token."""


class Tone(StrEnum):
    """How something is known, or came out."""

    TOLD = "told"
    """The history tells of it."""
    CODED = "coded"
    """The history does not tell of it; the code of the step makes it certain."""
    FAILED = "failed"
    GOOD = "good"


@dataclass(frozen=True)
class Message:
    """One arrow. ``text`` is plain: what is markup to PlantUML is shown as it stands."""

    source: Participant
    target: Participant
    arrow: Arrow
    text: str
    tone: Tone = Tone.TOLD


@dataclass(frozen=True)
class Remark:
    """Words on a lifeline. ``ends`` is who was asked synchronously and of whom no reply came."""

    over: Participant
    text: str
    tone: Tone = Tone.TOLD
    ends: Participant | None = None


@dataclass(frozen=True)
class Heading:
    """A line across the picture, where an execution begins."""

    text: str


@dataclass(frozen=True)
class Box:
    """A frame around what belongs together."""

    title: str
    parts: tuple[Message | Remark, ...]


type Part = Message | Remark | Heading | Box


@dataclass(frozen=True)
class Diagram:
    """The whole picture."""

    title: str
    parts: tuple[Part, ...]

    @property
    def messages(self) -> list[Message]:
        """Every arrow in order, those in boxes too."""
        inner = (part.parts if isinstance(part, Box) else (part,) for part in self.parts)
        return [part for parts in inner for part in parts if isinstance(part, Message)]
