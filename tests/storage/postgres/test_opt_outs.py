"""Opt-outs that come while their person becomes known, or comes back (law 10)."""

from __future__ import annotations

import asyncio

from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Status
from cooee.storage import AttemptResult, ClaimResult, NewOutbound
from cooee.storage.postgres import inbound, outbox
from cooee.storage.postgres.opt_outs import record_opt_outs
from cooee.storage.records import ProactiveOutbound
from cooee.testing.store_suite import ANNA, OURS


def receiving(harness, text):
    texts = [inbound.ToReceive(harness.new_inbound(text, key=text), 1, 0)]
    return lambda transaction: inbound.receive_texts(transaction, texts)


def queueing(text):
    texts = [ProactiveOutbound(OURS, ANNA, NewOutbound(text=text))]
    return lambda transaction: outbox.enqueue_texts(transaction, texts)


async def test_a_stranger_who_is_listed_as_their_first_text_comes_gets_no_reply(here, there):
    async with held_open(here.store, receiving(here, "hello")):
        assert await there.store.record_opt_outs(OURS, [ANNA]) == (1, [])
    claim = await here.claim_one()
    drafts = [NewOutbound(text="reply")]
    result = ClaimResult(claim=claim, handled_seq=1, drafts=drafts, take_limit=8)
    [finished] = await here.store.finish([result])
    assert (finished.is_committed, list(finished.attempts)) == (True, [])
    assert await here.statuses() == ["hello: handled", "reply: cancelled"]


async def test_a_stranger_who_is_listed_as_we_first_write_to_them_gets_no_text(here, there):
    async with held_open(here.store, queueing("news")):
        assert await there.store.record_opt_outs(OURS, [ANNA]) == (1, [])
    assert await here.take() == []
    assert (await here.store.next_due()).send is None


async def test_an_opt_out_follows_a_forgotten_person_who_comes_back_meanwhile(here, there, aside):
    await here.receive("hello", key="1")
    await here.store.forget(ANNA)
    async with held_open(here.store, receiving(here, "back")):
        listing = there.store._session.hold(lambda one: record_opt_outs(one, OURS, [ANNA]))
        await until_blocked(aside)
    assert await listing == (1, [])
    [opt_out] = await here.store.opt_outs(OURS, ANNA)
    assert opt_out.lifted_at is None
    await here.enqueue("news")
    assert await here.take() == []


async def test_a_refusal_follows_a_forgotten_person_who_comes_back_meanwhile(here, there, aside):
    await here.enqueue("news")
    outbound = await here.take_one()
    await here.store.forget(ANNA)
    refused = AttemptResult(outbound=outbound, status=Status.FAILED, opted_out=True)
    async with held_open(here.store, receiving(here, "back")):
        recording = asyncio.create_task(there.store.record_results([refused]))
        await until_blocked(aside)
    await recording
    assert len(await here.store.opt_outs(OURS, ANNA)) == 1
    await here.enqueue("news")
    assert await here.take() == []
