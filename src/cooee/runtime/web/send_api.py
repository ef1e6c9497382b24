"""POST /send: a text that another process wants sent, in our name and by a token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.core.app.app import Outbox
from cooee.core.errors import OptedOut, RequestRefused
from cooee.core.http_messages import Response
from cooee.core.phone_numbers import normalise
from cooee.net.http_client import Receive, Scope
from cooee.runtime.web.request_body import body

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST = 365 * 86_400  # seconds that a text may be good for


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted: the arguments of `App.send`, with `good_for` in seconds."""

    to: str
    text: str
    ours: str | None = None
    at: datetime | None = None
    good_for: float | None = None
    key: str | None = None


class Letters:
    """Takes texts from other processes, and answers with each one's id once it is queued.

    Args:
        token: what they have to show; empty where nobody may send so.
        outbox: where the texts go.
        ours: our number, "" while it is not known yet.
    """

    def __init__(self, token: str, outbox: Outbox, ours: Callable[[], str]) -> None:
        self._token, self._outbox, self._ours = token.encode(), outbox, ours

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Answer one request: 201 and ``{"id": …}``, or a 4xx or 503 and ``{"error": …}``.

        Raises:
            StoreUnavailable: nothing was queued.
        """
        try:
            self._admit(scope)
            wanted = _read(await body(scope, receive))
            return _json(201, id=await self._send(wanted))
        except RequestRefused as refused:
            return _json(refused.status, error=refused.message)

    def _admit(self, scope: Scope) -> None:
        if not self._token:
            words = "Nobody may send here. To change that, set COOEE_SEND_TOKEN and start again."
            raise RequestRefused(words, 404)
        if scope["method"] != "POST":
            raise RequestRefused("Texts are sent by POST.", 405)
        shown = dict(scope["headers"]).get(b"authorization", b"")
        kind, _, token = shown.partition(b" ")
        good = hmac.compare_digest(token.strip(), self._token)
        if not good or kind.lower() != b"bearer":
            raise RequestRefused("Show the token: Authorization: Bearer …", 401)

    async def _send(self, wanted: Wanted) -> str:
        ours = self._ours() if wanted.ours is None else wanted.ours
        if not ours:
            words = "Our number is not known yet. Say which it is (ours), or try again later."
            raise RequestRefused(words, 503)
        sender, to = normalise(ours, near=self._ours()), normalise(wanted.to, near=ours)
        for name, number, given in (("ours", sender, ours), ("to", to, wanted.to)):
            if not _E164.fullmatch(number):
                words = f"{name}={given[:40]!r} is not a number. Write it like +61491570156."
                raise RequestRefused(words, 422)
        good_for = None if wanted.good_for is None else timedelta(seconds=wanted.good_for)
        try:
            return await self._outbox.send(
                to, wanted.text, ours=sender, at=wanted.at, good_for=good_for, key=wanted.key
            )
        except OptedOut as error:
            raise RequestRefused(str(error), 409) from error


def _read(raw: bytes) -> Wanted:
    """What was posted, where it makes sense."""
    try:
        wanted = msgspec.json.decode(raw, type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # its words name the field
        raise RequestRefused(f"That is no text to send: {error}", 422) from error
    if not wanted.text.strip():
        raise RequestRefused("The text has no words.", 422)
    if wanted.at is not None and wanted.at.tzinfo is None:
        words = f"at={wanted.at.isoformat()} could be anywhere. Add the offset, like +10:00."
        raise RequestRefused(words, 422)
    if wanted.good_for is not None and not 0 < wanted.good_for <= _LONGEST:
        raise RequestRefused("good_for is in seconds, more than none and at most a year.", 422)
    return wanted


def _json(status: int, **content: Any) -> Response:
    headers = {"content-type": "application/json"}
    return Response(status=status, headers=headers, body=msgspec.json.encode(content))
