"""Plans of the outbox: on filled tables no statement reads a table whole, nor more than it needs.

storage rule 7: the tables are filled after the statements were prepared, and not analysed; or left
for hours without a vacuum.
"""

from __future__ import annotations

import pytest
from support.plans import STATES, bring_to, explained

from cooee.core.messages import Priority, Receipt, Status, conversation_id, outbound_id
from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import OURS, ManualClock

COUNT = 2_000
OTHER = "+61400000000"  # another of our numbers, before OURS in every index
PEOPLE = [f"+614{number:08d}" for number in range(COUNT)]
NOW, LATER = 1_767_225_600_000, 1_767_229_200_000  # the manual clock's, and an hour later

# Of twenty people, one has opted out, one has a text set aside_copy, one a queued text, and so on.
FILL = f"""
insert into conversations (id, ours, theirs, last_in_seq, handled_seq, last_out_seq, last_text_at, opted_out)
select id, '{OURS}', theirs, 3, 3, 8, {NOW}, nth % 20 = 3 from people;
insert into inbound (conversation, seq, id, provider_id, text, raw, received_at, status, code_version)
select id, seq, decode(md5(theirs || seq), 'hex'), '', 'hello', '', {NOW},
       case when seq = 3 and nth % 20 = 4 then 1 else 0 end, case when nth % 40 = 4 then 'old' else '' end
  from people, generate_series(1, 3) seq;
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, priority, queued_at, due_at,
                      status, attempts, attempted_at, provider_id, refused)
select id, seq, 3, case when nth % 40 in (25, 28, 29) then '{OTHER}' else '{OURS}' end, theirs, 'news', 2, {NOW}, case when nth % 20 = 6 then {LATER} else {NOW} end,
       case when seq < 8 then 5
            else case nth % 20 when 5 then 0 when 6 then 0 when 7 then 7 when 8 then 2 when 9 then 3 else 5 end end,
       1, {NOW}, 'p' || nth || '-' || seq, seq = 8 and nth % 20 = 7
  from people, generate_series(1, 8) seq;
insert into receipts (conversation, seq, reported_at, status, provider_status)
select conversation, seq, queued_at, 5, 'DELIVRD' from outbound where status = 5;
insert into receipts (provider_id, reported_at, status, provider_status)
select 'early' || nth, {NOW}, 5, 'DELIVRD' from people;
insert into opt_outs (conversation, since, ours, theirs, source)
select id, {NOW}, ours, theirs, 'keyword' from conversations where opted_out;
insert into dialogues (conversation, id, handler, head, due_at, started_at, failed_attempts, code_version)
select id, 'd', 'book', '{{}}', case when nth % 20 = 10 then null else {LATER} end, {NOW},
       case when nth % 20 = 10 then 1 else 0 end, case when nth % 20 = 10 then 'old' else '' end
  from people where nth % 2 = 0;
"""


async def fill(connection):
    rows = [(conversation_id(OURS, person), person, nth) for nth, person in enumerate(PEOPLE)]
    await connection.execute("create temp table people (id bytea, theirs text, nth bigint)")
    await connection.copy_records_to_table("people", records=rows, schema_name="pg_temp")
    await connection.execute(FILL)


def id_of(nth, seq=8):
    return outbound_id(conversation_id(OURS, PEOPLE[nth]), seq)


async def use(store):
    """Call the verbs of a text's way out, and those of operators for one person."""
    texts = [
        ProactiveOutbound(OURS, person, NewOutbound(text="hello", key="k", priority=Priority.REPLY))
        for person in PEOPLE[:3]
    ]
    await store.enqueue(texts)
    taken = [one.outbound for one in await store.take(OURS, 10)]
    statuses = [Status.ACCEPTED, Status.QUEUED, Status.UNKNOWN, Status.FAILED, Status.ACCEPTED]
    await store.record_results(
        [
            AttemptResult(outbound=one, status=status, provider_id=f"early{place}", message="no")
            for place, (one, status) in enumerate(zip(taken, statuses, strict=False))
        ]
    )
    await store.defer([(one, one.at) for one in taken[5:8]])
    await store.record_results(
        [AttemptResult(outbound=taken[8], status=Status.FAILED, opted_out=True)]
    )
    await store.take_replies(OURS, PEOPLE[0], 10)
    receipts = [
        Receipt(status=Status.DELIVERED, provider_status="d", provider_id="p9-8"),
        Receipt(status=Status.DELIVERED, provider_status="d", outbound_id=id_of(29)),
        Receipt(status=Status.DELIVERED, provider_status="d", provider_id="nobody's"),
    ]
    await store.apply_receipts(receipts)
    await store.due_lookups(OURS, 10)
    await store.due_status_checks(OURS, 10)
    await store.next_due()
    await store.next_due(turns=False, ours=OURS)
    await store.answered_texts([id_of(29), id_of(30), *(one.id for one in taken)])
    await store.numbers_with_unsent()
    await store.record_opt_outs(OURS, PEOPLE[10:13])
    await store.opt_outs(OURS, PEOPLE[3])


async def manage(store):
    """Call the verbs of operators and of a deploy."""
    await store.resend(PEOPLE[8])
    await store.resend_refused(PEOPLE[7])
    await store.retry(PEOPLE[4])
    await store.retry_after_deploy("new", ["book"])
    await store.save_timers_of("new")
    await store.are_timers_of("new")


@pytest.fixture(params=STATES)
async def filled(request, migrated_copy, aside_copy):
    """A store that is in use, and whose tables are filled since."""
    store = await PostgreSQL.open(migrated_copy, now=ManualClock())
    await fill(aside_copy)
    await bring_to(request.param, aside_copy)
    yield store
    await store.close()


async def test_no_statement_looks_at_more_rows_than_it_needs(filled, monkeypatch):
    with explained(monkeypatch) as plans:
        await use(filled)
    assert {name for name, plan in plans.items() if plan.whole_tables} == set()
    assert len(plans) > 25
    assert {name: plan.rows for name, plan in plans.items() if plan.rows > 30} == {}
    with explained(monkeypatch) as plans:
        await manage(filled)
    assert {name for name, plan in plans.items() if plan.whole_tables} == set()
    set_aside, asleep = COUNT // 20, COUNT // 2
    of_all_asleep = {"make_retired_dialogues_due", "set_timer", "make_timer_retries_due"}
    # An operator's: beside so few dialogues the planner may take the index of all that are open.
    of_all_asleep |= {"release_set_aside_dialogues_of"}
    assert {
        name: plan.rows
        for name, plan in plans.items()
        if plan.rows > (3 * asleep if name in of_all_asleep else 3 * set_aside)
    } == {}


async def test_a_text_is_not_dearer_for_those_that_went_out_before_it(here, monkeypatch):
    """A thousand entries of the queue's index are dead, and no vacuum has come by."""
    for start in range(0, 1_000, 250):
        await queue(here.store, PEOPLE[start : start + 250], "first")
    while taken := await here.store.take(OURS, 100):
        results = [
            AttemptResult(outbound=one.outbound, status=Status.ACCEPTED, provider_id="p")
            for one in taken
        ]
        await here.store.record_results(results)
    here.clock.advance(seconds=1)
    await queue(here.store, PEOPLE[:10], "second")
    await here.take(limit=2)  # the first look at dead entries marks them
    with explained(monkeypatch) as plans:
        assert await here.take(limit=2) == ["second", "second"]
        await here.store.next_due(turns=False, ours=OURS)
    blocks = {name: plans[name].blocks for name in ("next_texts", "next_send_due")}
    assert max(blocks.values()) < 120, blocks


async def queue(store, people, text):
    draft = NewOutbound(text=text, priority=Priority.REPLY)
    await store.enqueue([ProactiveOutbound(OURS, person, draft) for person in people])
