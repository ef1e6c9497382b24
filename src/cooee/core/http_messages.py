"""An HTTP Request, its Response, and the Flow, which yields requests: data, not I/O."""

import json
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request: an adapter's to a provider, or a provider's to us.

    Header names are lower case. `url` is absolute; for a request made to us it is the
    *public* URL, from the settings, with the query as it came. `safe` says that repeating it
    does nothing more than making it once, so that a lost answer is no doubt but a plain
    failure.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    safe: bool = False

    def json(self) -> Any:
        """Return the body as JSON, parsed as leniently as `Response.json`."""
        return _parse_json_body(self.body)

    def __repr__(self) -> str:  # headers and bodies carry secrets and people's words
        return f"<Request {self.method} {len(self.body)} bytes>"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP response, with the moment of its arrival. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    at: datetime | None = None

    def json(self) -> Any:
        """Return the body as JSON; None where the body is not JSON (a gateway's HTML page, say).

        Raw control characters, lone surrogates and broken UTF-8 are let through (the last as
        U+FFFD): a text with a scar is better than a text that is lost.
        """
        return _parse_json_body(self.body)

    @property
    def retry_after(self) -> float | None:
        """Return the seconds of `Retry-After` (RFC 9110, 10.2.3); None without the header."""
        header = self.headers.get("retry-after", "").strip()
        if header.isascii() and header.isdecimal() and len(header) <= _MAX_RETRY_AFTER_DIGITS:
            return float(header)
        until = _parse_http_date(header)
        return max(0.0, (until - self.at).total_seconds()) if until and self.at else None

    def __repr__(self) -> str:
        return f"<Response {self.status} {len(self.body)} bytes>"


def _parse_http_date(header: str) -> datetime | None:
    """Return an HTTP date (RFC 9110, 5.6.7: three forms) in UTC, or None for another text."""
    # dates rule 8: %a and %b of strptime are the names of the process's locale.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 -- rare, and imports sockets

    try:
        moment = parsedate_to_datetime(header)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


_MAX_RETRY_AFTER_DIGITS = 7  # of a Retry-After; more would be months


def _parse_json_body(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass  # the slower, kinder reader decides
    try:
        return json.loads(body.decode(errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return None


Flow: TypeAlias = Generator[Request, Response, T]
"""Yields requests, is sent their responses, returns a `T`; raises `ProviderFailure`.

Where the network fails, the failure is thrown in at the `yield`.
"""
