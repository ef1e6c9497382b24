"""No verb of a text's way, of a start or of an idle process costs more beside more people.

Counted are the steps of SQLite's machine, beside a few people and beside many, each of whom is in
the middle of a dialogue, with a timer, texts that are queued for next year, one that failed, and a
past; and of a number that was ours, texts that are overdue. A statement that reads a table, or an index, whole takes a step or more for each row.
(Texts that were set aside are read at each start: other code may answer them.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from support.crowd import copy_person

from cooee.core.messages import Priority, Receipt, Status
from cooee.storage import AttemptResult, ClaimResult, NewOutbound, ProactiveOutbound
from cooee.storage.sqlite import database_file, retries
from cooee.storage.sqlite.store import SQLite
from cooee.testing.dialogue_store_suite.harness import begin_dialogue, dialogue_update, finish_claim
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness

FEW, MANY = 30, 3_000
FORMER = "+61491570110"  # a number that was ours
LATER = timedelta(days=365)
STEPS = 10  # of SQLite's machine, between two calls of `Meter.count`
SLACK = 200  # steps that a page which is fuller or a leaf that is deeper may cost


@dataclass
class Meter:
    """The steps of SQLite's machine that each verb took."""

    steps: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def count(self) -> None:
        self.total += STEPS

    async def of(self, name, call):
        before = self.total
        result = await call
        self.steps[name] = self.total - before
        return result


async def live(harness: StoreHarness) -> None:
    """Let Anna have a past, a dialogue that waits, and texts that wait or failed."""
    year = harness.clock() + LATER
    await harness.receive("hello", key="hello")
    await harness.finish(await harness.claim_one(), "hi", state=b"s")
    await harness.record(await harness.take_one(), Status.DELIVERED, provider_id="p1")
    await harness.enqueue("refused")
    await harness.record(await harness.take_one(), Status.FAILED)
    for claim in await harness.store.claim(9):
        ended = [dialogue_update(one.id, head=one.head, end_reason="x") for one in claim.dialogues]
        assert await finish_claim(harness, claim, *ended)
    await begin_dialogue(harness, "d")
    asking = dialogue_update("d", b"1", due_at=year)
    assert await finish_claim(harness, await harness.claim_one(), asking)
    await change_number(harness)
    for priority in Priority:
        await harness.enqueue("later", due_at=year, good_until=year + LATER, priority=priority)


async def change_number(harness: StoreHarness) -> None:
    """Let texts of a number that was ours wait: to be sent, to be looked up, to be asked about."""
    for status in (Status.ACCEPTED, Status.UNKNOWN, None):
        soon = harness.clock.later(minutes=1)
        draft = NewOutbound(text="news", good_until=soon if status is None else None)
        await harness.store.enqueue([ProactiveOutbound(FORMER, ANNA, draft)])
        if status is not None:
            [attempt] = await harness.store.take(FORMER, 1)
            await harness.record(attempt.outbound, status, retry_at=soon)
    harness.clock.advance(minutes=2)


async def crowded(path, count: int) -> ManualClock:
    """Make a file in which so many people have Anna's conversation."""
    clock = ManualClock()
    harness = StoreHarness(await SQLite.open(path, now=clock), clock)
    await harness.store.secrets("webhook")
    await live(harness)
    await harness.store.close()
    for ours in (OURS, FORMER):
        copy_person(path, ours, ANNA, (f"+614{number:08}" for number in range(count)))
    return clock


async def measured(path, count: int, monkeypatch) -> dict[str, int]:
    clock, meter = await crowded(path, count), Meter()
    connect = database_file.open_connection

    def counted(*where):
        connection = connect(*where)
        connection.set_progress_handler(meter.count, STEPS)
        return connection

    monkeypatch.setattr(database_file, "open_connection", counted)
    store = await meter.of("open", SQLite.open(path, now=clock))
    await start(StoreHarness(store, clock), meter)
    await text(StoreHarness(store, clock), meter)
    await watch(store, meter)
    await store._thread.close()
    store._ownership.close()
    store = await meter.of("open after a crash", SQLite.open(path, now=clock))
    await store.close()
    return meter.steps


async def start(harness: StoreHarness, meter: Meter) -> None:
    """Call what a service calls from its start until it is idle."""
    store = harness.store
    await meter.of("secrets", store.secrets("webhook"))
    await meter.of("newer_versions", store.newer_versions("v1"))
    await meter.of("retry_after_deploy", store.retry_after_deploy("v1", []))
    await meter.of("count_open_dialogues", store.count_open_dialogues(up_to=FEW // 2))
    await meter.of("media_to_erase", store.media_to_erase())
    await meter.of("add_our_number", store.add_our_number(OURS))
    await meter.of("numbers_with_unsent", store.numbers_with_unsent())
    await meter.of("are_timers_of", store.are_timers_of("v1"))
    waiting = await meter.of("claim_waiting", store.claim_waiting(b"", 10))
    await meter.of("release", store.release(waiting))
    await meter.of("record_opt_outs", store.record_opt_outs(OURS, []))


async def text(harness: StoreHarness, meter: Meter) -> None:
    """Do all that a text, its reply, and a text of ours may need."""
    store = harness.store
    new = harness.new_inbound("hello", sender=BERT, key="k")
    [received] = await meter.of("receive", store.receive([new], claim_limit=1))
    answer = ClaimResult(
        claim=received.claim,
        handled_seq=received.claim.texts[-1].seq,
        state=b"s",
        drafts=[NewOutbound(text="hi", key="hi")],
        dialogue_updates=[dialogue_update("new", b"1")],
        take_limit=1,
    )
    [finished] = await meter.of("finish", store.finish([answer]))
    sent = AttemptResult(
        outbound=finished.attempts[0].outbound, status=Status.ACCEPTED, provider_id="p9"
    )
    await meter.of("record_results", store.record_results([sent]))
    receipt = Receipt(status=Status.DELIVERED, provider_status="ok", provider_id="p9")
    await meter.of("apply_receipts", store.apply_receipts([receipt]))
    await meter.of("claim", store.claim(10))
    await meter.of("enqueue", harness.enqueue("news", to=BERT, key="news"))
    [attempt] = await meter.of("take", store.take(OURS, 10))
    unknown = AttemptResult(outbound=attempt.outbound, status=Status.UNKNOWN)
    await meter.of("record an unknown end", store.record_results([unknown]))
    await meter.of("take_replies", store.take_replies(OURS, BERT, 10))
    await meter.of("due_lookups", store.due_lookups(OURS, 10))
    await meter.of("due_status_checks", store.due_status_checks(OURS, 10))
    await meter.of("start_dialogues", begin_dialogue(harness, "e", to=BERT))
    await meter.of("history", store.history(OURS, BERT, 10))
    await meter.of("opt_outs", store.opt_outs(OURS, BERT))
    [claim] = await meter.of("claim a timer", store.claim(10))
    await meter.of("postpone", store.postpone([claim], harness.clock.later(hours=1)))
    out = harness.new_inbound("STOP", sender=BERT, key="stop", consent="out")
    await meter.of("opt out", store.receive([out]))


async def watch(store: SQLite, meter: Meter) -> None:
    """Ask what an idle process, its probe and its daily round ask."""
    await meter.of("next_due of turns", store.next_due(outbound=False))
    await meter.of("next_due of a number", store.next_due(turns=False, ours=OURS))
    await meter.of("changed_externally", store.changed_externally())
    await meter.of("counts", store.counts(up_to=FEW // 2))
    await meter.of("prune", store.prune(store._clock() - LATER))
    slice_ = store.prune_history(store._clock() - LATER, limit=FEW // 2)
    await meter.of("prune_history", slice_)


async def test_no_verb_costs_more_beside_a_hundred_times_as_many_people(tmp_path, monkeypatch):
    few = await measured(tmp_path / "few.db", FEW, monkeypatch)
    monkeypatch.undo()
    many = await measured(tmp_path / "many.db", MANY, monkeypatch)
    assert few.keys() == many.keys()
    grown = {name: (few[name], many[name]) for name in few if many[name] > few[name] + SLACK}
    assert grown == {}


async def test_an_index_that_is_read_whole_is_noticed(tmp_path, monkeypatch):
    """A count without an end is the example, so what is counted here is no accident."""
    meter, clock = Meter(), await crowded(tmp_path / "few.db", MANY)
    store = await SQLite.open(tmp_path / "few.db", now=clock)
    await store._thread.submit(lambda db: db.set_progress_handler(meter.count, STEPS))
    counts = await meter.of("counts", store.counts())
    assert (counts.open_dialogues, counts.failed, counts.unknown) == (MANY + 1,) * 3
    assert (counts.conversations, counts.queued) == (2 * (MANY + 1), 4 * (MANY + 1))
    assert meter.steps["counts"] > 3 * MANY
    await store.close()


async def test_retired_dialogues_are_made_due_page_by_page(tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "_PAGE", 10)
    clock = await crowded(tmp_path / "cooee.db", 24)
    store = await SQLite.open(tmp_path / "cooee.db", now=clock)
    told: list[str] = []
    await store._thread.submit(lambda db: db.set_trace_callback(told.append))
    told.clear()
    assert await store.retry_after_deploy("v1", ["book", "none"]) == 25
    assert told.count("commit") == len(["retries", "10", "10", "5", "none"])
    assert (await store.next_due()).turn == clock()
    assert await store.retry_after_deploy("v1", ["book"]) == 0
    await store.close()
