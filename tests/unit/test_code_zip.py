"""What reaches Lambda is the same for the same sources, and needs no compiling there."""

import io
import marshal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from leleka import code_zip
from leleka.code_zip import NotCompiledError, kept, reproducible

APP, LOCK = "app.py", "chalicelib/lock.py"
THEIRS = "chalicelib/__pycache__/lock.cpython-313.pyc"
SOURCE = b"""
TAKEN = {"held", "sold", "lost"}

def ends(at):
    "When."
    assert at
    return at + 900, 1.5, "as told"
"""

type Entry = tuple[str, bytes, int, int]


def zipped(*entries: Entry) -> bytes:
    """What Chalice makes of these files: name, content, year, mode."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        for name, content, year, mode in entries:
            entry = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            made.writestr(entry, content)
    return written.getvalue()


def files(code: bytes) -> dict[str, bytes]:
    """The files of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(code)) as made:
        return {entry.filename: made.read(entry) for entry in made.infolist()}


def test_the_same_sources_make_the_same_zip_wherever_they_are_packaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each deployment would be a release of every function. What a file is, and whether it may run, counts."""
    here = reproducible(zipped((APP, b"a = 1", 1990, 0o644), (LOCK, SOURCE, 1990, 0o755), (THEIRS, b"c", 1990, 0o644)))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = reproducible(zipped((LOCK, SOURCE, 2001, 0o755), (APP, b"a = 1", 1980, 0o644)))
    assert here == there
    assert here != reproducible(zipped((LOCK, SOURCE, 2001, 0o644), (APP, b"a = 1", 1980, 0o644)))
    assert set(files(here)) == {APP, "__pycache__/app.cpython-313.pyc", LOCK, THEIRS}


def test_a_compiled_module_is_taken_without_a_look_at_its_source_and_names_lambdas_folder() -> None:
    """Flags of PEP 552: by hash, and not checked. Asserts and docstrings stay, as Lambda runs without -O."""
    compiled = files(reproducible(zipped((LOCK, SOURCE, 2001, 0o644))))[THEIRS]
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    module = marshal.loads(compiled[16:])  # noqa: S302 - our own bytes
    assert module.co_filename == "/var/task/chalicelib/lock.py"
    names: dict[str, Any] = {}
    exec(module, names)  # noqa: S102 - as above
    ends = names["ends"]
    assert (ends.__doc__, ends.__code__.co_filename) == ("When.", module.co_filename)
    with pytest.raises(AssertionError):
        ends(0)


def test_a_process_uses_what_was_compiled_and_writes_nothing(tmp_path: Path) -> None:
    """Whatever the times of the unzipped files; a module whose source has gone bad since shows that it isn't read."""
    package = ("chalicelib/__init__.py", b"", 2001, 0o644)
    with zipfile.ZipFile(io.BytesIO(reproducible(zipped(package, (LOCK, SOURCE, 2001, 0o644))))) as code:
        code.extractall(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / LOCK).write_text("this is no Python")
    program = "import sys; sys.path.insert(0, sys.argv[1]); from chalicelib.lock import ends; print(ends.__code__)"
    told = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert f'"{tmp_path / LOCK}"' in told.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_a_module_of_others_that_does_not_compile_ships_as_it_is() -> None:
    """Some packages carry examples for other Pythons; nobody imports them."""
    odd = ("odd/old.py", b"print 'once'", 2001, 0o644)
    shipped = files(reproducible(zipped((APP, b"", 2001, 0o644), odd)))
    assert shipped["odd/old.py"] == odd[1]
    assert not [name for name in shipped if "old." in name and name.endswith(".pyc")]


def test_a_module_of_ours_that_does_not_compile_is_not_packaged() -> None:
    """It would fail at its first invocation."""
    with pytest.raises(NotCompiledError, match=r"chalicelib/lock\.py can't be compiled"):
        reproducible(zipped((APP, b"", 2001, 0o644), (LOCK, b"def (", 2001, 0o644)))


def test_the_same_content_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept is what would be made; other content, or another mode, is made anew."""
    code = zipped((APP, b"a = 1", 1990, 0o644), (LOCK, SOURCE, 1990, 0o644))
    first = kept(code, tmp_path / "zips")
    assert first == reproducible(code)
    monkeypatch.setattr(code_zip, "_compiled", lambda _sources: pytest.fail("compiled again"))
    assert kept(zipped((LOCK, SOURCE, 2001, 0o644), (APP, b"a = 1", 1980, 0o644)), tmp_path / "zips") == first
    for other in ((APP, b"a = 2", 1990, 0o644), (APP, b"a = 1", 1990, 0o755)):
        with pytest.raises(pytest.fail.Exception, match="compiled again"):
            kept(zipped(other, (LOCK, SOURCE, 1990, 0o644)), tmp_path / "zips")


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    """Each change of the sources would else leave its megabytes behind."""
    for number in range(6):
        kept(zipped((APP, b"a = %d" % number, 1990, 0o644)), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
