"""Servers on the loopback that answer at once: for AWS, and for the seat locks."""

import http.server
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import botocore

from tests.benchmarks.performance.canned import TAKEN_SEAT, answer
from tests.tls import Authority, TlsFront

_HOST = "127.0.0.1"


class Stubs(NamedTuple):
    """Where they are.

    Attributes:
        aws_url: AWS.
        lock_url: the seat locks of a node.
        cache_url: those of a stage's own cache on AWS: TLS, the cluster's protocol, and a user who signs in by IAM.
        authorities: a file with whom to trust there: as many as a system has, and ours.
    """

    aws_url: str
    lock_url: str
    cache_url: str
    authorities: Path


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
    """Starts them, and ends them."""
    with (
        tempfile.TemporaryDirectory(prefix="leleka-stubs-") as folder,
        _HttpServer((_HOST, 0), _Aws) as aws,
        _TcpServer((_HOST, 0), _Lock) as locks,
    ):
        for server in (aws, locks):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        lock_port = locks.server_address[1]
        authority = Authority(Path(folder), "ours")
        front = TlsFront(lock_port, authority.server_context())
        _port[0] = front.port
        try:
            yield Stubs(
                f"http://{_HOST}:{aws.server_port}",
                f"redis://{_HOST}:{lock_port}",
                f"rediss+cluster://seats@{_HOST}:{front.port}?iam=seats&iam_serverless=true",
                _with_everybody(authority),
            )
        finally:
            front.end()
            aws.shutdown()
            locks.shutdown()


def _with_everybody(authority: Authority) -> Path:
    # Reading a system's whole list is a part of each start.
    everybody = Path(botocore.__file__).with_name("cacert.pem").read_bytes()
    file = authority.file.with_name("authorities.pem")
    file.write_bytes(everybody + authority.file.read_bytes())
    return file
