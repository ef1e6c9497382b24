"""Our numbers: cursors, lost reads and secrets."""

from __future__ import annotations

from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    OURS,
    OpenStore,
    StoreHarness,
)


class NumberTests:
    """Promises about our numbers and the secrets of an installation."""

    async def test_our_numbers_are_stored(self, harness: StoreHarness) -> None:
        for ours in (OURS, ANNA, OURS):
            await harness.store.add_our_number(ours)
        await harness.store.set_cursor(BERT, "7")
        assert list(await harness.store.our_numbers()) == sorted([OURS, ANNA, BERT])

    async def test_polling_goes_on_at_the_stored_cursor(self, harness: StoreHarness) -> None:
        assert await harness.store.get_cursor(OURS) == ""
        await harness.store.count_lost_read(OURS)
        await harness.store.count_lost_read(OURS)
        await harness.store.set_cursor(OURS, "page 2")
        await harness.store.set_cursor(OURS, "page 3")
        assert (await harness.store.get_cursor(OURS), await harness.store.get_cursor(BERT)) == (
            "page 3",
            "",
        )
        assert (await harness.store.counts()).lost_reads == 2

    async def test_a_role_of_a_number_is_held_again_and_after_its_release(
        self, harness: StoreHarness
    ) -> None:
        for _ in range(2):
            assert await harness.store.hold_number(OURS, "poller") > 0
        assert await harness.store.hold_number(OURS, "sender") > 0
        assert await harness.store.hold_number(BERT, "poller") > 0
        await harness.store.release_number(OURS, "poller")
        await harness.store.release_number(OURS, "poller")  # nothing to release
        assert await harness.store.hold_number(OURS, "poller") > 0

    async def test_what_is_handed_over_to_nobody_is_claimed_again(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("hello")
        for _ in range(2):
            await harness.store.hand_over([await harness.claim_one()], "a version of nobody")
        assert await harness.finish(await harness.claim_one(), "hi")

    async def test_a_process_alone_runs_the_newest_version(self, harness: StoreHarness) -> None:
        for version in ("one", "one", "two"):
            assert list(await harness.store.newer_versions(version)) == []

    async def test_a_secret_is_made_once(
        self, harness: StoreHarness, open_store: OpenStore
    ) -> None:
        word = await harness.store.secret("path")
        assert len(word) >= 32
        assert await harness.store.secret("other") != word
        await harness.store.close()
        harness.store = await open_store(harness.clock)
        assert await harness.store.secret("path") == word

    async def test_a_secret_is_renewed_beside_the_old_one_until_that_is_retired(
        self, harness: StoreHarness
    ) -> None:
        [first] = await harness.store.secrets("path")
        assert not await harness.store.retire_secret("path")
        assert await harness.store.rotate_secret("path")
        second, old = await harness.store.secrets("path")
        assert (old, await harness.store.secret("path")) == (first, second)
        assert not await harness.store.rotate_secret("path")
        assert await harness.store.retire_secret("path")
        assert list(await harness.store.secrets("path")) == [second]
