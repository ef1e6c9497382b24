"""POST /send and POST /start: another process, with a token, sends a text, starts a dialogue."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from cooee.core.app.app import Outbox, checked_key
from cooee.core.app.dialogue_start import find_dialogue
from cooee.core.app.routes import Routes
from cooee.core.app.typed_inputs import read_inputs
from cooee.core.errors import (
    DefinitionError,
    NotSendable,
    OptedOut,
    RequestRefused,
    TooLong,
    Unstorable,
)
from cooee.core.http_messages import Response
from cooee.core.phone_numbers import is_e164, normalise_number
from cooee.net.http_client import Receive, Scope
from cooee.runtime.web.request_body import read_body

_MAX_GOOD_FOR_S = 365 * 86_400  # a year
_NO_START = "no start of a dialogue, whose parameters stand in inputs"


class SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The posted JSON: the arguments of `App.send`, with `good_for` in seconds."""

    to: str
    text: str
    ours: str | None = None
    at: datetime | None = None
    good_for: float | None = None
    key: str | None = None


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The posted JSON: the arguments of `App.start`."""

    dialogue: str
    to: str
    inputs: Mapping[str, Any] = {}
    ours: str | None = None
    at: datetime | None = None
    key: str | None = None


R = TypeVar("R", SendRequest, StartRequest)


class SendEndpoint:
    """Queues texts and starts dialogues for other processes; answers with the id of each.

    Args:
        token: the token that a request has to show; "" refuses every request.
        routes: the app's dialogues.
        outbox: queues the texts, starts the dialogues.
        our_number: returns our number, "" while it is not known yet.
    """

    paths = ("/send", "/start")

    def __init__(
        self, token: str, routes: Routes, outbox: Outbox, our_number: Callable[[], str]
    ) -> None:
        self._token, self._routes = token.encode(), routes
        self._outbox, self._our_number = outbox, our_number

    async def __call__(self, path: str, scope: Scope, receive: Receive) -> Response:
        """Answer one request: 201 and ``{"id": …}``, or a 4xx or 503 and ``{"error": …}``.

        Raises:
            StoreUnavailable: nothing was queued.
        """
        try:
            self._authorize(scope)
            posted = await read_body(scope, receive)
            return _json_response(201, id=await self._obey(path, posted))
        except RequestRefused as refused:
            return _json_response(refused.status, error=refused.message)

    async def _obey(self, path: str, posted: bytes) -> str:
        try:
            if path == "/send":
                return await self._queue_text(_parse_send_request(posted))
            return await self._start_dialogue(_parse(posted, StartRequest, _NO_START))
        except (DefinitionError, NotSendable, TooLong, Unstorable) as error:
            raise RequestRefused(str(error), 422) from error
        except OptedOut as error:
            raise RequestRefused(str(error), 409) from error

    def _authorize(self, scope: Scope) -> None:
        if not self._token:
            message = "Nobody may send here. To change that, set COOEE_SEND_TOKEN and start again."
            raise RequestRefused(message, 404)
        if scope["method"] != "POST":
            raise RequestRefused("Texts are sent, and dialogues started, by POST.", 405)
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, token = authorization.partition(b" ")
        is_valid = hmac.compare_digest(token.strip(), self._token)
        if not is_valid or scheme.lower() != b"bearer":
            raise RequestRefused("Show the token: Authorization: Bearer …", 401)

    async def _queue_text(self, request: SendRequest) -> str:
        ours, to = self._parse_numbers(request)
        good_for = None if request.good_for is None else timedelta(seconds=request.good_for)
        key = checked_key(request.key)
        return await self._outbox.send(
            to, request.text, ours=ours, at=request.at, good_for=good_for, key=key
        )

    async def _start_dialogue(self, request: StartRequest) -> str:
        dialogue = find_dialogue(self._routes, request.dialogue)
        inputs = read_inputs(dialogue, request.inputs)
        ours, to = self._parse_numbers(request)
        key = checked_key(request.key)
        return await self._outbox.start(dialogue, to, inputs, ours=ours, at=request.at, key=key)

    def _parse_numbers(self, request: SendRequest | StartRequest) -> tuple[str, str]:
        """Return our number and the person's, or raise RequestRefused."""
        ours = self._our_number() if request.ours is None else request.ours
        if not ours:
            message = "Our number is not known yet. Say which it is (ours), or try again later."
            raise RequestRefused(message, 503)
        sender, to = (
            normalise_number(ours, our_number=self._our_number()),
            normalise_number(request.to, our_number=ours),
        )
        for name, number, given in (("ours", sender, ours), ("to", to, request.to)):
            if not is_e164(number):
                message = f"{name}={given[:40]!r} is not a number. Write it like +61491570156."
                raise RequestRefused(message, 422)
        return sender, to


def _parse_send_request(posted: bytes) -> SendRequest:
    """Parse the posted JSON, or raise RequestRefused."""
    send_request = _parse(posted, SendRequest, "no text to send")
    if not send_request.text.strip():
        raise RequestRefused("The text has no words.", 422)
    if send_request.good_for is not None and not 0 < send_request.good_for <= _MAX_GOOD_FOR_S:
        raise RequestRefused("good_for is in seconds, more than none and at most a year.", 422)
    return send_request


def _parse(posted: bytes, kind: type[R], what: str) -> R:
    """Parse the posted JSON, or raise RequestRefused."""
    try:
        request = msgspec.json.decode(posted, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # its message names the field
        raise RequestRefused(f"That is {what}: {error}", 422) from error
    if request.at is not None and request.at.tzinfo is None:
        message = f"at={request.at.isoformat()} could be anywhere. Add the offset, like +10:00."
        raise RequestRefused(message, 422)
    return request


def _json_response(status: int, **content: Any) -> Response:
    headers = {"content-type": "application/json"}
    return Response(status=status, headers=headers, body=msgspec.json.encode(content))
