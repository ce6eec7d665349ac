"""Two public saga samples, counted by hand from what they define: each state that is entered is a transition, as in
AWS's bill; each Lambda task is an invocation; each call of DynamoDB in a function's code is a request."""

from typing import NamedTuple


class Counts(NamedTuple):
    """What one way through a saga takes, its start by an API included where the sample has one."""

    transitions: int
    invocations: int
    dynamodb_requests: int


class Sample(NamedTuple):
    """A sample: ``source`` names repository, commit and file."""

    name: str
    source: str
    confirmed: Counts
    declined: Counts
    has: str


SAMPLES = (
    Sample(
        name="cdk-patterns, the saga step function",
        source="github.com/cdk-patterns/serverless, 08e3163, the-saga-stepfunction/python",
        # ReserveHotel, ReserveFlight, TakePayment, ConfirmHotelBooking, ConfirmFlight, Succeed; the API's function
        confirmed=Counts(6, 6, 5),
        # ReserveHotel, ReserveFlight, TakePayment, RefundPayment, CancelFlight, CancelHotel, Fail; the API's function;
        # TakePayment fails before it writes
        declined=Counts(7, 7, 5),
        has="hotel, flight and payment, each a row put without a condition: no inventory, so nothing can be sold out "
        "or sold twice; a request that comes twice is two executions",
    ),
    Sample(
        name="aws-samples, long lived transactions",
        source="github.com/aws-samples/aws-step-functions-long-lived-transactions, 5ca56b7, statemachine/llt.asl.yaml",
        # ProcessOrder, ProcessPayment, ReserveInventory, NotifySuccess, OrderSucceeded; nothing starts it but a caller
        confirmed=Counts(5, 3, 3),
        # ProcessOrder, ProcessPayment, ProcessRefund, UpdateOrderStatus, OrderFailed; the payment's row is put first
        declined=Counts(5, 4, 6),
        has="order, payment and inventory, each a row put under a new id; stock is not counted; an unknown error has "
        "no catch, so nothing is undone after it",
    ),
)
