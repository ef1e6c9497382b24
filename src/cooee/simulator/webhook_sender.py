"""Pushes of a provider's API to its customers' webhooks, repeated until a 2xx."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence

from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request
from cooee.net.http_client import Transport
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork

log = logging.getLogger(__name__)


class WebhookSender:
    """Posts JSON to customers' webhooks, and again after each of `retry_delays` until a 2xx.

    The first attempts of one lane are made in order. A failed push is repeated beside the others,
    so that it holds up no other push.
    """

    def __init__(
        self,
        network: MobileNetwork,
        transport: Transport,
        faults: Faults,
        retry_delays: Sequence[float],
    ) -> None:
        self._clock, self._jobs = network.clock, network.jobs
        self._transport, self._faults = transport, faults
        self._retry_delays = tuple(retry_delays)

    def post(
        self,
        lane: Hashable,
        url: str,
        body: bytes,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        on_give_up: Callable[[], None] | None = None,
    ) -> None:
        """Post a body when the lane is free; `headers` are made anew for each attempt."""

        async def first_attempt() -> None:
            copies = 2 if self._faults.take_duplicate_push() else 1
            if not any([await self._attempt(url, body, headers()) for _ in range(copies)]):
                # A lane of its own: a webhook that is down must not hold up the pushes behind.
                self._jobs.add(("again", object()), retry)

        async def retry() -> None:
            for seconds in self._retry_delays:
                await self._clock.sleep(seconds)
                if await self._attempt(url, body, headers()):
                    return
            if on_give_up is not None:
                on_give_up()

        self._jobs.add(("push", url, lane), first_attempt)

    async def _attempt(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        request = Request(
            method="POST",
            url=url,
            headers={"content-type": "application/json", **headers},
            body=body,
        )
        try:
            response = await self._transport(request)
        except ProviderFailure as failure:
            log.info("push refused: %s", failure)
            return False
        except Exception as error:  # a URL that no client can call must not end the simulator
            log.warning("push impossible: %s", error)
            return False
        return 200 <= response.status < 300
