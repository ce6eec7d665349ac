"""A function's policy as CloudFormation makes it of its file, under conditions that the stage itself need not meet."""

import json
from typing import Any

from leleka.paths import PROJECT
from leleka.stage import Stage, stack_name
from tests.least_privilege.roles import Document, resources_of

_POLICIES = PROJECT / "functions" / ".chalice" / "policies"
_NO_VALUE = {"Ref": "AWS::NoValue"}


def policy_of(stage: Stage, function: str, **conditions: bool) -> Document:
    """The policy with its references resolved, as far as payments use them."""
    document: Document = _Resolver(stage, conditions).resolved(json.loads((_POLICIES / f"{function}.json").read_text()))
    return document


class _Resolver:
    def __init__(self, stage: Stage, conditions: dict[str, bool]) -> None:
        self._conditions = conditions
        _, self._partition, _, self._region, self._account, _ = stage.saga_arn.split(":", 5)
        described = stage.aws.client("cloudformation").describe_stacks(StackName=stack_name(stage.name))["Stacks"][0]
        self._values = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
        self._values |= {
            "AWS::Partition": self._partition,
            "AWS::Region": self._region,
            "AWS::AccountId": self._account,
            "AWS::StackName": stack_name(stage.name),
        }
        tables, queues = resources_of(stage, "AWS::DynamoDB::Table"), resources_of(stage, "AWS::SQS::Queue")
        self._arns = {name: self._arn("dynamodb", f"table/{table}") for name, table in tables.items()}
        self._arns |= {name: self._arn("sqs", url.rpartition("/")[2]) for name, url in queues.items()}

    def resolved(self, value: Any) -> Any:
        """The value without intrinsic functions."""
        match value:
            case {"Fn::If": [condition, yes, no]}:
                return self.resolved(yes if self._conditions[condition] else no)
            case {"Fn::GetAtt": [resource, "Arn"]}:
                return self._arns[resource]
            case {"Fn::Sub": str(text)}:
                for name, known in self._values.items():
                    text = text.replace(f"${{{name}}}", known)
                return text
            case dict() if value != _NO_VALUE:
                return {key: self.resolved(each) for key, each in value.items()}
            case list():
                return [each for each in map(self.resolved, value) if each != _NO_VALUE]
        return value

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{resource}"
