"""A stage goes when that is really wanted, whole, and takes nothing of another stage with it. A second stage stands
beside the session's on the same LocalStack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from leleka import deploy, destroy, seed
from leleka.artifacts import Artifacts
from leleka.destroy import DestroyError
from leleka.stage import Aws, Stage, StageError, load

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def spare(stage: Stage) -> Iterator[Stage]:
    """Another stage, deployed; whatever is left of it goes with the module."""
    aws = Aws("spare", stage.aws.gateway_url)
    yield deploy.deploy(aws, stage.lock_url, packaged=deploy.package("local"))
    list(destroy.destroy(aws, destroy.look(aws), delete_data=True))


def counts(stage: Stage) -> dict[str, Any]:
    """How many rows each table of a stage has."""
    tables = {name: stage.dynamodb.scan(TableName=table, Select="COUNT") for name, table in stage.tables.items()}
    return {name: scanned["Count"] for name, scanned in tables.items()}


def test_what_is_uploaded_for_a_stage_is_private_versioned_and_goes_over_tls(spare: Stage) -> None:
    """Also in a bucket that was there before; and the same again is not uploaded twice."""
    artifacts, s3 = Artifacts(spare.aws), spare.aws.client("s3")
    bucket = {"Bucket": artifacts.bucket}
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    [rule] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [kept] = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert "Days" not in kept["Expiration"]  # what a stage is made of never expires: a change may be rolled back to it
    [statement] = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    first = artifacts.upload(b"code", {"Resources": {}})
    before = artifacts.count()
    assert artifacts.upload(b"code", {"Resources": {}}) == first
    assert artifacts.count() == before


def test_a_stage_with_rows_stays_until_told_twice_and_then_goes_alone(stage: Stage, spare: Stage) -> None:
    """Refused, nothing is missing of it. Told to, its stack, tables and objects are gone, and it can be made anew; the
    stage beside it has all that it had."""
    seed.seed(spare)
    others, ours = counts(stage), counts(spare)
    remains = destroy.look(spare.aws)
    assert {table.name for table in remains.tables if table.has_rows} == {
        spare.tables[name] for name, rows in ours.items() if rows
    }
    with pytest.raises(DestroyError, match="--stage spare --delete-data"):
        list(destroy.destroy(spare.aws, remains, delete_data=False))
    assert counts(spare) == ours
    assert load(spare.aws).outputs == spare.outputs

    told = list(destroy.destroy(spare.aws, remains, delete_data=True))
    assert len(told) == 2 + len(spare.tables)
    assert not destroy.look(spare.aws)
    with pytest.raises(StageError, match="not deployed"):
        load(spare.aws)
    assert counts(stage) == others
    assert load(stage.aws).outputs == stage.outputs
    assert Artifacts(stage.aws).count() > 0


def test_a_half_deleted_stage_is_deleted_by_the_same_command(stage: Stage, spare: Stage) -> None:
    """A row that comes while the stack is going keeps its table. A second run finds what is left by its name, and what
    has no rows goes unasked. Both guards, against deleting the stack and against deleting a table, are for other
    hands."""
    aws, key = spare.aws, {"flight_id": {"S": "F"}, "cabin": {"S": "C"}}
    made = deploy.deploy(aws, stage.lock_url, packaged=deploy.package("local"))
    fares, guard = made.tables["FaresTable"], {"StackName": "leleka-spare", "EnableTerminationProtection": True}
    aws.client("cloudformation").update_termination_protection(**guard)
    remains = destroy.look(aws)
    made.dynamodb.put_item(TableName=fares, Item=key)
    with pytest.raises(DestroyError, match=f"{fares} holds rows by now and is kept"):
        list(destroy.destroy(aws, remains, delete_data=False))
    left = destroy.look(aws)
    assert (left.stack, [table.name for table in left.tables if table.has_rows]) == ("", [fares])
    with pytest.raises(DestroyError, match="hold rows"):
        list(destroy.destroy(aws, left, delete_data=False))
    made.dynamodb.delete_item(TableName=fares, Key=key)
    made.dynamodb.update_table(TableName=fares, DeletionProtectionEnabled=True)
    list(destroy.destroy(aws, destroy.look(aws), delete_data=False))
    assert not destroy.look(aws)
