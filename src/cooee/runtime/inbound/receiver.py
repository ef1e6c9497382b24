"""Where texts come in, by reading or by webhook: made credible, stored, announced."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec

from cooee.core.app.opt_out import Words
from cooee.core.messages import Inbound, when_sent
from cooee.core.phone_numbers import normalise
from cooee.providers import Features
from cooee.runtime.log import tell
from cooee.storage import Arrival, Store

_NOBODY = "unknown"  # the sender of a text that came without one: kept, and never answered


class Intake:
    """Stores texts before anybody is told that they came (law 1).

    Args:
        features: the provider's.
        words: what opts out and in; it takes effect here, before any handler (law 10).
        store: where texts go.
        announce: called after the commit, with our number of each new text.
        near: our own number, in whose country national numbers are read.
    """

    def __init__(
        self,
        features: Features,
        words: Words,
        store: Store,
        announce: Callable[[str], None],
        near: Callable[[], str],
    ) -> None:
        self._features, self._words, self._store = features, words, store
        self._announce, self._near = announce, near

    async def receive(self, inbounds: Sequence[Inbound]) -> Sequence[Inbound]:
        """Store texts; those that were here before are known by their key, and not stored again.

        Returns:
            the new ones that are sure to reach a handler, as they were stored.

        Raises:
            StoreUnavailable: nothing was stored; do not acknowledge.
        """
        if not inbounds:
            return ()
        arrivals = [self._arrival(inbound) for inbound in inbounds]
        fresh = await self._store.receive(arrivals)
        for arrival, new in zip(arrivals, fresh, strict=True):
            inbound = arrival.inbound
            tell(
                "received" if new else "received-again",
                logging.DEBUG if new else logging.INFO,
                private={"theirs": inbound.sender, "text": inbound.text},
            )
            if new:
                self._announce(inbound.recipient)
        heard = zip(arrivals, fresh, strict=True)
        return [one.inbound for one, new in heard if new and one.consent in ("", "in")]

    def _arrival(self, inbound: Inbound) -> Arrival:
        ours = self._near()
        recipient = normalise(inbound.recipient, near=ours) or ours
        changed = msgspec.structs.replace(
            inbound,
            recipient=recipient,
            sender=normalise(inbound.sender, near=recipient) or _NOBODY,
            sent_at=when_sent(inbound.sent_at, inbound.received_at, self._features.stamp_offset),
        )
        if inbound.consent:
            return Arrival(changed, inbound.consent, "company")
        consent = self._words.hear(inbound.text)
        return Arrival(changed, consent, "plain words" if consent == "wish" else "word")
