"""Pruning: what is old goes, a slice at a time; what waits or keeps a promise stays."""

from __future__ import annotations

from datetime import datetime

from cooee.core.messages import Media, Status
from cooee.storage import PrunedSlice
from cooee.testing.store_suite.harness import ANNA, BERT, CLEO, OURS, StoreHarness


class PruningTests:
    """Promises of `Store.prune_history`, and of counts that end somewhere."""

    async def test_old_texts_of_both_directions_are_deleted_and_new_ones_stay(
        self, harness: StoreHarness
    ) -> None:
        for words in ("old", "new"):
            harness.clock.advance(days=1)
            await harness.receive(words, key=words)
            await harness.finish(await harness.claim_one(), f"{words} reply")
            await harness.record(await harness.take_one(), Status.DELIVERED)
        before = harness.clock.later(minutes=-1)
        done = await harness.store.prune_history(before)
        assert (done.texts, done.dialogues, done.next_slice, done.done) == (2, 0, None, 1.0)
        texts = [one.text for one in await harness.store.history(OURS, ANNA, 9)]
        assert texts == ["new", "new reply"]
        assert await harness.store.prune_history(before) == PrunedSlice(None, 1.0)

    async def test_pruned_texts_come_in_once_and_their_numbers_are_not_given_again(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("hello", key="hello")
        await harness.finish(await harness.claim_one(), "hi", state=b"s")
        await harness.record(await harness.take_one(), Status.DELIVERED)
        await self._prune_all(harness)
        assert list(await harness.receive("hello", key="hello")) == [False]
        await harness.receive("again")
        claim = await harness.claim_one()
        assert (claim.texts[0].seq, claim.state, claim.handled_seq) == (2, b"s", 1)
        await harness.finish(claim, "hi again")
        assert (await harness.take_one()).id.endswith("-2")

    async def test_what_waits_is_never_pruned(self, harness: StoreHarness) -> None:
        await harness.receive("pending")
        await harness.receive("fails", sender=BERT)
        [bert] = [claim for claim in await harness.store.claim(9) if claim.theirs == BERT]
        await harness.fail(bert, None)
        for words, status in (
            ("refused", Status.FAILED),
            ("unknown", Status.UNKNOWN),
            ("sending", None),
        ):
            await harness.enqueue(words, to=CLEO)
            outbound = await harness.take_one()
            if status is not None:
                await harness.record(outbound, status)
            harness.clock.advance(minutes=5)  # a text of unknown end holds a later one for one
        await harness.enqueue("queued", to=ANNA, due_at=harness.clock.later(days=9))
        assert (await self._prune_all(harness)).texts == 0
        people = (ANNA, BERT, CLEO)
        assert sorted([one for who in people for one in await harness.statuses(who)]) == [
            "fails: set aside",
            "pending: pending",
            "queued: queued",
            "refused: failed",
            "sending: sending",
            "unknown: unknown",
        ]

    async def test_a_text_that_was_written_long_ago_is_as_old_as_its_attempt(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("see you", due_at=harness.clock.later(days=30))
        harness.clock.advance(days=30)
        await harness.record(await harness.take_one(), Status.DELIVERED)
        assert (await harness.store.prune_history(harness.clock())).texts == 0
        harness.clock.advance(seconds=1)
        assert (await harness.store.prune_history(harness.clock())).texts == 1

    async def test_a_key_stays_and_is_not_used_again(self, harness: StoreHarness) -> None:
        id = await harness.enqueue("we are open", key="open")
        await harness.record(await harness.take_one(), Status.DELIVERED, provider_id="p1")
        assert (await self._prune_all(harness)).texts == 1
        assert list(await harness.store.history(OURS, ANNA, 9)) == []
        assert await harness.enqueue("we are open", key="open") == id
        assert await harness.take() == []
        assert (await self._prune_all(harness)).texts == 0

    async def test_the_proof_of_an_opt_out_stays(self, harness: StoreHarness) -> None:
        for words, consent in (("STOP", "out"), ("hello", ""), ("START", "in")):
            harness.clock.advance(minutes=1)
            await harness.receive(words, consent=consent)  # type: ignore[arg-type]  # a test's short form
        claim = await harness.claim_one()
        await harness.finish(claim)
        assert (await self._prune_all(harness)).texts == 1
        [opt_out] = await harness.store.opt_outs(OURS, ANNA)
        assert (opt_out.text, opt_out.lifted_text) == ("STOP", "START")

    async def test_the_media_of_pruned_texts_are_to_be_erased(self, harness: StoreHarness) -> None:
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        await harness.store.save_media(claim, claim.texts[0], [Media(path="/media/1.png")])
        await harness.finish(claim)
        assert list(await harness.store.media_to_erase()) == []
        await self._prune_all(harness)
        assert list(await harness.store.media_to_erase()) == ["/media/1.png"]

    async def test_slices_end_where_the_next_begins_and_have_every_conversation_once(
        self, harness: StoreHarness
    ) -> None:
        people = [f"+614915701{number:02}" for number in range(10, 33)]
        for person in people:
            await harness.receive("hello", sender=person)
        for claim in await harness.store.claim(99):
            await harness.finish(claim)
        now = harness.clock.advance(days=1)
        slices = [await harness.store.prune_history(now, limit=10)]
        while (after := slices[-1].next_slice) is not None:
            slices.append(await harness.store.prune_history(now, after=after, limit=10))
        assert [one.texts for one in slices] == [10, 10, 3]
        shares = [one.done for one in slices]
        assert shares == sorted(shares)
        assert shares[-1] == 1

    async def test_a_long_conversation_takes_several_slices(self, harness: StoreHarness) -> None:
        count = 4_500
        await harness.receive(*["x"] * count)
        while claims := await harness.store.claim(9):
            await harness.finish(claims[0])
        now, slices = harness.clock.advance(days=1), [PrunedSlice(b"", 0)]
        while (after := slices[-1].next_slice) is not None:
            slices.append(await harness.store.prune_history(now, after=after))
        assert sum(one.texts for one in slices) == count
        assert max(one.texts for one in slices) < count

    async def test_counts_end_where_they_are_told_to(self, harness: StoreHarness) -> None:
        for person in (ANNA, BERT, CLEO):
            await harness.receive("hello", sender=person)
            await harness.enqueue("hello", to=person)
        few, all_ = await harness.store.counts(up_to=2), await harness.store.counts()
        assert (few.conversations, few.pending, few.queued, few.failed) == (2, 2, 2, 0)
        assert (all_.conversations, all_.pending, all_.queued, all_.failed) == (3, 3, 3, 0)

    async def _prune_all(self, harness: StoreHarness) -> PrunedSlice:
        """Prune whatever is a day old or older, a day later."""
        moment: datetime = harness.clock.advance(days=1)
        return await harness.store.prune_history(moment)
