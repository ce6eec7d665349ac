"""How much each way into the page costs: at most ten requests and a hundred kilobytes, the API's answers included."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Request, expect

from tests.e2e.conftest import Known, Visitors

REQUESTS_MAX = 10
BYTES_MAX = 100_000
type Property = Callable[[str, object], None]


class _Traffic:
    """What a context asked for and got, headers included; the icon of the tab is the browser's own wish, which one
    without a window may not have."""

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[str] = []
        self.bytes = 0
        context.clock.install(time=0)
        context.clock.pause_at(1)  # what the page asks for later, again and again, is no part of its entry
        context.on("request", self._asked)
        context.on("requestfinished", self._answered)

    def _asked(self, request: Request) -> None:
        if not request.url.endswith(".svg"):
            self.requests.append(f"{request.method} {request.url}")

    def _answered(self, request: Request) -> None:
        if not request.url.endswith(".svg"):
            sizes = request.sizes()
            self.bytes += sizes["responseBodySize"] + sizes["responseHeadersSize"]


@pytest.mark.parametrize("locale", ["en-GB", "uk-UA"])
@pytest.mark.parametrize("route", ["/", "/flights/KBP-BCN-0629", "/flights/KBP-WAW-0616", "/bookings"])
def test_an_entry_screen_is_light(visitor: Visitors, route: str, locale: str, record_property: Property) -> None:
    """With an empty cache, in each language; the start page with the icon of the tab as well."""
    olena = visitor(locale=locale)
    traffic = _Traffic(olena.page.context)
    olena.open(route)
    olena.page.wait_for_load_state("networkidle")
    expect(olena.page.locator("main:not([aria-busy]) h1")).to_be_visible()
    icon = 1 if route == "/" else 0
    _check(traffic, record_property, requests_max=REQUESTS_MAX - icon)


@pytest.mark.parametrize("locale", ["en-GB", "uk-UA"])
def test_a_booking_is_a_light_entry_too(visitor: Visitors, held: Known, locale: str, record_property: Property) -> None:
    """Opened by its link in a browser that knows it already: its secret, and what its seat costs."""
    olena = visitor()
    olena.open_booking(held.ref, held.secret)
    expect(olena.pay_button).to_have_text("Pay €249.00")
    again = visitor(locale=locale, storage_state=olena.page.context.storage_state())
    traffic = _Traffic(again.page.context)
    again.open(f"/bookings/{held.ref}")
    expect(again.page.get_by_role("timer")).to_be_visible()
    again.page.wait_for_load_state("networkidle")
    _check(traffic, record_property, requests_max=REQUESTS_MAX)


def _check(traffic: _Traffic, record_property: Property, *, requests_max: int) -> None:
    record_property("requests", len(traffic.requests))
    record_property("bytes", traffic.bytes)
    print(f"{len(traffic.requests)} requests, {traffic.bytes} bytes")  # noqa: T201 - shown when the test fails
    assert len(traffic.requests) <= requests_max, traffic.requests
    assert 0 < traffic.bytes <= BYTES_MAX, traffic.bytes
