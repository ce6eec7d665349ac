"""What happens around the saga, as the API's code makes certain: who asks for it, and how its customer answers it."""

from collections.abc import Iterable

from leleka.diagram.model import Arrow, Message, Participant, Tone

_CUSTOMER, _WEB, _API = Participant.CUSTOMER, Participant.WEB, Participant.API
_ORCHESTRATOR, _BOOKING = Participant.ORCHESTRATOR, Participant.BOOKING


def beginning(kind: str) -> list[Message]:
    """Who starts an execution of this kind, and how."""
    return _BEGINNINGS[kind]()


def paying(answer: Message) -> list[Message]:
    """The customer's payment method, which the booking service hands on with ``answer``."""
    asked = Message(_API, _BOOKING, Arrow.REQUEST, "SupplyPaymentMethod")
    reply = Message(_BOOKING, _API, Arrow.REPLY, "PENDING")
    return _by_customer("pay", "POST …/payment", [asked, answer, reply])


def withdrawing(answer: Message) -> list[Message]:
    """The customer gives up a seat that is held, which the booking service hands on with ``answer``."""
    asked = Message(_API, _BOOKING, Arrow.REQUEST, "RequestCancellation")
    reply = Message(_BOOKING, _API, Arrow.REPLY, "AWAITING_PAYMENT")
    return _by_customer("cancel", "DELETE …", [asked, answer, reply])


def delivered(to: Participant, text: str) -> list[Message]:
    """What becomes of an event: a mail to the customer, or a message that the operator finds."""
    if to is not Participant.NOTIFICATION:
        return [Message(Participant.BROKER, to, Arrow.COMMAND, text, Tone.CODED)]
    return [
        Message(Participant.BROKER, to, Arrow.COMMAND, "event", Tone.CODED),
        Message(to, _CUSTOMER, Arrow.COMMAND, text, Tone.CODED),
    ]


def _booking() -> list[Message]:
    inner = [
        Message(_API, _BOOKING, Arrow.REQUEST, "PlaceBooking"),
        Message(_BOOKING, _API, Arrow.REPLY, "REQUESTED"),
        Message(_API, _ORCHESTRATOR, Arrow.COMMAND, "StartExecution"),
    ]
    return _by_customer("book a seat", "POST /bookings", inner)


def _cancelling() -> list[Message]:
    flight = Participant.FLIGHT
    inner = [
        Message(_API, _BOOKING, Arrow.REQUEST, "RequestCancellation"),
        Message(_BOOKING, _API, Arrow.REPLY, "CONFIRMED"),
        Message(_API, flight, Arrow.REQUEST, "ValidateFlight"),
        Message(flight, _API, Arrow.REPLY, "not departed"),
        Message(_API, _ORCHESTRATOR, Arrow.COMMAND, "StartExecution"),
    ]
    return _by_customer("cancel", "DELETE …", inner)


def _settling() -> list[Message]:
    return [Message(Participant.RECONCILER, _ORCHESTRATOR, Arrow.COMMAND, "StartExecution")]


def _redriving() -> list[Message]:
    return [Message(Participant.OPERATOR, _ORCHESTRATOR, Arrow.COMMAND, "StartExecution (leleka ops redrive)")]


_BEGINNINGS = {"saga": _booking, "cancellation": _cancelling, "settlement": _settling, "redrive": _redriving}


def _by_customer(wish: str, request: str, inner: Iterable[Message]) -> list[Message]:
    """A request through the web app and the API, both of which wait. What they answer is the code's word: the history
    begins at the orchestrator."""
    return [
        Message(_CUSTOMER, _WEB, Arrow.REQUEST, wish),
        Message(_WEB, _API, Arrow.REQUEST, request),
        *inner,
        Message(_API, _WEB, Arrow.REPLY, "202 Accepted"),
        Message(_WEB, _CUSTOMER, Arrow.REPLY, "under way"),
    ]
