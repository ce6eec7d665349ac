"""The pictures of the page that the browser tests take are those of the folder and those of the README."""

import re

from leleka.paths import PROJECT


def test_the_readme_shows_every_picture_that_the_tests_take() -> None:
    """A renamed one leaves nothing behind."""
    tests = [path.read_text(encoding="utf-8") for path in (PROJECT / "tests" / "e2e").glob("test_*.py")]
    taken = {name for test in tests for name in re.findall(r'\.picture\("([\w-]+)"', test)}
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert taken
    assert {path.stem for path in (PROJECT / "docs" / "screenshots").iterdir()} == taken
    assert set(re.findall(r"\]\(docs/screenshots/([\w-]+)\.png\)", readme)) == taken
