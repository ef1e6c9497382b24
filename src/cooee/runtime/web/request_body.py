"""The body of a request to us: whole, not too large, and not too slow."""

from __future__ import annotations

import asyncio

from cooee.core.errors import RequestRefused
from cooee.net.http_client import Receive, Scope

LARGEST = 1 << 20
"""Bytes that a body may have. Telstra's v3 brings pictures in it, of almost a million letters."""

_SLOWEST = 10.0  # seconds that a whole body may take; no company is slower


async def body(scope: Scope, receive: Receive, *, slowest: float = _SLOWEST) -> bytes:
    """The whole body; refused as soon as it is known to be too long, or too long in coming.

    Raises:
        RequestRefused: 413, 408, or 400 where the caller went away.
    """
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > LARGEST:
        raise RequestRefused(f"A body of {announced.decode('latin-1'):.20} bytes.", 413)
    try:
        async with asyncio.timeout(slowest):
            return await _whole(receive)
    except TimeoutError:
        words = f"A body that was not whole after {slowest:g} seconds."
        raise RequestRefused(words, 408) from None


async def _whole(receive: Receive) -> bytes:
    found = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused("The caller left before its request was whole.")
        found += message.get("body", b"")
        if len(found) > LARGEST:
            raise RequestRefused("A body over 1 MB.", 413)
        if not message.get("more_body"):
            return bytes(found)
