"""The zip that all functions share: the same bytes for the same sources, with their compiled modules.

On Lambda nobody could keep what Python compiles, so that each new process would compile all that it imports. The
modules are compiled here instead. They are marked to be taken without a look at their source, so neither times nor
folders of this machine get into them.
"""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

_ON_LAMBDA = "/var/task"
"""Where the sources are there: in tracebacks, and so in the compiled modules."""

_COMPILE_TIMEOUT_S = 300
_KEPT = 4
_CACHE = "__pycache__"
_PLAIN_FILE = 0o100644 << 16


class NotCompiledError(Exception):
    """A module of the project itself does not compile; the message is the compiler's."""


def kept(code: bytes, folder: Path) -> bytes:
    """:func:`reproducible`, made once for the same content: the results of the last few are kept in the folder, since
    compiling takes longer than all else.

    Raises:
        NotCompiledError: as there.
    """
    result = folder / f"{_digest(code)}.zip"
    if result.exists():
        return result.read_bytes()
    made = reproducible(code)
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(result, made)
    for old in sorted(folder.glob("*.zip"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return made


def _digest(code: bytes) -> str:
    """Of names, modes and content, and of what compiles them."""
    found = hashlib.sha256(sys.version.encode())
    with zipfile.ZipFile(io.BytesIO(code)) as made:
        for each in sorted(made.infolist(), key=lambda entry: entry.filename):
            if _CACHE not in each.filename:
                content = hashlib.sha256(made.read(each)).hexdigest()
                found.update(f"{each.filename}\0{each.external_attr}\0{content}\n".encode())
    return found.hexdigest()


def _write_whole(path: Path, content: bytes) -> None:
    """The file is there as a whole or not at all, also if two write it at once."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".making-", delete=False) as written:
        written.write(content)
    Path(written.name).rename(path)


def reproducible(code: bytes, own: str = "chalicelib") -> bytes:
    """The zip anew: what this machine has compiled is left out, each module is compiled, and order and times don't
    count. Else each deployment would be a release of every function. A package's module that does not compile stays as
    it is, since nobody may ever import it.

    Args:
        code: the zip that Chalice made.
        own: the package that is the project's own, beside ``app.py``.

    Raises:
        NotCompiledError: a module of the project does not compile.
    """
    with zipfile.ZipFile(io.BytesIO(code)) as made:
        modes = {each.filename: each.external_attr for each in made.infolist() if _CACHE not in each.filename}
        content = {name: made.read(name) for name in modes}
    compiled, complaints = _compiled({name: text for name, text in content.items() if name.endswith(".py")})
    missing = [name for name in content if _is_own(name, own) and _cached(name) not in compiled]
    if missing:
        raise NotCompiledError(f"{', '.join(sorted(missing))} can't be compiled: {complaints}")
    content |= compiled
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as same:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = modes.get(name, _PLAIN_FILE), zipfile.ZIP_DEFLATED
            same.writestr(entry, content[name])
    return written.getvalue()


def _compiled(sources: dict[str, bytes]) -> tuple[dict[str, bytes], str]:
    """The compiled modules by their names in the zip, and what the compiler says of the others."""
    with tempfile.TemporaryDirectory(prefix="leleka-code-") as made:
        folder = Path(made)
        for name, text in sources.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        done = subprocess.run(  # noqa: S603 - our own command line
            [
                *(sys.executable, "-I", "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1), "-o", "0"),
                *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", _ON_LAMBDA, str(folder)),
            ],
            capture_output=True,
            text=True,
            timeout=_COMPILE_TIMEOUT_S,
            check=False,
        )
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(f"{_CACHE}/*.pyc")}
    return found, (done.stdout + done.stderr).strip()[-2000:]


def _is_own(name: str, own: str) -> bool:
    return name.endswith(".py") and (name == "app.py" or name.startswith(f"{own}/"))


def _cached(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.parent / _CACHE / f"{path.stem}.{sys.implementation.cache_tag}.pyc")
