"""The functions' code on disk: unzipped once for all versions that were made from the same zip."""

import shutil
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any


class CodeStore:
    """Counts who uses which code, and removes what nobody uses. A dozen functions often share one zip."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: Counter[str] = Counter()

    def acquire(self, code: Any) -> Path:
        """The folder with the unzipped code; unzips it if need be. ``code`` is LocalStack's ``ArchiveCode``."""
        if code.is_hot_reloading():
            return Path(code.get_unzipped_code_location())
        folder = _folder(code)
        with self._lock:
            if not folder.exists():
                code.prepare_for_execution()
                folder.parent.mkdir(parents=True, exist_ok=True)
                code.get_unzipped_code_location().rename(folder)
            self._users[code.code_sha256] += 1
        return folder

    def release(self, code: Any) -> None:
        """To be called once for each call of :meth:`acquire`."""
        if code.is_hot_reloading():
            return
        with self._lock:
            self._users[code.code_sha256] -= 1
            if self._users[code.code_sha256] <= 0:
                del self._users[code.code_sha256]
                shutil.rmtree(_folder(code), ignore_errors=True)


def _folder(code: Any) -> Path:
    # The hash is in base64, whose alphabet has a slash.
    name = str(code.code_sha256).replace("/", "_").rstrip("=")
    return Path(tempfile.gettempdir()) / "process-executor" / "code" / name
