"""The template of a stage on AWS, as CloudFormation will read it: packaged, released, translated. Nothing here runs on
AWS; these tests say what would be asked for there, and that LocalStack's stage is asked for none of it."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from leleka import release
from tests.templates import Template, effective, packaged, references, translated

FUNCTIONS = Path(__file__).parents[2] / "functions" / "chalicelib"
RESOURCES_MAX, TEMPLATE_BYTES_MAX = 500, 1_000_000
NAMES_A_FUNCTION = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
}
"""What speaks of a function and doesn't call it."""


@pytest.fixture(scope="module")
def as_packaged() -> Template:
    """What Chalice makes of infra/template.yaml and the functions, for every stage alike."""
    return packaged("prod")


@pytest.fixture(scope="module")
def whole(as_packaged: Template) -> Template:
    """What CloudFormation makes of it on AWS, conditions still open."""
    return translated(release.released(as_packaged))


@pytest.fixture(scope="module")
def prod(whole: Template) -> Template:
    """A stage on AWS that was told nothing."""
    return effective(whole, RunsOn="aws", DynamoDbPrefixList="pl-1")


@pytest.fixture(scope="module")
def local(as_packaged: Template) -> Template:
    """A stage on LocalStack."""
    return effective(translated(as_packaged), RunsOn="localstack", LockUrl="redis://127.0.0.1:6379/0")


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the resources of a type, by name."""
    found = {name: each for name, each in template["Resources"].items() if each["Type"] == kind}
    return {name: each.get("Properties", {}) for name, each in found.items()}


def statements(template: Template, role: str) -> list[Any]:
    """What a role may do: by its own policies, and by the template's that it has attached."""
    properties = template["Resources"][role]["Properties"]
    attached = [template["Resources"][each["Ref"]]["Properties"] for each in properties.get("ManagedPolicyArns", [])]
    documents = [each["PolicyDocument"] for each in [*properties["Policies"], *attached]]
    return [statement for document in documents for statement in document["Statement"]]


def test_it_is_within_cloudformations_limits(whole: Template) -> None:
    """With all that SAM adds: versions, aliases, deployment groups."""
    assert len(whole["Resources"]) < RESOURCES_MAX
    assert len(json.dumps(whole)) < TEMPLATE_BYTES_MAX


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"LockUrl": "rediss://user@cache:6379"},
        {"LockUrl": "none:"},
        {"RunsOn": "localstack", "LockUrl": "redis://x"},
    ],
    ids=["its own cache", "another lock server", "no lock server", "on LocalStack"],
)
def test_whatever_is_made_refers_to_what_is_made(whole: Template, told: dict[str, str]) -> None:
    """A condition that one resource has and another, which refers to it, has not, shows here and not at midnight."""
    made = effective(whole, **told)
    known = made["Resources"].keys() | made["Parameters"].keys()
    for name, part in {**made["Resources"], "Outputs": made["Outputs"]}.items():
        assert set(references(part)) <= known, name


def test_a_stage_on_localstack_has_no_network_no_keys_and_plain_functions(
    as_packaged: Template, local: Template, prod: Template
) -> None:
    """What it has not is what costs money on AWS and means nothing, or is missing, there."""
    for template in (local, effective(as_packaged, RunsOn="localstack")):  # the latter without a lock's URL
        kinds = {each["Type"].rsplit("::", 1)[0] for each in template["Resources"].values()}
        assert not kinds & {"AWS::EC2", "AWS::ElastiCache", "AWS::KMS", "AWS::CodeDeploy"}
    assert not of_type(local, "AWS::Lambda::Alias")
    assert all("VpcConfig" not in function for function in of_type(local, "AWS::Lambda::Function").values())
    assert len(of_type(local, "AWS::Lambda::Function")) == len(of_type(prod, "AWS::Lambda::Function"))


# --- the network ------------------------------------------------------------------------------------------------------


def functions_that_open_a_lock() -> set[str]:
    """By the source: those whose handler builds the seat lock."""
    found = set()
    for module in FUNCTIONS.rglob("handlers.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef) and "bootstrap.seat_lock()" in ast.unparse(node):
                registered = next(each for each in node.decorator_list if "lambda_function" in ast.unparse(each))
                assert isinstance(registered, ast.Call)
                found.add(ast.literal_eval(registered.keywords[0].value))
    return found


def test_the_functions_that_open_a_lock_are_in_the_network_and_no_other(prod: Template) -> None:
    """Each of the others would pay for it with its way to every other service."""
    group = {"Fn::GetAtt": ["SeatFunctionsGroup", "GroupId"]}
    network = {"SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}], "SecurityGroupIds": [group]}
    functions = of_type(prod, "AWS::Lambda::Function")
    inside = {name: function["VpcConfig"] for name, function in functions.items() if "VpcConfig" in function}
    assert inside == dict.fromkeys(functions_that_open_a_lock(), network)
    assert len(inside) == 5


def test_only_they_may_sign_in_to_the_cache_and_be_connected_to_the_network(prod: Template) -> None:
    """Lambda connects them with their own role; their code has no use for that and is denied it."""
    roles = {
        name: function["Role"]["Fn::GetAtt"][0] for name, function in of_type(prod, "AWS::Lambda::Function").items()
    }
    for name, role in roles.items():
        mine = [each for each in statements(prod, role) if "elasticache" in str(each) or "ec2:" in str(each)]
        if name not in functions_that_open_a_lock():
            assert mine == []
            continue
        connect, interfaces, denied = mine
        assert connect["Action"] == "elasticache:Connect"
        assert connect["Resource"] == [{"Fn::GetAtt": ["SeatCache", "ARN"]}, {"Fn::GetAtt": ["SeatCacheUser", "Arn"]}]
        assert interfaces["Effect"] == "Allow"
        assert denied["Effect"] == "Deny"
        assert interfaces["Action"] == denied["Action"]
        assert "lambda:SourceFunctionArn" in str(denied["Condition"])


def test_the_network_has_no_way_out(prod: Template) -> None:
    """No gateway to the internet, no address translation, no route but DynamoDB's, which its endpoint adds."""
    kinds = {each["Type"] for each in prod["Resources"].values() if each["Type"].startswith("AWS::EC2::")}
    assert kinds == {
        "AWS::EC2::VPC",
        "AWS::EC2::Subnet",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::FlowLog",
    }
    zones = [subnet["AvailabilityZone"]["Fn::Select"][0] for subnet in of_type(prod, "AWS::EC2::Subnet").values()]
    assert sorted(zones) == [0, 1]
    assert not any("MapPublicIpOnLaunch" in subnet for subnet in of_type(prod, "AWS::EC2::Subnet").values())


def test_the_rules_of_the_network_are_these_and_no_more(prod: Template) -> None:
    """From the functions to the cache, to DynamoDB and to the endpoints. A group without a rule of its own would let
    everything out, so each has one."""

    def reach(rule: dict[str, Any]) -> tuple[Any, ...]:
        ends = [rule[key] for key in sorted(rule) if key.startswith(("Destination", "Source", "Cidr"))]
        return (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), str(ends))

    def group(name: str) -> str:
        return str([{"Fn::GetAtt": [name, "GroupId"]}])

    out = {
        name: set(map(reach, each["SecurityGroupEgress"]))
        for name, each in of_type(prod, "AWS::EC2::SecurityGroup").items()
    }
    nowhere = {("-1", None, None, "['127.0.0.1/32']")}
    assert out == {
        "SeatFunctionsGroup": {
            ("tcp", 6379, 6380, group("CacheGroup")),
            ("tcp", 443, 443, group("EndpointsGroup")),
            ("tcp", 443, 443, "['pl-1']"),
        },
        "CacheGroup": nowhere,
        "EndpointsGroup": nowhere,
    }
    assert not any("SecurityGroupIngress" in each for each in of_type(prod, "AWS::EC2::SecurityGroup").values())
    let_in = {
        each["GroupId"]["Fn::GetAtt"][0]: reach(each)
        for each in of_type(prod, "AWS::EC2::SecurityGroupIngress").values()
    }
    assert let_in == {
        "CacheGroup": ("tcp", 6379, 6380, group("SeatFunctionsGroup")),
        "EndpointsGroup": ("tcp", 443, 443, group("SeatFunctionsGroup")),
    }


def test_through_dynamodbs_endpoint_only_the_seats_tables_are_reached(prod: Template) -> None:
    """Not another table of the stage, not another account's: the functions' roles say the same, and this says it again
    where the network ends. What the roles may do there is let through."""
    endpoint = of_type(prod, "AWS::EC2::VPCEndpoint")["DynamoDbEndpoint"]
    [allowed] = endpoint["PolicyDocument"]["Statement"]
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert set(references(allowed["Resource"])) == {"SeatsTable", "SeatLedgerTable"}
    assert "aws:PrincipalAccount" in str(allowed["Condition"])
    for name in functions_that_open_a_lock():
        mine = [each for each in statements(prod, f"{name}Role") if "dynamodb:" in str(each["Action"])]
        assert {action for each in mine for action in each["Action"]} <= set(allowed["Action"])


def test_the_network_keeps_a_log_for_a_month(prod: Template) -> None:
    """Of all traffic, accepted and rejected."""
    [flow_log] = of_type(prod, "AWS::EC2::FlowLog").values()
    assert (flow_log["ResourceId"], flow_log["TrafficType"]) == ({"Ref": "Network"}, "ALL")
    assert of_type(prod, "AWS::Logs::LogGroup")["FlowLogGroup"]["RetentionInDays"] == 30


def test_the_stage_makes_its_own_lock_url(prod: Template) -> None:
    """TLS, the cluster's protocol, and a token in place of a password; tests/functional/locking uses that very URL."""
    for name in functions_that_open_a_lock():
        [text, given] = of_type(prod, "AWS::Lambda::Function")[name]["Environment"]["Variables"]["LOCK_URL"]["Fn::Sub"]
        assert text == "rediss+cluster://${User}@${Host}:${Port}?iam=${SeatCache}&iam_serverless=true"
        assert given["User"] == {"Ref": "SeatCacheUser"}
        assert given["Host"] == {"Fn::GetAtt": ["SeatCache", "Endpoint.Address"]}
    user = prod["Resources"]["SeatCacheUser"]["Properties"]
    assert user["UserId"] == user["UserName"]
    assert user["AuthenticationMode"] == {"Type": "iam"}
    cache = prod["Resources"]["SeatCache"]["Properties"]
    assert (cache["Engine"], cache["UserGroupId"]) == ("valkey", {"Ref": "SeatCacheUsers"})
    assert cache["CacheUsageLimits"].keys() == {"DataStorage", "ECPUPerSecond"}


@pytest.mark.parametrize("url", ["rediss://user:secret@cache:6379", "none:"])
def test_a_lock_url_that_is_given_stands_and_needs_no_network(whole: Template, url: str) -> None:
    """Its server is reached as any other address is."""
    told = effective(whole, LockUrl=url)
    assert not [
        each for each in told["Resources"].values() if each["Type"].startswith(("AWS::EC2", "AWS::ElastiCache"))
    ]
    for name in functions_that_open_a_lock():
        function = of_type(told, "AWS::Lambda::Function")[name]
        assert function["Environment"]["Variables"]["LOCK_URL"] == url
        assert "VpcConfig" not in function


# --- data and messages ------------------------------------------------------------------------------------------------


def test_every_table_is_protected_on_aws(prod: Template, local: Template) -> None:
    """It can be put back to any second of the last five weeks, its key's use is logged, and it is deleted neither by a
    slip nor with its stack. On LocalStack all of that is off, except that the stack leaves its tables."""
    for template, on_aws in ((prod, True), (local, False)):
        tables = of_type(template, "AWS::DynamoDB::Table")
        assert len(tables) >= 11
        for name, table in tables.items():
            assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": on_aws}, name
            assert table["SSESpecification"] == {"SSEEnabled": on_aws}, name
            assert table["DeletionProtectionEnabled"] is on_aws, name
            assert table["BillingMode"] == "PAY_PER_REQUEST", name
            resource = template["Resources"][name]
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_every_queue_is_encrypted_and_takes_nothing_in_the_clear(prod: Template) -> None:
    """A queue has one policy; a second one would take the first one's place."""
    policies = list(of_type(prod, "AWS::SQS::QueuePolicy").values())
    for name, queue in of_type(prod, "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name
        [policy] = [each for each in policies if {"Ref": name} in each["Queues"]]
        denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert [(each["Condition"], each["Principal"], each["Action"]) for each in denied] == [
            ({"Bool": {"aws:SecureTransport": "false"}}, "*", "sqs:*")
        ], name


def test_every_topic_is_encrypted_with_a_key_that_its_publishers_may_use(prod: Template) -> None:
    """An alarm that may not use the key is lost without a word. The others publish with roles of this account."""
    for name, topic in of_type(prod, "AWS::SNS::Topic").items():
        assert topic["KmsMasterKeyId"] == {"Ref": "TopicsKey"}, name
        [policy] = [each for each in of_type(prod, "AWS::SNS::TopicPolicy").values() if {"Ref": name} in each["Topics"]]
        denied = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}], name
    by_services = [
        (each["Principal"]["Service"], each["Action"], each["Resource"])
        for policy in of_type(prod, "AWS::SNS::TopicPolicy").values()
        for each in policy["PolicyDocument"]["Statement"]
        if each["Effect"] == "Allow"
    ]
    assert by_services == [("cloudwatch.amazonaws.com", "sns:Publish", {"Ref": "OperatorTopic"})]
    key = of_type(prod, "AWS::KMS::Key")["TopicsKey"]
    assert key["EnableKeyRotation"] is True
    users = [
        each for each in key["KeyPolicy"]["Statement"] if each["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    ]
    assert [each["Principal"] for each in users] == [{"AWS": "*"}, {"Service": "cloudwatch.amazonaws.com"}]
    assert users[0]["Condition"]["StringEquals"].keys() == {"kms:CallerAccount", "kms:ViaService"}


def test_alarms_tell_the_topic_that_they_may_tell(prod: Template) -> None:
    """CloudWatch may publish to the operator's topic and to no other."""
    actions = [each.get("AlarmActions", []) for each in of_type(prod, "AWS::CloudWatch::Alarm").values()]
    assert {json.dumps(action) for each in actions for action in each} == {'{"Ref": "OperatorTopic"}'}


# --- releases ---------------------------------------------------------------------------------------------------------


def test_every_function_is_published_and_released_by_a_canary_that_its_alarm_stops(prod: Template) -> None:
    """A tenth of the calls for five minutes, then all; back again if the alarm goes off meanwhile."""
    for name in of_type(prod, "AWS::Lambda::Function"):
        alias = prod["Resources"][f"{name}Aliaslive"]
        assert alias["Properties"]["FunctionName"] == {"Ref": name}
        [group] = references(alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"])
        canary = prod["Resources"][group]["Properties"]
        assert canary["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
        alarms = {"Enabled": True, "Alarms": [{"Name": {"Ref": release.alarm_of(name)}}]}
        assert canary["AlarmConfiguration"] == alarms
        assert "DEPLOYMENT_STOP_ON_ALARM" in canary["AutoRollbackConfiguration"]["Events"]


def test_a_release_at_once_asks_no_alarm(as_packaged: Template, whole: Template) -> None:
    """CodeDeploy begins nothing while a canary's alarm is on. The versions are the same as by canary."""
    at_once = translated(release.released(as_packaged, at_once=True))
    for group in of_type(at_once, "AWS::CodeDeploy::DeploymentGroup").values():
        assert "AlarmConfiguration" not in group
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "AllAtOnce"}
    assert set(of_type(at_once, "AWS::Lambda::Version")) == set(of_type(whole, "AWS::Lambda::Version"))


def test_everybody_calls_the_alias(prod: Template) -> None:
    """State machines, API, queues, rules and their permissions, functions that call others, the operator: a call past
    the alias would be one past the canary, and would meet the newest code at once."""
    functions = set(of_type(prod, "AWS::Lambda::Function"))
    for name, resource in prod["Resources"].items():
        if resource["Type"] not in NAMES_A_FUNCTION:
            assert not set(references(resource)) & functions, name
    assert prod["Outputs"]["Reconcile"]["Value"] == {"Ref": "ReconcileAliaslive"}


def test_who_may_call_a_function_may_call_its_alias(prod: Template) -> None:
    """For each function that the code or a state machine is told of, its role has the permission for the same alias."""
    aliases = set(of_type(prod, "AWS::Lambda::Alias"))

    def may_call(role: str) -> set[str]:
        mine = [
            each
            for each in statements(prod, role)
            if each["Action"] in ("lambda:InvokeFunction", ["lambda:InvokeFunction"])
        ]
        return {name for each in mine for name in references(each["Resource"])}

    for machine in of_type(prod, "AWS::StepFunctions::StateMachine").values():
        called = set(references(machine["DefinitionSubstitutions"])) & aliases
        assert called
        assert called <= may_call(machine["RoleArn"]["Fn::GetAtt"][0])
    told = {
        name: set(references(each.get("Environment", {}))) & aliases
        for name, each in of_type(prod, "AWS::Lambda::Function").items()
    }
    assert {name for name, called in told.items() if called} == {"APIHandler", "Reconcile"}
    for name, called in told.items():
        assert may_call(prod["Resources"][name]["Properties"]["Role"]["Fn::GetAtt"][0]) == called, name


def test_who_is_let_in_by_a_permission_is_let_in_to_the_alias(prod: Template) -> None:
    """API Gateway and both rules; the permission and the caller's target name the same."""
    permitted = [each["FunctionName"] for each in of_type(prod, "AWS::Lambda::Permission").values()]
    api, *rules = sorted(permitted, key=str)
    assert (api, rules) == ({"Ref": "APIHandlerAliaslive"}, [{"Ref": "ReconcileAliaslive"}] * 2)
    targets = [target["Arn"] for rule in of_type(prod, "AWS::Events::Rule").values() for target in rule["Targets"]]
    assert targets == rules
    [definition] = [each["Body"] for each in of_type(prod, "AWS::ApiGateway::RestApi").values()]
    methods = [method for path in definition["paths"].values() for method in path.values()]
    uris = {str(method["x-amazon-apigateway-integration"]["uri"]) for method in methods}
    assert [uri.count("${APIHandlerAliaslive}") for uri in uris] == [1]


def test_a_changed_setting_is_a_release_and_the_same_again_is_none(as_packaged: Template, whole: Template) -> None:
    """A version's name is a hash of all that the function is."""

    def versions(template: Template) -> set[str]:
        return set(of_type(template, "AWS::Lambda::Version"))

    again = translated(release.released(as_packaged))
    assert versions(again) == versions(whole)
    changed = json.loads(json.dumps(as_packaged))
    changed["Resources"]["ReserveSeat"]["Properties"]["Timeout"] = 11
    different = versions(translated(release.released(changed))) ^ versions(whole)
    assert len(different) == 2
    assert all(name.startswith("ReserveSeatVersion") for name in different)
