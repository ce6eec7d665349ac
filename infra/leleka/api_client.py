"""Leleka's REST API from the client's side: typed answers, and its problem documents as one exception.

::

    ApiError                 the request failed; the message is one line
    ├── ApiProblem           the API answered with a problem document (RFC 9457)
    └── ApiUnreachable       no answer, or none that is the API's
"""

import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec

from leleka.api_types import Booking, BookingRequest, Claim, Flight, FlightList, PlacedBooking, Seat, SeatList

_TIMEOUT = httpx.Timeout(35.0, connect=3.0)  # API Gateway ends a request after 29 s
_ATTEMPTS = 3
_RETRY_AFTER_S_MAX = 5.0


class ApiError(Exception):
    """The request failed."""


class ApiUnreachable(ApiError):
    """No answer. Whether the request took effect is not known; with the same Idempotency-Key it may be sent again."""


class ApiProblem(ApiError):
    """A problem document. ``type`` is the end of its URN, such as ``flight-departed``; ``field`` a JSON path."""

    def __init__(self, status: int, type_: str, detail: str, field: str | None) -> None:
        super().__init__(f"{detail} ({status} {type_}{f', {field}' if field else ''})")
        self.status = status
        self.type = type_
        self.detail = detail
        self.field = field


class ApiClient:
    """The API at one URL. Every call is bounded in time and raises ApiProblem or ApiUnreachable."""

    def __init__(
        self,
        api_url: str,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        # The environment's proxies are not for a stack on the loopback interface.
        self._http = httpx.Client(base_url=api_url, timeout=_TIMEOUT, transport=transport, trust_env=False)
        self._wait = wait

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def flights(self, origin: str, destination: str, date: str | None = None) -> list[Flight]:
        """The flights of a route, on one local day (YYYY-MM-DD) if one is given."""
        query = {"from": origin, "to": destination, **({"date": date} if date else {})}
        return self._ask("GET", "/flights", FlightList, params=query).flights

    def seats(self, flight_id: str) -> list[Seat]:
        """The seats of a flight as they are now, nose first."""
        return self._ask("GET", f"/flights/{flight_id}/seats", SeatList).seats

    def book(self, request: BookingRequest, key: str) -> PlacedBooking:
        """Asks for a seat; the saga has begun when this returns. The same key again is the same booking."""
        body = {
            "flight_id": request.flight_id,
            "seat": request.seat,
            "passenger": {"name": request.name, "email": request.email},
            "bags": request.bags,
            "language": request.language,
            **({"payment_method": request.payment_method} if request.payment_method else {}),
        }
        return self._ask("POST", "/bookings", PlacedBooking, json=body, headers={"Idempotency-Key": key})

    def booking(self, claim: Claim) -> Booking:
        """One booking as it stands."""
        return self._ask("GET", _path(claim), Booking, headers=_proof(claim))

    def pay(self, claim: Claim, payment_method: str) -> Booking:
        """Gives a held booking its payment method; its saga goes on. The same method again changes nothing."""
        path, body = f"{_path(claim)}/payment", {"payment_method": payment_method}
        return self._ask("POST", path, Booking, json=body, headers=_proof(claim))

    def cancel(self, claim: Claim) -> Booking:
        """Asks for the cancellation; returns the booking as it stood before. Asking again changes nothing."""
        return self._ask("DELETE", _path(claim), Booking, headers=_proof(claim))

    def _ask[Answer](self, method: str, path: str, answer: type[Answer], **request: Any) -> Answer:
        # Every request here may be repeated: reads change nothing, a booking carries its key, and a payment or a
        # cancellation that was asked for twice is one.
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._http.request(method, path, **request)
            except httpx.HTTPError as error:
                raise ApiUnreachable(f"the API did not answer {method} {path}: {type(error).__name__}") from error
            if not _is_busy(response) or attempt == _ATTEMPTS:
                break
            self._wait(_retry_after_s(response))
        if response.is_error:
            raise _problem(response)
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.MsgspecError as error:
            raise ApiUnreachable(f"{method} {path} gave an answer that is not the API's: {error}") from error


def _path(claim: Claim) -> str:
    return f"/bookings/{quote(claim.ref, safe='')}"


def _proof(claim: Claim) -> dict[str, str]:
    return {"Authorization": f"Bearer {claim.secret}"}


def _is_busy(response: httpx.Response) -> bool:
    """Whether nothing was done for now: the API says so, or API Gateway in front of it has too many requests. A 429 of
    the API itself is a refusal, and no time that anybody waits here would change it."""
    return response.status_code == httpx.codes.SERVICE_UNAVAILABLE or _is_throttled(response)


def _is_throttled(response: httpx.Response) -> bool:
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS and not _is_problem(response)


def _is_problem(response: httpx.Response) -> bool:
    return str(response.headers.get("Content-Type", "")).startswith("application/problem+json")


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "1")
    return min(float(text), _RETRY_AFTER_S_MAX) if text.isdecimal() else 1.0


def _problem(response: httpx.Response) -> ApiError:
    if _is_throttled(response):
        busy = "the API has too many requests at the moment; nothing was done; ask again in a while"
        return ApiProblem(response.status_code, "too-many-requests", busy, None)
    if not _is_problem(response):
        return ApiUnreachable(f"HTTP {response.status_code} from {response.url}, which is not an answer of the API")
    try:
        document = response.json()
        type_ = str(document["type"]).rpartition(":")[2]
        errors = document.get("errors") or [{}]
        return ApiProblem(response.status_code, type_, str(document["detail"]), errors[0].get("field"))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ApiUnreachable(f"HTTP {response.status_code} with a problem document that can't be read")
