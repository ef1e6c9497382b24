"""The texts that ask: what a claim learns of them, and how they are withdrawn."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from cooee.core.dialogue.question_texts import QuestionText
from cooee.core.messages import Priority, Receipt, Status
from cooee.storage import AttemptResult, ClaimResult, NewOutbound, SendAttempt
from cooee.testing.dialogue_store_suite.harness import begin_dialogue, dialogue_update
from cooee.testing.store_suite.harness import OURS, StoreHarness, texts_of


class QuestionTextTests:
    """Promises of `Store.claim` and `finish` about the texts that ask questions."""

    async def test_a_claim_learns_what_has_become_of_a_question(
        self, harness: StoreHarness
    ) -> None:
        await _ask(harness, "Q?")
        queued = await _learn(harness)
        assert queued is not None
        assert (queued.text, queued.status, queued.due_at) == ("Q?", Status.QUEUED, harness.clock())
        assert queued.accepted_at is None
        began_at = harness.clock.advance(minutes=1)
        attempt = await _take(harness)
        assert attempt.outbound.id == queued.outbound_id
        sending = await _learn(harness)
        assert sending is not None
        assert (sending.status, sending.attempted_at) == (Status.SENDING, began_at)
        assert sending.accepted_at is None
        accepted_at = harness.clock.advance(seconds=2)
        harness.clock.advance(seconds=2)
        assert await _recorded(harness, attempt, Status.ACCEPTED, accepted_at) == accepted_at

    async def test_a_question_that_a_receipt_reports_went_out_with_its_attempt(
        self, harness: StoreHarness
    ) -> None:
        await _ask(harness, "Q?")
        began_at, attempt = harness.clock(), await _take(harness)
        harness.clock.advance(minutes=1)
        assert await _recorded(harness, attempt, Status.UNKNOWN, None) is None
        doubtful = await _learn(harness)
        assert doubtful is not None
        assert doubtful.attempted_at == began_at
        receipt = Receipt(
            status=Status.DELIVERED, provider_status="ok", outbound_id=attempt.outbound.id
        )
        await harness.store.apply_receipts([receipt])
        learnt = await _learn(harness)
        assert learnt is not None
        assert (learnt.status, learnt.accepted_at) == (Status.DELIVERED, began_at)

    async def test_a_whole_answer_to_a_webhook_counts_until_the_text_is_queued_again(
        self, harness: StoreHarness
    ) -> None:
        await _ask(harness, "Q?")
        now, attempt = harness.clock(), await _take(harness)
        assert await _recorded(harness, attempt, Status.UNKNOWN, now) == now
        assert await _recorded(harness, attempt, Status.QUEUED, None) is None

    async def test_a_dialogue_without_a_question_has_no_text(self, harness: StoreHarness) -> None:
        await _ask(harness, "Hello.", key="")
        assert await _learn(harness) is None

    async def test_a_queued_question_is_withdrawn(self, harness: StoreHarness) -> None:
        await _ask(harness, "Hello.", "Q?")
        await harness.receive("4")
        await _withdraw(harness)
        assert await harness.statuses() == [
            "Hello.: queued",
            "Q?: cancelled",
            "4: handled",
            "Thanks.: queued",
        ]
        history = await harness.store.history(OURS, "+61491570156", 10)
        assert [entry.error for entry in history if entry.text == "Q?"] == ["no longer asked"]

    async def test_a_question_in_an_attempt_goes_out_and_is_not_queued_again(
        self, harness: StoreHarness
    ) -> None:
        for status in (Status.SENDING, Status.UNKNOWN):
            await _ask(harness, "Q?", id=status.name)
            attempt = await _take(harness)
            if status is Status.UNKNOWN:
                await harness.record(attempt.outbound, status, retry_at=harness.clock())
            await harness.receive("4")
            await _withdraw(harness, says="")
            await harness.record(attempt.outbound, Status.QUEUED, retry_at=harness.clock())
            assert await harness.take() == []
            assert (await harness.statuses())[-2:] == ["Q?: expired", "4: handled"]

    async def test_an_attempt_that_succeeds_is_no_less_accepted_for_its_withdrawal(
        self, harness: StoreHarness
    ) -> None:
        await _ask(harness, "Q?")
        attempt = await _take(harness)
        await harness.receive("4")
        await _withdraw(harness, says="")
        await harness.record(attempt.outbound, Status.ACCEPTED, provider_id="p")
        assert (await harness.statuses())[0] == "Q?: accepted"

    async def test_what_was_said_with_a_withdrawn_question_goes_out_before_the_reply(
        self, harness: StoreHarness
    ) -> None:
        for id, expected in (("d", ["Part.", "Hello.", "Thanks."]), ("e", ["Thanks."])):
            await _ask(harness, "Part.", "Hello.", "Q?", id=id)
            await harness.enqueue("Later.", due_at=harness.clock.later(hours=8))
            morning = harness.clock.later(hours=8)
            while held := await harness.store.take(OURS, 10):
                await harness.store.defer([(one.outbound, morning) for one in held])
            await harness.receive("4")
            await _withdraw(harness, hurried_key="d Hello.")
            sent: list[str] = []
            while taken := await harness.store.take(OURS, 10):
                sent += texts_of(taken)
                for one in taken:
                    await harness.record(one.outbound, Status.ACCEPTED)
            assert sent == expected


async def _ask(harness: StoreHarness, *texts: str, id: str = "d", key: str | None = None) -> None:
    """Begin a dialogue that says texts, the last of them its question."""
    assert await begin_dialogue(harness, id)
    claim = await harness.claim_one()
    drafts = [
        NewOutbound(text=text, key=f"{id} {text}", priority=Priority.PROACTIVE) for text in texts
    ]
    update = dialogue_update(id, due_at=harness.clock.later(days=1))
    update = msgspec.structs.replace(
        update, question_key=f"{id} {texts[-1]}" if key is None else key
    )
    result = ClaimResult(
        claim=claim, handled_seq=claim.handled_seq, drafts=drafts, dialogue_updates=[update]
    )
    assert await harness.finish_all(result) == [True]


async def _take(harness: StoreHarness) -> SendAttempt:
    [attempt] = await harness.store.take(OURS, 10)
    return attempt


async def _learn(harness: StoreHarness) -> QuestionText | None:
    """Return what the next claim learns, for a text of the person's."""
    await harness.receive("?")
    claim = await harness.claim_one()
    assert await harness.finish(claim)
    return claim.dialogues[-1].question_text


async def _recorded(
    harness: StoreHarness, attempt: SendAttempt, status: Status, accepted_at: datetime | None
) -> datetime | None:
    """Record a result; return when the question went out, as the next claim learns it."""
    result = AttemptResult(
        outbound=attempt.outbound,
        status=status,
        retry_at=harness.clock() + timedelta(hours=1),
        accepted_at=accepted_at,
    )
    await harness.store.record_results([result])
    learnt = await _learn(harness)
    assert learnt is not None
    assert learnt.status is status
    return learnt.accepted_at


async def _withdraw(harness: StoreHarness, *, says: str = "Thanks.", hurried_key: str = "") -> None:
    """Finish the turn that answers the question, and ends its dialogue."""
    claim = await harness.claim_one()
    dialogue = claim.dialogues[-1]
    assert dialogue.question_text is not None
    result = ClaimResult(
        claim=claim,
        handled_seq=claim.texts[-1].seq,
        drafts=[NewOutbound(text=says)] if says else [],
        dialogue_updates=[dialogue_update(dialogue.id, end_reason="returned")],
        withdrawn=[dialogue.question_text],
        hurried_keys=[hurried_key] if hurried_key else [],
    )
    assert await harness.finish_all(result) == [True]
