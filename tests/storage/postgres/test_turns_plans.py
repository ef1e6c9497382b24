"""Plans of a text's way in and of turns: on filled tables they read what is due, and no more.

storage rule 7: the tables are filled after the statements were prepared, and not analysed; or
analysed; or left for hours without a vacuum.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.plans import STATES, bring_to, explained

from cooee.core.dialogue.question_texts import QuestionText
from cooee.core.messages import Inbound, Status, conversation_id, outbound_id
from cooee.storage import ClaimResult, NewInbound, NewOutbound, TurnFailure
from cooee.storage.postgres import workers
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import OURS, ManualClock

COUNT = 2_000
PEOPLE = [f"+614{number:08d}" for number in range(COUNT)]
NOW, LATER = 1_767_225_600_000, 1_767_229_200_000  # the manual clock's, and an hour later

# Of a hundred people, one has a text due, one a timer, one a text that waits for an hour, and one
# a turn under way; half are in the middle of a dialogue.
FILL = f"""
insert into conversations (id, ours, theirs, last_in_seq, handled_seq, last_out_seq, last_text_at,
                           due_at, timer_at, lease)
select id, '{OURS}', theirs, 5, case when nth % 100 in (1, 3, 4) then 4 else 5 end, 5, {NOW},
       case nth % 100 when 1 then {NOW} when 3 then {LATER} when 4 then {NOW} end,
       case when nth % 100 = 2 then {NOW} when nth % 2 = 0 then {LATER} end,
       case nth % 100 when 4 then 900::bigint << 32 | nth end
  from people;
insert into states (conversation, state) select id, 's' from people;
insert into inbound (conversation, seq, id, provider_id, text, raw, received_at)
select id, seq, decode(md5(theirs || seq), 'hex'), '', 'hello', '', {NOW}
  from people, generate_series(1, 5) seq;
insert into dedupe_keys (conversation, key, received_at)
select conversation, id, {NOW} from inbound;
insert into outbound (conversation, seq, last_in_seq, ours, theirs, text, priority, queued_at, due_at,
                      status, attempts, attempted_at, provider_id, key)
select id, seq, seq, '{OURS}', theirs, 'reply', 0, {NOW}, {NOW}, 5, 1, {NOW}, 'p' || nth || '-' || seq,
       'k' || seq from people, generate_series(1, 5) seq;
insert into dialogues (conversation, id, handler, head, due_at, started_at)
select id, 'd', 'book', '{{}}', case when nth % 100 = 2 then {NOW} else {LATER} end, {NOW}
  from people where nth % 2 = 0;
insert into journal_entries (conversation, dialogue_id, position, entry)
select conversation, id, n, '1' from dialogues, generate_series(0, 2) n;
insert into opt_outs (conversation, since, ours, theirs, source)
select id, {NOW}, ours, theirs, 'keyword' from conversations where theirs like '%7';
"""


async def fill(connection):
    rows = [(conversation_id(OURS, person), person, nth) for nth, person in enumerate(PEOPLE)]
    await connection.execute("create temp table people (id bytea, theirs text, nth bigint)")
    await connection.copy_records_to_table("people", records=rows, schema_name="pg_temp")
    await connection.execute(FILL)
    await connection.execute(
        "insert into workers values (900, '', '', now(), now() + interval '1 day')"
    )


def text(nth, key, now, consent=""):
    inbound = Inbound(sender=PEOPLE[nth], recipient=OURS, text="hello", received_at=now, key=key)
    return NewInbound(inbound, consent)


async def use(store, clock):
    """Receive texts, claim them, and end their turns in every way."""
    texts = [text(nth, "new", clock()) for nth in (10, 20, 30)]
    received = await store.receive(texts, claim_limit=2)
    assert sum(one.claim is not None for one in received) == 2
    await store.receive([text(40, "stop", clock(), "out"), text(50, "start", clock(), "in")])
    await store.next_due()
    claims = await store.claim(5)
    assert len(claims) == 5
    said = NewOutbound(text="reply", key="new")
    question = QuestionText(
        outbound_id(claims[1].conversation, 5), Status.DELIVERED, None, "", None, None
    )
    seqs = [claim.texts[-1].seq for claim in claims]
    await store.finish(
        [ClaimResult(claim=claims[0], handled_seq=seqs[0], drafts=[said], take_limit=1)]
    )
    await store.finish([
        ClaimResult(claim=claims[1], handled_seq=seqs[1], withdrawn=[question], hurried_keys=["k5"]),
        ClaimResult(claim=claims[2], handled_seq=seqs[2] - 1, failure=TurnFailure(seqs[2], "no", clock() + timedelta(days=1))),
    ])  # fmt: skip
    await store.release(claims[3:4])
    await store.postpone(claims[4:], clock() + timedelta(hours=1))
    await store.claim(30)  # all texts that are due, and timers
    waiting = await store.claim_waiting(b"", 5)
    assert len(waiting) == 5
    await store.postpone(waiting, clock())


@pytest.fixture(params=STATES)
async def filled(request, migrated_copy, aside_copy):
    """A store that is in use, and whose tables are filled since."""
    store = await PostgreSQL.open(migrated_copy, now=ManualClock())
    await fill(aside_copy)
    await bring_to(request.param, aside_copy)
    yield store
    await store.close()


async def test_no_turn_looks_at_more_rows_than_are_due(filled, monkeypatch):
    with explained(monkeypatch) as plans:
        await use(filled, ManualClock())
    assert {name for name, plan in plans.items() if plan.whole_tables} == set()
    assert len(plans) > 20
    due = under_way = COUNT // 100
    assert {
        name: plan.rows for name, plan in plans.items() if plan.rows > 6 * (due + under_way)
    } == {}
    few = {"receive_texts", "finish_claim", "release_claims", "lock_leases", "fail_text"}
    assert {name: plans[name].rows for name in few if plans[name].rows > 40} == {}


async def test_no_burial_reads_what_was_not_leased(filled, aside_copy, monkeypatch):
    monkeypatch.setattr(workers, "_GRACE_AFTER_START", timedelta(0))
    await aside_copy.execute(
        "update workers set alive_until = now() - interval '1 hour' where id = 900"
    )
    with explained(monkeypatch) as plans:
        await filled._session._thread.submit(filled._session._worker.beat)
    assert (
        await aside_copy.fetchval(
            "select count(*) from conversations where suspect_seq is not null"
        )
        == 20
    )
    assert {name for name, plan in plans.items() if plan.whole_tables} == set()
    pending = 3 * COUNT // 100
    assert {name: plan.rows for name, plan in plans.items() if plan.rows > 2 * pending} == {}
    with explained(monkeypatch) as plans:
        [suspect] = await filled.claim(5)
        await filled.next_due()
        await filled.release([suspect])
    assert {name: plan.rows for name, plan in plans.items() if plan.rows > 4 * pending} == {}
