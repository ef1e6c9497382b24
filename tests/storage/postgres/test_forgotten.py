"""Forgotten people on a server: no hash can be turned back without the key, no opt-out is lost."""

from __future__ import annotations

import asyncio

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage.forget_key import NO_KEY, ForgetKey
from cooee.storage.postgres import operators
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import ANNA, BERT, OURS, StoreHarness

OTHER_KEY = ForgetKey(bytes(reversed(range(32))))


async def reopened(harness: StoreHarness, url: str, key: ForgetKey, *, owner=True) -> StoreHarness:
    """Another process on the same database, with another setting."""
    store = await PostgreSQL.open(url, now=harness.clock, owner=owner, forget_key=key)
    return StoreHarness(store, harness.clock)


async def forget_one_who_opted_out(harness: StoreHarness) -> None:
    await harness.receive("hello", key="k")
    await harness.finish(await harness.claim_one(), "hi", state=b"s")
    await harness.receive("STOP", consent="out")
    assert await harness.store.forget(ANNA)


async def test_no_table_has_a_trace_of_a_forgotten_person(here, aside):
    await forget_one_who_opted_out(here)
    await here.receive("who stays", sender=BERT)
    traces = {ANNA, conversation_id(OURS, ANNA)}
    tables = await aside.fetch("select tablename from pg_tables where schemaname = 'cooee'")
    found = {}
    for (table,) in tables:
        rows = await aside.fetch(f"select * from {table}")
        found[table] = len(rows)
        assert [row for row in rows if traces & set(row.values())] == [], table
    assert (found["conversations"], found["opt_outs"], found["dedupe_keys"]) == (2, 1, 3)
    assert found["states"] == found["outbound"] == 0
    [row] = await aside.fetch("select * from opt_outs")
    assert OURS not in row.values()


async def test_a_database_without_its_key_is_refused_until_it_is_back_or_given_up(
    here, migrated_url
):
    await forget_one_who_opted_out(here)
    with pytest.raises(StorageError, match=r"COOEE_FORGET_KEY is not set.*give-up"):
        await reopened(here, migrated_url, NO_KEY)
    with pytest.raises(StorageError, match="key of another database"):
        await reopened(here, migrated_url, OTHER_KEY)
    given_up = await reopened(here, migrated_url, ForgetKey(gives_up=True))
    assert (await given_up.store.counts()).opted_out == 0
    await given_up.store.close()
    again = await reopened(here, migrated_url, OTHER_KEY)
    await again.enqueue("news")
    assert await again.take() == ["news"]
    assert await again.store.forget(ANNA)  # under the new key
    await again.store.close()
    with pytest.raises(StorageError, match="key of another database"):
        await here.receive("hello", sender="+61491570158")


async def test_a_process_without_the_key_texts_and_hears_no_stranger(here, migrated_url):
    await forget_one_who_opted_out(here)
    other = await reopened(here, migrated_url, NO_KEY, owner=False)
    assert (await other.store.counts()).opted_out == 1  # what needs no key goes on
    for person in (ANNA, BERT):
        with pytest.raises(StorageError, match="is not set"):
            await other.enqueue("news", to=person)
        with pytest.raises(StorageError, match="is not set"):
            await other.receive("hello", sender=person)
    await other.store.close()
    assert await here.statuses(BERT) == []


async def test_nobody_is_forgotten_without_a_key(here, migrated_url):
    other = await reopened(here, migrated_url, NO_KEY)
    await other.receive("hello")
    with pytest.raises(StorageError, match=r"Make one with python3 -c"):
        await other.store.forget(ANNA)
    assert await other.statuses() == ["hello: pending"]
    assert not await other.store.forget(BERT)  # who is not known needs no key
    await other.store.close()


async def test_who_is_forgotten_by_another_process_is_forgotten_at_once(here, there):
    await here.receive("STOP", consent="out")
    assert await there.store.forget(ANNA)
    await here.enqueue("news")
    assert await here.take() == []
    assert len(await here.store.opt_outs(OURS, ANNA)) == 1
    assert await here.statuses() == ["news: cancelled"]


async def test_a_forgotten_person_comes_back_with_all_that_stayed(here, there, aside):
    await forget_one_who_opted_out(here)
    assert list(await there.receive("hello", key="k")) == [False]
    assert await aside.fetchval("select count(*) from conversations where theirs = ''") == 1
    await there.receive("START", consent="in")
    assert await aside.fetchval("select count(*) from conversations where theirs = ''") == 0
    [claim] = await there.store.claim(9)
    assert ([text.seq for text in claim.texts], claim.state) == ([3], None)
    assert await there.finish(claim, "welcome back")
    assert await there.take() == ["welcome back"]
    [opt_out] = await here.store.opt_outs(OURS, ANNA)
    assert (opt_out.text, opt_out.lifted_text) == ("", "START")


async def test_one_batch_may_have_strangers_friends_and_forgotten_people(here, there):
    await forget_one_who_opted_out(here)
    await here.receive("hello", sender=BERT)
    stranger = "+61491570110"
    new = [
        here.new_inbound("hello", sender=ANNA, key="k"),
        here.new_inbound("I am back", sender=ANNA, key="k2"),
        here.new_inbound("me again", sender=BERT),
        here.new_inbound("who are you", sender=stranger),
        here.new_inbound("I am back", sender=ANNA, key="k2"),
    ]
    received = await there.store.receive(new)
    assert [one.is_new for one in received] == [False, True, True, True, False]
    assert await here.statuses(ANNA) == ["I am back: pending"]
    assert await here.statuses(stranger) == ["who are you: pending"]
    claims = {claim.theirs: claim for claim in await here.store.claim(9)}
    assert [text.seq for text in claims[ANNA].texts] == [3]


async def test_of_two_first_keys_one_is_the_databases(here, migrated_url, aside):
    """Two processes with different settings forget the first person at the same moment."""
    other = await reopened(here, migrated_url, OTHER_KEY, owner=False)
    for person in (ANNA, BERT):
        await here.receive("hello", sender=person)
    async with held_open(here.store, lambda one: operators.forget_person(one, ANNA)):
        second = asyncio.ensure_future(other.store.forget(BERT))
        await until_blocked(aside, second)
    with pytest.raises(StorageError, match="key of another database"):
        await second
    assert await here.statuses(BERT) == ["hello: pending"]
    await other.store.close()
