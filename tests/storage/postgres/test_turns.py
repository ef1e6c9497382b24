"""Verbs of two processes that run into each other: forced, by holding one transaction open."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace
from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Priority, conversation_id
from cooee.storage.postgres import claims, inbound, outbox, transaction, turns, workers
from cooee.storage.records import ClaimResult, NewOutbound, ProactiveOutbound
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS

PEOPLE = sorted([ANNA, BERT, CLEO], key=lambda person: conversation_id(OURS, person))


def receiving(harness, *people, text="second", consent=""):
    """Return the verb that receives a text of each person."""
    texts = [
        inbound.ToReceive(harness.new_inbound(text, sender=one, key=text, consent=consent), 1, 0)
        for one in people
    ]
    return lambda transaction: inbound.receive_texts(transaction, texts)


def result_of(claim, reply="reply"):
    return ClaimResult(
        claim=claim, handled_seq=claim.texts[-1].seq, drafts=[NewOutbound(text=reply)]
    )


async def test_a_text_waits_for_the_end_of_a_turn_and_is_not_forgotten_by_it(here, there, aside):
    """The lost wake-up, one way: the turn's end is not committed as the text comes."""
    await here.receive("first")
    claim = await here.claim_one()
    async with held_open(here.store, lambda one: turns.finish_claims(one, [result_of(claim)])):
        coming = asyncio.create_task(there.receive("second", key="second"))
        await until_blocked(aside, coming)
    assert await coming == [True]
    [text] = (await there.claim_one()).texts
    assert (text.seq, text.inbound.text) == (2, "second")


async def test_a_turn_ends_as_a_text_is_not_committed_and_leaves_it_due(here, there, aside):
    """The lost wake-up, the other way: the turn's end reads that there is no more to do."""
    await here.receive("first")
    claim = await here.claim_one()
    async with held_open(there.store, receiving(there, ANNA)):
        ending = asyncio.create_task(here.finish(claim, "reply"))
        await until_blocked(aside, ending)
    assert await ending
    [text] = (await here.claim_one()).texts
    assert (text.seq, text.inbound.text) == (2, "second")


async def test_an_opt_out_that_is_not_committed_cancels_the_reply_that_runs_into_it(
    here, there, aside
):
    """storage rule 21: the ledger of opt-outs is read as it was; the row says what is."""
    await here.receive("first")
    claim = await here.claim_one()
    async with held_open(there.store, receiving(there, ANNA, text="STOP", consent="out")):
        ending = asyncio.create_task(here.finish(claim, "reply"))
        await until_blocked(aside, ending)
    assert await ending
    assert "reply: cancelled" in await here.statuses()


async def test_an_opt_out_cancels_the_reply_that_it_waits_for(here, there, aside):
    await here.receive("first")
    claim = await here.claim_one()
    async with held_open(here.store, lambda one: turns.finish_claims(one, [result_of(claim)])):
        stopping = asyncio.create_task(there.receive_one("STOP", consent="out"))
        await until_blocked(aside, stopping)
    assert [text.text for text in (await stopping).cancelled] == ["reply"]
    assert "reply: cancelled" in await here.statuses()


async def test_a_reply_is_not_taken_before_a_text_that_was_queued_as_its_turn_ended(
    here, there, aside
):
    """storage rule 21: the statement that ends the turn does not see the other text yet."""
    await here.receive("first")
    claim = await here.claim_one()
    draft = NewOutbound(text="before", priority=Priority.REPLY)
    queueing = [ProactiveOutbound(OURS, ANNA, draft)]
    async with held_open(there.store, lambda one: outbox.enqueue_texts(one, queueing)):
        result = replace(result_of(claim), take_limit=5)
        ending = asyncio.create_task(here.store.finish([result]))
        await until_blocked(aside, ending)
    [finished] = await ending
    assert [attempt.outbound.text for attempt in finished.attempts] == ["before", "reply"]


async def test_a_text_delivered_to_two_processes_at_once_is_stored_by_the_first(here, there, aside):
    async with held_open(here.store, receiving(here, ANNA, text="once")):
        again = asyncio.create_task(there.receive("once", key="once"))
        await until_blocked(aside, again)
    assert await again == [False]
    assert [text.inbound.text for text in (await here.claim_one()).texts] == ["once"]


async def test_a_text_whose_first_delivery_is_rolled_back_is_stored_by_the_second(
    here, there, aside
):
    async def store_and_fail(one):
        await receiving(here, ANNA, text="once")(one)
        waiting = asyncio.get_running_loop().create_future()
        stopped.append((asyncio.get_running_loop(), waiting))
        await waiting
        raise ValueError("rolled back")

    stopped = []
    failing = here.store._session.write(store_and_fail)
    while not stopped:
        await asyncio.sleep(0.001)
    again = asyncio.create_task(there.receive("once", key="once"))
    await until_blocked(aside, again)
    [(loop, waiting)] = stopped
    loop.call_soon_threadsafe(waiting.set_result, None)
    with pytest.raises(ValueError, match="rolled back"):
        await failing
    assert await again == [True]


async def test_no_claim_is_empty(here, there, aside, monkeypatch):
    """A claim that begins before a turn ends and another text comes has the other text.

    Its statement chooses the conversation by what was, and leases what is (storage rule 21). The
    test stops it in between, at an advisory lock.
    """
    await here.receive("first")
    claim = await here.claim_one()
    await here.store.release([claim])
    statement = transaction._STATEMENTS["claim_due"]
    stopped = statement.replace(
        "where c.due_at <= $3::bigint",
        "where pg_advisory_xact_lock(7) is not null and c.due_at <= $3::bigint",
    )
    assert stopped != statement
    monkeypatch.setitem(transaction._STATEMENTS, "claim_due", stopped)
    await aside.execute("select pg_advisory_lock(7)")
    claiming = asyncio.create_task(there.store.claim(5))
    await until_blocked(aside, claiming)
    monkeypatch.setitem(transaction._STATEMENTS, "claim_due", statement)
    assert await here.finish(await here.claim_one(), "reply")
    assert await here.receive("second", key="second") == [True]
    await aside.execute("select pg_advisory_unlock(7)")
    claimed = await claiming
    assert [[text.inbound.text for text in one.texts] for one in claimed] in ([["second"]], [])
    if not claimed:
        assert [text.inbound.text for text in (await there.claim_one()).texts] == ["second"]


async def claim_all(harness):
    await harness.store.receive([harness.new_inbound("first", sender=one) for one in PEOPLE])
    return await harness.store.claim(10)


def finish_of(claimed):
    return lambda one: turns.finish_claims(one, [result_of(claim) for claim in reversed(claimed)])


def failing_finish_of(claimed):
    results = [
        ClaimResult(claim=one, handled_seq=1, hurried_keys=["none"]) for one in reversed(claimed)
    ]
    return lambda one: turns.finish_claims(one, results)


def release_of(claimed):
    return lambda one: claims.release_claims(one, list(reversed(claimed)))


def burial_of(claimed):
    return lambda one: workers._end_work_of(one, [claimed[0].lease_id >> 32], is_dead=True)


VERBS = {
    "receive": lambda harness, _: receiving(harness, *reversed(PEOPLE)),
    "receive with an opt-out": lambda harness, _: receiving(
        harness, *reversed(PEOPLE), consent="out"
    ),
    "finish": lambda _, claimed: finish_of(claimed),
    "finish with more": lambda _, claimed: failing_finish_of(claimed),
    "release": lambda _, claimed: release_of(claimed),
    "bury": lambda _, claimed: burial_of(claimed),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_locks_conversations_in_the_order_of_their_ids(
    here, aside, migrated_url, verb
):
    """storage rule 2: while the first is locked by another, the verb has locked none of the rest."""
    claimed = await claim_all(here)
    first, *rest = sorted(claim.conversation for claim in claimed)
    async with aside.transaction():
        await aside.execute("select from conversations where id = $1 for update", first)
        work = VERBS[verb](here, claimed)
        running = here.store._session.write(work)
        other = await asyncpg.connect(migrated_url, server_settings={"search_path": "cooee"})
        await until_blocked(other, running)
        locked = "select id from conversations where id = any ($1) for update skip locked"
        assert len(await other.fetch(locked, rest)) == 2
        await other.close()
    await running


async def test_a_claim_passes_over_what_is_locked(here, there):
    await here.receive("first")
    await here.receive("first", sender=BERT)
    async with held_open(here.store, receiving(here, ANNA)):
        assert [claim.theirs for claim in await there.store.claim(5)] == [BERT]


async def test_no_conversation_is_claimed_twice(here, there):
    """Two processes claim at once, again and again, and share what is due."""
    people = [f"+6149157{n:04}" for n in range(60)]
    await here.store.receive([here.new_inbound("first", sender=one) for one in people])
    pages = await asyncio.gather(*(one.store.claim(4) for one in [here, there] * 12))
    claimed = [claim.theirs for page in pages for claim in page]
    assert len(claimed) == len(set(claimed))
    leases = [claim.lease_id for page in pages for claim in page]
    assert len(leases) == len(set(leases))
