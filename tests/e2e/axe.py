"""The accessibility rules of axe-core, on what a page shows now."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The one rule of these tags that axe leaves off unless it is asked for.
_OPTIONS: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": _TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """What is wrong with the page, in light and in dark; empty if nothing is."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {violation}" for violation in _look(page)]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return found


def _look(page: Page) -> list[str]:
    response = Axe().run(page, options=_OPTIONS).response
    # A rule that is spelled otherwise in a newer axe would be left out in silence.
    known = {
        result["id"] for kind in ("passes", "violations", "incomplete", "inapplicable") for result in response[kind]
    }
    assert {"color-contrast", "target-size", "aria-allowed-attr"} <= known, known
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html'][:200]}"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]
