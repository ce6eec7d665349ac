"""What IAM would be asked about a call, as the service authorization reference has it."""

from typing import Any

import pytest

from leleka.paths import PROJECT

ACCOUNT = "eu-central-1:000000000000"
MACHINE = f"arn:aws:states:{ACCOUNT}:stateMachine:saga"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The questions about a call, as pairs; the one task token that is waited with is "token"."""
    monkeypatch.syspath_prepend(PROJECT / "localstack" / "plugins")
    from process_plugins.authorization import Where, questions  # noqa: PLC0415 - it is not on the project's own path

    def ask(service: str, operation: str, **request: Any) -> Any:
        where = Where("aws", *ACCOUNT.split(":"))
        found = questions(service, operation, request, where, {"token": MACHINE}.get)
        return None if found is None else [(each.action, each.resource) for each in found]

    return ask


@pytest.mark.parametrize(
    ("service", "operation", "request_", "action", "resource"),
    [
        ("dynamodb", "GetItem", {"TableName": "seats"}, "dynamodb:GetItem", "dynamodb table/seats"),
        ("dynamodb", "Query", {"TableName": "seats"}, "dynamodb:Query", "dynamodb table/seats"),
        ("lambda", "Invoke", {"FunctionName": "price"}, "lambda:InvokeFunction", "lambda function:price"),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:x"}, "sns:Publish", "arn:aws:sns:x"),
        ("sqs", "DeleteMessageBatch", {"QueueUrl": "http://l/0/commands"}, "sqs:DeleteMessage", "sqs commands"),
        (
            "ses",
            "SendEmail",
            {"Source": "Leleka <us@leleka.example>"},
            "ses:SendEmail",
            "ses identity/us@leleka.example",
        ),
        ("ssm", "GetParameter", {"Name": "/leleka/key"}, "ssm:GetParameter", "ssm parameter/leleka/key"),
        ("stepfunctions", "StartExecution", {"stateMachineArn": MACHINE}, "states:StartExecution", MACHINE),
        ("stepfunctions", "GetExecutionHistory", {"executionArn": "arn:e"}, "states:GetExecutionHistory", "arn:e"),
        ("stepfunctions", "SendTaskFailure", {"taskToken": "token"}, "states:SendTaskFailure", MACHINE),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/aws/lambda/price", "logStreamName": "today"},
            "logs:PutLogEvents",
            "logs log-group:/aws/lambda/price:log-stream:today",
        ),
    ],
)
def test_a_call_is_one_question(
    asked: Any, service: str, operation: str, request_: dict[str, Any], action: str, resource: str
) -> None:
    """About its action and the resource that it names."""
    name, _, rest = resource.partition(" ")
    assert asked(service, operation, **request_) == [(action, f"arn:aws:{name}:{ACCOUNT}:{rest}" if rest else name)]


def test_a_query_of_an_index_is_about_the_index(asked: Any) -> None:
    """Also where the table is named by its ARN."""
    table = f"arn:aws:dynamodb:{ACCOUNT}:table/seats"
    for name in ("seats", table):
        assert asked("dynamodb", "Query", TableName=name, IndexName="due") == [("dynamodb:Query", f"{table}/index/due")]


def test_a_transaction_is_as_many_questions_as_it_has_items(asked: Any) -> None:
    """Each about what it does to that item; a condition check has an action of its own."""
    kinds = ("Put", "Update", "Delete", "ConditionCheck")
    items = [{kind: {"TableName": f"t{number}"}} for number, kind in enumerate(kinds)]
    assert asked("dynamodb", "TransactWriteItems", TransactItems=items) == [
        (f"dynamodb:{action}", f"arn:aws:dynamodb:{ACCOUNT}:table/t{number}")
        for number, action in enumerate(("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"))
    ]
    read = [{"Get": {"TableName": "t"}}]
    assert asked("dynamodb", "TransactGetItems", TransactItems=read) == [
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{ACCOUNT}:table/t")
    ]


def test_a_batch_is_a_question_for_each_of_its_tables(asked: Any) -> None:
    """Batches have actions of their own, unlike transactions."""
    for operation in ("BatchGetItem", "BatchWriteItem"):
        assert asked("dynamodb", operation, RequestItems={"t0": {}, "t1": {}}) == [
            (f"dynamodb:{operation}", f"arn:aws:dynamodb:{ACCOUNT}:table/{table}") for table in ("t0", "t1")
        ]


def test_an_alias_is_a_resource_of_its_own(asked: Any) -> None:
    """Whether it stands behind the name or beside it."""
    arn = f"arn:aws:lambda:{ACCOUNT}:function:price"
    assert asked("lambda", "Invoke", FunctionName=arn, Qualifier="live") == [("lambda:InvokeFunction", f"{arn}:live")]
    assert asked("lambda", "Invoke", FunctionName="price:live") == [("lambda:InvokeFunction", f"{arn}:live")]


def test_an_answer_that_nobody_waits_for_is_about_nothing(asked: Any) -> None:
    """Its token belongs to no state machine."""
    assert asked("stepfunctions", "SendTaskSuccess", taskToken="gone") == []


@pytest.mark.parametrize(("service", "operation"), [("kms", "Decrypt"), ("dynamodb", "ExecuteStatement")])
def test_what_nobody_has_written_down_is_not_passed_over(asked: Any, service: str, operation: str) -> None:
    """It is unknown, which is no "nothing"."""
    assert asked(service, operation) is None
