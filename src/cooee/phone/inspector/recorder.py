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

from cooee.clocks.clock import stopwatch
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import ASGI, Message, Receive, Scope, Send, Transport
from cooee.phone.inspector.app_error import trouble
from cooee.phone.inspector.masking import mask_headers, mask_words
from cooee.phone.ipc_messages import Called, Exchanged, News, Over, Step, Turn, Wrote
from cooee.runtime.turns.context import Played
from cooee.storage.sqlite.change_feed import Change

_exchange: ContextVar[int] = ContextVar("exchange", default=0)  # the last one in this task
_outbound: ContextVar[str] = ContextVar("outbound", default="")  # the text that this task sends


class Observing(logging.Handler):
    """Watches one app at work, from outside: its log, its turns, its rows, its HTTP.

    Args:
        tell: where reports go; called in the event loop's thread alone.
        folder: where the app's own files are.
        secrets: words to cover wherever they show.
        clock: the app's time.
    """

    def __init__(
        self,
        tell: Callable[[News], None],
        folder: Path,
        secrets: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(logging.DEBUG)
        self._tell, self._folder, self._secrets = tell, folder, [*secrets]
        self._clock = clock
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._count = itertools.count(1)

    def keep_secret(self, word: str) -> None:
        """Cover a further word from now on."""
        self._secrets.append(word)

    # What is logged

    def emit(self, record: logging.LogRecord) -> None:
        fields, private = getattr(record, "fields", {}), getattr(record, "private", {})
        name = record.getMessage()
        if name == "sending":
            _outbound.set(fields["id"])
        words = private.get("words") or fields.get("words") or fields.get("error") or ""
        step = Step(
            stopwatch(),
            name,
            turn=str(fields.get("turn", "")),
            outbound=str(fields.get("id", "")),
            theirs=str(private.get("theirs", "")),
            text=str(private.get("text", "")),
            words=str(words),
            exchange=_exchange.get(),
        )
        self._report(step)

    # What is played

    def play(self, played: Played) -> None:
        """Observe a turn; see `runtime.surroundings.Observer`."""
        turn = self._turn(played)
        if played.handler is not None:
            handler = played.handler
            self._report(Called(stopwatch(), turn, handler.name, handler.where))
        if played.over:
            wrong = None if played.error is None else trouble(played.error, self._folder)
            before, after = (_json(state) for state in (played.before, played.after))
            self._report(Over(stopwatch(), turn, before, after, wrong, played.replies))

    def _turn(self, played: Played) -> Turn:
        claim, text = played.claim, played.pending
        return Turn(
            "" if text is None else text.id.hex(),
            claim.turn,
            claim.conversation.hex().upper(),
            claim.theirs,
            self._clock(),
        )

    # What is written

    def write(self, changes: Sequence[Change]) -> None:
        """Observe a commit; see `storage.sqlite_watch.Watch`."""
        self._report(Wrote(stopwatch(), changes))

    # What is asked

    def overhear(self, transport: Transport) -> Transport:
        """A transport that reports what goes through another."""
        return _Overheard(transport, self)

    def attend(self, app: ASGI) -> ASGI:
        """An ASGI app that reports what another is asked and answers."""

        async def attended(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            call = _Call(scope, receive, send)
            id, began = self.begin(), stopwatch()
            await app(scope, call.receive, call.send)
            self.tell_of(id, began, call.request(), call.response())

        return attended

    def begin(self) -> int:
        """The number of a new exchange, which the rest of this task comes from."""
        id = next(self._count)
        _exchange.set(id)
        return id

    def tell_of(
        self,
        id: int,
        began: float,
        request: Request,
        response: Response | None,
        *,
        failure: str = "",
        ours: bool = False,
    ) -> None:
        """Report an exchange that is over."""
        answer = response or Response(status=0)
        told = Exchanged(
            id,
            began,
            stopwatch() - began,
            ours,
            request.method,
            self._masked(request.url),
            mask_headers(request.headers, self._secrets),
            self._masked(request.body.decode(errors="replace")),
            answer.status,
            mask_headers(answer.headers, self._secrets),
            self._masked(answer.body.decode(errors="replace")),
            failure,
            _outbound.get() if ours else "",
        )
        self._report(told)

    def _masked(self, words: str) -> str:
        return mask_words(words, self._secrets)

    def _report(self, news: News) -> None:
        if threading.get_ident() == self._thread:
            self._tell(news)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, news)


class _Overheard:
    """A transport that is listened to."""

    def __init__(self, transport: Transport, observing: Observing) -> None:
        self._transport, self._observing = transport, observing

    async def __call__(self, request: Request) -> Response:
        id, began = self._observing.begin(), stopwatch()
        try:
            response = await self._transport(request)
        except ProviderFailure as failure:
            self._observing.tell_of(id, began, request, None, failure=failure.message, ours=True)
            raise
        self._observing.tell_of(id, began, request, response, ours=True)
        return response

    async def close(self) -> None:
        await self._transport.close()


class _Call:
    """A call to us, noted while the app reads and answers it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._body, self._answer = bytearray(), bytearray()
        self._status, self._headers = 0, dict[str, str]()

    async def receive(self) -> Message:
        message = await self._receive()
        self._body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], _named(message.get("headers", ()))
        self._answer += message.get("body", b"")
        await self._send(message)

    def request(self) -> Request:
        headers, scope = _named(self._scope["headers"]), self._scope
        url = f"{scope['scheme']}://{headers.get('host', '')}{scope['path']}"
        return Request(method=scope["method"], url=url, headers=headers, body=bytes(self._body))

    def response(self) -> Response:
        return Response(status=self._status, headers=self._headers, body=bytes(self._answer))


def _named(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}


def _json(state: bytes | None) -> str:
    return "null" if state is None else state.decode(errors="replace")
