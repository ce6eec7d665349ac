"""Servers on the loopback that answer at once: for AWS, and for the seat locks."""

import http.server
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.benchmarks.performance.canned import TAKEN_SEAT, answer

_HOST = "127.0.0.1"
_KEYED = {b"set": -3, b"get": 2, b"delifeq": 3, b"pttl": 2, b"eval": -3}


class Stubs(NamedTuple):
    """Where they are."""

    aws_url: str
    lock_url: str
    cluster_url: str


class _Aws(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the base class's spelling
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = answer(self.headers.get("X-Amz-Target", ""), self.path, body)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Nothing: a line would cost more than the answer."""


class _Lock(socketserver.StreamRequestHandler):
    """Every seat is free but one, every lock is its owner's."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            self.wfile.write(_reply([self._argument() for _ in range(int(line[1:]))]))

    def _argument(self) -> bytes:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:size]


def _reply(command: list[bytes]) -> bytes:
    match [command[0].upper(), *command[1:]]:
        case [b"SET", _key, owner, b"IFEQ", *_]:
            return b"$%d\r\n%b\r\n" % (len(owner), owner)
        case [b"SET" | b"GET", key, *_]:
            return b"$7\r\nanother\r\n" if TAKEN_SEAT.encode() in key else b"$-1\r\n"
        case [b"DELIFEQ" | b"PTTL", *_]:
            return b":1\r\n"
        case [b"COMMAND", *_]:
            told = [b"*6\r\n$%d\r\n%b\r\n:%d\r\n*0\r\n:1\r\n:1\r\n:1\r\n" % (len(n), n, a) for n, a in _KEYED.items()]
            return b"*%d\r\n%b" % (len(told), b"".join(told))
        case [b"CLUSTER", *_]:
            return b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$40\r\n%b\r\n" % (_port[0], b"0" * 40)
        case _:
            return b"+OK\r\n"


_port = [0]


class _HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def stubs() -> Iterator[Stubs]:
    """Starts both, and ends them."""
    with _HttpServer((_HOST, 0), _Aws) as aws, _TcpServer((_HOST, 0), _Lock) as locks:
        _port[0] = lock_port = locks.server_address[1]
        for server in (aws, locks):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            lock = f"redis://{_HOST}:{lock_port}"
            yield Stubs(f"http://{_HOST}:{aws.server_port}", lock, lock.replace("redis:", "redis+cluster:"))
        finally:
            aws.shutdown()
            locks.shutdown()
