"""Webhooks, /health, /send, /start as plain ASGI: verify, store, wait for the commit, respond."""

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
from cooee.runtime.app_call import as_exception
from cooee.runtime.events import Events, WebhookFailed, WebhookRefused
from cooee.runtime.inbound.receiver import InboundReceiver
from cooee.runtime.log import log_event
from cooee.runtime.outbound.backlog import Backlog
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.task_group import is_being_cancelled
from cooee.runtime.web.inline_replies import InlineReplies, WebhookAnswer
from cooee.runtime.web.request_body import read_body
from cooee.runtime.web.send_api import SendEndpoint
from cooee.runtime.web.webhook_urls import WebhookURLs

HealthCheck = Callable[[], Awaitable[tuple[bool, Mapping[str, Any]]]]


class HTTPEndpoints:
    """The ASGI app of one service.

    Args:
        provider: the provider whose webhooks come below ``/<provider>/<secret>/``.
        webhook_urls: the secrets that are accepted in that path.
        public_url: the URL before our paths, as the provider calls us; signatures cover it.
        inbound_receiver: stores the texts.
        receipt_handler: applies the receipts.
        inline_replies: adds replies to a webhook's response.
        backlog: lets a response wait while replies wait.
        clock: stamps each request.
        check_health: says whether all is well, with details.
        send_endpoint: answers POST /send and POST /start.
        events: told of refused and failed webhooks.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        webhook_urls: WebhookURLs,
        public_url: str | None,
        inbound_receiver: InboundReceiver,
        receipt_handler: ReceiptHandler,
        inline_replies: InlineReplies,
        backlog: Backlog,
        clock: Clock,
        check_health: HealthCheck,
        send_endpoint: SendEndpoint,
        events: Events,
    ) -> None:
        self._provider, self._webhook_urls = provider, webhook_urls
        self._public_url = (public_url or "").rstrip("/")
        self._inbound_receiver, self._receipt_handler, self._inline_replies = (
            inbound_receiver,
            receipt_handler,
            inline_replies,
        )
        self._backlog = backlog
        self._clock, self._check_health, self._send_endpoint = clock, check_health, send_endpoint
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = self._path_below_mount(scope)
        try:
            answer = await self._answer(path, scope, receive)
        except RequestRefused as refused:
            self._events.publish(WebhookRefused(refused.status, refused.message))
            answer = _text_answer(refused.status, "refused")
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during="webhook")
            answer = _text_answer(503, "try again later")
        except BaseException as error:  # whatever failed: the provider has to call again
            if is_being_cancelled():
                raise
            self._events.publish(WebhookFailed(as_exception("The webhook", error)))
            answer = _text_answer(503, "try again later")
        await self._inline_replies.write(send, answer)

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> WebhookAnswer:
        if path == "/health":
            return WebhookAnswer(await self._health_response(scope["method"]))
        if path in self._send_endpoint.paths:
            return WebhookAnswer(await self._send_endpoint(path, scope, receive))
        name, _, rest = path.removeprefix("/").partition("/")
        secret, _, subpath = rest.partition("/")
        if not self._accepts(name, secret):
            raise RequestRefused("A webhook path that is not ours, or no longer.", 404)
        request = Request(
            method=scope["method"],
            url=self._public_request_url(path, scope),
            headers={n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]},
            body=await read_body(scope, receive),
        )
        # delivery rule 1: the response waits for the commit (law 1), since a provider that gets
        # a 2xx forgets the text
        received = self._provider.receive(request, subpath, self._clock.now())
        turn = self._inline_replies.expect_turn(received.inbounds)
        try:
            texts = await self._inbound_receiver.receive(received.inbounds)
            if received.receipts:
                await self._receipt_handler.apply(received.receipts)
                self._inline_replies.receipts_arrived()
            # delivery rule 26: whoever brings more waits until the sender has caught up
            if turn is None and texts:
                await self._backlog.wait_for_room()
            return await self._inline_replies.answer(received.response, texts, receive, turn)
        finally:
            self._inline_replies.leave_turn(turn)

    async def _health_response(self, method: str) -> Response:
        if method not in {"GET", "HEAD"}:
            raise RequestRefused("/health is only read.", 405)
        is_healthy, details = await self._check_health()
        report = msgspec.json.encode({"status": "ok" if is_healthy else "failing", **details})
        headers = {"content-type": "application/json"}
        return Response(status=200 if is_healthy else 503, headers=headers, body=report)

    def _path_below_mount(self, scope: Scope) -> str:
        """Return a request's path below the path we are mounted at.

        By ASGI, `path` begins with `root_path`; older frameworks, and proxies that cut it off,
        leave it out. Where both readings are possible, the path of ours is it.
        """
        path, mount = scope["path"], scope.get("root_path", "").rstrip("/")
        if not mount or not path.startswith(f"{mount}/"):
            return str(path)
        below = path[len(mount) :]
        return str(path if self._is_webhook(path) and not self._is_webhook(below) else below)

    def _is_webhook(self, path: str) -> bool:
        name, _, rest = path.removeprefix("/").partition("/")
        return self._accepts(name, rest.partition("/")[0])

    def _accepts(self, name: str, secret: str) -> bool:
        return name == self._provider.name and self._webhook_urls.accepts(secret)

    def _public_request_url(self, path: str, scope: Scope) -> str:
        query = scope["query_string"].decode("latin-1")
        return self._public_url + path + (f"?{query}" if query else "")


def _text_answer(status: int, text: str) -> WebhookAnswer:
    plain = {"content-type": "text/plain"}
    return WebhookAnswer(Response(status=status, headers=plain, body=text.encode()))
