"""Media of inbound texts: stored, postponed and erased."""

from __future__ import annotations

import msgspec

from cooee.core.messages import Media
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    OpenStore,
    StoreHarness,
)


class MediaTests:
    """Promises of `Store.save_media`, `postpone` and `media_to_erase`."""

    async def test_a_texts_media_come_back_as_they_were(self, harness: StoreHarness) -> None:
        picture = Media(url="https://example.com/1", content_type="image/png", name="é\0.png")
        inline = Media(content=bytes(range(256)), content_type="image/gif")
        await harness.receive_media(picture, inline)
        await harness.receive("and words")
        claim = await harness.claim_one()
        shown = msgspec.structs.replace(picture, name="é\ufffd.png")
        assert [text.inbound.media for text in claim.texts] == [(shown, inline), ()]

    async def test_paths_and_errors_of_media_are_stored(
        self, harness: StoreHarness, open_store: OpenStore
    ) -> None:
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        kept = Media(content_type="image/png", path="/media/1.png", size=7)
        assert await harness.store.save_media(claim, claim.texts[0], [kept])
        await harness.store.release([claim])
        await harness.store.close()
        harness.store = await open_store(harness.clock)
        assert (await harness.claim_one()).texts[0].inbound.media == (kept,)

    async def test_a_postponed_text_is_due_later_or_with_a_new_text_or_with_its_media(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.next_due()).turn == harness.clock.later(minutes=1)
        await harness.store.save_media(claim, claim.texts[0], [Media(error="gone")])
        claim = await harness.claim_one()
        assert (claim.attempt, claim.texts[0].inbound.media[0].error) == (1, "gone")
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        await harness.receive("more")
        claim = await harness.claim_one()
        assert len(claim.texts) == 2
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        harness.clock.advance(minutes=1)
        assert await harness.finish(await harness.claim_one())

    async def test_a_claim_that_was_lost_postpones_nothing(self, harness: StoreHarness) -> None:
        await harness.receive("hi")
        claim = await harness.claim_one()
        await harness.store.release([claim])
        again = await harness.claim_one()
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        assert await harness.finish(again)

    async def test_a_forgotten_person_leaves_the_paths_of_media_to_be_erased(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive_media(Media(url="https://example.com/1"), Media(url="https://…/2"))
        await harness.receive_media(Media(url="https://example.com/3"), sender=BERT)
        for claim in await harness.store.claim(10):
            kept = [Media(path=f"/media/{claim.theirs}.png"), Media(error="gone")]
            await harness.store.save_media(claim, claim.texts[0], kept)
        assert list(await harness.store.media_to_erase()) == []
        await harness.store.forget(ANNA)
        assert list(await harness.store.media_to_erase()) == [f"/media/{ANNA}.png"]
        await harness.store.mark_media_erased([f"/media/{ANNA}.png"])
        assert list(await harness.store.media_to_erase()) == []

    async def test_media_of_a_forgotten_person_are_not_stored(self, harness: StoreHarness) -> None:
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        await harness.store.forget(ANNA)
        assert not await harness.store.save_media(claim, claim.texts[0], [Media(path="/media/1")])
