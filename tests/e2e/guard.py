"""What no page may do in any test: complain in the console, break its own security policy, ask another host, fail."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

_ON_VIOLATION = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content security policy: ${event.effectiveDirective} against ${event.blockedURI}`);
});
"""


class Guard:
    """Listens to all pages of a context; what a test expects to go wrong, it says with :meth:`allow`."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._origin = origin
        self._seen: list[str] = []
        self._allowed: list[str] = []
        context.add_init_script(_ON_VIOLATION)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)

    def allow(self, *patterns: str) -> None:
        """What matches one of these regular expressions is no complaint in this test."""
        self._allowed.extend(patterns)

    def allow_answer(self, status: int) -> None:
        """Browsers write answers like 404 into the console, also when the page deals with them."""
        self.allow(rf"the server responded with a status of {status}\b")

    def allow_lost_network(self) -> None:
        """Requests fail, and the browser says so."""
        self.allow(r"net::ERR_(INTERNET_DISCONNECTED|FAILED|CONNECTION_\w+|EMPTY_RESPONSE)")

    @property
    def complaints(self) -> list[str]:
        """What went wrong and was not allowed."""
        return [seen for seen in self._seen if not any(re.search(pattern, seen) for pattern in self._allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._seen.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self._seen.append(f"uncaught error: {error.error.stack or error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            self._seen.append(f"request to another origin: {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        # Aborted: the page gave the request up itself, or was left.
        if request.failure != "net::ERR_ABORTED":
            self._seen.append(f"request failed: {request.method} {request.url}: {request.failure}")
