"""Reads the body of a request, bounded in size and time."""

from __future__ import annotations

import asyncio
from typing import Any

from cooee.core.errors import RequestRefused
from cooee.net.http_client import Receive, Scope

MAX_BODY_BYTES = 1 << 20
"""The largest body. Telstra's v3 pushes pictures in it, of almost a million characters."""

_BODY_TIMEOUT_S = 10.0  # for the whole body; no provider is slower


async def read_body(scope: Scope, receive: Receive, *, timeout_s: float = _BODY_TIMEOUT_S) -> bytes:
    """Read a whole body, and refuse it as soon as it is too long or too slow.

    Raises:
        RequestRefused: 413, 408, or 400 where the caller hung up.
    """
    content_length = dict(scope["headers"]).get(b"content-length", b"0")
    if not content_length.isdigit() or int(content_length) > MAX_BODY_BYTES:
        raise RequestRefused(f"A body of {content_length.decode('latin-1'):.20} bytes.", 413)
    content = bytearray()
    message = asyncio.ensure_future(receive())  # of our own server it is a future
    if message.done() and _add_part(content, message.result()):  # most bodies come at once
        return bytes(content)
    try:
        async with asyncio.timeout(timeout_s):
            if not message.done() and _add_part(content, await message):
                return bytes(content)
            while not _add_part(content, await receive()):
                pass
            return bytes(content)
    except TimeoutError:
        text = f"A body that was not whole after {timeout_s:g} seconds."
        raise RequestRefused(text, 408) from None


def _add_part(content: bytearray, message: Any) -> bool:
    """Add a part of a body; return True where it was the last."""
    if message["type"] == "http.disconnect":
        raise RequestRefused("The caller left before its request was whole.")
    content += message.get("body", b"")
    if len(content) > MAX_BODY_BYTES:
        raise RequestRefused("A body over 1 MB.", 413)
    return not message.get("more_body")
