"""The calls that a company makes to its customers, and makes again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence

from cooee.clocks.clock import Clock
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Request
from cooee.net.http_client import Transport
from cooee.simulator.faults import Faults
from cooee.simulator.ordered_jobs import Lanes

log = logging.getLogger(__name__)


class Pushes:
    """Posts JSON to customers' webhooks, and again after each of `waits` until a 2xx.

    First tries of one lane are made in order; a try that failed is repeated beside the
    others, so that it holds up nobody.
    """

    def __init__(
        self,
        clock: Clock,
        lanes: Lanes,
        transport: Transport,
        faults: Faults,
        waits: Sequence[float],
    ) -> None:
        self._clock = clock
        self._lanes = lanes
        self._transport = transport
        self._faults = faults
        self._waits = tuple(waits)

    def post(
        self,
        lane: Hashable,
        url: str,
        body: bytes,
        *,
        headers: Callable[[], Mapping[str, str]] = dict,
        given_up: Callable[[], None] | None = None,
    ) -> None:
        """Post a body, in its turn; `headers` are made anew for each try."""

        async def first() -> None:
            tries = 2 if self._faults.for_push() else 1
            if not any([await self._try(url, body, headers()) for _ in range(tries)]):
                self._lanes.add(("again", object()), again)

        async def again() -> None:
            for seconds in self._waits:
                await self._clock.sleep(seconds)
                if await self._try(url, body, headers()):
                    return
            if given_up is not None:
                given_up()

        self._lanes.add(("push", url, lane), first)

    async def _try(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        request = Request(
            method="POST",
            url=url,
            headers={"content-type": "application/json", **headers},
            body=body,
        )
        try:
            answer = await self._transport(request)
        except ProviderFailure as failure:
            log.info("push not taken: %s", failure)
            return False
        except Exception as error:  # a URL that no client can call must not end the box
            log.warning("push impossible: %s", error)
            return False
        return 200 <= answer.status < 300
