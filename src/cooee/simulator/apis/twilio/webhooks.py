"""Twilio's calls to its customers: signed, and tried again where the URL's fragment says so."""

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
from cooee.simulator.network import Network

Pairs: TypeAlias = Sequence[tuple[str, str]]

LONGEST = 15.0
"""Seconds for all tries of a call together."""
_PAUSE = 0.5  # seconds between two tries: an assumption
_FORM = "application/x-www-form-urlencoded; charset=UTF-8"

log = logging.getLogger(__name__)


class Policy(msgspec.Struct, frozen=True):
    """How often a call is tried again, and after which ends of it.

    ``#rc=5&rp=all``: up to five times more, whatever went wrong. `rp` lists *ct* (no
    connection), *rt* (no answer in time), *4xx*, *5xx* or *all*; by default once, after *ct*.
    """

    again: int = 1
    after: frozenset[str] = frozenset({"ct"})

    def covers(self, end: str) -> bool:
        """Whether such an end is one to try again after."""
        return end in self.after or ("all" in self.after and end != "")


def policy(url: str) -> Policy:
    """The policy in a URL's fragment."""
    told = parse_qs(urlsplit(url).fragment)
    count, after = told.get("rc", ["1"])[0], told.get("rp", ["ct"])[0]
    again = min(int(count), 5) if count.isascii() and count.isdecimal() else 1
    return Policy(again, frozenset(after.split(",")))


def sign(url: str, pairs: Pairs, token: str) -> str:
    """``X-Twilio-Signature``: the URL, then each name and its values, sorted, under the token."""
    values: dict[str, set[str]] = {}
    for name, value in pairs:
        values.setdefault(name, set()).add(value)
    signed = url + "".join(name + one for name in sorted(values) for one in sorted(values[name]))
    digest = hmac.new(token.encode(), signed.encode(errors="replace"), "sha1").digest()
    return base64.b64encode(digest).decode()


class Webhooks:
    """Calls customers' URLs with forms; those of one lane in order.

    Args:
        network: its clock and its lanes.
        transport: what carries the calls.
        faults: what is to go wrong: a push may go out twice.
    """

    def __init__(self, network: Network, transport: Transport, faults: Faults) -> None:
        self._network, self._transport, self._faults = network, transport, faults

    def call(
        self,
        lane: Hashable,
        url: str,
        pairs: Pairs,
        *,
        token: str,
        heard: Callable[[Response | None], None] = lambda _: None,
    ) -> None:
        """Post a form to a URL, in its turn; `heard` gets the answer, None if there was none."""
        plain = url.partition("#")[0]
        request = Request(
            method="POST",
            url=plain,
            headers={
                "content-type": _FORM,
                "x-twilio-signature": sign(plain, pairs, token),
                "i-twilio-idempotency-token": f"{self._network.serial():032x}",
                "user-agent": "TwilioProxy/1.1",
            },
            body=urlencode(pairs, errors="replace").encode(),
        )

        async def call() -> None:
            if self._faults.for_push():
                await self._tried(request, policy(url))
            heard(await self._tried(request, policy(url)))

        self._network.lanes.add(("twilio", lane), call)

    async def _tried(self, request: Request, policy: Policy) -> Response | None:
        """The answer after all tries; a bad one, where no try brought a good one."""
        clock, began = self._network.clock, self._network.clock.now()
        answer, end = await self._try(request)
        for _ in range(policy.again):
            passed = (clock.now() - began).total_seconds()
            if not policy.covers(end) or passed + _PAUSE >= LONGEST:
                break
            await clock.sleep(_PAUSE)
            answer, end = await self._try(request)
        return answer

    async def _try(self, request: Request) -> tuple[Response | None, str]:
        """An answer, and how the try ended: "" is well."""
        clock = self._network.clock
        bell = clock.bell()
        asking = clock.spawn(self._ask(request))
        asking.add_done_callback(lambda _: bell.ring())
        if not await bell.wait(LONGEST):
            asking.cancel()
            return None, "rt"
        answer, end = asking.result()
        if answer is not None and answer.status >= 400:
            end = "4xx" if answer.status < 500 else "5xx"
        return answer, end

    async def _ask(self, request: Request) -> tuple[Response | None, str]:
        try:
            return await self._transport(request), ""
        except OutcomeUnknown:
            return None, "rt"
        except ProviderFailure as failure:
            log.info("push not taken: %s", failure)
            return None, "ct"
        except Exception as error:  # a URL that no client can call must not end the box
            log.warning("push impossible: %s", error)
            return None, "ct"
