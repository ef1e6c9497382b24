"""Twilio's webhooks: signed, and retried as the URL's fragment says."""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from cooee.core.errors import OutcomeUnknown, ProviderFailure
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork

FormFields: TypeAlias = Sequence[tuple[str, str]]

WEBHOOK_TIMEOUT_S = 15.0
"""Seconds for all tries of a call together."""
_RETRY_PAUSE_S = 0.5  # seconds between two tries: an assumption
_FORM_CONTENT_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"

log = logging.getLogger(__name__)


class WebhookRetryPolicy(msgspec.Struct, frozen=True):
    """The number of further calls of a webhook, and the outcomes before a further call.

    ``#rc=5&rp=all``: up to five times more, whatever went wrong. `rp` lists *ct* (no
    connection), *rt* (no response in time), *4xx*, *5xx* or *all*; by default once, after *ct*.
    (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides)
    """

    max_retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})

    def should_retry(self, outcome: str) -> bool:
        """Return whether an outcome is retried; an empty outcome is a success."""
        return outcome in self.retry_on or ("all" in self.retry_on and outcome != "")


def parse_retry_policy(url: str) -> WebhookRetryPolicy:
    """Parse the retry policy in a URL's fragment."""
    options = parse_qs(urlsplit(url).fragment)
    count, retry_on = options.get("rc", ["1"])[0], options.get("rp", ["ct"])[0]
    max_retries = min(int(count), 5) if count.isascii() and count.isdecimal() else 1
    return WebhookRetryPolicy(max_retries, frozenset(retry_on.split(",")))


def sign_webhook(url: str, form: FormFields, token: str) -> str:
    """Return ``X-Twilio-Signature``: the URL, then each name and its values, sorted, by the token.

    (https://www.twilio.com/docs/usage/webhooks/webhooks-security)
    """
    values: dict[str, set[str]] = {}
    for name, value in form:
        values.setdefault(name, set()).add(value)
    # Twilio signs the URL without its user and password, which it sends in a header.
    scheme, slashes, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    signed = f"{scheme}{slashes}{place.rpartition('@')[2]}{slash}{path}" + "".join(
        name + value for name in sorted(values) for value in sorted(values[name])
    )
    digest = hmac.new(token.encode(), signed.encode(errors="replace"), "sha1").digest()
    return base64.b64encode(digest).decode()


class TwilioWebhookSender:
    """Posts forms to customers' URLs; the posts of a lane in order.

    Args:
        network: the clock and the lanes of the posts.
        transport: sends the posts.
        faults: the faults of this API: a push may go out twice.
    """

    def __init__(self, network: MobileNetwork, transport: Transport, faults: Faults) -> None:
        self._network, self._transport, self._faults = network, transport, faults

    def post(
        self,
        lane: Hashable,
        url: str,
        form: FormFields,
        *,
        token: str,
        on_response: Callable[[Response | None], None] = lambda _: None,
    ) -> None:
        """Post a form to a URL when the lane is free.

        `on_response` gets the response, or None where there was none.
        """
        url_without_fragment = url.partition("#")[0]
        request = Request(
            method="POST",
            url=url_without_fragment,
            headers={
                "content-type": _FORM_CONTENT_TYPE,
                "x-twilio-signature": sign_webhook(url_without_fragment, form, token),
                "i-twilio-idempotency-token": f"{self._network.next_serial():032x}",
                "user-agent": "TwilioProxy/1.1",
            },
            body=urlencode(form, errors="replace").encode(),
        )

        async def deliver() -> None:
            if self._faults.take_duplicate_push():
                await self._attempt_with_retries(request, parse_retry_policy(url))
            on_response(await self._attempt_with_retries(request, parse_retry_policy(url)))

        self._network.jobs.add(("twilio", lane), deliver)

    async def _attempt_with_retries(
        self, request: Request, policy: WebhookRetryPolicy
    ) -> Response | None:
        """Return the response of the last attempt, good if any attempt's was good."""
        clock, started_at = self._network.clock, self._network.clock.now()
        response, outcome = await self._attempt(request)
        for _ in range(policy.max_retries):
            elapsed_s = (clock.now() - started_at).total_seconds()
            if not policy.should_retry(outcome) or elapsed_s + _RETRY_PAUSE_S >= WEBHOOK_TIMEOUT_S:
                break
            await clock.sleep(_RETRY_PAUSE_S)
            response, outcome = await self._attempt(request)
        return response

    async def _attempt(self, request: Request) -> tuple[Response | None, str]:
        """Return a response, and the attempt's outcome; an empty outcome is a success."""
        clock = self._network.clock
        wake_up = clock.create_wake_up()
        task = clock.spawn(self._send(request))
        task.add_done_callback(lambda _: wake_up.set())
        if not await wake_up.wait(WEBHOOK_TIMEOUT_S):
            task.cancel()
            return None, "rt"
        response, outcome = task.result()
        if response is not None and response.status >= 400:
            outcome = "4xx" if response.status < 500 else "5xx"
        return response, outcome

    async def _send(self, request: Request) -> tuple[Response | None, str]:
        try:
            return await self._transport(request), ""
        except OutcomeUnknown:
            return None, "rt"
        except ProviderFailure as failure:
            log.info("push refused: %s", failure)
            return None, "ct"
        except Exception as error:  # a URL that no client can call must not end the simulator
            log.warning("push impossible: %s", error)
            return None, "ct"
