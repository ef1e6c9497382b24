"""Records a running app from outside: its service's events and its HTTP exchanges."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path

from cooee.clocks.clock import monotonic
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import ASGIApp, Message, Receive, Scope, Send, Transport
from cooee.phone.inspector.event_records import EventRecords
from cooee.phone.inspector.masking import mask_headers, mask_text
from cooee.phone.ipc_messages import HTTPExchange, TimelineRecord
from cooee.runtime.events import AttemptStarted, Event

# The last exchange of the running task, and the outbound text that the running task sends.
_current_exchange: ContextVar[int] = ContextVar("exchange", default=0)
_current_outbound: ContextVar[str] = ContextVar("outbound", default="")


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
        self._event_records = EventRecords(folder, now)
        self._loop, self._loop_thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._exchange_ids = itertools.count(1)

    def add_secret(self, secret: str) -> None:
        """Mask a further text from now on."""
        self._secrets.append(secret)

    def on_event(self, event: Event) -> None:
        """Record an event, in whichever thread publishes it."""
        if isinstance(event, AttemptStarted):
            _current_outbound.set(event.outbound.id)
        record = self._event_records.make_record(event, monotonic(), _current_exchange.get())
        if record is not None:
            self._send(record)

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
            call = _RecordedCall(scope, receive, send)
            id, started_at = self.start_exchange(), monotonic()
            await app(scope, call.receive, call.send)
            self.record_exchange(id, started_at, call.request(), call.response())

        return recorded_app

    def start_exchange(self) -> int:
        """Return the number of a new exchange, which causes the rest of this task."""
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
        """Record an exchange that is over."""
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
    """A transport that records its exchanges."""

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
    """A request to the app, kept while the app reads and answers it."""

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
