"""StoreHarness: a store with a clock, and short forms of its verbs for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec

from cooee.core.app.opt_out import ConsentChange
from cooee.core.messages import Inbound, Media, Outbound, Priority, Status
from cooee.storage import (
    AttemptResult,
    Claim,
    ClaimResult,
    NewInbound,
    NewOutbound,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
    Store,
    TurnFailure,
)

OpenStore: TypeAlias = Callable[[Callable[[], datetime]], Awaitable[Store]]

OURS = "+61491570006"
ANNA, BERT, CLEO = "+61491570156", "+61491570157", "+61491570158"


class ManualClock:
    """A clock that only its test moves; a call returns the time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time, in UTC."""
        return self.time

    def advance(self, **span: float) -> datetime:
        """Move the clock forward, such as by ``minutes=5``; return the time."""
        self.time += timedelta(**span)
        return self.time

    def later(self, **span: float) -> datetime:
        """Return the time after a span, such as ``minutes=5``."""
        return self.time + timedelta(**span)


class StoreHarness:
    """A store with its clock, and short forms of the verbs that most tests call."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    async def receive(
        self, *texts: str, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> Sequence[bool]:
        """Receive texts of one person now; return whether each is new."""
        arrivals = [
            self.new_inbound(text, sender=sender, key=key, consent=consent) for text in texts
        ]
        return [received.is_new for received in await self.store.receive(arrivals)]

    async def receive_one(self, text: str, *, consent: ConsentChange = "") -> ReceivedText:
        """Receive one text of one person now; return the store's result."""
        [received] = await self.store.receive([self.new_inbound(text, key=text, consent=consent)])
        return received

    def new_inbound(
        self, text: str, *, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> NewInbound:
        """Return a text that comes in now."""
        now = self.clock()
        inbound = Inbound(
            sender=sender, recipient=OURS, text=text, received_at=now, sent_at=now, key=key
        )
        return NewInbound(inbound, consent)

    async def receive_media(self, *media: Media, sender: str = ANNA) -> None:
        """Receive a text with media and no words, now."""
        new = self.new_inbound("", sender=sender)
        inbound = msgspec.structs.replace(new.inbound, media=media)
        [received] = await self.store.receive([NewInbound(inbound)])
        assert received.is_new

    async def claim_one(self) -> Claim:
        """Claim the only conversation that is due."""
        [claim] = await self.store.claim(10)
        return claim

    async def finish(self, claim: Claim, *replies: str, state: bytes | None = None) -> bool:
        """Finish a claim with replies; return False where its lease was lost."""
        drafts = [NewOutbound(text=text) for text in replies]
        result = ClaimResult(
            claim=claim,
            handled_seq=claim.texts[-1].seq,
            last_turn_at=self.clock(),
            state=state,
            drafts=drafts,
        )
        return await self.finish_all(result) == [True]

    async def finish_all(self, *results: ClaimResult) -> list[bool]:
        """Finish claims; return of each whether it was committed."""
        return [finished.is_committed for finished in await self.store.finish(results)]

    async def fail(self, claim: Claim, retry_at: datetime | None, *, at: int = 0) -> None:
        """Finish a claim with a failure of its text `at`; the texts before it are handled."""
        seq = claim.texts[at].seq
        failure = TurnFailure(seq, "ValueError: no", retry_at)
        handled_seq = seq if retry_at is None else seq - 1
        result = ClaimResult(
            claim=claim, handled_seq=handled_seq, last_turn_at=self.clock(), failure=failure
        )
        assert await self.finish_all(result) == [True]

    async def enqueue(self, text: str, *, to: str = ANNA, **fields: object) -> str:
        """Queue a proactive text; return its outbound id."""
        draft = NewOutbound(text=text, **{"priority": Priority.PROACTIVE, **fields})  # type: ignore[arg-type]  # a test's short form
        [id] = await self.store.enqueue([ProactiveOutbound(OURS, to, draft)])
        return id

    async def take_one(self) -> Outbound:
        """Take the only text that is due."""
        [taken] = await self.store.take(OURS, 10)
        return taken.outbound

    async def take(self, limit: int = 10) -> list[str]:
        """Take due texts; return their words."""
        return texts_of(await self.store.take(OURS, limit))

    async def record(
        self,
        outbound: Outbound,
        status: Status,
        *,
        retry_at: datetime | None = None,
        provider_id: str = "",
        opted_out: bool = False,
    ) -> None:
        """Record the result of an attempt."""
        result = AttemptResult(
            outbound=outbound,
            status=status,
            retry_at=retry_at,
            provider_id=provider_id,
            message="as it went",
            opted_out=opted_out,
        )
        await self.store.record_results([result])

    async def statuses(self, theirs: str = ANNA) -> list[str]:
        """Return the history of a conversation, such as ``["TIME: handled"]``."""
        entries = await self.store.history(OURS, theirs, 100)
        return [f"{entry.text}: {entry.status}" for entry in entries]


def texts_of(attempts: Sequence[SendAttempt]) -> list[str]:
    """Return the words of taken texts."""
    return [one.outbound.text for one in attempts]


async def fresh_harness(open_store: OpenStore) -> AsyncIterator[StoreHarness]:
    """Yield a harness with a new store, and close the store that it has at the end."""
    clock = ManualClock()
    harness = StoreHarness(await open_store(clock), clock)
    yield harness
    await harness.store.close()
