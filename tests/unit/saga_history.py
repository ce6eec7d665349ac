"""Step Functions' execution history, written by hand in the shape of GetExecutionHistory."""

from datetime import UTC, datetime, timedelta
from typing import Any

T0 = datetime(2026, 11, 23, 12, tzinfo=UTC)
TO_PAYMENT = ("CreateBooking", "ValidateFlight", "ReserveSeat", "ReserveBaggage", "CalculatePrice")


class History:
    """Writes history events by hand, a tenth of a second apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.add("ExecutionStarted", executionStartedEventDetails={"input": "{}"})

    def add(self, kind: str, **details: Any) -> "History":
        number = len(self.events) + 1
        at = T0 + timedelta(seconds=number / 10)
        self.events.append({"timestamp": at, "type": kind, "id": number, "previousEventId": number - 1, **details})
        return self

    def enter(self, name: str, kind: str = "Task") -> "History":
        return self.add(f"{kind}StateEntered", stateEnteredEventDetails={"name": name, "input": "{}"})

    def leave(self, name: str, kind: str = "Task") -> "History":
        return self.add(f"{kind}StateExited", stateExitedEventDetails={"name": name, "output": "{}"})

    def invoke(self) -> "History":
        return self.add("LambdaFunctionScheduled", lambdaFunctionScheduledEventDetails={"resource": "arn"}).add(
            "LambdaFunctionStarted"
        )

    def lambda_failed(self, error: str) -> "History":
        return self.add("LambdaFunctionFailed", lambdaFunctionFailedEventDetails={"error": error, "cause": "{}"})

    def succeed(self, *names: str) -> "History":
        for name in names:
            self.enter(name).invoke()
            self.add("LambdaFunctionSucceeded", lambdaFunctionSucceededEventDetails={"output": "{}"}).leave(name)
        return self

    def refuse(self, name: str, error: str) -> "History":
        return self.enter(name).invoke().lambda_failed(error).leave(name)

    def ask(self, name: str) -> "History":
        """A state with a task token, up to where the command is on its way."""
        return self.enter(name).add("TaskScheduled").add("TaskStarted").add("TaskSubmitted")

    def answered(self, *names: str) -> "History":
        for name in names:
            self.ask(name).add("TaskSucceeded").leave(name)
        return self

    def unanswered(self, name: str) -> "History":
        return self.ask(name).add("TaskTimedOut", taskTimedOutEventDetails={"error": "States.Timeout"}).leave(name)

    def publish(self, name: str) -> "History":
        self.enter(name).add("TaskScheduled", taskScheduledEventDetails={"resourceType": "sns"}).add("TaskStarted")
        return self.add("TaskSucceeded", taskSucceededEventDetails={"resourceType": "sns"}).leave(name)


def confirmed() -> History:
    history = History().succeed(*TO_PAYMENT, "ProcessPayment", "ConfirmSeat", "ConfirmBooking")
    history.publish("NotifyConfirmed").enter("BookingConfirmed", "Succeed").leave("BookingConfirmed", "Succeed")
    return history.add("ExecutionSucceeded", executionSucceededEventDetails={"output": "{}"})


def declined() -> History:
    history = History().succeed(*TO_PAYMENT).refuse("ProcessPayment", "CardDeclined")
    history.succeed("ReleaseBaggage", "ReleaseSeat", "CancelBooking")
    history.enter("AnythingStuck", "Choice").leave("AnythingStuck", "Choice").publish("NotifyCancelled")
    history.enter("BookingFailed", "Fail")
    return history.add("ExecutionFailed", executionFailedEventDetails={"error": "CardDeclined", "cause": "{}"})


def held() -> History:
    history = History().succeed(*TO_PAYMENT)
    history.enter("PaymentMethodGiven", "Choice").leave("PaymentMethodGiven", "Choice").publish("NotifyHeld")
    return history.ask("AwaitPaymentMethod")


def paid_later() -> History:
    history = held().add("TaskSucceeded").leave("AwaitPaymentMethod").succeed("RenewSeatLock")
    history.answered("ProcessPayment").succeed("ConfirmSeat", "ConfirmBooking")
    return history.add("ExecutionSucceeded")


def expired() -> History:
    history = held().add("TaskTimedOut", taskTimedOutEventDetails={"error": "States.Timeout"})
    history.leave("AwaitPaymentMethod").enter("HoldExpired", "Pass").leave("HoldExpired", "Pass")
    history.answered("RefundPayment").succeed("ReleaseBaggage", "ReleaseSeat", "CancelBooking")
    return history.add("ExecutionFailed", executionFailedEventDetails={"error": "HoldExpired"})


def cancelled() -> History:
    history = History().answered("RefundPayment").succeed("ReleaseBaggage", "ReleaseSeat", "CancelBooking")
    history.publish("NotifyCancelled").enter("BookingCancelled", "Succeed").leave("BookingCancelled", "Succeed")
    return history.add("ExecutionSucceeded")


class StepFunctions:
    """GetExecutionHistory over a growing history: each call of the first page sees ``step`` events more."""

    class exceptions:  # noqa: N801 - as on a boto3 client
        """As on a boto3 client."""

        class ExecutionDoesNotExist(Exception):
            """As on a boto3 client."""

    def __init__(self, events: list[dict[str, Any]], step: int, page: int = 100) -> None:
        self.events, self.step, self.page = events, step, page
        self.seen = 0
        self.calls = 0

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        """Newest first, a page at a time."""
        assert request["reverseOrder"]
        self.calls += 1
        start = int(request.get("nextToken", 0))
        if not start:
            self.seen = min(self.seen + self.step, len(self.events))
        newest_first = self.events[: self.seen][::-1]
        answer: dict[str, Any] = {"events": newest_first[start : start + self.page]}
        if start + self.page < len(newest_first):
            answer["nextToken"] = str(start + self.page)
        return answer
