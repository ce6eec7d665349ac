"""The HTTP server on a loopback port."""

import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override
from urllib.parse import parse_qsl, urlsplit

from tests.stripe_server.idempotency import Answer, Idempotency
from tests.stripe_server.payments import Account
from tests.stripe_server.shapes import Json, StripeFault, invalid

_INTENT = re.compile(r"/v1/payment_intents/(?P<id>\w+)(?:/(?P<verb>confirm|capture|cancel))?")
_NESTED = re.compile(r"(\w+)\[(\w+)\]")


class StripeServer:
    """A Stripe of its own for a test; ``url`` is its API base, and any ``sk_test_`` key opens it."""

    def __init__(self) -> None:
        self.url = ""
        self.pause_s_max = 0.0
        self.random = random.Random()
        self.idempotency = Idempotency()
        self.account = Account(self._pause)
        self._faults: list[str] = []

    def break_next(self, verb: str) -> None:
        """The next new request whose path ends in ``verb`` gets a 500, which is kept like any answer."""
        self._faults.append(verb)

    @contextmanager
    def running(self) -> Iterator["StripeServer"]:
        """Serves until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"stripe": self}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def answer(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[Answer, bool]:
        """The answer to one request, and whether it is a replay."""
        try:
            if not headers.get("authorization", "").startswith("Bearer sk_test_"):
                raise invalid("Invalid API Key provided.", status=401, begun=False)
            path, params = urlsplit(target).path, _params(body)
            if method == "GET":
                return (200, self._get(path, _params(urlsplit(target).query))), False
            key = headers.get("idempotency-key")
            return self.idempotency.once(key, path, params, lambda: (200, self._post(path, params)))
        except StripeFault as fault:
            return (fault.status, fault.body), False

    def _get(self, path: str, params: Json) -> Json:
        if path == "/v1/payment_intents":
            return self.account.list(int(params.get("limit", 10)))
        found = _INTENT.fullmatch(path)
        if found is None or found["verb"]:
            raise invalid(f"Unrecognized request URL (GET: {path}).", status=404)
        return self.account.retrieve(found["id"])

    def _post(self, path: str, params: Json) -> Json:
        verb = path.rsplit("/", 1)[1]
        if verb in self._faults:
            self._faults.remove(verb)
            raise StripeFault(500, "api_error", "An unknown error occurred.")
        if path == "/v1/payment_intents":
            return self.account.create(params)
        if path == "/v1/refunds":
            return self.account.refund(params)
        found = _INTENT.fullmatch(path)
        if found is None or not found["verb"]:
            raise invalid(f"Unrecognized request URL (POST: {path}).", status=404, begun=False)
        if found["verb"] == "capture":
            return self.account.capture(found["id"])
        work = self.account.confirm if found["verb"] == "confirm" else self.account.cancel
        return work(found["id"], params)

    def _pause(self) -> None:
        if self.pause_s_max:
            time.sleep(self.random.uniform(0, self.pause_s_max))


class _Handler(BaseHTTPRequestHandler):
    stripe: StripeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        (status, answer), replayed = self.stripe.answer(method, self.path, body, headers)
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Request-Id", f"req_{time.monotonic_ns()}")
        if replayed:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(payload)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the tests tell."""


def _params(encoded: str) -> Json:
    params: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        nested = _NESTED.fullmatch(name)
        if nested:
            params.setdefault(nested[1], {})[nested[2]] = value
        else:
            params[name] = value
    return params
