"""The guard itself: whatever test a page misbehaves in fails."""

from playwright.sync_api import expect

from tests.e2e.visitor import Visitor

MISBEHAVIOUR = [
    ("console.error('oh')", "console", "console error: oh"),
    ("console.warn('hm')", "console", "console warning: hm"),
    ("setTimeout(() => { throw new Error('missed') })", "weberror", "uncaught error: Error: missed"),
    ("Promise.reject(new Error('not awaited'))", "weberror", "uncaught error: Error: not awaited"),
    (
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
        "console",
        "content security policy: script-src-elem against inline",
    ),
    ("document.body.setAttribute('style', 'color: red')", "console", "style-src-attr against inline"),
    ("fetch('http://127.0.0.2:8099/').catch(() => 0)", "console", "connect-src against http://127.0.0.2:8099"),
    ("fetch('flights?from=KBP').catch(() => 0)", "console", "status of 422"),
    ("location.href = 'http://127.0.0.2:8099/'", "requestfailed", "another origin: GET http://127.0.0.2:8099/"),
]


def test_a_page_that_misbehaves_is_noticed(olena: Visitor) -> None:
    """Each kind of misbehaviour is a complaint of its own."""
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    assert olena.guard.complaints == []
    for script, event, complaint in MISBEHAVIOUR:
        with olena.page.context.expect_event(event, lambda _, text=complaint: _has(olena, text), timeout=5000):
            olena.page.evaluate(f"() => {{ {script} }}")
    olena.guard.allow(".")
    assert olena.guard.complaints == []


def _has(visitor: Visitor, complaint: str) -> bool:
    return any(complaint in found for found in visitor.guard.complaints)
