"""What IAM is asked about one AWS API call: may its caller do this action to that resource?

LocalStack enforces no policies, so nobody asks there. This says what would be asked, for the services that functions
and state machines use, after the service authorization reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

type Request = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """May the caller do ``action``, such as ``dynamodb:PutItem``, to ``resource``, an ARN?"""

    action: str
    resource: str


@dataclass(frozen=True)
class Where:
    """Where the call is made: what every ARN in it begins with."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:sqs:eu-central-1:000000000000:commands``; what is an ARN already stays as it is."""
        if resource.startswith("arn:"):
            return resource
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def questions(
    service: str, operation: str, request: Request, where: Where, machine_of: Callable[[str], str | None]
) -> list[Question] | None:
    """What IAM is asked about a call; None if nobody has written that down here yet.

    Args:
        service: its name as botocore has it.
        operation: the operation's name.
        request: its parameters.
        where: partition, region and account.
        machine_of: the ARN of the state machine that waits with a task token, or None.
    """
    if (service, operation) in _TRANSACTIONS:
        parts = [part for item in request["TransactItems"] for part in item.items()]
        return [Question(f"dynamodb:{_ITEM_OF_A_TRANSACTION[kind]}", _table(part, where)) for kind, part in parts]
    if (service, operation) in _ANSWERS_TO_A_TASK:
        # The reference names no resource, yet AWS does ask about the state machine. A token that nobody waits with
        # belongs to none, so there is nothing to ask about.
        machine = machine_of(request["taskToken"])
        return [Question(f"states:{operation}", machine)] if machine else []
    if (service, operation) in _BATCHES:
        return [
            Question(f"dynamodb:{operation}", _table({"TableName": table}, where)) for table in request["RequestItems"]
        ]
    action, resource = _ASKED.get((service, operation), (None, None))
    return [Question(action, resource(request, where))] if action and resource else None


def context(service: str, operation: str, request: Request) -> dict[str, str]:
    """The condition keys of a call, as far as policies look at them."""
    return {"ses:FromAddress": _address(request)} if (service, operation) == ("ses", "SendEmail") else {}


def _table(request: Request, where: Where) -> str:
    """A table by its name or its ARN, or one of its indexes."""
    name: str = request["TableName"]
    table = where.arn("dynamodb", name if name.startswith("arn:") else f"table/{name}")
    return f"{table}/index/{request['IndexName']}" if "IndexName" in request else table


def _function(request: Request, where: Where) -> str:
    """A function by its name or its ARN, with a version or an alias behind it if there is one."""
    name: str = request["FunctionName"]
    function = where.arn("lambda", name if name.startswith("arn:") else f"function:{name}")
    return f"{function}:{request['Qualifier']}" if "Qualifier" in request else function


def _queue(request: Request, where: Where) -> str:
    return where.arn("sqs", request["QueueUrl"].rpartition("/")[2])


def _identity(request: Request, where: Where) -> str:
    """The address; where only its domain is verified, AWS asks about that."""
    return where.arn("ses", f"identity/{_address(request)}")


def _address(request: Request) -> str:
    return parseaddr(request["Source"])[1]


def _parameter(request: Request, where: Where) -> str:
    name: str = request["Name"]
    return where.arn("ssm", name if name.startswith("arn:") else f"parameter/{name.removeprefix('/')}")


def _log_stream(request: Request, where: Where) -> str:
    return where.arn("logs", f"log-group:{request['logGroupName']}:log-stream:{request.get('logStreamName', '')}")


def _arn_in(parameter: str) -> Callable[[Request, Where], str]:
    return lambda request, _where: str(request[parameter])


_TRANSACTIONS = frozenset({("dynamodb", "TransactWriteItems"), ("dynamodb", "TransactGetItems")})
_BATCHES = frozenset({("dynamodb", "BatchGetItem"), ("dynamodb", "BatchWriteItem")})
_ITEM_OF_A_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}
_ANSWERS_TO_A_TASK = frozenset(
    ("stepfunctions", operation) for operation in ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")
)
_ASKED: dict[tuple[str, str], tuple[str, Callable[[Request, Where], str]]] = {
    **{
        ("dynamodb", operation): (f"dynamodb:{operation}", _table)
        for operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
    },
    ("stepfunctions", "StartExecution"): ("states:StartExecution", _arn_in("stateMachineArn")),
    **{
        ("stepfunctions", operation): (f"states:{operation}", _arn_in("executionArn"))
        for operation in ("DescribeExecution", "GetExecutionHistory", "StopExecution")
    },
    ("lambda", "Invoke"): ("lambda:InvokeFunction", _function),
    ("sns", "Publish"): ("sns:Publish", _arn_in("TopicArn")),
    **{
        ("sqs", f"{operation}{batch}"): (f"sqs:{operation}", _queue)
        for operation in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
        for batch in ("", "Batch")
    },
    **{("sqs", operation): (f"sqs:{operation}", _queue) for operation in ("ReceiveMessage", "GetQueueAttributes")},
    ("ses", "SendEmail"): ("ses:SendEmail", _identity),
    ("ssm", "GetParameter"): ("ssm:GetParameter", _parameter),
    **{
        ("logs", operation): (f"logs:{operation}", _log_stream)
        for operation in ("CreateLogGroup", "CreateLogStream", "PutLogEvents")
    },
}
