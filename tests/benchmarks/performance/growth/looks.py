"""What is asked of tables of one size, through the services' own code: by customers, the saga and the reconciler."""

import io
import json
import random
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
from botocore.exceptions import ClientError

from chalicelib import bootstrap
from chalicelib.booking import handlers as booking
from chalicelib.flight import handlers as flight
from chalicelib.payment import handlers as payment
from chalicelib.recovery import logic
from chalicelib.recovery.models import ReconcileCommand, RecoveryConfig
from chalicelib.recovery.services import RecoveryServices
from chalicelib.seat import handlers as seat
from chalicelib.shared import clock
from chalicelib.shared.errors import SeatTaken
from chalicelib.shared.remote import RemoteFunctions
from tests.benchmarks.performance.growth.meter import Meter, Work
from tests.benchmarks.performance.growth.sizes import ASKED, DAY, NOW_S, ROUTE, Size, fill
from tests.benchmarks.performance.growth.world import tables

_CONTEXT = SimpleNamespace(aws_request_id="growth")
_MACHINES = "arn:aws:states:eu-central-1:000000000000:stateMachine:"
_SEED = 4
RECONCILER = "Reconcile, all that is due"


def looks(size: Size) -> dict[str, Work]:
    """What each look cost at that size."""
    asked: dict[str, Callable[[], object]] = {
        "a search, one day": _search,
        "a seat map": lambda: seat.get_seat_map({"flight_id": ASKED}, _CONTEXT),
        "ReserveSeat, won": lambda: _reserve("bk-first"),
        "ReserveSeat, refused by the database": lambda: _refused("bk-second"),
        RECONCILER: _reconcile,
    }
    found = {}
    with tables() as empty, mock.patch.object(clock, "time", SimpleNamespace(time=lambda: NOW_S)):
        fill(empty, size)
        meter = Meter(bootstrap._aws("dynamodb"))
        for name, ask in asked.items():
            with meter.measured() as work:
                ask()
            found[name] = work[0]
    return found


def _search() -> None:
    origin, destination = ROUTE
    answer = flight.search_flights({"origin": origin, "destination": destination, "date": DAY}, _CONTEXT)
    assert answer["flights"], "the search finds nothing"


def _reserve(booking_id: str) -> None:
    command = {"booking_id": booking_id, "lock_id": "1" * 32, "flight_id": ASKED, "seat": "14C"}
    seat.reserve_seat(command, _CONTEXT)


def _refused(booking_id: str) -> None:
    try:
        _reserve(booking_id)
    except SeatTaken:
        return
    raise AssertionError("two customers have one seat")


def _reconcile() -> None:
    """The sagas of all that is due are still at work, so each is looked at and left: the look is measured, not what a
    settlement does."""
    names = {name: "none" for name in RecoveryConfig.__struct_fields__ if name != "due_lease_s"}
    arns = {"saga_arn": f"{_MACHINES}booking", "cancellation_saga_arn": f"{_MACHINES}cancellation"}
    due = {f"due_{name}_function": name for name in _DUE}
    lambdas: Any = _Functions()
    orchestrator: Any = _Orchestrator()
    topics: Any = None
    config = msgspec.convert({**names, **arns, **due}, RecoveryConfig)
    services = RecoveryServices(RemoteFunctions(lambdas), orchestrator, topics, config)
    random.seed(_SEED)  # the shards are asked in a random order, which must be the same at every size
    done = logic.reconcile(ReconcileCommand(), services, lambda: 0.0)
    assert not done.failed, done


_DUE: Mapping[str, Any] = {
    "bookings": booking.due_bookings,
    "holds": seat.due_holds,
    "payments": payment.due_payments,
}


class _Functions:
    """Lambda, as far as the reconciler calls it, in this process."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """The function's answer."""
        answer = _DUE[FunctionName](json.loads(Payload), _CONTEXT)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class _Orchestrator:
    """Step Functions: every booking's own saga runs, and there is no other."""

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        """The status."""
        if ":booking:" in executionArn:
            return {"status": "RUNNING"}
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}, "DescribeExecution")
