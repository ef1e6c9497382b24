"""Dialogues in SQLite beyond the suite: deadly alarms, many who wait, and what each costs."""

from __future__ import annotations

import pytest

from cooee.core.messages import conversation_id
from cooee.storage import Alarms, Failure, Finish, Jot, Start
from cooee.storage.sqlite.store import SQLite
from cooee.testing.dialogue_store_suite import begin, end, kept, rings
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, Desk, Watch


@pytest.fixture
async def desk(tmp_path):
    watch = Watch()
    store = await SQLite.open(tmp_path / "cooee.db", now=watch)
    yield Desk(store, watch)
    await store.close()


async def died(desk: Desk) -> Desk:
    """The process ended without closing; a new one opens the file."""
    await desk.store._thread.close()
    desk.store._ownership.close()
    return Desk(await SQLite.open(desk.store.path, now=desk.watch), desk.watch)


# After an unclean exit


async def test_an_alarm_that_kills_the_process_is_found_and_stops(desk):
    await begin(desk)
    desk.watch.wait(seconds=1)
    await begin(desk, to=BERT)
    assert len(await desk.store.claim(10)) == 2
    for attempt in (1, 2, 3):
        desk = await died(desk)
        claim = await desk.only_claim()
        assert (claim.theirs, claim.texts, claim.attempts) == (ANNA, [], attempt)
        assert list(await desk.store.claim(10)) == []
        assert await rings(desk) is None
    failure = Failure(0, "The process ended.", None, dialogue="d")
    assert await end(desk, claim, failure=failure)
    assert (await desk.store.census()).stuck == 1
    claim = await desk.only_claim()
    assert (claim.theirs, claim.attempts) == (BERT, 1)
    assert await end(desk, claim, kept())
    assert await desk.store.alarms() == Alarms()
    await desk.store.close()


async def test_an_alarm_that_ends_well_is_no_suspect_any_more(desk):
    for person in (ANNA, BERT):
        await begin(desk, to=person)
    await desk.store.claim(10)
    desk = await died(desk)
    for _ in range(2):
        claim = await desk.only_claim()
        assert await end(desk, claim, kept(due_at=desk.watch()))
    assert [claim.attempts for claim in await desk.store.claim(10)] == [1, 1]
    await desk.store.close()


async def test_an_alarm_that_was_not_due_yet_is_no_suspect(desk):
    for person in (ANNA, BERT):
        await begin(desk, to=person, due_at=desk.watch.after(hours=1))
    desk = await died(desk)
    desk.watch.wait(hours=1)
    assert len(await desk.store.claim(10)) == 2
    await desk.store.close()


async def test_a_suspect_alarm_that_was_released_or_postponed_is_not_counted(desk):
    await begin(desk)
    await desk.only_claim()
    desk = await died(desk)
    for _ in range(2):
        claim = await desk.only_claim()
        assert claim.attempts == 1
        await desk.store.release([claim])
    await desk.store.postpone([await desk.only_claim()], desk.watch.after(minutes=1))
    await begin(desk, to=BERT)
    later = await desk.only_claim()  # a suspect that waits holds up nobody
    assert later.theirs == BERT
    desk.watch.wait(minutes=1)
    assert list(await desk.store.claim(10)) == []
    assert await end(desk, later, kept())
    claim = await desk.only_claim()
    assert (claim.theirs, claim.attempts) == (ANNA, 1)
    await desk.store.close()


@pytest.mark.parametrize("consent", ["", "out"])
async def test_no_text_is_blamed_for_what_an_alarm_did(desk, consent):
    await begin(desk)
    await desk.only_claim()
    for _ in range(2):
        desk = await died(desk)
        await desk.only_claim()
    desk = await died(desk)
    await desk.hear("hello", consent=consent)
    claim = await desk.only_claim()
    assert (len(claim.texts), claim.attempts) == ((0, 3) if consent else (1, 1))
    assert await end(desk, claim)
    claim = await desk.only_claim()
    assert (claim.texts, claim.attempts) == ([], 1)
    await desk.store.close()


async def test_no_text_that_is_tried_again_is_blamed_for_what_an_alarm_did(desk):
    await desk.hear("bad")
    await desk.fail(await desk.only_claim(), None)
    await begin(desk)
    await desk.only_claim()
    desk = await died(desk)
    await desk.only_claim()
    desk = await died(desk)
    assert await desk.store.retry() == 1
    claim = await desk.only_claim()
    assert (len(claim.texts), claim.attempts) == (1, 1)
    await desk.store.close()


async def test_what_was_jotted_survives_and_its_text_is_answered_again(desk):
    await desk.hear("BOOK")
    claim = await desk.only_claim()
    await desk.store.jot([Jot(claim, kept("d", b"1", due_at=desk.watch.after(hours=1)))])
    desk = await died(desk)
    claim = await desk.only_claim()
    assert (len(claim.texts), [list(one.entries) for one in claim.dialogues]) == (1, [[b"1"]])
    assert await end(desk, claim)
    assert await rings(desk) == desk.watch.after(hours=1)
    await desk.store.close()


# Other processes


async def test_another_process_starts_dialogues_reads_them_and_claims_none(desk):
    other = Desk(await SQLite.open(desk.store.path, now=desk.watch, owner=False), desk.watch)
    await desk.hear("hello")
    claim = await desk.only_claim()
    assert await begin(other)
    assert await desk.store.changed()
    assert [talk.theirs for talk in await other.store.dialogues()] == [ANNA]
    assert list(await other.store.jot([Jot(claim, kept("e"))])) == [False]
    assert await end(desk, claim)
    assert (await desk.only_claim()).texts == []
    await other.store.close()


async def test_a_dialogue_of_who_was_forgotten_elsewhere_is_written_nowhere(desk):
    await begin(desk)
    claim = await desk.only_claim()
    other = await SQLite.open(desk.store.path, now=desk.watch, owner=False)
    assert await other.forget(ANNA)
    await other.close()
    assert list(await desk.store.jot([Jot(claim, kept("d", b"1"))])) == [False]
    await begin(desk, "e")
    await desk.store.postpone([claim], desk.watch.after(days=1))
    assert await rings(desk) == desk.watch()
    await begin(desk, to=BERT)
    assert sorted(talk.dialogue.id for talk in await desk.store.dialogues()) == ["d", "e"]


async def test_nothing_of_a_forgotten_persons_dialogue_stays_in_the_files(desk):
    secret = b"what they said to a question that nobody else may read"
    await desk.hear("BOOK")
    assert await end(desk, await desk.only_claim(), kept("d", secret, head=secret * 2))
    assert await desk.store.forget(ANNA)
    files = [path for path in desk.store.path.parent.iterdir() if ".lock" not in path.name]
    assert [path.name for path in files if secret in path.read_bytes()] == []


async def test_whoever_watches_hears_of_dialogues_and_their_answers(tmp_path):
    commits = []
    watch = Watch()
    store = await SQLite.open(tmp_path / "a.db", now=watch, watch=commits.append)
    desk = Desk(store, watch)
    await begin(desk)
    assert [(change.verb, change.table) for change in commits.pop()] == [
        ("insert", "dialogues"),
        ("insert", "conversations"),
        ("update", "conversations"),
    ]
    assert await end(desk, await desk.only_claim(), kept("d", b'"Anna"', head=b"{1}"))
    told = {change.table: change for change in commits.pop()}
    dialogue, answer = told["dialogues"], told["answers"]
    heads = [bytes.fromhex(row["head"]) for row in (dialogue.before, dialogue.after)]
    assert heads == [b"{}", b"{1}"]
    assert (answer.after["n"], bytes.fromhex(answer.after["entry"])) == (0, b'"Anna"')
    await store.close()


# What it costs


class Steps:
    """Counts what SQLite's machine does for each verb, a step at a time."""

    def __init__(self, desk: Desk) -> None:
        self._thread, self.counts = desk.store._thread, {}

    async def of(self, verb: str, work):
        """What a verb comes to, its steps counted."""
        steps = []  # the machine goes on for as long as it is told None
        await self._thread.ask(lambda db: db.set_progress_handler(lambda: steps.append(1), 1))
        result = await work
        self.counts[verb] = len(steps)
        await self._thread.ask(lambda db: db.set_progress_handler(None, 1))
        return result


async def many_wait(desk: Desk, people: int, ended: int = 0) -> None:
    due = desk.watch.after(days=1)
    for n in range(people):
        start = Start(ours=OURS, theirs=f"+6149{n:07}", id="d", handler="h", head=b"", due_at=due)
        await desk.store.start([start])
    await desk.store._thread.ask(lambda db: db.executemany(ENDED, over(ended)))


ENDED = "insert into dialogues values (?, ?, 'h', x'', 0, 0, '', '', 0, 1, 'over')"


def over(count: int):
    """Dialogues of one person that have ended."""
    return [(conversation_id(OURS, ANNA), f"old-{n}") for n in range(count)]


async def costs(desk: Desk) -> dict[str, int]:
    """The steps of each verb of a dialogue's way, for one person among those who wait."""
    steps = Steps(desk)
    await steps.of("start", begin(desk, due_at=desk.watch.after(minutes=1)))
    await steps.of("alarms", rings(desk))
    assert await steps.of("no claim", desk.store.claim(256)) == []
    desk.watch.wait(minutes=1)
    claim = await steps.of("claim", desk.only_claim())
    await steps.of("jot", desk.store.jot([Jot(claim, kept("d", b"1", head=None))]))
    assert await steps.of("finish", end(desk, claim, kept("d", b"2", count=1)))
    await steps.of("page", desk.store.dialogues(after=(claim.conversation, ""), limit=1))
    await steps.of("renew", desk.store.renew("v1", ["retired"]))
    return steps.counts


async def test_many_who_wait_cost_the_others_nothing(tmp_path):
    desks = []
    for name, people, ended in (("few", 10, 10), ("many", 4_000, 4_000)):
        watch = Watch()
        desk = Desk(await SQLite.open(tmp_path / f"{name}.db", now=watch), watch)
        await many_wait(desk, people, ended)
        desks.append(desk)
    few, many = [await costs(desk) for desk in desks]
    assert {verb: many[verb] for verb in few if many[verb] > few[verb] + 40} == {}
    for desk in desks:
        await desk.store.close()


async def test_a_page_of_dialogues_is_two_statements(desk):
    await many_wait(desk, 50)
    told: list[str] = []
    await desk.store._thread.ask(lambda db: db.set_trace_callback(told.append), writes=False)
    assert len(await desk.store.dialogues(limit=50)) == 50
    await desk.store._thread.ask(lambda db: db.set_trace_callback(None), writes=False)
    assert sum(sql.lstrip().startswith("select") for sql in told) == 2


async def test_who_has_no_dialogue_pays_one_look_for_a_whole_batch(desk):
    for person in (ANNA, BERT, CLEO):
        await desk.hear("hello", sender=person)
    told: list[str] = []
    await desk.store._thread.ask(lambda db: db.set_trace_callback(told.append), writes=False)
    claims = await desk.store.claim(10)
    await desk.store.finish([Finish(claim=claim, handled=1) for claim in claims])
    await desk.store._thread.ask(lambda db: db.set_trace_callback(None), writes=False)
    assert [sql for sql in told if "dialogues" in sql] == [
        "select 1 from dialogues indexed by dialogues_open where ended_at is null limit 1"
    ]
