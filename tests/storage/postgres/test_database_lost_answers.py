"""Each verb of the outbox is carried out once, wherever its connection breaks at the commit.

storage rule 22: the server is asked what became of the commit.
"""

from __future__ import annotations

import asyncpg
import pytest
from support.cut_proxy import CutProxy
from support.postgres import empty_database

from cooee.core.messages import Priority, Receipt, Status
from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness

TABLES = [
    "conversations",
    "inbound",
    "outbound",
    "opt_outs",
    "dialogues",
    "journal_entries",
    "numbers",
    "dedupe_keys",
]


async def queue(harness, *people):
    for person in people:
        await harness.enqueue("hello", to=person, priority=Priority.REPLY)


async def take(harness, *people):
    await queue(harness, *people)
    return [one.outbound for one in await harness.store.take(OURS, 10)]


async def doubt(harness):
    for outbound in await take(harness, ANNA, BERT):
        await harness.record(outbound, Status.UNKNOWN, retry_at=harness.clock())


async def refuse(harness):
    for outbound in await take(harness, ANNA, BERT):
        await harness.record(outbound, Status.FAILED)


async def set_aside(harness):
    await harness.receive("one", key="one")  # its id is made of its key
    await harness.receive("two", key="two")
    await harness.fail(await harness.claim_one(), None)


async def accept(harness):
    for outbound in await take(harness, ANNA):
        await harness.record(outbound, Status.ACCEPTED, provider_id="p")


async def nothing(harness):
    """Leave the database empty."""


def results_of(taken, status, **fields):
    return [AttemptResult(outbound=one, status=status, **fields) for one in taken or ()]


def receipt(status):
    return Receipt(status=status, provider_status=status.name, provider_id="p")


VERBS = {
    "enqueue": (
        nothing,
        lambda harness, _: harness.store.enqueue(
            [ProactiveOutbound(OURS, who, NewOutbound(text="hello")) for who in (ANNA, BERT)]
        ),
    ),
    "take": (
        lambda harness: queue(harness, ANNA, BERT),
        lambda harness, _: harness.store.take(OURS, 10),
    ),
    "take_replies": (
        lambda harness: queue(harness, ANNA, ANNA),
        lambda harness, _: harness.store.take_replies(OURS, ANNA, 10),
    ),
    "defer": (
        lambda harness: take(harness, ANNA, BERT),
        lambda harness, taken: harness.store.defer([(one, harness.clock()) for one in taken]),
    ),
    "accept": (
        lambda harness: take(harness, ANNA, BERT),
        lambda harness, taken: harness.store.record_results(
            results_of(taken, Status.ACCEPTED, provider_id="p")
        ),
    ),
    "fail": (
        lambda harness: take(harness, ANNA, BERT),
        lambda harness, taken: harness.store.record_results(
            results_of(taken, Status.FAILED, code="30007", message="no")
        ),
    ),
    "refused for an opt-out": (
        lambda harness: take(harness, ANNA, ANNA, BERT),
        lambda harness, taken: harness.store.record_results(
            results_of(taken, Status.FAILED, opted_out=True)
        ),
    ),
    "apply_receipts": (
        accept,
        lambda harness, _: harness.store.apply_receipts(
            [receipt(Status.SENT), receipt(Status.FAILED)]
        ),
    ),
    "an early receipt": (
        nothing,
        lambda harness, _: harness.store.apply_receipts([receipt(Status.SENT)] * 2),
    ),
    "due_lookups": (doubt, lambda harness, _: harness.store.due_lookups(OURS, 10)),
    "resend": (doubt, lambda harness, _: harness.store.resend()),
    "resend_refused": (refuse, lambda harness, _: harness.store.resend_refused()),
    "retry": (set_aside, lambda harness, _: harness.store.retry()),
    "retry_after_deploy": (
        set_aside,
        lambda harness, _: harness.store.retry_after_deploy("other", ["book"]),
    ),
    "record_opt_outs": (
        lambda harness: queue(harness, ANNA),
        lambda harness, _: harness.store.record_opt_outs(OURS, [ANNA, BERT]),
    ),
    "count_lost_read": (nothing, lambda harness, _: harness.store.count_lost_read(OURS)),
    "set_cursor": (nothing, lambda harness, _: harness.store.set_cursor(OURS, "7")),
    "rotate_secret": (
        lambda harness: harness.store.secret("webhook"),
        lambda harness, _: harness.store.rotate_secret("webhook"),
    ),
}


async def contents(url):
    """Return the rows of the tables, but for what differs in every run."""
    connection = await asyncpg.connect(url)
    try:
        tables = {
            name: await connection.fetch(f'select * from cooee."{name}" order by 1, 2')
            for name in TABLES
        }
        tables["receipts"] = await connection.fetch(
            "select conversation, seq, provider_id, status, provider_status, code"
            " from cooee.receipts order by id"
        )
        tables["secrets"] = await connection.fetch("select name, age from cooee.secrets order by 2")
    finally:
        await connection.close()
    return {
        name: [{key: row[key] for key in row.keys() if key != "sender"} for row in rows]  # noqa: SIM118 -- a Record iterates over its values
        for name, rows in tables.items()
    }


async def run(verb, url, proxy, *, is_cut):
    """Run a verb in an empty database; return what came of it, and what is stored then."""
    await empty_database(url)
    clock = ManualClock()
    store = await PostgreSQL.open(proxy.url, now=clock)
    harness = StoreHarness(store, clock)
    arrange, act = VERBS[verb]
    try:
        arranged = await arrange(harness)
        if is_cut:
            proxy.lose_request = proxy.lose_answer_to = b"commit\0"
        result = await act(harness, arranged)
        assert proxy.lose_request == proxy.lose_answer_to == b""
    finally:
        await store.close()
    return repr(result), await contents(url)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_is_carried_out_once_though_a_commit_and_an_answer_are_lost(
    verb, migrated_url
):
    """The first commit never comes to the server; the answer to the second does not come back."""
    async with CutProxy(migrated_url) as proxy:
        undisturbed = await run(verb, migrated_url, proxy, is_cut=False)
        assert await run(verb, migrated_url, proxy, is_cut=True) == undisturbed
