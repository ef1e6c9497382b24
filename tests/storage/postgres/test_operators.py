"""Forgetting, lists and pruning on a server, beside processes that work on the same people."""

from __future__ import annotations

import asyncio

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage.postgres import forgotten, inbound, operators, turns
from cooee.storage.records import ClaimResult, NewOutbound
from cooee.testing.store_suite import ANNA, BERT, OURS


def receiving(harness, text, *, sender=ANNA):
    """Return the verb that receives a text."""
    texts = [inbound.ToReceive(harness.new_inbound(text, sender=sender, key=text), 1, 0)]
    return lambda transaction: inbound.receive_texts(transaction, texts)


def forgetting(person=ANNA):
    """Return the verb that forgets a person."""
    return lambda transaction: operators.forget_person(transaction, person)


async def count_of(aside, table):
    return await aside.fetchval(f"select count(*) from {table}")


async def test_a_forget_erases_the_text_that_it_waits_for(here, there, aside):
    await here.receive("first", key="first")
    async with held_open(there.store, receiving(there, "second")):
        erasing = asyncio.ensure_future(here.store.forget(ANNA))
        await until_blocked(aside, erasing)
    assert await erasing
    assert await count_of(aside, "inbound") == 0
    assert list(await here.receive("second", key="second")) == [False]


async def test_a_text_that_waits_for_a_forget_is_of_a_person_who_comes_back(here, there, aside):
    await here.receive("first", key="first")
    await here.receive("STOP", consent="out")
    async with held_open(here.store, forgetting()):
        coming = asyncio.create_task(there.receive("second", key="second"))
        await until_blocked(aside, coming)
    assert await coming == [True]
    assert await count_of(aside, "conversations") == 1
    [claim] = await there.store.claim(9)
    assert ([text.seq for text in claim.texts], claim.handled_seq) == ([3], 2)
    assert await there.finish(claim, "hello")
    assert await there.take() == []  # they had opted out, and still have
    assert list(await there.receive("first", key="first")) == [False]


async def test_a_turn_that_waits_for_a_forget_writes_nothing(here, there, aside):
    await here.receive("hello")
    claim = await here.claim_one()
    async with held_open(there.store, forgetting()):
        ending = asyncio.create_task(here.finish(claim, "hi", state=b"s"))
        await until_blocked(aside, ending)
    assert not await ending
    assert await count_of(aside, "outbound") == await count_of(aside, "states") == 0


async def test_a_forget_erases_the_reply_that_it_waits_for(here, there, aside):
    await here.receive("hello")
    result = ClaimResult(
        claim=await here.claim_one(), handled_seq=1, state=b"s", drafts=[NewOutbound(text="hi")]
    )
    async with held_open(here.store, lambda one: turns.finish_claims(one, [result])):
        erasing = asyncio.ensure_future(there.store.forget(ANNA))
        await until_blocked(aside, erasing)
    assert await erasing
    assert await count_of(aside, "outbound") == await count_of(aside, "states") == 0
    assert await there.take() == []


async def test_two_who_forget_the_same_person_do_it_once(here, there, aside):
    await here.receive("hello")
    async with held_open(here.store, forgetting()):
        again = asyncio.ensure_future(there.store.forget(ANNA))
        await until_blocked(aside, again)
    assert not await again
    assert await count_of(aside, "conversations") == 1


async def test_a_forgotten_person_comes_back_once_by_two_processes(here, there, aside):
    await here.receive("STOP", consent="out")
    await here.store.forget(ANNA)
    async with held_open(here.store, receiving(here, "one")):
        other = asyncio.create_task(there.receive("two"))
        await until_blocked(aside, other)
    assert await other == [True]
    [claim] = await here.store.claim(9)
    assert [text.seq for text in claim.texts] == [2, 3]
    assert len(await here.store.opt_outs(OURS, ANNA)) == 1
    assert await count_of(aside, "conversations") == 1


async def test_forgetting_moves_a_person_by_one_statement_a_table(here, monkeypatch):
    """Many texts cost as many statements as one."""
    counted: list[int] = []
    execute = forgotten.Transaction.execute
    for name, texts in (("few", 1), ("many", 40)):
        await here.receive(*["x"] * texts)
        executed = []

        async def count(transaction, statement, *values, executed=executed):
            executed.append(statement)
            return await execute(transaction, statement, *values)

        with monkeypatch.context() as patch:
            patch.setattr(forgotten.Transaction, "execute", count)
            assert await here.store.forget(ANNA), name
        counted.append(len(executed))
    assert counted[0] == counted[1] < 16


async def test_a_backup_is_the_servers_own(here):
    with pytest.raises(StorageError, match=r"pg_dump --format=custom --file='my copy'"):
        await here.store.backup("my copy")


async def test_one_persons_texts_are_pruned_beside_anothers_turn(here, there, aside):
    for person in (ANNA, BERT):
        await here.receive("old", sender=person)
    claims = {claim.theirs: claim for claim in await here.store.claim(9)}
    for claim in claims.values():
        await here.finish(claim, "reply")
    await here.receive("new", sender=BERT)
    claim = await here.claim_one()
    assert claim.conversation == conversation_id(OURS, BERT)
    before = here.clock.advance(days=1)
    result = ClaimResult(claim=claim, handled_seq=2, drafts=[NewOutbound(text="newer")])
    async with held_open(here.store, lambda one: turns.finish_claims(one, [result])):
        done = await there.store.prune_history(before)  # waits for nobody
    assert done.texts == 2
    assert await here.statuses(BERT) == ["reply: queued", "new: handled", "newer: queued"]
