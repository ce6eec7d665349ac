"""The customer's page: the files of one folder, read once a process.

Files are served under a hash of them all, so that a browser keeps them for good and never mixes two deployments. A page
that was opened before a deployment asks for the old hash and gets the current file.
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from chalicelib.shared.errors import Refusal

_FOLDER = Path(__file__).with_name("web")
_INDEX = "index.html"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HERE_ONLY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
type Headers = dict[str, str | list[str]]

PAGE_HEADERS: Headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _HERE_ONLY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of the page itself, besides those of every answer (headers.py)."""


class FileNotServed(Refusal):
    """The page has no such file."""


@dataclass(frozen=True)
class File:
    """A file as it is sent."""

    text: str
    content_type: str


@dataclass(frozen=True)
class Site:
    """The page and its files by name."""

    version: str
    index: str
    files: dict[str, File]

    def file(self, name: str) -> File:
        """The file of this name.

        Raises:
            FileNotServed: there is none.
        """
        try:
            return self.files[name]
        except KeyError as unknown:
            raise FileNotServed("the page has no such file") from unknown


@functools.cache
def site() -> Site:
    """The page of this deployment."""
    return load(_FOLDER)


def load(folder: Path) -> Site:
    """Reads a page: what it links to as ``{version}`` becomes the hash of all its files."""
    found = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
    digest = hashlib.sha256()
    for name, content in found.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    version = digest.hexdigest()[:12]
    index = found.pop(_INDEX).decode().replace("{version}", version)
    files = {
        name: File(content.decode(), f"{_TYPES[Path(name).suffix]}; charset=utf-8")
        for name, content in found.items()
        if not name.endswith(".html")
    }
    return Site(version, index, files)


def file_headers(file: File, *, kept: bool) -> Headers:
    """Headers of a file; ``kept`` if the browser may keep it for good."""
    return {
        "Content-Type": file.content_type,
        "Cache-Control": "public, max-age=31536000, immutable" if kept else "no-cache",
    }


def with_slash(path: str) -> str:
    """From this address to the same one with a slash at its end. Relative, since only the browser knows the address by
    which it came."""
    return f"./{path.rpartition('/')[2]}/"
