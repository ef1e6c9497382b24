"""POST /send: another process, which shows a token, has a text sent."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.core.app.app import Outbox
from cooee.core.errors import NotSendable, OptedOut, RequestRefused, TooLong
from cooee.core.http_messages import Response
from cooee.core.phone_numbers import is_e164, normalise_number
from cooee.net.http_client import Receive, Scope
from cooee.runtime.web.request_body import read_body

_MAX_GOOD_FOR_S = 365 * 86_400  # a year


class SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The posted JSON: the arguments of `App.send`, with `good_for` in seconds."""

    to: str
    text: str
    ours: str | None = None
    at: datetime | None = None
    good_for: float | None = None
    key: str | None = None


class SendEndpoint:
    """Queues texts of other processes, and answers with the id of each queued text.

    Args:
        token: the token that a request has to show; "" refuses every request.
        outbox: queues the texts.
        our_number: returns our number, "" while it is not known yet.
    """

    def __init__(self, token: str, outbox: Outbox, our_number: Callable[[], str]) -> None:
        self._token, self._outbox, self._our_number = token.encode(), outbox, our_number

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Answer one request: 201 and ``{"id": …}``, or a 4xx or 503 and ``{"error": …}``.

        Raises:
            StoreUnavailable: nothing was queued.
        """
        try:
            self._authorize(scope)
            send_request = _parse_send_request(await read_body(scope, receive))
            return _json_response(201, id=await self._queue_text(send_request))
        except RequestRefused as refused:
            return _json_response(refused.status, error=refused.message)

    def _authorize(self, scope: Scope) -> None:
        if not self._token:
            message = "Nobody may send here. To change that, set COOEE_SEND_TOKEN and start again."
            raise RequestRefused(message, 404)
        if scope["method"] != "POST":
            raise RequestRefused("Texts are sent by POST.", 405)
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, token = authorization.partition(b" ")
        is_valid = hmac.compare_digest(token.strip(), self._token)
        if not is_valid or scheme.lower() != b"bearer":
            raise RequestRefused("Show the token: Authorization: Bearer …", 401)

    async def _queue_text(self, send_request: SendRequest) -> str:
        ours = self._our_number() if send_request.ours is None else send_request.ours
        if not ours:
            message = "Our number is not known yet. Say which it is (ours), or try again later."
            raise RequestRefused(message, 503)
        sender = normalise_number(ours, our_number=self._our_number())
        if not is_e164(sender):
            message = f"ours={ours[:40]!r} is not a number. Write it like +61491570156."
            raise RequestRefused(message, 422)
        good_for = (
            None if send_request.good_for is None else timedelta(seconds=send_request.good_for)
        )
        try:
            return await self._outbox.send(
                send_request.to,
                send_request.text,
                ours=sender,
                at=send_request.at,
                good_for=good_for,
                key=send_request.key,
            )
        except (NotSendable, TooLong) as error:
            raise RequestRefused(str(error), 422) from error
        except OptedOut as error:
            raise RequestRefused(str(error), 409) from error


def _parse_send_request(posted: bytes) -> SendRequest:
    """Parse the posted JSON, or raise RequestRefused."""
    try:
        send_request = msgspec.json.decode(posted, type=SendRequest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # its message names the field
        raise RequestRefused(f"That is no text to send: {error}", 422) from error
    if not send_request.text.strip():
        raise RequestRefused("The text has no words.", 422)
    if send_request.at is not None and send_request.at.tzinfo is None:
        message = (
            f"at={send_request.at.isoformat()} could be anywhere. Add the offset, like +10:00."
        )
        raise RequestRefused(message, 422)
    if send_request.good_for is not None and not 0 < send_request.good_for <= _MAX_GOOD_FOR_S:
        raise RequestRefused("good_for is in seconds, more than none and at most a year.", 422)
    return send_request


def _json_response(status: int, **content: Any) -> Response:
    headers = {"content-type": "application/json"}
    return Response(status=status, headers=headers, body=msgspec.json.encode(content))
