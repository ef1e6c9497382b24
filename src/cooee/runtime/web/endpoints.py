"""The webhooks and /health, as plain ASGI: verify, store, wait for the commit, answer."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import RequestRefused, StoreUnavailable
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Receive, Scope, Send
from cooee.providers import Provider
from cooee.runtime.inbound.receiver import Intake
from cooee.runtime.log import blame, tell
from cooee.runtime.outbound.receipts import Newsroom
from cooee.runtime.web.inline_replies import Answer, Callers
from cooee.runtime.web.request_body import body
from cooee.runtime.web.send_api import Letters
from cooee.runtime.web.webhook_urls import Hooks

Health = Callable[[], Awaitable[tuple[bool, Mapping[str, Any]]]]


class Web:
    """What the world may ask of us.

    Args:
        provider: whose webhooks these are, below ``/<provider>/<word>/``.
        hooks: the unguessable path words that are good.
        public_url: what stands in front of our paths for the world; signatures cover it.
        intake: where texts go.
        newsroom: where receipts go.
        callers: what becomes of a caller whose text may be answered at once.
        clock: when a request came.
        health: whether all is well, and the particulars.
        letters: where other processes have texts sent.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        hooks: Hooks,
        public_url: str | None,
        intake: Intake,
        newsroom: Newsroom,
        callers: Callers,
        clock: Clock,
        health: Health,
        letters: Letters,
    ) -> None:
        self._provider, self._hooks = provider, hooks
        self._public_url = (public_url or "").rstrip("/")
        self._intake, self._newsroom, self._callers = intake, newsroom, callers
        self._clock, self._health, self._letters = clock, health, letters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            answer = await self._answer(path, scope, receive)
        except RequestRefused as refused:
            tell("request-refused", logging.WARNING, status=refused.status, why=refused.message)
            answer = _words(refused.status, "refused")
        except StoreUnavailable as error:
            tell("store-unavailable", logging.ERROR, error=str(error), during="webhook")
            answer = _words(503, "try again later")
        except Exception as error:  # whatever it was, the caller is to try again
            tell("webhook-failed", logging.CRITICAL, error=blame(error))
            answer = _words(503, "try again later")
        with self._callers.attempt(answer):
            await _respond(answer.response, send)

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Answer:
        if path == "/health":
            return Answer(await self._report(scope["method"]))
        if path == "/send":
            return Answer(await self._letters(scope, receive))
        name, _, rest = path.removeprefix("/").partition("/")
        word, _, tail = rest.partition("/")
        if name != self._provider.name or not self._hooks.knows(word):
            raise RequestRefused("A webhook path that is not ours, or no longer.", 404)
        request = Request(
            method=scope["method"],
            url=self._public(path, scope),
            headers={n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]},
            body=await body(scope, receive),
        )
        received = self._provider.receive(request, tail, self._clock.now())
        texts = await self._intake.receive(received.inbounds)
        if received.receipts:
            await self._newsroom.settle(received.receipts)
            self._callers.heard()
        return await self._callers.answer(received.answer, texts, receive)

    async def _report(self, method: str) -> Response:
        if method not in {"GET", "HEAD"}:
            raise RequestRefused("/health is only read.", 405)
        well, particulars = await self._health()
        report = msgspec.json.encode({"status": "ok" if well else "failing", **particulars})
        headers = {"content-type": "application/json"}
        return Response(status=200 if well else 503, headers=headers, body=report)

    def _public(self, path: str, scope: Scope) -> str:
        query = scope["query_string"].decode("latin-1")
        return self._public_url + path + (f"?{query}" if query else "")


def _words(status: int, words: str) -> Answer:
    plain = {"content-type": "text/plain"}
    return Answer(Response(status=status, headers=plain, body=words.encode()))


async def _respond(answer: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
