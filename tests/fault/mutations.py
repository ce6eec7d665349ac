"""Breaks of the system, each of which the matrix has to notice. They are made in a private copy: in the zip that a
function runs, or in the definition that the state machine follows; never in the project's files."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

type Definition = dict[str, Any]


class MutationError(Exception):
    """The code that the mutation changes is not there any more: the mutation has to be written anew."""


@dataclass(frozen=True)
class Mutation:
    """One break.

    Attributes:
        name: what is broken.
        cases: a pattern for the names of the cases that should notice.
        functions: whose code is changed.
        file: which file of theirs.
        old: a pattern that is in it just once.
        new: what takes its place.
        saga: or what is done to the booking saga's definition.
    """

    name: str
    cases: str
    functions: tuple[str, ...] = ()
    file: str = ""
    old: str = ""
    new: str = ""
    saga: Callable[[Definition], None] | None = None

    def code(self, original: bytes) -> bytes:
        """The zip with the break in it.

        Raises:
            MutationError: there is nothing to break.
        """
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                content = source.read(entry)
                target.writestr(entry, self.broken(content) if entry.filename == self.file else content)
        return out.getvalue()

    def broken(self, content: bytes) -> bytes:
        """The file with the break in it."""
        text, count = re.subn(self.old, lambda _: self.new, content.decode())
        if count != 1:
            raise MutationError(f"{self.name}: {self.file} has {count} places to break; write the mutation anew")
        return text.encode()

    def definition(self, original: Definition) -> Definition:
        """The definition with the break in it."""
        copy: Definition = json.loads(json.dumps(original))
        if self.saga is not None:
            self.saga(copy["States"])
        if copy == original:
            raise MutationError(f"{self.name}: it changes nothing; write the mutation anew")
        return copy


def _no_catch(states: Definition) -> None:
    del states["ReserveBaggage"]["Catch"]


def _swapped(states: Definition) -> None:
    for name, following in (
        ("RefundPayment", "ReleaseSeat"),
        ("ReleaseSeat", "ReleaseBaggage"),
        ("ReleaseBaggage", "CancelBooking"),
    ):
        states[name]["Next"] = states[name]["Catch"][0]["Next"] = following


def _own_compensation_left_out(states: Definition) -> None:
    states["ReserveSeat"]["Catch"][-1]["Next"] = "CancelBooking"


def _tried_once(states: Definition) -> None:
    del states["CancelBooking"]["Retry"]


def _not_flagged(states: Definition) -> None:
    states["AnythingStuck"]["Choices"][0]["Next"] = "NotifyCancelled"


def _unknown_not_asked_again(states: Definition) -> None:
    states["ProcessPayment"]["Retry"][0]["ErrorEquals"].remove("PaymentOutcomeUnknown")


_LIB = "chalicelib"
MUTATIONS = [
    Mutation("a Catch is removed", "^ReserveBaggage / crash after its effect", saga=_no_catch),
    Mutation("two compensations are swapped", "^RefundPayment / duplicate", saga=_swapped),
    Mutation(
        "an unknown outcome skips the step's own compensation",
        "^ReserveSeat / crash after its effect",
        saga=_own_compensation_left_out,
    ),
    Mutation("a compensation is tried once only", "^CancelBooking / fails twice", saga=_tried_once),
    Mutation("what is stuck is not flagged", "^ReleaseBaggage / fails for ever", saga=_not_flagged),
    Mutation(
        "an unknown charge is not asked for again",
        "^ProcessPayment / gateway silent after",
        saga=_unknown_not_asked_again,
    ),
    Mutation(
        "the ledger check is dropped: a repeated step takes again",
        "^ReserveBaggage / duplicate",
        ("ReserveBaggage",),
        f"{_LIB}/shared/ledger.py",
        r'"ConditionExpression": "attribute_not_exists\(#booking_id\)"',
        '"ConditionExpression": "attribute_not_exists(#booking_id) OR attribute_exists(#booking_id)"',
    ),
    Mutation(
        "a compensation that finds nothing leaves no row",
        "^ReserveBaggage / late",
        ("ReleaseBaggage",),
        f"{_LIB}/shared/ledger.py",
        r"self\._client\.put_item\(",
        "dict(",
    ),
    Mutation(
        "a repeated compensation gives back again",
        "^ReleaseBaggage / (duplicate|late)",
        ("ReleaseBaggage",),
        f"{_LIB}/shared/ledger.py",
        r'nothing if row\["state"\] == LedgerState\.RELEASED else',
        "nothing if not row else",
    ),
    Mutation(
        "the fencing condition is dropped",
        "^ConfirmSeat / business refusal / HoldLost",
        ("ConfirmSeat",),
        f"{_LIB}/seat/store.py",
        r'condition="#lock = :lock AND #fencing = :number AND #status = :held AND #until > :now"',
        'condition="attribute_exists(#seat) OR '
        '#lock = :lock AND #fencing = :number AND #status = :held AND #until > :now"',
    ),
    Mutation(
        "a lost reply is ignored: the step's own hold counts as another's",
        "^ReserveSeat / (DynamoDB's reply lost|duplicate)",
        ("ReserveSeat",),
        f"{_LIB}/seat/refusals.py",
        r"nothing was held\"\) from refused\n        return\n",
        'nothing was held") from refused\n',
    ),
    Mutation(
        "an unknown charge counts as declined",
        "^ProcessPayment / gateway silent after",
        ("CarryOutPayments",),
        f"{_LIB}/payment/logic.py",
        r"replies\.fail\(command\.task_token, error\)",
        'replies.fail(command.task_token, CardDeclined("broken on purpose"))',
    ),
    Mutation(
        "a refund does not use the charge's key",
        "^RefundPayment / duplicate",
        ("CarryOutPayments",),
        f"{_LIB}/payment/sandbox.py",
        r'self\._write_once\(\{"booking_id": booking_id, "outcome": "VOIDED"\}\)',
        'self._write_once({"booking_id": booking_id + "-refund", "outcome": "VOIDED"})',
    ),
    Mutation(
        "a booking that has ended can be moved",
        "^CreateBooking / late",
        ("CreateBooking",),
        f"{_LIB}/booking/store.py",
        r"condition=f\"#status IN \(\{', '\.join\(states\)\}\)\"",
        "condition=f\"#status IN ({', '.join(states)}) OR attribute_exists(#status)\"",
    ),
    Mutation(
        "a released seat keeps its lock",
        "^ReleaseSeat / duplicate",
        ("ReleaseSeat", "ConfirmSeat"),
        f"{_LIB}/seat/logic.py",
        r"lock\.release\(seat_key\(flight_id, seat\), lock_id\)",
        'lock.release(seat_key(flight_id, seat), "nobody")',
    ),
    Mutation(
        "without the lock nothing is sold",
        "^ReserveSeat / lock refuses",
        ("ReserveSeat",),
        f"{_LIB}/seat/logic.py",
        r"if verdict is Acquisition\.HELD_BY_ANOTHER:",
        "if verdict in (Acquisition.HELD_BY_ANOTHER, Acquisition.UNKNOWN):",
    ),
]
