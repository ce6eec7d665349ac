"""One booking of the matrix: how it is placed, started, paid, cancelled and looked at. It goes past the API, which asks
the same functions before the saga does, and would take the faults that are meant for the saga."""

import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.api.requests import booking_id_for, secret_for
from chalicelib.booking.models import PlaceBookingCommand
from chalicelib.booking.placing import place_booking
from chalicelib.booking.placing_store import PlacingStore
from chalicelib.shared.clock import system_clock
from chalicelib.shared.dynamo import from_item, to_item
from tests.fault.local import BAGS, SEATS, Local
from tests.fault.watch import Watch, until
from tests.unit.placing_world import LIMITS

type Row = dict[str, Any]


class Inputs:
    """What the API gives the two sagas, seen once and filled in for each booking."""

    def __init__(self, booking: Row, cancellation: Row) -> None:
        self._booking, self._cancellation = booking, cancellation

    def of(self, booking: "Booking", *, cancelling: bool, redriven: bool = False) -> Row:
        """The input of an execution for this booking."""
        given: Row = json.loads(json.dumps(self._cancellation if cancelling else self._booking))
        given |= {"booking_id": booking.booking_id, "flight_id": booking.flight_id, "seat": booking.seat}
        if cancelling:
            given["ticket"]["lock_id"] = booking.row()["lock_id"]
            return given | ({"redriven": redriven} if "redriven" in given else {})
        return given | {"bags": booking.bags, "payment_method": booking.method}


@dataclass
class Flight:
    """A flight of which one case at a time has the whole."""

    flight_id: str
    bags_free: int = BAGS
    seats: Iterator[str] = field(default_factory=lambda: iter(SEATS))


@dataclass
class Booking:
    """One request for one seat."""

    local: Local
    inputs: Inputs
    watch: Watch
    flight_id: str
    seat: str
    method: str | None = "pm_approved"
    bags: int = 1
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def booking_id(self) -> str:
        """Its id."""
        return booking_id_for(self.key)

    def plan(self, faults: list[Row]) -> None:
        """What goes wrong with it from now on."""
        target = self.local.folder / "plans" / f"{self.booking_id}.json"
        temporary = target.with_suffix(".new")
        temporary.write_text(json.dumps(faults))
        temporary.replace(target)

    def taken(self, fault: int) -> int:
        """How often a fault of its plan was taken."""
        return len(list((self.local.folder / "taken").glob(f"{self.booking_id}.{fault}.*")))

    def wait_for_event(self, fault: int, kind: str, *, mailed: bool) -> None:
        """Waits for a fault that may come after the end of the saga, and until the event's mail is dealt with."""
        key = {"booking_id": self.booking_id, "kind": kind}
        until(lambda: self.taken(fault) > 0, f"{self.booking_id}: the fault is not met")
        if mailed:
            until(lambda: "sent_at_s" in self.find("NotificationsTable", key), f"no mail of {kind}")

    def ended(self, at: str) -> int:
        """How many events of it were dealt with there."""
        return len(list((self.local.folder / "taken").glob(f"ended.{self.booking_id}.{at}.*")))

    def place(self) -> None:
        """As the API keeps a request."""
        command: Row = {
            "booking_id": self.booking_id,
            "request_hash": "of the matrix",
            "secret_hash": hashlib.sha256(secret_for(self.key).encode()).hexdigest(),
            "flight_id": self.flight_id,
            "seat": self.seat,
            "bags": self.bags,
            "passenger": {"name": "Olena", "email": f"{self.booking_id}@example.com"},
            "source": self.booking_id,  # of its own, as the address is: what one may hold is limited
            "payment_method": self.method,
        }
        place_booking(msgspec.convert(command, PlaceBookingCommand), self._requests(), LIMITS, system_clock)

    def _requests(self) -> PlacingStore:
        stage, tables = self.local.stage, self.local.stage.tables
        return PlacingStore(stage.dynamodb, tables["BookingsTable"], tables["LocatorsTable"], tables["HoldLimitsTable"])

    def start(self) -> str:
        """As the API starts its saga; the execution."""
        return self._start(self.local.stage.saga_arn, self.booking_id, cancelling=False)

    def cancel(self, name: str = "", *, redriven: bool = False) -> str:
        """As the API starts the cancellation of a confirmed booking; the execution."""
        saga = self.local.stage.outputs["CancellationSagaArn"]
        return self._start(saga, self.booking_id + name, cancelling=True, redriven=redriven)

    def _start(self, saga: str, name: str, **which: bool) -> str:
        given = self.inputs.of(self, **which)
        with self.local.starting:
            return self.local.stage.orchestrator.start_execution(
                stateMachineArn=saga, name=name, input=json.dumps(given)
            )["executionArn"]

    def pay(self, arn: str) -> None:
        """The customer pays as soon as the booking waits for it; too late if its saga has ended before."""
        began_s = time.monotonic()

        def waits_or_over() -> bool:
            return self.row().get("status") == "AWAITING_PAYMENT" or self.watch.ended(arn, began_s)

        until(waits_or_over, f"{self.booking_id} does not wait for its payment")
        command = {"ref": self.booking_id, "secret": secret_for(self.key), "payment_method": "pm_approved"}
        self.local.call("SupplyPaymentMethod", command)

    def book(self) -> None:
        """From the request to the end of the saga, without any fault."""
        self.place()
        self.watch.wait(self.start())

    def settle(self) -> None:
        """What an operator does by hand once everything is undone: the booking says so, and what went back."""
        payment = self.find("PaymentsTable", {"booking_id": self.booking_id})
        self.local.stage.dynamodb.update_item(
            TableName=self.local.stage.tables["BookingsTable"],
            Key=to_item({"booking_id": self.booking_id}),
            UpdateExpression="SET #status = :cancelled, refunded_minor = :refunded",
            ConditionExpression="#status = :attention",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_item(
                {
                    ":cancelled": "CANCELLED",
                    ":attention": "NEEDS_ATTENTION",
                    ":refunded": payment.get("refunded_minor", 0),
                }
            ),
        )

    def row(self) -> Row:
        """The booking as it stands; empty if there is none."""
        return self.find("BookingsTable", {"booking_id": self.booking_id})

    def find(self, table: str, key: Row) -> Row:
        """A row of any table; empty if there is none."""
        found = self.local.stage.dynamodb.get_item(
            TableName=self.local.stage.tables[table], Key=to_item(key), ConsistentRead=True
        )
        return from_item(found.get("Item", {}))

    def execution(self, arn: str) -> Any:
        """The execution as it stands."""
        return self.local.stage.orchestrator.describe_execution(executionArn=arn)

    def settlements(self) -> list[str]:
        """The executions that the reconciler started for it."""
        pages = self.local.stage.orchestrator.get_paginator("list_executions").paginate(
            stateMachineArn=self.local.stage.outputs["CancellationSagaArn"]
        )
        found = [one for page in pages for one in page["executions"]]
        return [one["executionArn"] for one in found if one["name"].startswith(f"{self.booking_id}-settle-")]

    def states(self, arn: str) -> list[str]:
        """The states that the execution entered."""
        pages = self.local.stage.orchestrator.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def deliver_late(self, at: str) -> None:
        """The event that got stuck arrives now, and is dealt with."""
        late = json.loads((self.local.folder / "kept" / f"{self.booking_id}.json").read_text())
        bodies = [json.loads(record["body"]) for record in late["event"].get("Records", [])]
        if not bodies:
            awslambda = self.local.stage.aws.client("lambda")
            awslambda.invoke(FunctionName=late["function"], Payload=json.dumps(late["event"]).encode())
            return
        before = self.ended(at)
        for body in bodies:
            if body.get("booking_id") == self.booking_id:
                self.local.send(body)
        until(lambda: self.ended(at) > before, f"{self.booking_id}: the late message is not taken")

    def lift(self) -> None:
        """Nothing goes wrong any more; events are still counted."""
        self.plan([])

    def open_gate(self) -> None:
        """The function that waits may go on."""
        with contextlib.suppress(FileExistsError), self._gate("open").open("x"):
            return

    def wait_at_gate(self, arn: str) -> bool:
        """Waits until a function stands at the gate; false if the saga ended without coming there."""
        began_s = time.monotonic()

        def there() -> bool:
            return self._gate("waiting").exists() or self.watch.ended(arn, began_s)

        until(there, f"{self.booking_id} does not come to its gate")
        return self._gate("waiting").exists()

    def _gate(self, what: str) -> Path:
        return self.local.folder / "gates" / f"{self.booking_id}.{what}"


def see_inputs(local: Local, flight: Flight) -> Inputs:
    """Books and cancels once through the API, to see what it gives the sagas; this also starts most functions."""
    from tests.functional.customer import Customer, execution_arn  # noqa: PLC0415 - only this needs the API

    olena = Customer(local.stage)
    booking_id = olena.book(SEATS[0], flight_id=flight.flight_id, bags=0)["booking_id"]
    assert olena.outcome(booking_id)["status"] == "CONFIRMED"
    assert olena.cancel(booking_id).status_code == 202
    olena.cancelled(booking_id)
    olena.close()
    describe = local.stage.orchestrator.describe_execution
    arns = [execution_arn(local.stage, booking_id)]
    arns.append(execution_arn(local.stage, booking_id, local.stage.outputs["CancellationSagaArn"]))
    booking, cancellation = (json.loads(describe(executionArn=arn)["input"]) for arn in arns)
    return Inputs(booking, cancellation)
