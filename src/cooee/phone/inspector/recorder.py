"""Records a running app from outside: its service's events and its HTTP exchanges."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from cooee.clocks.clock import monotonic
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import ASGIApp, Message, Receive, Scope, Send, Transport
from cooee.phone.inspector.app_error import describe_error
from cooee.phone.inspector.journal_view import committed_steps
from cooee.phone.inspector.masking import mask_headers, mask_text
from cooee.phone.ipc_messages import (
    AppError,
    HTTPExchange,
    JournalStep,
    ServiceEvent,
    TimelineRecord,
)
from cooee.runtime import events

# The last exchange of the running task, and the outbound text that the running task sends.
_current_exchange: ContextVar[str] = ContextVar("exchange", default="")
_current_outbound: ContextVar[str] = ContextVar("outbound", default="")


RecordEnd: TypeAlias = Callable[[Request, Response, str], None]


class Recorder:
    """Reports a running app's events and HTTP exchanges as timeline records.

    Args:
        send_message: takes each record; called in the event loop's thread alone.
        folder: the folder of the app's own files.
        secrets: texts to mask wherever they show.
        now: returns the app's time.
    """

    def __init__(
        self,
        send_message: Callable[[TimelineRecord], None],
        folder: Path,
        secrets: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._send_message, self._secrets = send_message, [*secrets]
        self._folder, self._now = folder, now
        self._loop, self._loop_thread_id = asyncio.get_running_loop(), threading.get_ident()

    def add_secret(self, secret: str) -> None:
        """Mask a further text from now on."""
        self._secrets.append(secret)

    def on_event(self, event: events.Event) -> None:
        """Record an event, in whichever thread publishes it."""
        if isinstance(event, events.AttemptStarted):
            _current_outbound.set(event.outbound.id)
        exchange, (error, steps) = _current_exchange.get(), self._app_details(event)
        self._send(ServiceEvent(event, monotonic(), self._now(), exchange, error, steps))

    def _app_details(self, event: events.Event) -> tuple[AppError | None, Sequence[JournalStep]]:
        """Return the parts of an event that only this process can read: it has the app's code."""
        match event:
            case events.HandlerRan(error=Exception() as error):
                return describe_error(error, self._folder), ()
            case events.CheckpointWritten(checkpoint):
                return None, [*committed_steps([checkpoint.update])]
            case events.TurnsCommitted(result):
                return None, [*committed_steps(result.dialogue_updates)]
        return None, ()

    # HTTP

    def wrap_transport(self, transport: Transport) -> Transport:
        """Return a transport that records the exchanges of another."""
        return _RecordingTransport(transport, self)

    def wrap_app(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI app that records the requests of another, with its answers."""

        async def recorded_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            received, sent = list[Message](), list[Message]()

            async def receive_recorded() -> Message:
                received.append(await receive())
                return received[-1]

            async def send_recorded(message: Message) -> None:
                sent.append(message)
                await send(message)

            record_end = self.start_exchange(from_app=False)
            await app(scope, receive_recorded, send_recorded)
            record_end(_request(scope, received), _response(sent), "")

        return recorded_app

    def start_exchange(self, *, from_app: bool) -> RecordEnd:
        """Begin an exchange, which causes the rest of this task; the function returned ends it."""
        # Unique over processes too: the page shows the exchanges of every version of the app.
        id, started_at, secrets = uuid4().hex, monotonic(), self._secrets
        _current_exchange.set(id)

        def record_end(request: Request, response: Response, failure: str) -> None:
            exchange = HTTPExchange(
                id,
                started_at,
                monotonic() - started_at,
                from_app,
                request.method,
                mask_text(request.url, secrets),
                mask_headers(request.headers, secrets),
                mask_text(request.body.decode(errors="replace"), secrets),
                response.status,
                mask_headers(response.headers, secrets),
                mask_text(response.body.decode(errors="replace"), secrets),
                failure,
                _current_outbound.get() if from_app else "",
            )
            self._send(exchange)

        return record_end

    def _send(self, record: TimelineRecord) -> None:
        if threading.get_ident() == self._loop_thread_id:
            self._send_message(record)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send_message, record)


class _RecordingTransport:
    """A transport that records its exchanges."""

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        self._transport, self._recorder = transport, recorder

    async def __call__(self, request: Request) -> Response:
        record_end = self._recorder.start_exchange(from_app=True)
        try:
            response = await self._transport(request)
        except ProviderFailure as failure:
            record_end(request, Response(status=0), failure.message)
            raise
        record_end(request, response, "")
        return response

    async def close(self) -> None:
        await self._transport.close()


def _request(scope: Scope, received: Sequence[Message]) -> Request:
    headers = _decode_headers(scope["headers"])
    url = f"{scope['scheme']}://{headers.get('host', '')}{scope['path']}"
    return Request(method=scope["method"], url=url, headers=headers, body=_body(received))


def _response(sent: Sequence[Message]) -> Response:
    start: Message = sent[0] if sent else {"status": 0, "headers": ()}
    headers = _decode_headers(start["headers"])
    return Response(status=start["status"], headers=headers, body=_body(sent))


def _body(messages: Sequence[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


def _decode_headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
