"""Turns what an app at work logs, plays, writes and asks into reports."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path

from cooee.clocks.clock import monotonic
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import ASGIApp, Message, Receive, Scope, Send, Transport
from cooee.phone.inspector.app_error import describe_error
from cooee.phone.inspector.masking import mask_headers, mask_text
from cooee.phone.ipc_messages import (
    HandlerCalled,
    HTTPExchange,
    LoggedEvent,
    RowsWritten,
    TimelineRecord,
    TurnEnded,
    TurnRef,
)
from cooee.runtime.events import Event, HandlerRan, HandlerStarted
from cooee.storage.sqlite.change_feed import Change

_current_exchange: ContextVar[int] = ContextVar("exchange", default=0)  # the last one in this task
_current_outbound: ContextVar[str] = ContextVar(
    "outbound", default=""
)  # the text that this task sends


class Recorder(logging.Handler):
    """Watches one app at work, from outside: its log, its turns, its rows, its HTTP.

    Args:
        tell: where reports go; called in the event loop's thread alone.
        folder: where the app's own files are.
        secrets: words to cover wherever they show.
        clock: the app's time.
    """

    def __init__(
        self,
        send_message: Callable[[TimelineRecord], None],
        folder: Path,
        secrets: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(logging.DEBUG)
        self._send_message, self._folder, self._secrets = send_message, folder, [*secrets]
        self._now = now
        self._loop, self._loop_thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._exchange_ids = itertools.count(1)

    def add_secret(self, secret: str) -> None:
        """Cover a further word from now on."""
        self._secrets.append(secret)

    # What is logged

    def emit(self, record: logging.LogRecord) -> None:
        fields, private = getattr(record, "fields", {}), getattr(record, "private", {})
        name = record.getMessage()
        if name == "sending":
            _current_outbound.set(fields["id"])
        message = private.get("words") or fields.get("words") or fields.get("error") or ""
        event = LoggedEvent(
            monotonic(),
            name,
            turn=str(fields.get("turn", "")),
            outbound=str(fields.get("id", "")),
            theirs=str(private.get("theirs", "")),
            text=str(private.get("text", "")),
            message=str(message),
            exchange=_current_exchange.get(),
        )
        self._send(event)

    # What is played

    def record_turn(self, event: Event) -> None:
        """Record the start and the end of each turn."""
        if isinstance(event, HandlerStarted):
            handler, turn = event.handler, self._turn_ref(event)
            self._send(HandlerCalled(monotonic(), turn, handler.name, handler.location))
        if isinstance(event, HandlerRan):
            turn = self._turn_ref(event)
            error = None if event.error is None else describe_error(event.error, self._folder)
            before, after = (
                _state_json(state) for state in (event.state_before, event.state_after)
            )
            self._send(TurnEnded(monotonic(), turn, before, after, error, event.reply_count))

    def _turn_ref(self, event: HandlerStarted | HandlerRan) -> TurnRef:
        claim, text = event.claim, event.pending
        return TurnRef(
            "" if text is None else text.id.hex(),
            claim.turn,
            claim.conversation.hex().upper(),
            claim.theirs,
            self._now(),
        )

    # What is written

    def record_commit(self, changes: Sequence[Change]) -> None:
        """Observe a commit; see `storage.sqlite_watch.Watch`."""
        self._send(RowsWritten(monotonic(), changes))

    # What is asked

    def wrap_transport(self, transport: Transport) -> Transport:
        """A transport that reports what goes through another."""
        return _RecordingTransport(transport, self)

    def wrap_app(self, app: ASGIApp) -> ASGIApp:
        """An ASGI app that reports what another is asked and answers."""

        async def recorded_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            call = _RecordedCall(scope, receive, send)
            id, started_at = self.start_exchange(), monotonic()
            await app(scope, call.receive, call.send)
            self.record_exchange(id, started_at, call.request(), call.response())

        return recorded_app

    def start_exchange(self) -> int:
        """The number of a new exchange, which the rest of this task comes from."""
        id = next(self._exchange_ids)
        _current_exchange.set(id)
        return id

    def record_exchange(
        self,
        id: int,
        started_at: float,
        request: Request,
        response: Response | None,
        *,
        failure: str = "",
        from_app: bool = False,
    ) -> None:
        """Report an exchange that is over."""
        received = response or Response(status=0)
        exchange = HTTPExchange(
            id,
            started_at,
            monotonic() - started_at,
            from_app,
            request.method,
            self._mask(request.url),
            mask_headers(request.headers, self._secrets),
            self._mask(request.body.decode(errors="replace")),
            received.status,
            mask_headers(received.headers, self._secrets),
            self._mask(received.body.decode(errors="replace")),
            failure,
            _current_outbound.get() if from_app else "",
        )
        self._send(exchange)

    def _mask(self, text: str) -> str:
        return mask_text(text, self._secrets)

    def _send(self, record: TimelineRecord) -> None:
        if threading.get_ident() == self._loop_thread_id:
            self._send_message(record)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send_message, record)


class _RecordingTransport:
    """A transport that is listened to."""

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        self._transport, self._recorder = transport, recorder

    async def __call__(self, request: Request) -> Response:
        id, started_at = self._recorder.start_exchange(), monotonic()
        try:
            response = await self._transport(request)
        except ProviderFailure as failure:
            self._recorder.record_exchange(
                id, started_at, request, None, failure=failure.message, from_app=True
            )
            raise
        self._recorder.record_exchange(id, started_at, request, response, from_app=True)
        return response

    async def close(self) -> None:
        await self._transport.close()


class _RecordedCall:
    """A call to us, noted while the app reads and answers it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._request_body, self._response_body = bytearray(), bytearray()
        self._status, self._headers = 0, dict[str, str]()

    async def receive(self) -> Message:
        message = await self._receive()
        self._request_body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = (
                message["status"],
                _decode_headers(message.get("headers", ())),
            )
        self._response_body += message.get("body", b"")
        await self._send(message)

    def request(self) -> Request:
        headers, scope = _decode_headers(self._scope["headers"]), self._scope
        url = f"{scope['scheme']}://{headers.get('host', '')}{scope['path']}"
        return Request(
            method=scope["method"], url=url, headers=headers, body=bytes(self._request_body)
        )

    def response(self) -> Response:
        return Response(status=self._status, headers=self._headers, body=bytes(self._response_body))


def _decode_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def _state_json(state: bytes | None) -> str:
    return "null" if state is None else state.decode(errors="replace")
