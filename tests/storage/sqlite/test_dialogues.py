"""Dialogues in SQLite beyond the suite: deadly alarms, many who wait, and what each costs."""

from __future__ import annotations

import pytest

from cooee.core.messages import conversation_id
from cooee.storage import Checkpoint, ClaimResult, DialogueStart, NextDue, TurnFailure
from cooee.storage.sqlite.store import SQLite
from cooee.testing.dialogue_store_suite import (
    begin_dialogue,
    dialogue_update,
    finish_claim,
    next_turn_due,
)
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, StoreHarness


@pytest.fixture
async def harness(tmp_path):
    clock = ManualClock()
    store = await SQLite.open(tmp_path / "cooee.db", now=clock)
    yield StoreHarness(store, clock)
    await store.close()


async def died(harness: StoreHarness) -> StoreHarness:
    """The process ended without closing; a new one opens the file."""
    await harness.store._thread.close()
    harness.store._ownership.close()
    return StoreHarness(await SQLite.open(harness.store.path, now=harness.clock), harness.clock)


# After an unclean exit


async def test_a_timer_that_kills_the_process_is_found_and_stops(harness):
    await begin_dialogue(harness)
    harness.clock.advance(seconds=1)
    await begin_dialogue(harness, to=BERT)
    assert len(await harness.store.claim(10)) == 2
    for attempt in (1, 2, 3):
        harness = await died(harness)
        claim = await harness.claim_one()
        assert (claim.theirs, claim.texts, claim.attempt) == (ANNA, [], attempt)
        assert list(await harness.store.claim(10)) == []
        assert await next_turn_due(harness) is None
    failure = TurnFailure(0, "The process ended.", None, dialogue_id="d")
    assert await finish_claim(harness, claim, failure=failure)
    assert (await harness.store.counts()).stuck_dialogues == 1
    claim = await harness.claim_one()
    assert (claim.theirs, claim.attempt) == (BERT, 1)
    assert await finish_claim(harness, claim, dialogue_update())
    assert await harness.store.next_due() == NextDue()
    await harness.store.close()


async def test_a_timer_that_ends_well_is_no_suspect_any_more(harness):
    for person in (ANNA, BERT):
        await begin_dialogue(harness, to=person)
    await harness.store.claim(10)
    harness = await died(harness)
    for _ in range(2):
        claim = await harness.claim_one()
        assert await finish_claim(harness, claim, dialogue_update(due_at=harness.clock()))
    assert [claim.attempt for claim in await harness.store.claim(10)] == [1, 1]
    await harness.store.close()


async def test_a_timer_that_was_not_due_yet_is_no_suspect(harness):
    for person in (ANNA, BERT):
        await begin_dialogue(harness, to=person, due_at=harness.clock.later(hours=1))
    harness = await died(harness)
    harness.clock.advance(hours=1)
    assert len(await harness.store.claim(10)) == 2
    await harness.store.close()


async def test_a_suspect_timer_that_was_released_or_postponed_is_not_counted(harness):
    await begin_dialogue(harness)
    await harness.claim_one()
    harness = await died(harness)
    for _ in range(2):
        claim = await harness.claim_one()
        assert claim.attempt == 1
        await harness.store.release([claim])
    await harness.store.postpone([await harness.claim_one()], harness.clock.later(minutes=1))
    await begin_dialogue(harness, to=BERT)
    later = await harness.claim_one()  # a suspect that waits holds up nobody
    assert later.theirs == BERT
    harness.clock.advance(minutes=1)
    assert list(await harness.store.claim(10)) == []
    assert await finish_claim(harness, later, dialogue_update())
    claim = await harness.claim_one()
    assert (claim.theirs, claim.attempt) == (ANNA, 1)
    await harness.store.close()


@pytest.mark.parametrize("consent", ["", "out"])
async def test_no_text_is_blamed_for_what_a_timer_did(harness, consent):
    await begin_dialogue(harness)
    await harness.claim_one()
    for _ in range(2):
        harness = await died(harness)
        await harness.claim_one()
    harness = await died(harness)
    await harness.receive("hello", consent=consent)
    claim = await harness.claim_one()
    assert (len(claim.texts), claim.attempt) == ((0, 3) if consent else (1, 1))
    assert await finish_claim(harness, claim)
    claim = await harness.claim_one()
    assert (claim.texts, claim.attempt) == ([], 1)
    await harness.store.close()


async def test_no_text_that_is_tried_again_is_blamed_for_what_a_timer_did(harness):
    await harness.receive("bad")
    await harness.fail(await harness.claim_one(), None)
    await begin_dialogue(harness)
    await harness.claim_one()
    harness = await died(harness)
    await harness.claim_one()
    harness = await died(harness)
    assert await harness.store.retry() == 1
    claim = await harness.claim_one()
    assert (len(claim.texts), claim.attempt) == (1, 1)
    await harness.store.close()


async def test_what_was_checkpointed_survives_and_its_text_is_answered_again(harness):
    await harness.receive("BOOK")
    claim = await harness.claim_one()
    await harness.store.checkpoint(
        [Checkpoint(claim, dialogue_update("d", b"1", due_at=harness.clock.later(hours=1)))]
    )
    harness = await died(harness)
    claim = await harness.claim_one()
    assert (len(claim.texts), [list(one.entries) for one in claim.dialogues]) == (1, [[b"1"]])
    assert await finish_claim(harness, claim)
    assert await next_turn_due(harness) == harness.clock.later(hours=1)
    await harness.store.close()


# Other processes


async def test_another_process_starts_dialogues_reads_them_and_claims_none(harness):
    other = StoreHarness(
        await SQLite.open(harness.store.path, now=harness.clock, owner=False), harness.clock
    )
    await harness.receive("hello")
    claim = await harness.claim_one()
    assert await begin_dialogue(other)
    assert await harness.store.changed_externally()
    assert [stored.theirs for stored in await other.store.dialogues()] == [ANNA]
    assert list(await other.store.checkpoint([Checkpoint(claim, dialogue_update("e"))])) == [False]
    assert await finish_claim(harness, claim)
    assert (await harness.claim_one()).texts == []
    await other.store.close()


async def test_a_dialogue_of_who_was_forgotten_elsewhere_is_written_nowhere(harness):
    await begin_dialogue(harness)
    claim = await harness.claim_one()
    other = await SQLite.open(harness.store.path, now=harness.clock, owner=False)
    assert await other.forget(ANNA)
    await other.close()
    assert list(
        await harness.store.checkpoint([Checkpoint(claim, dialogue_update("d", b"1"))])
    ) == [False]
    await begin_dialogue(harness, "e")
    await harness.store.postpone([claim], harness.clock.later(days=1))
    assert await next_turn_due(harness) == harness.clock()
    await begin_dialogue(harness, to=BERT)
    assert sorted(stored.dialogue.id for stored in await harness.store.dialogues()) == ["d", "e"]


async def test_nothing_of_a_forgotten_persons_dialogue_stays_in_the_files(harness):
    secret = b"what they said to a question that nobody else may read"
    await harness.receive("BOOK")
    assert await finish_claim(
        harness, await harness.claim_one(), dialogue_update("d", secret, head=secret * 2)
    )
    assert await harness.store.forget(ANNA)
    files = [path for path in harness.store.path.parent.iterdir() if ".lock" not in path.name]
    assert [path.name for path in files if secret in path.read_bytes()] == []


# What it costs


class Steps:
    """Counts what SQLite's machine does for each verb, a step at a time."""

    def __init__(self, harness: StoreHarness) -> None:
        self._thread, self.counts = harness.store._thread, {}

    async def of(self, verb: str, work):
        """What a verb comes to, its steps counted."""
        steps = []  # the machine goes on for as long as it is told None
        await self._thread.submit(lambda db: db.set_progress_handler(lambda: steps.append(1), 1))
        result = await work
        self.counts[verb] = len(steps)
        await self._thread.submit(lambda db: db.set_progress_handler(None, 1))
        return result


async def many_wait(harness: StoreHarness, people: int, ended: int = 0) -> None:
    due = harness.clock.later(days=1)
    for n in range(people):
        start = DialogueStart(
            ours=OURS, theirs=f"+6149{n:07}", id="d", handler="h", head=b"", due_at=due
        )
        await harness.store.start_dialogues([start])
    await harness.store._thread.submit(lambda db: db.executemany(ENDED, over(ended)))


ENDED = "insert into dialogues values (?, ?, 'h', x'', 0, 0, '', '', 0, 1, 'over', null)"


def over(count: int):
    """Dialogues of one person that have ended."""
    return [(conversation_id(OURS, ANNA), f"old-{n}") for n in range(count)]


async def costs(harness: StoreHarness) -> dict[str, int]:
    """The steps of each verb of a dialogue's way, for one person among those who wait."""
    steps = Steps(harness)
    await steps.of("start", begin_dialogue(harness, due_at=harness.clock.later(minutes=1)))
    await steps.of("alarms", next_turn_due(harness))
    assert await steps.of("no claim", harness.store.claim(256)) == []
    harness.clock.advance(minutes=1)
    claim = await steps.of("claim", harness.claim_one())
    await steps.of(
        "jot", harness.store.checkpoint([Checkpoint(claim, dialogue_update("d", b"1", head=None))])
    )
    assert await steps.of(
        "finish", finish_claim(harness, claim, dialogue_update("d", b"2", stored_count=1))
    )
    await steps.of("page", harness.store.dialogues(after=(claim.conversation, ""), limit=1))
    await steps.of("renew", harness.store.retry_after_deploy("v1", ["retired"]))
    return steps.counts


async def test_many_who_wait_cost_the_others_nothing(tmp_path):
    desks = []
    for name, people, ended in (("few", 10, 10), ("many", 4_000, 4_000)):
        clock = ManualClock()
        harness = StoreHarness(await SQLite.open(tmp_path / f"{name}.db", now=clock), clock)
        await many_wait(harness, people, ended)
        desks.append(harness)
    few, many = [await costs(desk) for desk in desks]
    assert {verb: many[verb] for verb in few if many[verb] > few[verb] + 40} == {}
    for harness in desks:
        await harness.store.close()


async def test_a_page_of_dialogues_is_two_statements(harness):
    await many_wait(harness, 50)
    told: list[str] = []
    await harness.store._thread.submit(lambda db: db.set_trace_callback(told.append), writes=False)
    assert len(await harness.store.dialogues(limit=50)) == 50
    await harness.store._thread.submit(lambda db: db.set_trace_callback(None), writes=False)
    assert sum(sql.lstrip().startswith("select") for sql in told) == 2


async def test_who_has_no_dialogue_pays_one_look_for_a_whole_batch(harness):
    for person in (ANNA, BERT, CLEO):
        await harness.receive("hello", sender=person)
    told: list[str] = []
    await harness.store._thread.submit(lambda db: db.set_trace_callback(told.append), writes=False)
    claims = await harness.store.claim(10)
    await harness.store.finish([ClaimResult(claim=claim, handled_seq=1) for claim in claims])
    await harness.store._thread.submit(lambda db: db.set_trace_callback(None), writes=False)
    assert [sql for sql in told if "dialogues" in sql] == [
        "select 1 from dialogues indexed by dialogues_open where ended_at is null limit 1"
    ]
