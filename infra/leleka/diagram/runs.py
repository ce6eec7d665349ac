"""The executions of a booking, read from Step Functions and written as a diagram."""

from leleka.diagram.model import DiagramError
from leleka.diagram.story import diagram_of
from leleka.diagram.text import plantuml
from leleka.diagram.visits import run_of
from leleka.executions import executions_of
from leleka.follow import new_events
from leleka.stage import Stage


def diagram_text(stage: Stage, booking_id: str, *, times: bool = False) -> str:
    """What has happened to a booking, as PlantUML.

    Raises:
        DiagramError: nothing has run for it, or something that can't be drawn.
        FollowError: Step Functions did not answer.
    """
    found = executions_of(stage, booking_id)
    if not found:
        raise DiagramError(f"nothing has run for booking {booking_id}, or Step Functions has forgotten it")
    runs = [run_of(each.kind, each.name, new_events(stage.orchestrator, each.arn, 0)) for each in found]
    return plantuml(diagram_of(runs, times=times))
