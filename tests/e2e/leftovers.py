"""What browser tests leave behind: seats that are held for nobody any more."""

from functools import partial

from chalicelib.api.requests import booking_id_for, secret_for
from leleka.stage import Stage
from tests.functional.customer import Customer, eventually, execution
from tests.promises import Promises


class Leftovers:
    """The bookings that pages asked for, known by their Idempotency-Keys, from which id and secret follow."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._operator = Customer(stage)
        self._all: set[str] = set()
        self._waiting: set[str] = set()

    def note(self, key: str) -> None:
        """A booking was asked for with this key."""
        self._all.add(key)
        self._waiting.add(key)

    def give_back(self) -> bool:
        """Cancels those that wait for a payment; true if there are none of which it isn't known yet."""
        for key in list(self._waiting):
            if self._is_settled(booking_id_for(key), secret_for(key)):
                self._waiting.discard(key)
        return not self._waiting

    def end(self) -> None:
        """Waits until every saga has ended; then all promises hold."""
        eventually(self.give_back, "a booking neither waits for its payment nor ends")
        promises = Promises(self._stage)
        made = {row["booking_id"] for row in promises.rows("BookingsTable")}
        for booking_id in made & {booking_id_for(key) for key in self._all}:
            eventually(partial(self._has_ended, booking_id), f"{booking_id} does not end")
        self._operator.close()
        promises.hold()

    def _is_settled(self, booking_id: str, secret: str) -> bool:
        """Whether it has ended, was never made, or will end since it has just been cancelled."""
        answer = self._operator.get(f"/bookings/{booking_id}", secret)
        if answer.status_code == 404:
            return True
        status = answer.json()["status"]
        if status == "AWAITING_PAYMENT":
            return self._operator.cancel(booking_id, secret).status_code == 202
        return status in {"CONFIRMED", "CANCELLED", "NEEDS_ATTENTION"}

    def _has_ended(self, booking_id: str) -> bool:
        return str(execution(self._stage, booking_id)["status"]) != "RUNNING"
