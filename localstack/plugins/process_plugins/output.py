"""What a process prints, kept apart by invocation."""

import os

_READ_BYTES = 256 * 1024


class Output:
    """A pipe for the process's standard output and error.

    A process writes to the pipe before it posts its response. So whoever has the response and then reads the pipe
    until it is empty has everything that the invocation printed, and nothing of the next one, which hasn't begun.
    """

    def __init__(self, max_bytes: int) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._max_bytes = max_bytes
        self._kept = bytearray()
        self._dropped_bytes = 0

    def fileno(self) -> int:
        """For polling."""
        return self._reader

    def close_writer(self) -> None:
        """To be called once the process has its own copy of the writing end."""
        os.close(self.writer)

    def read(self) -> bool:
        """Reads what is there; False when nothing will ever come again."""
        try:
            data = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return True
        room = max(0, self._max_bytes - len(self._kept))
        self._kept += data[:room]
        self._dropped_bytes += max(0, len(data) - room)
        return bool(data)

    def take(self) -> str:
        """All that was printed since the last call."""
        # A background thread of the function may print forever: stop at what a full pipe holds.
        for _ in range(8):
            before = len(self._kept) + self._dropped_bytes
            if not self.read() or len(self._kept) + self._dropped_bytes == before:
                break
        text = self._kept.decode("utf-8", "replace")
        if self._dropped_bytes:
            text += f"\n[{self._dropped_bytes} more bytes of output were dropped]\n"
        self._kept.clear()
        self._dropped_bytes = 0
        return text if not text or text.endswith("\n") else f"{text}\n"

    def close(self) -> None:
        """Ends the pipe; a second call does nothing."""
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1
