"""Functions' zips as LocalStack keeps them: once for all functions that were made from the same one.

By itself it uploads a copy for each function to a bucket of its own. Where CloudFormation makes two dozen functions
from one zip, that is a third of the deployment.
"""

import dataclasses
import hashlib
import threading
import uuid
from collections import defaultdict
from typing import Any

from localstack.services.lambda_ import provider
from localstack.services.lambda_.invocation import lambda_service
from localstack.services.lambda_.invocation.lambda_models import S3Code

type _Place = tuple[str, str, bytes]


class Archives:
    """The zips that are kept, and whose code each is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[_Place, S3Code] = {}
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        self._store = lambda_service.store_lambda_archive

    def store(self, archive_file: bytes, function_name: str, region_name: str, account_id: str) -> S3Code:
        """In place of ``lambda_service.store_lambda_archive``: keeps the zip unless it is kept already."""
        place = (account_id, region_name, hashlib.sha256(archive_file).digest())
        own_id = f"{function_name}-{uuid.uuid4()}"
        with self._lock:  # whoever comes with the same zip meanwhile finds it
            kept = self._kept.get(place)
            if kept is None:
                kept = self._kept[place] = self._store(archive_file, function_name, region_name, account_id)
            self._users[kept.s3_key].add(own_id)
        return _SharedCode(
            id=own_id,
            account_id=account_id,
            s3_bucket=kept.s3_bucket,
            s3_key=kept.s3_key,
            s3_object_version=kept.s3_object_version,
            code_sha256=kept.code_sha256,
            code_size=kept.code_size,
        )

    def leave(self, code: S3Code) -> bool:
        """Says whether nobody else has the zip. LocalStack gives a code up once for each version that has it."""
        with self._lock:
            self._users[code.s3_key].discard(code.id)
            if self._users[code.s3_key]:
                return False
            del self._users[code.s3_key]
            self._kept = {place: kept for place, kept in self._kept.items() if kept.s3_key != code.s3_key}
            return True


_archives = Archives()


@dataclasses.dataclass(frozen=True)
class _SharedCode(S3Code):
    """A function's code, whose zip others may have too."""

    def destroy(self) -> None:
        """Removes what is the function's own, and the zip with the last one's."""
        if _archives.leave(self):
            super().destroy()
        else:
            self.destroy_cached()


def keep_one_of_each() -> None:
    """To be called before the first function is made."""
    for module in (lambda_service, provider):
        store: Any = _archives.store
        module.store_lambda_archive = store
