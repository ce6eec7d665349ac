"""LocalStack listens where ``GATEWAY_LISTEN`` says.

LocalStack 4.14 takes only the port from it and listens on every interface. On a laptop that would offer everybody in
the same network an AWS that runs any code they upload.
"""

import ipaddress
from types import SimpleNamespace
from typing import Any

from localstack.config import GATEWAY_LISTEN
from localstack.runtime.server import twisted as server
from twisted.internet import endpoints


def listen_as_configured() -> None:
    """To be called before LocalStack opens its ports."""
    server.endpoints = SimpleNamespace(
        TCP4ServerEndpoint=_tcp4_endpoint, TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint
    )


def _tcp4_endpoint(reactor: Any, port: int) -> Any:
    host = next(each.host for each in GATEWAY_LISTEN if each.port == port)
    return endpoints.TCP4ServerEndpoint(reactor, port, interface=host if _is_address(host) else "")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
