"""Operators' retries and resends: each text once, however many processes ask, page by page."""

from __future__ import annotations

import asyncio

import pytest

from cooee.core.messages import Status
from cooee.storage import ClaimResult, TurnFailure
from cooee.storage.postgres import session
from cooee.testing.store_suite import ANNA, BERT, CLEO


@pytest.fixture(autouse=True)
def short_pages(monkeypatch):
    monkeypatch.setattr(session, "PAGE", 2)


async def set_aside(harness, *texts, sender=ANNA, code_version=""):
    for text in texts:
        await harness.receive(text, sender=sender)
    for _ in texts:
        claim = await harness.claim_one()
        seq = claim.texts[0].seq
        failure = TurnFailure(seq, "ValueError: no", None, code_version)
        result = ClaimResult(claim=claim, handled_seq=seq, failure=failure)
        await harness.store.finish([result])


async def test_texts_set_aside_are_retried_once_and_in_order_whoever_asks(here, there):
    await set_aside(here, "one", "two", "three")
    await set_aside(here, "four", "five", sender=BERT)
    counts = await asyncio.gather(here.store.retry(), there.store.retry(), here.store.retry(ANNA))
    assert sum(counts) == 5
    claims = await here.store.claim(10)
    texts = {claim.theirs: [text.inbound.text for text in claim.texts] for claim in claims}
    assert texts == {ANNA: ["one", "two", "three"], BERT: ["four", "five"]}


async def test_a_deploy_on_several_machines_retries_each_text_once(here, there):
    await set_aside(here, "one", "two", "three", code_version="old")
    await set_aside(here, "four", sender=BERT, code_version="new")
    counts = await asyncio.gather(
        here.store.retry_after_deploy("new", []), there.store.retry_after_deploy("new", [])
    )
    assert sum(counts) == 3
    [claim] = await here.store.claim(10)
    assert [text.inbound.text for text in claim.texts] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("status", "resend"), [(Status.UNKNOWN, "resend"), (Status.FAILED, "resend_refused")]
)
async def test_texts_are_sent_again_once_whoever_asks(here, there, status, resend):
    people = [ANNA, BERT, CLEO]
    for person in people:
        await here.enqueue("news", to=person)
    for one in await here.store.take("+61491570006", 10):
        await here.record(one.outbound, status)
    await here.store.record_opt_outs("+61491570006", [CLEO])
    counts = await asyncio.gather(
        getattr(here.store, resend)(), getattr(there.store, resend)(), getattr(here.store, resend)()
    )
    assert sum(counts) == 2
    assert sorted(await here.take()) == ["news", "news"]
    assert (await here.store.counts()).queued == 0
