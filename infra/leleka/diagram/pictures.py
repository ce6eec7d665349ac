"""``make diagrams``: books two seats for real on a stack of its own, and draws what happened into ``statemachine``."""

import uuid
from pathlib import Path

from leleka.api_client import ApiClient
from leleka.api_types import BookingRequest, Claim
from leleka.diagram.model import DiagramError
from leleka.diagram.runs import diagram_text
from leleka.diagram.svg import require_plantuml, svg
from leleka.journey import Journey
from leleka.own_stage import own_stage
from leleka.paths import PROJECT
from leleka.stage import Stage
from leleka.terminal import one_line_errors, say

FOLDER = PROJECT / "statemachine" / "diagrams"
PICTURES = {"happy_path": ("pm_approved", "CONFIRMED"), "card_declined": ("pm_declined", "CANCELLED")}
"""By file name: how its customer pays, and how the booking must end."""

_FLIGHT = "KBP-BCN-0615"
_SAGA_TIMEOUT_S = 120.0


@one_line_errors
def main() -> None:
    """Writes each picture's document and rendering. What can't be rendered is said before anything is started."""
    require_plantuml()
    FOLDER.mkdir(exist_ok=True)
    say("starting a local stack, deploying and seeding it")
    with own_stage(PROJECT / ".leleka" / "diagrams") as stage:
        documents = {name: _document(stage, f"2{row}A", *wish) for row, (name, wish) in enumerate(PICTURES.items())}
    for name, document in documents.items():
        _write(FOLDER / f"{name}.puml", document)
        _write(FOLDER / f"{name}.svg", svg(document))


def _document(stage: Stage, seat: str, payment_method: str, status: str) -> str:
    request = BookingRequest(_FLIGHT, seat, "Olena", "olena@example.com", 1, payment_method)
    with ApiClient(stage.api_url) as api:
        booking = api.book(request, str(uuid.uuid4()))
        claim = Claim(booking.booking_id, booking.secret)
        ended = Journey(stage, api, claim, booking.booking_id, _SAGA_TIMEOUT_S, None).watch().booking
    if ended.status != status:
        raise DiagramError(f"the booking with {payment_method} should be {status} and is {ended.status}")
    return diagram_text(stage, booking.booking_id)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    say(f"wrote {file.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
