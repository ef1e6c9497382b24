"""Dialogues of two processes that run into each other: forced, by holding one transaction open."""

from __future__ import annotations

import asyncio
import random

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage import Checkpoint, ClaimResult, DialogueStart
from cooee.storage.postgres import dialogues, inbound, operators, turns
from cooee.storage.statuses import SenderConsent
from cooee.testing.dialogue_store_suite import (
    begin_dialogue,
    dialogue_ids,
    dialogue_update,
    finish_claim,
    next_turn_due,
)
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS

PEOPLE = sorted([ANNA, BERT, CLEO], key=lambda person: conversation_id(OURS, person))


def starting(*people, id="d", due_at=None):
    """Return the verb that starts a dialogue with each person."""
    starts = [
        DialogueStart(ours=OURS, theirs=one, id=id, handler="book", head=b"{}", due_at=due_at)
        for one in people
    ]
    return lambda transaction: dialogues.start_dialogues(transaction, starts)


def receiving(harness, *people):
    """Return the verb that receives a text of each person."""
    texts = [inbound.ToReceive(harness.new_inbound("hi", sender=one), 1, 0) for one in people]
    return lambda transaction: inbound.receive_texts(transaction, texts)


async def test_a_dialogue_that_two_processes_start_is_started_once(here, there, aside):
    async with held_open(here.store, starting(ANNA)):
        again = asyncio.create_task(begin_dialogue(there))
        await until_blocked(aside, again)
    assert await again is False
    assert dialogue_ids((await there.claim_one()).dialogues) == ["d"]


async def test_a_start_for_a_stranger_who_has_opted_out_says_so(here):
    """The provider lists people of whom there is no row yet."""
    await here.store.record_opt_outs(OURS, [ANNA])
    assert await begin_dialogue(here, due_at=here.clock.later(hours=1))
    await here.receive("hello")
    claim = await here.claim_one()
    assert claim.texts[0].consent is SenderConsent.OUT
    assert await here.finish(claim, "reply")
    assert await here.statuses() == ["hello: handled", "reply: cancelled"]


async def test_a_start_and_a_first_text_share_the_conversation(here, there, aside):
    later = here.clock.later(hours=1)
    async with held_open(here.store, starting(ANNA, due_at=later)):
        coming = asyncio.create_task(there.receive("hello"))
        await until_blocked(aside, coming)
    claim = await there.claim_one()
    assert ([text.seq for text in claim.texts], dialogue_ids(claim.dialogues)) == ([1], ["d"])
    assert await finish_claim(there, claim)
    assert await next_turn_due(there) == later


async def test_a_start_that_a_turn_runs_into_keeps_its_timer(here, there, aside):
    """The timer is set anew by both, from what each sees of the other."""
    await here.receive("hello")
    claim = await here.claim_one()
    sooner, later = here.clock.later(hours=1), here.clock.later(hours=2)
    async with held_open(there.store, starting(ANNA, due_at=sooner)):
        ending = asyncio.create_task(finish_claim(here, claim, dialogue_update("e", due_at=later)))
        await until_blocked(aside, ending)
    assert await ending
    assert await next_turn_due(here) == sooner


async def test_a_turn_that_a_start_runs_into_keeps_its_timer(here, there, aside):
    await here.receive("hello")
    claim = await here.claim_one()
    sooner, later = here.clock.later(hours=1), here.clock.later(hours=2)
    result = ClaimResult(
        claim=claim, handled_seq=1, dialogue_updates=[dialogue_update("e", due_at=sooner)]
    )
    async with held_open(here.store, lambda one: turns.finish_claims(one, [result])):
        begun = asyncio.create_task(begin_dialogue(there, due_at=later))
        await until_blocked(aside, begun)
    assert await begun
    assert await next_turn_due(here) == sooner


async def test_a_checkpoint_that_runs_into_a_forget_is_refused(here, there, aside):
    await here.receive("BOOK")
    claim = await here.claim_one()
    checkpoint = Checkpoint(claim, dialogue_update("d", b"1", due_at=here.clock()))
    async with held_open(there.store, lambda one: operators.forget_person(one, ANNA)):
        writing = asyncio.ensure_future(here.store.checkpoint([checkpoint]))
        await until_blocked(aside, writing)
    assert list(await writing) == [False]
    assert await aside.fetchval("select count(*) from dialogues") == 0
    assert await aside.fetchval("select count(*) from journal_entries") == 0


async def test_a_forget_waits_for_a_checkpoint_and_erases_it(here, there, aside):
    await here.receive("BOOK")
    claim = await here.claim_one()
    checkpoint = Checkpoint(claim, dialogue_update("d", b"1", due_at=here.clock()))
    async with held_open(here.store, lambda one: dialogues.write_checkpoints(one, [checkpoint])):
        forgetting = asyncio.ensure_future(there.store.forget(ANNA))
        await until_blocked(aside, forgetting)
    assert await forgetting
    assert await aside.fetchval("select count(*) from dialogues") == 0
    assert await aside.fetchval("select count(*) from journal_entries") == 0
    assert await next_turn_due(there) is None


@pytest.mark.parametrize("first", [starting, receiving])
async def test_batches_in_any_order_lock_their_conversations_in_one(here, there, aside, first):
    """storage rule 2: a batch that waits holds no conversation that comes after the one it wants."""
    low, _, high = PEOPLE
    for person in PEOPLE:
        await here.receive("hello", sender=person)
    verb = starting(low) if first is starting else receiving(here, low)
    async with held_open(here.store, verb):
        waiting = asyncio.ensure_future(there.store._session.write(starting(high, low, id="e")))
        await until_blocked(aside, waiting)
        await here.receive("again", sender=high)  # is not locked by the batch that waits
    assert await waiting == [True, True]


async def test_no_two_verbs_ever_deadlock(here, there, aside):
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    before = await aside.fetchval(deadlocks)
    order = random.Random(7)

    async def call_some(harness, name):
        for number in range(12):
            people = order.sample(PEOPLE, 3)
            await harness.store._session.write(starting(*people, id=f"{name}{number}"))
            await harness.store.receive([harness.new_inbound("hi", sender=one) for one in people])
            claims = await harness.store.claim(2)
            updates = [
                Checkpoint(one, dialogue_update(f"{name}c{number}", b"1")) for one in claims[::-1]
            ]
            await harness.store.checkpoint(updates)
            await harness.store.finish(
                [
                    ClaimResult(claim=one, handled_seq=one.texts[-1].seq if one.texts else 0)
                    for one in claims
                ]
            )
            await harness.store.forget(people[0])

    await asyncio.gather(call_some(here, "h"), call_some(there, "t"), call_some(here, "i"))
    await aside.execute("select pg_stat_clear_snapshot()")
    assert await aside.fetchval(deadlocks) == before


async def test_one_wrong_journal_in_a_batch_harms_no_other(here, there):
    for person in (ANNA, BERT):
        await here.receive("BOOK", sender=person)
    claims = await here.store.claim(10)
    wrong, right = (
        here.store.checkpoint([Checkpoint(claim, dialogue_update("d", b"1", stored_count=count))])
        for claim, count in zip(claims, (3, 0), strict=True)
    )
    refused, written = await asyncio.gather(wrong, right, return_exceptions=True)
    assert isinstance(refused, StorageError)
    assert "fewer than 3 entries" in str(refused)
    assert list(written) == [True]
    [stored] = await there.store.dialogues()
    assert (stored.theirs, stored.dialogue.entries) == (claims[1].theirs, [b"1"])
