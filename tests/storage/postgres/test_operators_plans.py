"""Plans of the verbs for dialogues and operators: what they read does not grow with the tables.

The tables are filled after the statements were prepared, and never analysed: as in the first hours
of an app. Then they are analysed, and then full of dead rows, as hours without a vacuum leave them.
"""

from __future__ import annotations

import pytest
from support.plans import explained

from cooee.core.messages import conversation_id
from cooee.storage import Checkpoint, ConversationFilter, DialogueStart
from cooee.storage.forget_key import ForgetKey
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.dialogue_store_suite import dialogue_update
from cooee.testing.store_suite import OURS, ManualClock

FEW, MANY = 400, 3_200
NOW, LATER = 1_767_225_600_000, 1_767_229_200_000  # the manual clock's, and an hour later
FILL = f"""
insert into conversations (id, ours, theirs, last_in_seq, handled_seq, last_out_seq, last_text_at,
                           due_at, timer_at, opted_out)
select id, '{OURS}', theirs, 4, 3, 4, {NOW} + nth, case nth % 40 when 1 then {NOW} end,
       case nth % 2 when 0 then {LATER} end, nth % 40 = 3 from people;
insert into states (conversation, state) select id, 's' from people;
insert into inbound (conversation, seq, id, provider_id, text, raw, received_at, status)
select id, seq, decode(md5(theirs || seq), 'hex'), '', 'hello', '', {NOW},
       case when seq = 3 and nth % 400 = 4 then 1 else 0 end from people, generate_series(1, 4) seq;
insert into dedupe_keys (conversation, key, received_at)
select conversation, id, {NOW} from inbound;
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, priority, queued_at, due_at,
                      status, attempts, attempted_at, provider_id, key)
select id, seq, 3, '{OURS}', theirs, 'news', 2, {NOW}, {NOW}, 5, 1, {NOW}, 'p' || nth || '-' || seq,
       'k' || seq from people, generate_series(1, 4) seq;
insert into receipts (conversation, seq, reported_at, status, provider_status)
select conversation, seq, queued_at, 5, 'DELIVRD' from outbound;
insert into opt_outs (conversation, since, ours, theirs, source)
select id, {NOW}, ours, theirs, 'keyword' from conversations where opted_out;
insert into dialogues (conversation, id, handler, head, due_at, started_at, ended_at, end_reason,
                       failed_attempts, question_key)
select id, 'd' || n, 'book' || n, '{{}}', case when nth % 400 = 10 then null else {LATER} end, {NOW},
       case n when 2 then {NOW} end, case n when 2 then 'returned' else '' end,
       case when nth % 400 = 10 then 1 else 0 end, 'k4'
  from people, generate_series(1, 2) n where nth % 2 = 0;
insert into journal_entries (conversation, dialogue_id, position, entry)
select conversation, id, n, '1' from dialogues, generate_series(0, 3) n;
"""
AGE = (
    "update conversations set last_text_at = last_text_at; update dialogues set error = error;" * 4
)
# What operators ask for may read narrow rows from end to end, once, and what is in trouble.
READ_WHOLE = {"list_conversations", "count_conversations"}
GROW = READ_WHOLE | {"count_all", "opt_outs_alone_of"}


def number(nth: int) -> str:
    return f"+614{nth:08d}"


async def fill(connection, count: int) -> None:
    rows = [(conversation_id(OURS, number(nth)), number(nth), nth) for nth in range(count)]
    await connection.execute(
        "create temp table if not exists people (id bytea, theirs text, nth bigint); truncate people"
    )
    await connection.copy_records_to_table("people", records=rows, schema_name="pg_temp")
    await connection.execute(FILL)


async def use(store: PostgreSQL, clock: ManualClock, first: int) -> None:
    """Call each verb once, for people from `first` on."""
    [claim, *others] = await store.claim(3)
    update = dialogue_update("new", b"1", due_at=clock.later(days=1))
    await store.checkpoint([Checkpoint(claim, update)])
    await store.release([claim, *others])
    start = DialogueStart(ours=OURS, theirs=number(first), id="s", handler="book1", head=b"{}")
    await store.start_dialogues([start])
    await store.dialogues(limit=20)
    await store.dialogues(include_ended=True, limit=20)
    await store.count_open_dialogues(up_to=50)
    await store.counts(up_to=50)
    await store.history(OURS, number(first), 10)
    await store.conversations(ConversationFilter(), limit=20)
    await store.conversations(ConversationFilter(troubled=True), limit=20)
    await store.count_conversations(ConversationFilter(opted_out=True))
    await store.forget(number(first + 1))
    await store.prune_history(clock.later(days=1), limit=20)
    await store.prune(clock.later(days=-1))
    await store.media_to_erase()


@pytest.mark.parametrize("state", ["never analysed", "analysed", "not vacuumed"])
async def test_what_a_verb_reads_does_not_grow_with_the_tables(
    migrated_copy, aside_copy, monkeypatch, state
):
    clock = ManualClock()
    store = await PostgreSQL.open(migrated_copy, now=clock, forget_key=ForgetKey(bytes(range(32))))
    plans = []
    for count in (FEW, MANY):
        await aside_copy.execute(
            "truncate conversations, states, inbound, dedupe_keys, outbound, receipts, opt_outs,"
            " dialogues, journal_entries"
        )
        await fill(aside_copy, count)
        if state != "never analysed":
            await aside_copy.execute("analyze")
        if state == "not vacuumed":
            await aside_copy.execute(AGE)
        with explained(monkeypatch) as found:
            await use(store, clock, 40)
        plans.append(found)
    await store.close()
    few, many = plans
    assert len(many) > 35
    whole = {name: plan.whole_tables for name, plan in many.items() if plan.whole_tables}
    assert whole.keys() == READ_WHOLE
    assert set().union(*whole.values()) <= {"conversations", "opt_outs"}
    grown = {
        name: (few.get(name, plan).rows, plan.rows)
        for name, plan in many.items()
        if plan.rows > few.get(name, plan).rows + 30
    }
    assert grown.keys() <= GROW, grown
