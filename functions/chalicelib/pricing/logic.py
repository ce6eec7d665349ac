"""What a booking costs."""

from chalicelib.pricing.models import CalculatePriceCommand, FareList, Price
from chalicelib.pricing.store import FareStore
from chalicelib.shared.errors import FareNotFound


def calculate_price(command: CalculatePriceCommand, store: FareStore) -> Price:
    """Seat and bags, added up.

    Raises:
        FareNotFound: that cabin of that flight is not on sale.
        StoreBusy: no verdict; the step may be repeated.
    """
    fare = store.find(command.flight_id, command.cabin)
    if fare is None:
        raise FareNotFound(f"flight {command.flight_id} has no fare in {command.cabin}")
    seat_minor = fare.exit_row_seat_minor if command.exit_row else fare.seat_minor
    bags_minor = fare.bag_minor * command.bags
    return Price(
        amount_minor=seat_minor + bags_minor, currency=fare.currency, seat_minor=seat_minor, bags_minor=bags_minor
    )


def fares_of(flight_id: str, store: FareStore) -> FareList:
    """The fares of a flight, for the price beside each seat."""
    return FareList(fares=store.of_flight(flight_id))
