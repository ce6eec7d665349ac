"""Everything that several bookings have at one moment, and what holds of it at every moment, also amid a step."""

from typing import Any

from chalicelib.shared.dynamo import Item
from tests.functional.any_order import CAPACITY, FLIGHT, SEATS, Services
from tests.functional.one_saga import PRICE, OneSaga

_LEDGERS = ("SeatLedgerTable", "BaggageLedgerTable")
_OUTCOMES: dict[str | None, set[str | None]] = {
    None: {None, "CHARGED", "DECLINED", "VOIDED"},
    "CHARGED": {"CHARGED", "REFUNDED"},
    "DECLINED": {"DECLINED"},
    "VOIDED": {"VOIDED"},
    "REFUNDED": {"REFUNDED"},
}
"""What may become of a charge at the gateway: it is made once, and after a refund never again."""


class Moment:
    """The rows of all tables, by what they belong to."""

    def __init__(self, services: Services, sagas: list[OneSaga]) -> None:
        self._sagas = {saga.booking_id: saga for saga in sagas}
        ids = [{"booking_id": booking_id} for booking_id in self._sagas]
        by_booking = ("BookingsTable", *_LEDGERS, "PaymentsTable", "SandboxGatewayTable")
        rows = services.rows(
            SeatsTable=[{"flight_id": FLIGHT, "seat": seat} for seat in SEATS],
            BaggageQuotaTable=[{"flight_id": FLIGHT}],
            **dict.fromkeys(by_booking, ids),
        )
        self.seats: dict[str, Item] = {row["seat"]: row for row in rows["SeatsTable"]}
        self.free_bags: int = rows["BaggageQuotaTable"][0]["free"]
        self._tables = {table: {row["booking_id"]: row for row in rows[table]} for table in by_booking}

    def of(self, table: str, booking_id: str) -> Item:
        """A booking's row, empty if there is none."""
        return self._tables[table].get(booking_id, {})

    def check_seats(self, before: "Moment | None", now_s: int) -> None:
        """A seat has one owner, whose ledger row says so; it changes hands only when that owner is done with it, and
        then under a higher number."""
        for name, seat in self.seats.items():
            owner = seat.get("booking_id")
            ledger = self.of("SeatLedgerTable", owner or "").get("state")
            expected = {"AVAILABLE": None, "HELD": "HELD", "SOLD": "CONFIRMED"}[seat["status"]]
            assert ledger == expected, f"seat {name} is {seat['status']} for {owner}, whose ledger row says {ledger}"
            if before:
                self._check_change(before.seats[name], seat, now_s)
        for booking_id in self._sagas:
            row = self.of("SeatLedgerTable", booking_id)
            if row.get("state") == "CONFIRMED":
                assert self.seats[row["seat"]].get("booking_id") == booking_id, f"{booking_id} lost the seat it bought"

    def _check_change(self, before: Item, after: Item, now_s: int) -> None:
        name, old, new = after["seat"], before.get("booking_id"), after.get("booking_id")
        assert after["fencing_number"] >= before["fencing_number"], f"seat {name}: the fencing number fell"
        if old == new:
            return
        if new:
            assert after["fencing_number"] > before["fencing_number"], f"seat {name}: a new hold under an old number"
        if old:
            over = before["status"] == "HELD" and before["held_until_s"] <= now_s
            assert over or self._sagas[old].rolls_back, f"seat {name} was taken from {old}, and {new} has it"

    def check_bags(self) -> None:
        """What is free and what the ledger says is taken are the aircraft's capacity together."""
        taken = sum(row["bags"] for row in self._tables["BaggageLedgerTable"].values() if row["state"] == "HELD")
        assert self.free_bags >= 0, "more bags were taken than there are"
        assert self.free_bags + taken == CAPACITY, f"{self.free_bags} bags are free and {taken} are taken"

    def check_money(self, before: "Moment | None", told_unpaid: set[str]) -> None:
        """Charged once, at the price; never after a refund; never when the customer was told that it was too late."""
        for booking_id in self._sagas:
            charge = self.of("SandboxGatewayTable", booking_id)
            outcome = charge.get("outcome")
            if before:
                earlier = before.of("SandboxGatewayTable", booking_id).get("outcome")
                assert outcome in _OUTCOMES[earlier], f"{booking_id}: {earlier} became {outcome}"
            if outcome == "CHARGED":
                assert charge["amount_minor"] == PRICE["amount_minor"], f"{booking_id} paid {charge['amount_minor']}"
                assert booking_id not in told_unpaid, f"{booking_id} was told that nothing is charged"
            if self.of("PaymentsTable", booking_id).get("state") == "CHARGED":
                assert outcome == "CHARGED", f"{booking_id}: the ledger keeps a charge that is {outcome}"

    def check_what_is_final(self, before: "Moment | None") -> None:
        """RELEASED, CLOSED and CANCELLED are never left."""
        final: list[tuple[str, str, str]] = [(table, "state", "RELEASED") for table in _LEDGERS]
        final += [("PaymentsTable", "state", "CLOSED"), ("BookingsTable", "status", "CANCELLED")]
        for table, column, end in final:
            for booking_id in self._sagas if before else ():
                was, now = (moment.of(table, booking_id).get(column) for moment in (before, self) if moment)
                assert was != end or now == end, f"{table}: {booking_id} was {was} and is {now}"

    def check_what_sagas_know(self) -> None:
        """What a saga was told is so: what it booked it has, and what it undid is undone and stays so."""
        for booking_id, saga in self._sagas.items():
            if saga.rolls_back:
                self._check_undone(booking_id, saga)
            elif saga.confirmed or self.of("BookingsTable", booking_id)["status"] == "CONFIRMED":
                states = self._states(booking_id)
                assert states == ("CONFIRMED", "CONFIRMED", "HELD", "CHARGED"), f"{booking_id} is confirmed: {states}"

    def _check_undone(self, booking_id: str, saga: OneSaga) -> None:
        booking, seat, bags, money = self._states(booking_id)
        done: dict[str, tuple[Any, set[Any]]] = {
            "RefundPayment": (money, {None, "DECLINED", "VOIDED", "REFUNDED"}),
            "ReleaseBaggage": (bags, {None, "RELEASED"}),
            "ReleaseSeat": (seat, {None, "RELEASED"}),
            "CancelBooking": (booking, {"CANCELLED"}),
        }
        for compensation, (state, undone) in done.items():
            assert compensation in saga.todo or state in undone, f"{booking_id} after {compensation}: {state}"

    def _states(self, booking_id: str) -> tuple[Any, Any, Any, Any]:
        seat, bags = (self.of(table, booking_id).get("state") for table in _LEDGERS)
        outcome = self.of("SandboxGatewayTable", booking_id).get("outcome")
        return self.of("BookingsTable", booking_id).get("status"), seat, bags, outcome
