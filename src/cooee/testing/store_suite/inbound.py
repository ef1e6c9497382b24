"""Inbound texts: stored once, as they came, and their dedupe keys."""

from __future__ import annotations

from datetime import timedelta

from cooee.core.messages import Inbound
from cooee.storage import (
    NewInbound,
)
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    OURS,
    StoreHarness,
)


class InboundTests:
    """Promises of `Store.receive` and `Store.prune`."""

    async def test_texts_are_claimed_in_the_order_they_came(self, harness: StoreHarness) -> None:
        assert list(await harness.receive("one", "two")) == [True, True]
        await harness.receive("three")
        claim = await harness.claim_one()
        assert [pending.inbound.text for pending in claim.texts] == ["one", "two", "three"]
        assert [pending.seq for pending in claim.texts] == [1, 2, 3]
        assert (claim.ours, claim.theirs, claim.attempt) == (OURS, ANNA, 1)
        assert (claim.state, claim.last_turn_at) == (None, None)

    async def test_a_text_that_comes_twice_is_stored_once(self, harness: StoreHarness) -> None:
        assert list(await harness.receive("START", "START", key="id-1")) == [True, False]
        assert list(await harness.receive("START", key="id-1")) == [False]
        assert await harness.finish(await harness.claim_one())
        assert list(await harness.receive("START", key="id-1")) == [False]
        assert (await harness.store.counts()).pending == 0

    async def test_texts_without_a_key_are_always_new(self, harness: StoreHarness) -> None:
        assert list(await harness.receive("TIME", "TIME")) == [True, True]
        claim = await harness.claim_one()
        assert len({pending.id for pending in claim.texts}) == 2

    async def test_one_key_from_two_people_is_two_texts(self, harness: StoreHarness) -> None:
        assert list(await harness.receive("hello", key="1")) == [True]
        assert list(await harness.receive("hello", key="1", sender=BERT)) == [True]
        assert len(await harness.store.claim(10)) == 2

    async def test_unstorable_characters_are_replaced_and_kept_raw(
        self, harness: StoreHarness
    ) -> None:
        odd = "nul \0 and half \ud83d of an emoji"
        await harness.receive(odd, key="\ud800", sender="+6149\ud800")
        [text] = (await harness.claim_one()).texts
        assert text.inbound.text == "nul \ufffd and half \ufffd of an emoji"
        assert text.inbound.raw == odd.encode(errors="surrogatepass")
        assert text.inbound.sender == "+6149\ufffd"

    async def test_an_inbound_is_read_as_it_was_received(self, harness: StoreHarness) -> None:
        inbound = Inbound(
            sender=ANNA,
            recipient=OURS,
            text="שלום 👋\r\n",
            received_at=harness.clock(),
            sent_at=harness.clock() - timedelta(seconds=2, milliseconds=250),
            provider_id="abc",
            raw=b"\xff",
        )
        await harness.store.receive([NewInbound(inbound)])
        [text] = (await harness.claim_one()).texts
        assert text.inbound == inbound

    async def test_old_dedupe_keys_are_pruned_and_new_ones_kept(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("old", key="old")
        harness.clock.advance(days=40)
        await harness.receive("new", key="new")
        assert await harness.store.prune(harness.clock() - timedelta(days=35)) == 1
        assert list(await harness.receive("old", key="old")) == [True]
        assert list(await harness.receive("new", key="new")) == [False]
