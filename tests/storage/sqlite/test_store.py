"""The SQLite store beyond the suite: its file, its thread, its owner."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import cooee
from cooee.core.errors import DatabaseInUse, SchemaTooNew, StorageError, StoreUnavailable
from cooee.core.messages import Media, Receipt, Status, conversation_id
from cooee.storage import ClaimResult, NewOutbound, NextDue
from cooee.storage import migrations as migrate
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite import database_file as sqlite_file
from cooee.storage.sqlite import ownership
from cooee.storage.sqlite.store import SQLite
from cooee.testing.dialogue_store_suite.harness import begin_dialogue
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness

SOURCE = Path(cooee.__file__).parent


@pytest.fixture
async def harness(tmp_path):
    clock = ManualClock()
    store = await SQLite.open(tmp_path / "cooee.db", now=clock, busy_timeout=0.05)
    yield StoreHarness(store, clock)
    await store.close()


async def reopened(harness: StoreHarness, **more) -> StoreHarness:
    return StoreHarness(
        await SQLite.open(harness.store.path, now=harness.clock, **more), harness.clock
    )


async def died(harness: StoreHarness) -> StoreHarness:
    """The process ended without closing; a new one opens the file."""
    await harness.store._thread.close()
    harness.store._ownership.close()
    return await reopened(harness)


async def inside(harness: StoreHarness, sql: str, *values):
    return await harness.store._thread.submit(lambda db: db.execute(sql, values).fetchall())


# The file


async def test_every_file_is_its_owners_alone(harness, tmp_path):
    await harness.receive("hello")
    await harness.store.backup(str(tmp_path / "copy.db"))
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(files) == {"cooee.db", "cooee.db-wal", "cooee.db-shm", "cooee.db.lock", "copy.db"}
    assert set(files.values()) == {0o600}


async def test_the_file_is_private_before_it_holds_a_byte(tmp_path):
    sqlite_file.prepare_file(tmp_path / "new.db")
    status = (tmp_path / "new.db").stat()
    assert (status.st_size, stat.S_IMODE(status.st_mode)) == (0, 0o600)


async def test_a_commit_waits_for_the_disk(harness):
    assert await inside(harness, "pragma journal_mode") == [("wal",)]
    assert await inside(harness, "pragma synchronous") == [(2,)]


async def test_a_second_owner_is_refused_and_told_what_to_do(harness):
    with pytest.raises(DatabaseInUse, match=rf"process {os.getpid()}.*Stop it first"):
        await reopened(harness)
    path = harness.store.path
    await harness.store.close()
    again = await SQLite.open(path, now=harness.clock)
    await again.close()


async def test_a_database_of_a_newer_cooee_is_left_alone(harness):
    await harness.store.close()
    with closing(sqlite3.connect(harness.store.path)) as db, db:
        db.execute("pragma user_version = 999")
    db.close()
    for owner in (True, False):
        with pytest.raises(SchemaTooNew, match="Install the newer cooee"):
            await reopened(harness, owner=owner)


async def test_a_database_of_an_older_schema_is_brought_up_to_date(tmp_path, monkeypatch):
    path, clock, steps = tmp_path / "cooee.db", ManualClock(), tmp_path / "migrations"
    harness = StoreHarness(await SQLite.open(path, now=clock), clock)
    await harness.receive("hello")
    await harness.store.close()
    shutil.copytree(SOURCE / "storage" / "sqlite" / "migrations", steps)
    latest = len(list(steps.glob("*.sql")))
    script = "alter table numbers add column note text not null default 'new';\n"
    (steps / f"{latest + 1:04d}_notes.sql").write_text(script)
    newer = migrate.read_migrations(steps)
    monkeypatch.setattr(migrate, "load_migrations", lambda dialect: newer)
    harness = StoreHarness(await SQLite.open(path, now=clock), clock)
    assert await inside(harness, "pragma user_version") == [(latest + 1,)]
    assert [pending.inbound.text for pending in (await harness.claim_one()).texts] == ["hello"]
    await harness.store.add_our_number(OURS)
    assert await inside(harness, "select note from numbers") == [("new",)]
    await harness.store.close()


async def test_what_is_no_database_is_not_touched(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes " * 100)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"not a database.*Set COOEE_DATABASE"):
        await SQLite.open(path, now=ManualClock())
    assert path.read_bytes() == before


@pytest.mark.parametrize("path", [":memory:", "no/such/directory/cooee.db"])
async def test_a_place_that_cannot_hold_a_database_is_named(path):
    with pytest.raises(StorageError, match=r"give a file|mkdir -p"):
        await SQLite.open(path, now=ManualClock())


async def test_a_backup_is_whole_and_never_overwrites(harness, tmp_path):
    await harness.receive("hello", key="k")
    await harness.store.backup(str(tmp_path / "copy.db"))
    with pytest.raises(StorageError, match="exists already"):
        await harness.store.backup(str(tmp_path / "copy.db"))
    with pytest.raises(StorageError, match="Cannot write"):
        await harness.store.backup(str(tmp_path / "nowhere" / "copy.db"))
    copy = StoreHarness(await SQLite.open(tmp_path / "copy.db", now=harness.clock), harness.clock)
    assert await copy.statuses() == ["hello: pending"]
    assert list(await copy.receive("hello", key="k")) == [False]
    await copy.store.close()


async def test_nothing_of_a_forgotten_person_stays_in_the_files(harness):
    secret = "the word nobody else may ever read"
    await harness.receive(secret, key="k")
    await harness.finish(await harness.claim_one(), f"you said: {secret}", state=secret.encode())
    assert any(secret.encode() in path.read_bytes() for path in _files(harness))
    assert await harness.store.forget(ANNA)
    for path in _files(harness):
        assert secret.encode() not in path.read_bytes()
        assert ANNA.encode() not in path.read_bytes()


def _files(harness: StoreHarness) -> list[Path]:
    return [path for path in harness.store.path.parent.iterdir() if ".lock" not in path.name]


# Others who write


async def test_another_process_may_write_but_neither_answers_nor_sends(harness):
    other = await reopened(harness, owner=False)
    await harness.store.changed_externally()
    assert not await harness.store.changed_externally()
    await other.enqueue("hello")
    assert await harness.store.changed_externally()
    assert not await harness.store.changed_externally()
    await harness.enqueue("our own write is no news")
    assert not await harness.store.changed_externally()
    for verb in (other.store.claim(1), other.store.take(OURS, 1), other.store.due_lookups(OURS, 1)):
        with pytest.raises(StorageError, match="owns"):
            await verb
    await other.store.close()
    assert await harness.take() == ["hello"]


async def test_a_turn_loses_its_conversation_to_another_process(harness):
    await harness.receive("hello")
    claim = await harness.claim_one()
    other = await reopened(harness, owner=False)
    assert await other.store.forget(ANNA)
    await other.store.close()
    assert not await harness.finish(claim, "too late", state=b"s")
    await harness.receive("again")
    assert (await harness.claim_one()).state is None


async def test_a_retry_from_another_process_does_not_disturb_a_turn(harness):
    await harness.receive("bad", "good")
    await harness.fail(await harness.claim_one(), None)
    claim = await harness.claim_one()
    other = await reopened(harness, owner=False)
    assert await other.store.retry() == 1
    await other.store.close()
    assert await harness.finish(claim)
    assert [text.inbound.text for text in (await harness.claim_one()).texts] == ["bad"]


async def test_a_locked_database_refuses_writing_and_recovers(harness):
    blocker = sqlite3.connect(harness.store.path, isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        await harness.receive("hello", key="k")
    refused = asyncio.create_task(harness.receive("hello", key="k"))
    assert (await harness.store.counts()).pending == 0  # reading goes on, even beside a writer
    with pytest.raises(StoreUnavailable):
        await refused
    blocker.execute("rollback")
    blocker.close()
    assert list(await harness.receive("hello", key="k")) == [True]


async def test_a_full_disk_refuses_writing_and_recovers(harness):
    await harness.receive("first")
    claim = await harness.claim_one()
    [[pages]] = await inside(harness, "pragma page_count")
    await inside(harness, f"pragma max_page_count = {pages}")
    long = ["x" * 1500] * 20
    with pytest.raises(StoreUnavailable, match="full"):
        await harness.receive(*long, key="long")
    with pytest.raises(StoreUnavailable, match="full"):
        await harness.finish(claim, *long, state=b"s")
    assert await harness.statuses() == ["first: pending"]
    await inside(harness, "pragma max_page_count = 1000000")
    assert await harness.finish(claim, "hi", state=b"s")  # the lease was not lost with the commit
    assert list(await harness.receive("x", key="long")) == [True]


# The thread


async def traced(harness: StoreHarness) -> list[str]:
    told: list[str] = []
    await harness.store._thread.submit(lambda db: db.set_trace_callback(told.append))
    told.clear()
    return told


async def untraced(harness: StoreHarness, told: list[str]) -> list[str]:
    kept = list(told)
    await harness.store._thread.submit(lambda db: db.set_trace_callback(None))
    return [sql.lower() for sql in kept]


async def test_what_is_asked_at_once_is_committed_at_once(harness):
    told = await traced(harness)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(db) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    held = harness.store._thread.submit(hold, writes=False)
    await asyncio.sleep(0.05)  # the thread is in `hold` by now, alone
    asked = [asyncio.create_task(harness.receive(f"{number}")) for number in range(256)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(held, *asked)
    sql = await untraced(harness, told)
    assert sql.count("begin immediate") == 1
    assert sql.count("commit") == 2  # of the reading one before, and of all of these
    assert (await harness.store.counts()).pending == 256


async def test_claims_and_reading_write_nothing(harness):
    await harness.receive("hello")
    wal = harness.store.path.with_name("cooee.db-wal")
    before = wal.read_bytes()
    claim = await harness.claim_one()
    await harness.store.next_due()
    await harness.store.counts()
    await harness.store.history(OURS, ANNA, 10)
    await harness.store.release([claim])
    assert await harness.take() == []
    assert wal.read_bytes() == before


async def test_only_the_guilty_request_of_a_batch_fails(harness):
    def guilty(db) -> None:
        db.execute("insert into secrets values ('half', 0, 'written')")
        raise ZeroDivisionError

    await harness.receive("before")
    asked = [
        harness.receive("one"),
        harness.store.claim(10),
        harness.store._thread.submit(guilty),
        harness.receive("two"),
        harness.store._thread.submit(lambda db: db.execute("insert into nowhere values (1)")),
        harness.store.claim(10),
    ]
    results = await asyncio.gather(*asked, return_exceptions=True)
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["list", "list", "ZeroDivisionError", "list", "StorageError", "list"]
    assert [len(results[1]), len(results[5])] == [1, 0]  # leased once, though it ran twice
    assert await inside(harness, "select * from secrets") == []
    assert (await harness.store.counts()).pending == 3
    assert await harness.finish(results[1][0])


async def test_a_cancelled_claim_leases_nothing(harness):
    await harness.receive("hello")
    task = asyncio.create_task(harness.store.claim(10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await harness.store.counts()
    await asyncio.sleep(0.05)
    assert len(await harness.store.claim(10)) == 1


async def test_a_cancelled_take_puts_its_texts_back(harness):
    await harness.enqueue("hello")
    task = asyncio.create_task(harness.store.take(OURS, 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await harness.store.counts()
    await asyncio.sleep(0.05)
    assert await harness.take() == ["hello"]


async def test_a_closed_store_says_so(harness):
    last = asyncio.create_task(harness.receive("last"))
    await asyncio.sleep(0)
    await harness.store.close()
    await harness.store.close()
    assert list(await last) == [True]
    with pytest.raises(StorageError, match="closed"):
        await harness.receive("too late")


# After an unclean exit


async def test_texts_under_way_when_the_process_died_go_one_at_a_time(harness):
    await harness.receive("first", "second")
    await harness.receive("other", sender=BERT)
    await harness.store.claim(10)
    harness = await died(harness)
    assert (await harness.store.counts()).unclean_exits == 1
    await harness.receive("new", sender="+61491570158")
    heard = []
    for _ in range(3):
        claim = await harness.claim_one()
        assert (len(claim.texts), claim.attempt) == (1, 1)
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.next_due()).turn is None
        heard.append(claim.texts[0].inbound.text)
        assert await harness.finish(claim)
    assert sorted(heard) == ["first", "other", "second"]
    assert heard.index("first") < heard.index("second")
    assert [text.inbound.text for text in (await harness.claim_one()).texts] == ["new"]
    await harness.store.close()


async def test_a_text_that_kills_the_process_is_found_out(harness):
    await harness.receive("deadly")
    harness.clock.advance(seconds=1)
    await harness.receive("innocent", sender=BERT)
    await harness.store.claim(10)
    for attempt in (1, 2, 3):
        harness = await died(harness)
        claim = await harness.claim_one()
        assert (claim.theirs, claim.attempt) == (ANNA, attempt)
    await harness.fail(claim, None)
    assert await harness.statuses() == ["deadly: set aside"]
    claim = await harness.claim_one()
    assert (claim.theirs, claim.attempt) == (BERT, 1)
    assert (await harness.store.counts()).unclean_exits == 3
    await harness.store.close()


async def test_while_a_suspect_is_due_no_text_brings_a_claim(harness):
    # storage rule 5: a lease that came with a text would run beside the suspect
    await harness.receive("deadly")
    harness = await died(harness)

    async def claims(text, sender):
        new = harness.new_inbound(text, sender=sender)
        [received] = await harness.store.receive([new], claim_limit=5)
        return received.claim

    assert await claims("innocent", BERT) is None
    assert await claims("deadly too", ANNA) is None
    suspect = await harness.claim_one()
    assert (suspect.theirs, suspect.attempt, len(suspect.texts)) == (ANNA, 1, 1)
    assert await claims("innocent too", BERT) is None
    await harness.fail(suspect, harness.clock.later(seconds=5))
    assert await claims("deadly still", ANNA) is None  # it waits for its retry, still a suspect
    assert [text.inbound.text for text in (await claims("now", BERT)).texts] == [
        "innocent",
        "innocent too",
        "now",
    ]
    await harness.store.close()


async def test_a_lease_that_came_with_a_text_dies_with_its_process(harness):
    text = harness.new_inbound("hello")
    [received] = await harness.store.receive([text], claim_limit=1)
    harness = await died(harness)
    claim = await harness.claim_one()
    assert (claim.texts, claim.attempt) == (received.claim.texts, 1)
    await harness.store.close()


async def test_a_reply_that_was_taken_with_its_turn_is_in_doubt_after_a_crash(harness):
    await harness.receive("hello")
    result = ClaimResult(
        claim=await harness.claim_one(),
        handled_seq=1,
        drafts=[NewOutbound(text="hi")],
        take_limit=1,
    )
    await harness.store.finish([result])
    harness = await died(harness)
    assert await harness.take() == []  # law 6: its attempt is recorded, so it may be out
    [doubt] = await harness.store.due_lookups(OURS, 10)
    assert doubt.outbound.text == "hi"
    await harness.store.close()


async def test_only_the_owner_leases_with_a_text_and_takes_with_a_turn(harness):
    await harness.receive("hello")
    claim = await harness.claim_one()
    other = await reopened(harness, owner=False)
    with pytest.raises(StorageError, match="owns"):
        await other.store.receive([other.new_inbound("more")], claim_limit=1)
    with pytest.raises(StorageError, match="owns"):
        await other.store.finish([ClaimResult(claim=claim, handled_seq=1, take_limit=1)])
    await other.store.close()


async def test_an_attempt_that_was_released_is_not_counted(harness):
    await harness.receive("hello")
    await harness.claim_one()
    harness = await died(harness)
    for _ in range(3):
        claim = await harness.claim_one()
        assert claim.attempt == 1
        await harness.store.release([claim])
    claim = await harness.claim_one()
    await harness.fail(claim, harness.clock.later(seconds=5))
    await harness.receive("new", sender=BERT)
    later = await harness.claim_one()  # a suspect that waits holds up nobody
    assert later.theirs == BERT
    harness.clock.advance(seconds=5)
    assert list(await harness.store.claim(10)) == []
    assert await harness.finish(later)
    assert (await harness.claim_one()).attempt == 2
    await harness.store.close()


async def test_what_was_being_sent_when_the_process_died_is_doubtful(harness):
    await harness.enqueue("hello")
    await harness.take_one()
    harness = await died(harness)
    assert await harness.take() == []
    [doubt] = await harness.store.due_lookups(OURS, 10)
    assert (doubt.outbound.text, doubt.outbound.attempt) == ("hello", 1)
    [entry] = await harness.store.history(OURS, ANNA, 10)
    assert (entry.status, entry.notes) == (
        "unknown",
        ("attempt 1: no end known, the process ended",),
    )
    done = Receipt(
        status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=doubt.outbound.id
    )
    assert len(await harness.store.apply_receipts([done])) == 1
    await harness.store.close()


async def test_a_clean_exit_leaves_no_suspicion(harness):
    await harness.receive("one", "two")
    await harness.claim_one()
    await harness.store.close()
    harness = await reopened(harness)
    assert (await harness.store.counts()).unclean_exits == 0
    assert len((await harness.claim_one()).texts) == 2
    await harness.store.close()


async def test_only_opt_out_words_are_never_due_after_an_unclean_exit(harness):
    await harness.receive("STOP", consent="out")
    harness = await died(harness)
    assert await harness.store.next_due() == NextDue()
    assert list(await harness.store.claim(10)) == []
    await harness.store.close()


async def test_of_a_long_backlog_the_ends_are_suspects(harness, monkeypatch):
    monkeypatch.setattr(ownership, "_MAX_SUSPECTS", 2)
    people = [f"+614915701{number}" for number in range(10, 19)]
    for person in people[:6]:
        harness.clock.advance(minutes=1)
        await harness.receive("hello", sender=person)
    for person in people[6:]:
        harness.clock.advance(minutes=1)
        await begin_dialogue(harness, to=person)
    harness = await died(harness)
    suspects = "select theirs from conversations where suspect_seq is not null"
    found = sorted(theirs for (theirs,) in await inside(harness, suspects))
    assert found == [*people[:2], *people[4:8]]
    await harness.store.close()


async def test_a_suspect_with_an_opt_out_word_behind_it_ends(harness):
    await harness.receive("START")
    await harness.receive("STOP", consent="out")
    harness = await died(harness)
    for runs in (True, False):
        claim = await harness.claim_one()
        assert [text.reaches_handler for text in claim.texts] == [runs]
        result = ClaimResult(claim=claim, handled_seq=claim.texts[0].seq)
        assert await harness.finish_all(result) == [True]
    assert await harness.store.next_due() == NextDue()
    await harness.store.close()


# The statements


SQL = load_statements("sqlite")
# Statements of an operator's commands, and a count that ends at its limit (test_store_growth.py).
WHOLE = {
    *("list_conversations", "count_conversations", "count_all", "opt_outs_alone_of"),
    *("unkeyed_conversations", "give_up_dedupe_keys", "give_up_opt_outs", "give_up_conversations"),
}
NARROW = re.compile(
    "inbound_set_aside|outbound_(troubled|refused|open|queue|lookups|status_checks)|receipts_early"
    "|conversations_(due|suspect)"
    "|dialogues_(failing|open)"
)


async def explained(harness: StoreHarness, how: str, sql: str):
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    values = [None] * (max(numbered) if numbered else sql.count("?"))
    return await inside(harness, f"{how} {sql}", *values)


@pytest.mark.parametrize("name", sorted(SQL.keys() - WHOLE))
async def test_no_statement_but_an_operators_reads_a_whole_table(harness, name):
    plan = [step for *_, step in await explained(harness, "explain query plan", SQL[name])]
    tables = "conversations|inbound|outbound|dedupe_keys|receipts|states|opt_outs|dialogues|journal_entries|[adiopx]"
    scans = [step for step in plan if re.match(rf"SCAN ({tables})( |$)", step)]
    assert [step for step in scans if not NARROW.search(step)] == []


@pytest.mark.parametrize("name", ["list_conversations", "count_conversations"])
async def test_a_page_of_conversations_reads_their_rows_once_and_nothing_else_whole(harness, name):
    plan = [step for *_, step in await explained(harness, "explain query plan", SQL[name])]
    assert [step for step in plan if re.match(r"SCAN v\b", step)] == ["SCAN v"]
    others = [step for step in plan if step.startswith("SCAN") and step not in {"SCAN v", "SCAN c"}]
    assert [step for step in others if "USING" not in step] == []


async def test_a_page_of_a_hundred_thousand_is_one_statement_that_reads_each_row_once(harness):
    people = 100_000
    numbers = f"with recursive n (n) as (select 1 union all select n + 1 from n limit {people})"
    await inside(
        harness,
        f"insert into conversations (id, ours, theirs, last_text_at) {numbers}"
        f" select cast(printf('%016d', n) as blob), '{OURS}', '+6149157' || n, n * 7919 % {people}"
        " from n",
    )
    told = await traced(harness)
    steps = await counted(harness)
    first = await harness.store.conversations(limit=100)
    second = await harness.store.conversations(after=first[-1].cursor, limit=100)
    assert len([sql for sql in await untraced(harness, told) if sql.startswith("select")]) == 2
    assert sum(steps) * STEPS < 2 * 40 * people
    moments = [int(summary.cursor.partition("-")[0]) for summary in (*first, *second)]
    assert moments == list(range(people - 1, people - 201, -1))


STEPS = 10_000  # of SQLite's machine, between two calls of `counted`


async def counted(harness: StoreHarness) -> list[int]:
    """Grow by one with every `STEPS` steps of SQLite's machine: a measure without a clock."""
    calls: list[int] = []

    def count() -> None:
        calls.append(1)

    await harness.store._thread.submit(lambda db: db.set_progress_handler(count, STEPS))
    return calls


async def test_every_statement_is_sound_and_used(harness):
    code = "".join(path.read_text() for path in (SOURCE / "storage" / "sqlite").glob("*.py"))
    for name, sql in SQL.items():
        assert f'"{name}"' in code, f"{name} is used nowhere"
        await explained(harness, "explain", sql)


def test_one_file_speaks_to_sqlite():
    speaks = re.compile(r"^\s*(import|from) sqlite3", re.MULTILINE)
    assert [file.name for file in SOURCE.rglob("*.py") if speaks.search(file.read_text())] == [
        "database_file.py"
    ]


@pytest.mark.parametrize("damage", ["x'ff'", "'{'", "x'5b31'"])
async def test_a_damaged_row_keeps_nobody_from_pruning_or_forgetting(harness, damage):
    for person in (ANNA, BERT):
        await harness.receive_media(Media(url="https://example.com/1"), sender=person)
        await harness.finish(await harness.claim_one())
    await inside(harness, f"update inbound set media = cast({damage} as blob)")
    assert await harness.store.forget(BERT)
    done = await harness.store.prune_history(harness.clock.advance(days=1))
    assert (done.texts, done.next_slice) == (1, None)


async def test_no_pruned_text_is_asked_about(harness):
    await harness.enqueue("news", key="news")
    await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p1")
    assert (await harness.store.next_due()).status_check is not None
    assert (await harness.store.prune_history(harness.clock.advance(days=30))).texts == 1
    assert await harness.store.next_due() == NextDue()
    assert await harness.store.due_status_checks(OURS, 10) == []


async def test_keys_are_pruned_in_slices(harness):
    arrivals = [harness.new_inbound("x", key=str(number)) for number in range(4_500)]
    await harness.store.receive(arrivals)
    told = await traced(harness)
    assert await harness.store.prune(harness.clock() + timedelta(days=1)) == 4_500
    assert (await untraced(harness, told)).count("commit") == 4


async def test_taking_looks_at_the_opt_outs_itself(harness):
    """Queueing and opting out cancel already; this is what holds if neither did (law 10)."""
    await harness.enqueue("news")
    row = (conversation_id(OURS, ANNA), OURS, ANNA)
    with closing(sqlite3.connect(harness.store.path)) as other, other:
        other.execute(
            "insert into opt_outs (conversation, since, ours, theirs, source)"
            " values (?, 0, ?, ?, 'keyword')",
            row,
        )
    other.close()
    assert (await harness.store.counts()).queued == 1
    assert await harness.take() == []


def test_no_two_migrations_have_one_number() -> None:
    versions = [migration.version for migration in migrate.load_migrations("sqlite")]
    assert versions == list(range(1, len(versions) + 1))
