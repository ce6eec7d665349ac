"""The columns of the matrix: what can go wrong at a state, what that does there, and where it can't happen."""

from collections.abc import Callable

from leleka.paths import PROJECT
from tests.fault.saga_file import FOREVER, State
from tests.fault.trouble import NotHereError, Trouble

PREPARED = {
    ("CreateBooking", "BookingNotFound"),
    ("CreateBooking", "BookingClosed"),
    ("ReserveSeat", "SeatTaken"),
    ("ReserveSeat", "SeatNotFound"),
    ("ReserveSeat", "AlreadyCompensated"),
    ("ReserveBaggage", "BaggageFull"),
    ("ReserveBaggage", "AlreadyCompensated"),
    ("RenewSeatLock", "HoldLost"),
    ("ProcessPayment", "CardDeclined"),
    ("ProcessPayment", "InsufficientFunds"),
    ("ProcessPayment", "PaymentMethodRejected"),
    ("ConfirmSeat", "HoldLost"),
}
"""Refusals that a case brings about by what it prepares; all others are answered at the executor's seam."""

RECONCILES = "Reconcile" in (PROJECT / "functions" / ".chalice" / "config.json").read_text()
THROTTLED = "Lambda.TooManyRequestsException"
CRASHED, TIMED_OUT = "Runtime.ExitError", "Sandbox.Timedout"
_BY_LAMBDA = {"function", "function with token"}
_CLAIMED = "a mail that was begun and not recorded is begun again after a minute: longer than a case"
_SLOW_S, _HOPELESS_S = 12, 100


def _refusals(state: State) -> list[Trouble]:
    if state.calls == "topic":
        raise NotHereError("an event is not refused: its Catch names States.ALL only")
    if state.undoes:
        raise NotHereError("its Catch and Retry name States.ALL only: a compensation has no refusal")
    # Every function refuses a command that does not fit, also where the file names no refusal.
    return [_refusal(state, name) for name in state.refusals or ["InvalidRequest"]]


def _refusal(state: State, name: str) -> Trouble:
    if (state.name, name) in PREPARED:
        return Trouble(detail=name, prepare=name, told=name, told_times=FOREVER, takes_s=8)
    return Trouble(_fail(state, name), FOREVER, name, FOREVER, detail=name)


def _fail(state: State, error: str) -> str:
    return f"{'answer' if state.calls == 'queue' else 'raise'}:{error}"


def _consumer(state: State) -> None:
    if state.calls == "topic" and not state.at:
        raise NotHereError("no function of ours reads what it sends")


def _crash(kind: str) -> Callable[[State], list[Trouble]]:
    def crash(state: State) -> list[Trouble]:
        _consumer(state)
        if kind == "crash_between" and state.calls == "topic":
            raise NotHereError(_CLAIMED)
        if kind == "crash_between" and not state.writes:
            raise NotHereError("its function writes nothing, as its policy says")
        if state.calls in _BY_LAMBDA:
            return [Trouble(kind, told=CRASHED)]
        return [Trouble(kind, takes_s=_SLOW_S)]  # the message comes again

    return crash


def _time_out(state: State) -> list[Trouble]:
    _consumer(state)
    return [Trouble("hang_after", told=TIMED_OUT if state.calls in _BY_LAMBDA else None, takes_s=_SLOW_S)]


def _throttled(state: State) -> list[Trouble]:
    _consumer(state)
    if state.calls in _BY_LAMBDA:
        return [Trouble(f"raise:{THROTTLED}", 2, THROTTLED, 2)]
    return [Trouble(f"raise:{THROTTLED}", takes_s=_SLOW_S)]


def _store_throttles(times: int) -> Callable[[State], list[Trouble]]:
    def throttle(state: State) -> list[Trouble]:
        _consumer(state)
        if state.calls == "topic":
            if times == FOREVER:
                raise NotHereError("the message is set aside after five attempts; the saga has ended long before")
            return [Trouble("store_throttles", takes_s=_SLOW_S)]
        return [Trouble("store_throttles", times, "StoreBusy", times)]

    return throttle


def _store_replies_lost(state: State) -> list[Trouble]:
    _consumer(state)
    if state.calls == "topic":
        raise NotHereError(_CLAIMED)
    if not state.writes:
        raise NotHereError("its function writes nothing, as its policy says")
    return [Trouble("store_reply_lost", told="StoreBusy")]


def _duplicate(state: State) -> list[Trouble]:
    _consumer(state)
    return [Trouble("twice")]


def _late(state: State) -> list[Trouble]:
    _consumer(state)
    if state.undoes:
        return [Trouble("copy", late=True)]
    if state.calls == "topic":
        return [Trouble("keep:Stuck", late=True)]
    return [Trouble("keep:Stuck", FOREVER, "Stuck", FOREVER, late=True)]


def _redelivered(state: State) -> list[Trouble]:
    _consumer(state)
    if state.calls not in {"queue", "topic"}:
        raise NotHereError("it is called by request and answer, no queue is between")
    return [Trouble("redelivered", takes_s=_SLOW_S)]


def _no_answer(state: State) -> list[Trouble]:
    if state.calls == "queue":
        return [Trouble("silence", FOREVER, "States.Timeout", FOREVER, takes_s=_HOPELESS_S)]
    if state.calls == "function with token":
        return [Trouble(told="States.Timeout", unpaid=True, takes_s=_HOPELESS_S)]
    raise NotHereError("it waits for no answer by task token")


def _lock(kind: str) -> Callable[[State], list[Trouble]]:
    def trouble(state: State) -> list[Trouble]:
        if not state.carries_lock:
            raise NotHereError("it carries no lock: its Parameters have no lock_id")
        return [Trouble(kind)]

    return trouble


def _gateway(kind: str) -> Callable[[State], list[Trouble]]:
    def silent(state: State) -> list[Trouble]:
        if state.calls != "queue":
            raise NotHereError("it asks no payment gateway")
        return [Trouble(kind, told="PaymentOutcomeUnknown")]

    return silent


def _unlucky(times: int) -> Callable[[State], list[Trouble]]:
    def unlucky(state: State) -> list[Trouble]:
        if state.calls == "topic" or not state.undoes:
            raise NotHereError("it is no compensation: its Catch records nothing under $.stuck")
        return [Trouble(_fail(state, "Unlucky"), times, "Unlucky", times)]

    return unlucky


def _topic_gone(state: State) -> list[Trouble]:
    if state.calls != "topic":
        raise NotHereError("it publishes nothing")
    return [Trouble(told="SNS.NotFoundException", told_times=FOREVER, topicless=True)]


def _outage(how: str) -> Callable[[State], list[Trouble]]:
    def outage(state: State) -> list[Trouble]:
        if state.calls == "topic":
            raise NotHereError("nothing that comes after it uses the lock")
        return [Trouble("gate", outage=how)]

    return outage


def _stopped(state: State) -> list[Trouble]:
    if state.calls == "topic":
        raise NotHereError("when it publishes, all that has to be done is done")
    if not RECONCILES:
        raise NotHereError("there is no function Reconcile, which looks for lost sagas")
    return [Trouble("gate", stopped=True, takes_s=8)]


COLUMNS: dict[str, Callable[[State], list[Trouble]]] = {
    "business refusal": _refusals,
    "crash before its effect": _crash("crash_before"),
    "crash after its effect": _crash("crash_after"),
    "crash after its first write": _crash("crash_between"),
    "time-out": _time_out,
    "throttled": _throttled,
    "DynamoDB throttles twice": _store_throttles(2),
    "DynamoDB throttles for ever": _store_throttles(FOREVER),
    "DynamoDB's reply lost": _store_replies_lost,
    "duplicate delivery": _duplicate,
    "late delivery": _late,
    "SQS redelivers": _redelivered,
    "no answer": _no_answer,
    "lock refuses": _lock("lock_refuses"),
    "lock's reply lost": _lock("lock_reply_lost"),
    "gateway silent before": _gateway("gateway_before"),
    "gateway silent after": _gateway("gateway_after"),
    "fails twice": _unlucky(2),
    "fails for ever": _unlucky(FOREVER),
    "topic gone": _topic_gone,
    "saga stopped": _stopped,
    "Valkey killed": _outage("killed"),
    "Valkey frozen": _outage("frozen"),
}
OF_COMPENSATIONS = [
    "crash after its effect",
    "duplicate delivery",
    "late delivery",
    "fails twice",
    "fails for ever",
    "saga stopped",
]
"""What a compensation meets in the cancellation saga too, where it is the same state as in the booking saga."""
