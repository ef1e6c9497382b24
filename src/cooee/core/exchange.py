"""One HTTP request, its response, and a conversation of them: data, not I/O."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make, or one that was made to us.

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

    def __repr__(self) -> str:  # headers and bodies carry secrets and people's words
        return f"<Request {self.method} {len(self.body)} bytes>"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, with the moment it came. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    at: datetime | None = None

    def json(self) -> Any:
        """The body as JSON; None where it is not JSON (a gateway's HTML page, say)."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def __repr__(self) -> str:
        return f"<Response {self.status} {len(self.body)} bytes>"


Flow: TypeAlias = Generator[Request, Response, T]
"""Yields requests, is sent their responses, returns a `T`; raises `ProviderFailure`.

Where the network fails, the failure is thrown in at the `yield`.
"""
