"""Attempts: their results, receipts, look-ups and status checks."""

from __future__ import annotations

import pytest

from cooee.core.dialogue.journal import decode_journal
from cooee.core.dialogue.refusals import apology_key, decode_refusal
from cooee.core.messages import Priority, Receipt, Refusal, Status
from cooee.storage import (
    NextDue,
)
from cooee.storage.summaries import TROUBLED
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    OURS,
    StoreHarness,
)


class AttemptTests:
    """Promises of `Store.record_results`, `apply_receipts` and the due checks."""

    async def test_an_attempt_of_unknown_end_is_looked_up_and_never_repeated_blindly(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        await harness.enqueue("next")
        ask_at = harness.clock.later(seconds=40)
        await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=ask_at)
        assert await harness.take() == []
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        assert (await harness.store.next_due()).lookup == ask_at
        harness.clock.advance(seconds=40)
        [doubt] = await harness.store.due_lookups(OURS, 10)
        assert (doubt.outbound.text, doubt.outbound.attempt) == ("hello", 1)
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        check = (await harness.store.next_due()).lookup
        assert check is not None
        assert check > harness.clock()
        await harness.record(doubt.outbound, Status.ACCEPTED, provider_id="found")
        assert (await harness.store.counts()).unknown == 0
        assert (await harness.store.next_due()).lookup is None

    async def test_an_unknown_end_of_more_than_a_minute_blocks_no_text(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        await harness.enqueue("next")
        ask_at = harness.clock.later(seconds=600)
        await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=ask_at)
        assert await harness.take() == ["next"]

    async def test_a_text_of_unknown_end_waits_for_an_operator(self, harness: StoreHarness) -> None:
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.UNKNOWN)
        assert (await harness.store.next_due()) == NextDue()
        harness.clock.advance(days=30)
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        assert [summary.unknown for summary in await harness.store.conversations(TROUBLED)] == [1]
        assert await harness.store.resend(BERT) == 0
        assert await harness.store.resend(ANNA) == 1
        assert (await harness.take_one()).attempt == 2

    async def test_a_text_that_failed_begins_its_refusal_and_is_sent_again_once(
        self, harness: StoreHarness
    ) -> None:
        refused = await harness.enqueue(
            "hello", priority=Priority.REPLY, media=["https://a.example"]
        )
        await harness.record(await harness.take_one(), Status.FAILED)
        claim = await harness.claim_one()
        [dialogue] = claim.dialogues
        refusal = decode_refusal(decode_journal(dialogue.head, dialogue.entries))
        assert (refusal.id, refusal.text, refusal.reason) == (refused, "hello", "as it went")
        assert (refusal.is_awaited, refusal.media) == (True, ("https://a.example",))
        [summary] = await harness.store.conversations(TROUBLED)
        assert (summary.refused, (await harness.store.counts()).refused) == (1, 1)
        assert [await harness.store.resend_refused(who) for who in (BERT, ANNA, None)] == [0, 1, 0]
        copy = await harness.take_one()
        assert (copy.text, copy.media, copy.attempt) == ("hello", ("https://a.example",), 1)
        assert copy.id != refused
        assert await harness.statuses() == ["hello: failed", "hello: sending"]
        assert list(await harness.store.conversations(TROUBLED)) == []

    async def test_a_refused_text_is_not_sent_again_to_who_has_opted_out_since(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.FAILED)
        await harness.receive("STOP", consent="out")
        assert await harness.store.resend_refused() == 0
        assert await harness.take() == []
        assert (await harness.store.counts()).refused == 0

    async def test_neither_an_apology_nor_a_text_to_who_opted_out_begins_a_refusal(
        self, harness: StoreHarness
    ) -> None:
        key = apology_key(Refusal(id="x", text="x"), 0, "sorry")
        await harness.enqueue("sorry", key=key)
        await harness.record(await harness.take_one(), Status.FAILED)
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.FAILED, opted_out=True)
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.counts()).refused == 0

    @pytest.mark.parametrize("is_early", [False, True])
    async def test_a_receipt_that_a_text_failed_begins_its_refusal_once(
        self, harness: StoreHarness, *, is_early: bool
    ) -> None:
        await harness.enqueue("hello")
        outbound = await harness.take_one()
        receipt = Receipt(status=Status.FAILED, provider_status="no", provider_id="p", code="30007")
        if is_early:
            await harness.store.apply_receipts([receipt])
        await harness.record(outbound, Status.ACCEPTED, provider_id="p")
        for _ in range(2):
            await harness.store.apply_receipts([receipt])
        [dialogue] = (await harness.claim_one()).dialogues
        refusal = decode_refusal(decode_journal(dialogue.head, dialogue.entries))
        assert (refusal.code, refusal.reason, refusal.is_awaited) == ("30007", "no", False)
        assert (await harness.store.counts()).refused == 1

    async def test_statuses_only_go_forward(self, harness: StoreHarness) -> None:
        id = await harness.enqueue("hello")
        outbound = await harness.take_one()
        settled = await harness.store.apply_receipts(
            [Receipt(status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id)]
        )
        assert [(text.id, status) for text, status in settled] == [(id, Status.DELIVERED)]
        await harness.record(outbound, Status.QUEUED, retry_at=harness.clock())
        await harness.record(outbound, Status.FAILED)
        await harness.record(outbound, Status.ACCEPTED, provider_id="p")
        late = [
            Receipt(status=status, provider_status=status.name, outbound_id=id) for status in Status
        ]
        assert list(await harness.store.apply_receipts(late)) == []
        assert await harness.statuses() == ["hello: delivered"]
        assert (await harness.store.history(OURS, ANNA, 1))[0].provider_id == "p"

    async def test_the_result_of_an_older_attempt_does_not_end_a_newer_one(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        first = await harness.take_one()
        await harness.record(first, Status.QUEUED, retry_at=harness.clock())
        await harness.take_one()
        for status in (Status.FAILED, Status.QUEUED, Status.UNKNOWN):
            await harness.record(first, status)
            assert await harness.statuses() == ["hello: sending"]

    async def test_receipts_find_their_texts_by_either_id(self, harness: StoreHarness) -> None:
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p-1")
        sent = Receipt(status=Status.SENT, provider_status="SENT", provider_id="p-1")
        done = Receipt(
            status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id, code="000"
        )
        assert list(await harness.store.apply_receipts([sent, sent])) == []
        assert await harness.statuses() == ["hello: sent"]
        assert len(await harness.store.apply_receipts([done, done])) == 1
        [entry] = await harness.store.history(OURS, ANNA, 10)
        assert list(entry.notes) == ["SENT", "DELIVRD (000)"]

    async def test_a_receipt_may_come_before_the_answer_to_the_send(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        outbound = await harness.take_one()
        early = Receipt(status=Status.DELIVERED, provider_status="DELIVRD", provider_id="p-1")
        assert list(await harness.store.apply_receipts([early])) == []
        await harness.record(outbound, Status.ACCEPTED, provider_id="p-1")
        assert await harness.statuses() == ["hello: delivered"]

    async def test_a_receipt_that_contradicts_itself_is_ignored(
        self, harness: StoreHarness
    ) -> None:
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p-1")
        strange = [
            Receipt(status=Status.FAILED, provider_status="no", outbound_id=id, provider_id="p-2"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="no id at all"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="00" * 16 + "-1"),
            Receipt(status=Status.FAILED, provider_status="\0\ud800", provider_id="\0"),
            Receipt(status=Status.FAILED, provider_status="no"),
        ]
        assert list(await harness.store.apply_receipts(strange)) == []
        assert await harness.statuses() == ["hello: accepted"]

    async def test_status_checks_grow_rarer_and_end_after_seven_days(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p")
        began, asked = harness.clock(), list[float]()
        while (report := (await harness.store.next_due()).status_check) is not None:
            harness.clock.time = report
            [taken] = await harness.store.due_status_checks(OURS, 10)
            assert (taken.outbound.provider_id, taken.outbound.attempt) == ("p", 1)
            assert list(await harness.store.due_status_checks(OURS, 10)) == []
            asked.append((report - began).total_seconds())
        day = 86400.0
        assert asked == [15, 60, 300, 1800, 7200, 43200, *(day * n for n in range(1, 8))]

    async def test_a_final_receipt_ends_the_status_checks(self, harness: StoreHarness) -> None:
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p")
        await harness.store.apply_receipts(
            [Receipt(status=Status.DELIVERED, provider_status="d", outbound_id=id)]
        )
        assert await harness.store.next_due() == NextDue()
        harness.clock.advance(days=1)
        assert list(await harness.store.due_status_checks(OURS, 10)) == []
