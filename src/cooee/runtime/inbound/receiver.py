"""The receiver: normalises inbound texts, stores them, and announces them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.app.offered_words import plain_word
from cooee.core.app.opt_out import OptOutWords
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Inbound, credible_sent_at
from cooee.core.parsing.courtesies import without_courtesies
from cooee.core.phone_numbers import normalise_number
from cooee.providers import Features
from cooee.runtime.events import Events, OptOutRecorded, TextReceived, TextsCancelled
from cooee.runtime.log import error_location, log_event
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.turns.handed_claims import HandedClaims
from cooee.storage import Claim, ConsentSource, NewInbound, ReceivedText, Store

_UNKNOWN_SENDER = "unknown"  # the sender of a text that came without one: kept, and never answered


class _Delivery(NamedTuple):
    """The texts that one webhook or poll brought, and what the store made of them."""

    arrivals: Sequence[NewInbound]
    stored: asyncio.Future[Sequence[ReceivedText]]

    def resolve(self, results: Sequence[ReceivedText]) -> None:
        if not self.stored.done():  # who brought the texts may have left
            self.stored.set_result(results)

    def fail(self, error: Exception) -> None:
        if not self.stored.done():
            self.stored.set_exception(error)


class InboundReceiver:
    """Stores texts before a webhook or a poll is acknowledged.

    Args:
        features: the provider's.
        words: what opts out and in; it takes effect here, before any handler (law 10).
        store: where texts go.
        announce: called after the commit, with our number of each new text.
        our_number: our own number, in whose country national numbers are read.
        clock: what to sleep on while the database is locked or full.
        wake_worker: called where a new text waits for a claim.
        handed_claims: where the claims go that came with their texts.
        start_task: starts a task that ends before the service does.
    """

    def __init__(
        self,
        features: Features,
        opt_out_words: OptOutWords,
        store: Store,
        announce: Callable[[str], None],
        our_number: Callable[[], str],
        *,
        clock: Clock,
        wake_worker: Callable[[], None],
        handed_claims: HandedClaims,
        start_task: Callable[[Coroutine[Any, Any, None]], object],
        events: Events,
    ) -> None:
        self._features, self._opt_out_words, self._store = features, opt_out_words, store
        self._announce, self._our_number, self._events = announce, our_number, events
        self._clock, self._wake_worker, self._handed_claims = clock, wake_worker, handed_claims
        self._start_task, self._deliveries = start_task, list[_Delivery]()

    async def receive(
        self, inbounds: Sequence[Inbound], *, unread_for: timedelta = timedelta()
    ) -> Sequence[Inbound]:
        """Store texts; a provider's repetition is known by its key, and not stored again.

        Args:
            inbounds: the texts, in order.
            unread_for: how long they may have waited at the provider until we read them.

        Returns:
            the new ones that are sure to reach a handler, as they were stored.

        Raises:
            StoreUnavailable: nothing was stored; do not acknowledge.
        """
        if not inbounds:
            return ()
        arrivals = [self._normalised(inbound, unread_for) for inbound in inbounds]
        results = await self._store_texts(arrivals)
        stored = zip(arrivals, results, strict=True)
        return [one.inbound for one, result in stored if result.is_new and not result.opted_out]

    async def _store_texts(self, arrivals: Sequence[NewInbound]) -> Sequence[ReceivedText]:
        """Store texts together with those that come in the same round of the event loop."""
        loop = asyncio.get_running_loop()
        delivery = _Delivery(arrivals, loop.create_future())
        self._deliveries.append(delivery)
        if len(self._deliveries) == 1:
            loop.call_soon(self._store_gathered)
        # delivery rule 1: whoever brought the texts is told nothing until they are on disk
        return await delivery.stored

    def _store_gathered(self) -> None:
        deliveries, self._deliveries = self._deliveries, []
        self._start_task(self._store_deliveries(deliveries))

    async def _store_deliveries(self, deliveries: Sequence[_Delivery]) -> None:
        """Store the texts of deliveries in one call; tell each delivery how that ended."""
        try:
            results = iter(await self._store_all([a for one in deliveries for a in one.arrivals]))
            for delivery in deliveries:
                delivery.resolve([next(results) for _ in delivery.arrivals])
        except Exception as error:
            # delivery rule 1: each alone, since one text's refusal is no other's trouble
            if len(deliveries) > 1 and not isinstance(error, StoreUnavailable):
                for delivery in deliveries:
                    await self._store_deliveries([delivery])
            for delivery in deliveries:
                delivery.fail(error)
        finally:
            for delivery in deliveries:
                delivery.stored.cancel()  # nothing where it is resolved

    async def _store_all(self, arrivals: Sequence[NewInbound]) -> Sequence[ReceivedText]:
        """Store texts, tell of them, and hand over the claims that came with them."""
        results: Sequence[ReceivedText] = ()
        lent = self._handed_claims.borrow(len(arrivals))
        try:
            results = await self._store.receive(arrivals, claim_limit=lent)
            for arrival, received in zip(arrivals, results, strict=True):
                self._publish(arrival, received)
                if received.is_new:
                    self._announce(arrival.inbound.recipient)
        finally:
            claims = [received.claim for received in results if received.claim is not None]
            await self._hand_over(lent, claims)
        claimed = {(claim.ours, claim.theirs) for claim in claims}
        if any(
            result.is_new and (one.inbound.recipient, one.inbound.sender) not in claimed
            for one, result in zip(arrivals, results, strict=True)
        ):
            self._wake_worker()
        return results

    async def _hand_over(self, lent: int, claims: Sequence[Claim]) -> None:
        """Give the borrowed places back, and the claims to the worker."""
        try:
            self._handed_claims.hand_over(lent, claims)
        # delivery rule 19: nobody else could ever claim what is leased
        except BaseException as error:
            log_event("claims-not-handed-over", logging.CRITICAL, error=error_location(error))
            self._handed_claims.hand_over(lent, ())
            await retry_until_available(self._clock, "release", lambda: self._store.release(claims))
            self._wake_worker()

    def _publish(self, arrival: NewInbound, received: ReceivedText) -> None:
        inbound, source = arrival.inbound, arrival.consent_source
        self._events.publish(TextReceived(inbound, received.is_new, received.id))
        if received.opted_out:
            self._events.publish(OptOutRecorded(inbound, "out", source, received.id))
        elif received.opted_in:
            self._events.publish(OptOutRecorded(inbound, "in", source, received.id))
        if received.cancelled:
            self._events.publish(TextsCancelled(received.cancelled))

    def _normalised(self, inbound: Inbound, unread_for: timedelta) -> NewInbound:
        ours = self._our_number()
        recipient = normalise_number(inbound.recipient, our_number=ours) or ours
        # texts rule 6: an opt-out of one spelling holds for all
        normalised = msgspec.structs.replace(
            inbound,
            recipient=recipient,
            sender=normalise_number(inbound.sender, our_number=recipient) or _UNKNOWN_SENDER,
            sent_at=credible_sent_at(
                inbound.sent_at,
                inbound.received_at,
                self._features.timestamp_offset,
                unread_for,
            ),
        )
        if inbound.consent:
            source, out = ConsentSource.PROVIDER, inbound.consent == "out"
            return NewInbound(normalised, inbound.consent, source, at_provider=out)
        # delivery rule 3: stored with its text, so that no handler, stuck or not, delays a STOP
        words = self._opt_out_words
        consent = words.consent_of(inbound.text)
        source = ConsentSource.PHRASE if consent == "wish" else ConsentSource.KEYWORD
        at_provider = words.is_at_provider(inbound.text)
        # texts rule 9: what the provider acts on is out of our hands, whatever was offered
        may_be_offered = consent == "out" and not at_provider
        unless_offered = plain_word(without_courtesies(inbound.text)) if may_be_offered else ""
        return NewInbound(normalised, consent, source, at_provider, unless_offered)
