"""What the roles of a stage may do, read from IAM as it was deployed, with every reference resolved."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult

from leleka.stage import Stage, stack_name

type Document = dict[str, Any]
type Statement = dict[str, Any]


class PolicyError(Exception):
    """A policy says something that can't be judged here; the message says what."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource that a statement allows, maybe under conditions."""

    owner: str
    action: str
    resource: str
    statement: str

    def covers(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether IAM would say yes because of this grant."""
        alone = {**json.loads(self.statement), "Action": self.action, "Resource": self.resource}
        looked_at = {key for values in alone.get("Condition", {}).values() for key in values}
        if not looked_at <= context.keys():
            return False
        answer = IAMPolicy(json.dumps({"Statement": [alone]})).is_action_permitted(action, resource, None, {**context})
        return bool(answer is PermissionResult.PERMITTED)


@dataclass(frozen=True)
class Role:
    """A role and the one function or state machine that has it, by its logical name."""

    name: str
    owner: str
    documents: tuple[Document, ...]

    def grants(self) -> Iterator[Grant]:
        """Everything that its policies allow.

        Raises:
            PolicyError: a statement is of a kind that is not judged here.
        """
        for document in self.documents:
            for statement in _listed(document["Statement"]):
                _require_plain(self.owner, statement)
                for action in _listed(statement["Action"]):
                    for resource in _listed(statement["Resource"]):
                        yield Grant(self.owner, action, resource, json.dumps(statement))


def roles_of(stage: Stage) -> dict[str, Role]:
    """The stage's roles by name.

    Raises:
        PolicyError: a role belongs to nobody or to more than one, or has a policy that is not its own.
    """
    pages = stage.aws.client("iam").get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
    told = {each["RoleName"]: each for page in pages for each in page["RoleDetailList"]}
    owners = _owners(stage)
    found = {}
    for name in resources_of(stage, "AWS::IAM::Role").values():
        if len(owners.get(name, [])) != 1:
            raise PolicyError(f"role {name} belongs to {owners.get(name, 'nobody')}; each function has one of its own")
        if told[name]["AttachedManagedPolicies"]:
            raise PolicyError(f"role {name} has a managed policy, which is wider than what its function needs")
        documents = tuple(policy["PolicyDocument"] for policy in told[name]["RolePolicyList"])
        found[name] = Role(name, owners[name][0], documents)
    return found


def _owners(stage: Stage) -> dict[str, list[str]]:
    """Whose the roles are: functions and state machines by their logical names."""
    owners: dict[str, list[str]] = {}
    pages = stage.aws.client("lambda").get_paginator("list_functions").paginate()
    roles = {each["FunctionName"]: each["Role"] for page in pages for each in page["Functions"]}
    for owner, name in resources_of(stage, "AWS::Lambda::Function").items():
        owners.setdefault(roles[name].rpartition("/")[2], []).append(owner)
    for owner, arn in resources_of(stage, "AWS::StepFunctions::StateMachine").items():
        role: str = stage.orchestrator.describe_state_machine(stateMachineArn=arn)["roleArn"]
        owners.setdefault(role.rpartition("/")[2], []).append(owner)
    return owners


def resources_of(stage: Stage, kind: str) -> dict[str, str]:
    """Physical ids of the stack's resources of that type by their logical ones."""
    pages = stage.aws.client("cloudformation").get_paginator("list_stack_resources")
    found = [
        each for page in pages.paginate(StackName=stack_name(stage.name)) for each in page["StackResourceSummaries"]
    ]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind}


def _require_plain(owner: str, statement: Statement) -> None:
    """moto's evaluation passes over what it does not know, so what it does not know is refused here."""
    if statement["Effect"] != "Allow" or not statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}:
        raise PolicyError(f"{owner}: only statements that allow actions on resources are judged, not {statement}")
    operators = statement.get("Condition", {}).keys()
    if operators - {"StringEquals"}:
        raise PolicyError(f"{owner}: a condition with {', '.join(operators)} is not judged, only StringEquals")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
