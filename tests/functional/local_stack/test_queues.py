"""How a queue's messages reach their function."""

import json
import uuid
from pathlib import Path

import pytest

from leleka.stage import Aws
from tests.functional.local_stack.functions import eventually, make_function

pytestmark = pytest.mark.stack

MEETING = '''
import json, pathlib, time

def handler(event, context):
    """Comes to the meeting, and says so if another one comes while it is there."""
    for record in event["Records"]:
        folder = pathlib.Path(json.loads(record["body"])["folder"])
        own = folder / f"here.{record['messageId']}"
        own.touch()
        until_s = time.monotonic() + 5
        while len(list(folder.glob("here.*"))) < 2 and not list(folder.glob("met.*")):
            if time.monotonic() > until_s:
                own.unlink()
                raise TimeoutError("nobody came")
            time.sleep(0.01)
        (folder / f"met.{record['messageId']}").touch()
        own.unlink()
'''


def test_messages_of_a_queue_are_carried_out_side_by_side(probe_aws: Aws, tmp_path: Path) -> None:
    """Each of two waits until the other is there: one after the other they would never meet."""
    sqs, awslambda = probe_aws.client("sqs"), probe_aws.client("lambda")
    function = make_function(probe_aws, MEETING)
    queue = sqs.create_queue(QueueName=f"meeting-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mapping = awslambda.create_event_source_mapping(EventSourceArn=arn, FunctionName=function.name, BatchSize=1)
    try:
        for _ in range(2):
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"folder": str(tmp_path)}))
        eventually(lambda: len(list(tmp_path.glob("met.*"))) == 2)
    finally:
        awslambda.delete_event_source_mapping(UUID=mapping["UUID"])
