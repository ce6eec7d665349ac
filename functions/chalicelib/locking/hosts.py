"""URLs that name several hosts."""

from typing import NamedTuple
from urllib.parse import urlsplit


class Node(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


def split_hosts(url: str) -> tuple[str, list[Node], str]:
    """Splits a URL with several hosts into that of the first alone, without path; all hosts; the path.

    Raises:
        ValueError: a host has no port.
    """
    parts = urlsplit(url)
    user, at, addresses = parts.netloc.rpartition("@")
    nodes = [_node(address) for address in addresses.split(",")]
    scheme = parts.scheme.partition("+")[0]
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{user}{at}{addresses.split(',')[0]}{query}", nodes, parts.path.strip("/")


def _node(address: str) -> Node:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{address!r} is no host:port")
    return Node(host.strip("[]"), int(port))
