"""A browser for all of these tests, a context for each, and a look at the promises when all have ended."""

import itertools
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, expect, sync_playwright

from leleka.stage import Stage
from tests.e2e.browser import find
from tests.e2e.guard import Guard
from tests.e2e.leftovers import Leftovers
from tests.e2e.machine import ThisMachine, launch
from tests.e2e.visitor import ARTIFACTS, WINDOW_PX, Visitor
from tests.functional.customer import Customer

_EXPECT_MS = 30_000  # a saga's steps on two busy cores
_FLIGHTS = ("KBP-BCN-0629", "KBP-BCN-1224")
_ROWS = [row for row in range(4, 34) if row not in {13, 16, 17}]
type Visitors = Callable[..., Visitor]
type Report = pytest.TestReport


@dataclass(frozen=True)
class Row:
    """A row of six that no other test uses, all at the same price."""

    flight_id: str
    number: int

    def __getitem__(self, letter: str) -> str:
        """The seat with this letter."""
        return f"{self.number}{letter}"


_rows = itertools.product(_FLIGHTS, _ROWS)


@pytest.fixture
def row() -> Row:
    """Seats of this test's own, so that tests neither wait for nor disturb each other."""
    return Row(*next(_rows))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of all these tests. It ends with them: Playwright keeps the thread's event loop until then."""
    expect.set_options(timeout=_EXPECT_MS)
    with sync_playwright() as playwright:
        found = find(ThisMachine(playwright))
        browser = launch(playwright, found.path, sandbox=found.sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def leftovers(stage: Stage) -> Iterator[Leftovers]:
    """The bookings that pages asked for. When the tests have ended all of those have too, and every promise holds."""
    leftovers = Leftovers(stage)
    yield leftovers
    leftovers.end()


@dataclass(frozen=True)
class Known:
    """A booking that the API made, for tests that only look at it."""

    ref: str
    secret: str
    hold_ends_s: float = 0.0


@pytest.fixture(scope="package")
def held(stage: Stage, leftovers: Leftovers) -> Iterator[Known]:
    """A seat that is held."""
    del leftovers  # asked for so that they are looked at after this one has ended
    with closing(Customer(stage)) as taras:
        booking = taras.book("1A", method=None, flight_id=_FLIGHTS[0])
        waiting = taras.waiting(booking["booking_id"])
        ends_s = datetime.fromisoformat(waiting["hold_expires_at"]).timestamp()
        yield Known(booking["record_locator"], booking["secret"], ends_s)
        taras.cancel(booking["booking_id"])
        taras.outcome(booking["booking_id"])


@pytest.fixture(scope="package")
def rolled_back(stage: Stage, leftovers: Leftovers) -> Known:
    """A booking whose card was declined."""
    del leftovers  # as above
    with closing(Customer(stage)) as taras:
        booking = taras.book("2A", "pm_declined", flight_id=_FLIGHTS[0])
        assert taras.outcome(booking["booking_id"])["status"] == "CANCELLED"
    return Known(booking["record_locator"], booking["secret"])


@pytest.fixture
def visitor(browser: Browser, stage: Stage, leftovers: Leftovers, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """Makes visitors, each with a context of its own; whatever a page complains about fails the test."""
    made: list[Visitor] = []
    request.node.stash[_MADE] = made
    parts = urlsplit(stage.api_url)

    def note(asked: Request) -> None:
        if asked.method == "POST" and asked.url.endswith("/bookings"):
            leftovers.note(asked.headers["idempotency-key"])

    def make(**options: Any) -> Visitor:
        usual = {"locale": "en-GB", "timezone_id": "Europe/Kyiv", "viewport": WINDOW_PX}
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(_EXPECT_MS)
        context.tracing.start(snapshots=True)
        context.on("request", note)
        guard = Guard(context, f"{parts.scheme}://{parts.netloc}")
        made.append(Visitor(context.new_page(), guard, f"{stage.api_url}/"))
        return made[-1]

    yield make
    complaints = [complaint for one in made for complaint in one.guard.complaints]
    kept = _keep(request.node) if complaints else ""
    for one in made:
        _close(one.page.context)
    leftovers.give_back()
    assert not complaints, "the page complained:\n" + "\n".join(complaints) + kept


def _close(context: BrowserContext) -> None:
    """Without complaints of routes that a page which was left has still under way."""
    context.unroute_all(behavior="ignoreErrors")
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
    context.close()


@pytest.fixture
def olena(visitor: Visitors) -> Visitor:
    """A visitor with a window of the usual size, in English."""
    return visitor()


_MADE = pytest.StashKey[list[Visitor]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Report, Report]:
    """A test that fails keeps what its pages looked like, and how they came to that."""
    report = yield
    if call.when == "call" and report.failed and _MADE in item.stash:
        report.sections.append(("browser", _keep(item)))
    return report


def _keep(item: pytest.Item) -> str:
    """Keeps it once, and says where."""
    made, item.stash[_MADE] = item.stash[_MADE], []
    folder = ARTIFACTS / re.sub(r"\W+", "_", item.name)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, one in enumerate(made, 1):
        lines += _keep_context(one.page.context, str(folder / f"{number}"))
        lines += [f"complaint: {complaint}" for complaint in one.guard.complaints]
    return "\n" + "\n".join(lines)


def _keep_context(context: BrowserContext, prefix: str) -> list[str]:
    lines = []
    for number, page in enumerate(context.pages, 1):
        page.screenshot(path=f"{prefix}-{number}.png")
        lines.append(f"{page.url}: {prefix}-{number}.png")
    context.tracing.stop(path=f"{prefix}-trace.zip")
    return [*lines, f".venv/bin/playwright show-trace {prefix}-trace.zip"]
