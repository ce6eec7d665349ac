"""What CloudFormation reads while it deploys: code, sagas and template, in one bucket an account and region.

Each stage has a folder of its own, and each object the hash of its content for a name. What a stage was made of is
never overwritten and never expires: a change that is rolled back needs it again.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from leleka.paths import PROJECT
from leleka.stage import Aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SAGAS = {"SagaKey": "booking_saga.asl.json", "CancellationSagaKey": "cancellation_saga.asl.json"}
_LIFECYCLE: Any = {
    "Rules": [
        {
            "ID": "what-was-deleted-goes-for-good",
            "Status": "Enabled",
            "Filter": {},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}


class Artifacts:
    """The folder of one stage in the bucket of its account and region."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._account: str = aws.client("sts").get_caller_identity()["Account"]
        self._s3: S3Client = aws.client("s3")
        self.bucket = f"leleka-artifacts-{self._account}-{self._s3.meta.region_name}"
        self._folder = f"{aws.stage}/"

    def upload(self, code: bytes, template: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """Puts everything there, the template last, as it then names the code. Returns the template's URL, and the
        parameters that name the rest."""
        self._make_bucket()
        code_key = self._put(code, "zip")
        parameters = {"ArtifactBucket": self.bucket}
        for parameter, name in _SAGAS.items():
            parameters[parameter] = self._put((PROJECT / "statemachine" / name).read_bytes(), "asl.json")
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": self.bucket, "Key": code_key}
        key = self._put(json.dumps(template, sort_keys=True).encode(), "template.json")
        base = self._aws.gateway_url or f"https://s3.{self._s3.meta.region_name}.amazonaws.com"
        return f"{base}/{self.bucket}/{key}", parameters

    def count(self) -> int:
        """How many objects are in the stage's folder, in all their versions."""
        return sum(len(page) for page in self._pages())

    def remove(self) -> int:
        """Deletes the stage's folder, every version of it, and the bucket if nothing else is in it. Returns how many
        objects there were."""
        removed = 0
        for objects in self._pages():
            deleted = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True})
            removed += len(objects) - len(deleted.get("Errors", []))
        with contextlib.suppress(ClientError):  # it has gone, or another stage's folder is in it
            self._s3.delete_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._account)
        return removed

    def _pages(self) -> Iterator[list[Any]]:
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self._folder, ExpectedBucketOwner=self._account
        )
        try:
            for page in pages:
                found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                if found:
                    yield [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        except self._s3.exceptions.NoSuchBucket:
            return

    def _put(self, content: bytes, suffix: str) -> str:
        key = f"{self._folder}{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
        # A bucket of this name that is somebody else's must neither get our code nor give CloudFormation theirs.
        where: Any = {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self._account}
        try:
            self._s3.head_object(**where)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self._s3.put_object(Body=content, **where)
        return key

    def _make_bucket(self) -> None:
        """Makes the bucket if there is none, and makes it private, versioned and open to TLS only in either case."""
        ours: Any = {"Bucket": self.bucket, "ExpectedBucketOwner": self._account}
        try:
            self._s3.head_bucket(**ours)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self._create()
        self._s3.put_public_access_block(
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
            **ours,
        )
        encrypted: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        self._s3.put_bucket_encryption(ServerSideEncryptionConfiguration=encrypted, **ours)
        self._s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **ours)
        self._s3.put_bucket_lifecycle_configuration(LifecycleConfiguration=_LIFECYCLE, **ours)
        self._s3.put_bucket_policy(Policy=json.dumps(self._tls_only()), **ours)

    def _create(self) -> None:
        region: Any = self._s3.meta.region_name
        # S3 takes no location for its oldest region.
        where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._s3.create_bucket(Bucket=self.bucket, **where)

    def _tls_only(self) -> dict[str, Any]:
        arn = f"arn:{self._s3.meta.partition}:s3:::{self.bucket}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
