"""What least privilege puts up with, each with its reason. This is the only place for it; an excuse that nothing needs
any more is a complaint too."""

import re
from dataclasses import dataclass

_STACK = r"[\w-]+"


@dataclass(frozen=True)
class Excuse:
    """``owner`` is a function, a state machine or ``*``; ``resource`` is a pattern for an ARN from its account on, in
    which ``{owner}`` stands for the owner."""

    owner: str
    action: str
    resource: str
    why: str

    def covers(self, owner: str, action: str, arn: str) -> bool:
        """Whether it was made for this."""
        pattern = self.resource.replace("{owner}", owner)
        there = arn.split(":", 5)[-1]
        return self.owner in {owner, "*"} and self.action == action and re.fullmatch(pattern, there) is not None


_OWN_LOGS = "its own group: CloudFormation ends a function's name with letters of its own, and streams come by day"
_PER_BOOKING = "each booking has an execution of its own"

_TRACES = ("PutTraceSegments", "PutTelemetryRecords")
_SAMPLES = ("GetSamplingRules", "GetSamplingTargets")
_LOG_DELIVERY = (
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
_TELEMETRY = (
    *(("*", f"xray:{action}") for action in _TRACES),
    *((saga, f"xray:{action}") for saga in ("BookingSaga", "CancellationSaga") for action in _SAMPLES),
    *((saga, f"logs:{action}") for saga in ("BookingSaga", "CancellationSaga") for action in _LOG_DELIVERY),
)
"""Who may do what of X-Ray and of the delivery of logs. Neither knows a narrower resource than all."""

WIDE = (
    *(Excuse(owner, action, r"\*", "the action knows no narrower resource") for owner, action in _TELEMETRY),
    *(
        Excuse("*", f"logs:{action}", rf"log-group:/aws/lambda/{_STACK}-{{owner}}-\*", _OWN_LOGS)
        for action in ("CreateLogStream", "PutLogEvents")
    ),
    *(
        Excuse(owner, action, rf"execution:{_STACK}-{saga}-saga:\*", _PER_BOOKING)
        for owner, action in (("APIHandler", "states:GetExecutionHistory"), ("Reconcile", "states:DescribeExecution"))
        for saga in ("booking", "cancellation")
    ),
)
"""Wildcards."""

UNSEEN = (
    *(Excuse(owner, action, r"\*", "Lambda and Step Functions themselves do it") for owner, action in _TELEMETRY),
    Excuse(
        "APIHandler",
        "dynamodb:UpdateItem",
        rf"table/{_STACK}-BookingsTable-\w+",
        "claims anew for a request that was kept two minutes ago and whose saga never began; a unit test shows it",
    ),
    *(
        Excuse("*", f"logs:{action}", rf"log-group:/aws/lambda/{_STACK}-{{owner}}-\*", "Lambda writes what they print")
        for action in ("CreateLogStream", "PutLogEvents")
    ),
    *(
        Excuse(owner, f"sqs:{action}", rf"{_STACK}-{queue}-\w+", "Lambda polls the queue for them")
        for owner, queue in (("CarryOutPayments", "PaymentCommandsQueue"), ("NotifyCustomer", "NotificationQueue"))
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ),
    Excuse("NotifyCustomer", "ses:SendEmail", r"identity/leleka\.example", "SES may know the domain, or the address"),
    Excuse(
        "ReserveBaggage",
        "dynamodb:UpdateItem",
        rf"table/{_STACK}-BaggageLedgerTable-\w+",
        "gives back what an earlier attempt took after this one was refused and before it looked: a race",
    ),
)
"""Grants that no call of the function's own shows to be needed."""

LOCAL_LOGS = (
    Excuse(
        "*", "logs:CreateLogGroup", r"log-group:.*", "LocalStack tries to make each function's group; the stack has it"
    ),
    *(
        Excuse(
            "*",
            f"logs:{action}",
            rf"log-group:/aws/lambda/{_STACK}:log-stream:.*",
            "a local stage's functions have the names that chalice deploy looks for; on AWS CloudFormation names them",
        )
        for action in ("CreateLogStream", "PutLogEvents")
    ),
)
"""What LocalStack does in Lambda's place, under names that only a local stage has."""

PROVOKED = (
    *LOCAL_LOGS,
    *(
        Excuse("*", f"dynamodb:{action}", r"table/no-such-table", "tests break a function by the name of its table")
        for action in ("GetItem", "PutItem", "Query", "UpdateItem")
    ),
    Excuse(
        "NotifyCustomer", "ses:SendEmail", r"identity/nobody@unverified\.example", "a test has SES refuse the sender"
    ),
)
"""Calls that are not allowed, and that tests make a function try."""

WITH_STRIPE = tuple(
    Excuse("CarryOutPayments", action, resource, "a test has it pay with Stripe, and judges it by its policy for that")
    for action, resource in (
        ("ssm:GetParameter", r"parameter/leleka/stripe-secret-key"),
        ("dynamodb:GetItem", rf"table/{_STACK}-PaymentsTable-\w+"),
    )
)
"""Calls that are not allowed where the sandbox is the provider."""
