"""The SQLite store beyond the suite: its file, its thread, its owner."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import cooee
from cooee.core.errors import DatabaseInUse, SchemaTooNew, StorageError, StoreUnavailable
from cooee.core.messages import Receipt, Status, conversation_id
from cooee.storage import Alarms, Finish, Start
from cooee.storage import migrations as migrate
from cooee.storage.sql_file import load
from cooee.storage.sqlite import database_file as sqlite_file
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, OURS, Desk, Watch

SOURCE = Path(cooee.__file__).parent


@pytest.fixture
async def desk(tmp_path):
    watch = Watch()
    store = await SQLite.open(tmp_path / "cooee.db", now=watch, busy_timeout=0.05)
    yield Desk(store, watch)
    await store.close()


async def reopened(desk: Desk, **more) -> Desk:
    return Desk(await SQLite.open(desk.store.path, now=desk.watch, **more), desk.watch)


async def died(desk: Desk) -> Desk:
    """The process ended without closing; a new one opens the file."""
    await desk.store._thread.close()
    desk.store._ownership.close()
    return await reopened(desk)


async def inside(desk: Desk, sql: str, *values):
    return await desk.store._thread.ask(lambda db: db.execute(sql, values).fetchall())


# The file


async def test_every_file_is_its_owners_alone(desk, tmp_path):
    await desk.hear("hello")
    await desk.store.backup(str(tmp_path / "copy.db"))
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(files) == {"cooee.db", "cooee.db-wal", "cooee.db-shm", "cooee.db.lock", "copy.db"}
    assert set(files.values()) == {0o600}


async def test_the_file_is_private_before_it_holds_a_byte(tmp_path):
    sqlite_file.create(tmp_path / "new.db")
    status = (tmp_path / "new.db").stat()
    assert (status.st_size, stat.S_IMODE(status.st_mode)) == (0, 0o600)


async def test_a_commit_waits_for_the_disk(desk):
    assert await inside(desk, "pragma journal_mode") == [("wal",)]
    assert await inside(desk, "pragma synchronous") == [(2,)]


async def test_a_second_owner_is_refused_and_told_what_to_do(desk):
    with pytest.raises(DatabaseInUse, match=rf"process {os.getpid()}.*Stop it first"):
        await reopened(desk)
    path = desk.store.path
    await desk.store.close()
    again = await SQLite.open(path, now=desk.watch)
    await again.close()


async def test_a_database_of_a_newer_cooee_is_left_alone(desk):
    await desk.store.close()
    with sqlite3.connect(desk.store.path) as db:
        db.execute("pragma user_version = 999")
    db.close()
    for owner in (True, False):
        with pytest.raises(SchemaTooNew, match="Upgrade cooee"):
            await reopened(desk, owner=owner)


async def test_a_database_from_before_there_were_dialogues_is_brought_up_to_date(tmp_path):
    path, watch = tmp_path / "cooee.db", Watch()
    first = migrate.history("sqlite")[0]
    id, now = conversation_id(OURS, ANNA), int(watch().timestamp() * 1000)
    with closing(sqlite3.connect(path)) as db, db:
        for statement in first.statements:
            db.execute(statement)
        row = (id, OURS, ANNA, now)
        columns = "id, ours, theirs, last_in, due_at"
        db.execute(f"insert into conversations ({columns}) values (?, ?, ?, 1, ?)", row)
        columns = "conversation, seq, id, provider_id, text, raw, received_at"
        db.execute(
            f"insert into inbound ({columns}) values (?, 1, x'01', '', 'hello', x'', ?)", (id, now)
        )
        db.execute("insert into states values (?, ?)", (id, b"{}"))
        db.execute(f"pragma user_version = {first.version}")
    desk = Desk(await SQLite.open(path, now=watch), watch)
    claim = await desk.only_claim()
    assert [pending.inbound.text for pending in claim.texts] == ["hello"]
    assert (claim.state, claim.dialogues) == (b"{}", ())
    assert await desk.finish(claim, "Hello!")
    start = Start(ours=OURS, theirs=ANNA, id="d", handler="book", head=b"{}")
    assert await desk.store.start([start]) == [True]
    assert [one.id for one in (await desk.only_claim()).dialogues] == ["d"]
    await desk.store.close()


async def test_what_is_no_database_is_not_touched(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes " * 100)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="refused"):
        await SQLite.open(path, now=Watch())
    assert path.read_bytes() == before


@pytest.mark.parametrize("path", [":memory:", "no/such/directory/cooee.db"])
async def test_a_place_that_cannot_hold_a_database_is_named(path):
    with pytest.raises(StorageError, match=r"give a file|Make its directory"):
        await SQLite.open(path, now=Watch())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/cooee.db", "nfs4"),
        ("/srv/local/cooee.db", ""),
        ("/srvx/cooee.db", ""),
        ("/a b/c", "cifs"),
    ],
)
def test_a_network_file_system_is_known_by_its_mount(path, kind):
    mounts = (
        "/dev/vda / ext4 rw 0 0\nhost:/x /srv nfs4 rw 0 0\n"
        "/dev/vdb /srv/local ext4 rw 0 0\n//h/s /a\\040b cifs rw 0 0\nodd\n"
    )
    assert sqlite_file.network_file_system(Path(path), mounts) == kind


async def test_a_backup_is_whole_and_never_overwrites(desk, tmp_path):
    await desk.hear("hello", key="k")
    await desk.store.backup(str(tmp_path / "copy.db"))
    with pytest.raises(StorageError, match="exists already"):
        await desk.store.backup(str(tmp_path / "copy.db"))
    with pytest.raises(StorageError, match="Cannot write"):
        await desk.store.backup(str(tmp_path / "nowhere" / "copy.db"))
    copy = Desk(await SQLite.open(tmp_path / "copy.db", now=desk.watch), desk.watch)
    assert await copy.statuses() == ["hello: pending"]
    assert list(await copy.hear("hello", key="k")) == [False]
    await copy.store.close()


async def test_nothing_of_a_forgotten_person_stays_in_the_files(desk):
    secret = "the word nobody else may ever read"
    await desk.hear(secret, key="k")
    await desk.finish(await desk.only_claim(), f"you said: {secret}", state=secret.encode())
    assert any(secret.encode() in path.read_bytes() for path in _files(desk))
    assert await desk.store.forget(ANNA)
    for path in _files(desk):
        assert secret.encode() not in path.read_bytes()
        assert ANNA.encode() not in path.read_bytes()


def _files(desk: Desk) -> list[Path]:
    return [path for path in desk.store.path.parent.iterdir() if ".lock" not in path.name]


# Others who write


async def test_another_process_may_write_but_neither_answers_nor_sends(desk):
    other = await reopened(desk, owner=False)
    await desk.store.changed()
    assert not await desk.store.changed()
    await other.write("hello")
    assert await desk.store.changed()
    assert not await desk.store.changed()
    await desk.write("our own write is no news")
    assert not await desk.store.changed()
    for verb in (other.store.claim(1), other.store.take(OURS, 1), other.store.doubtful(OURS, 1)):
        with pytest.raises(StorageError, match="owns"):
            await verb
    await other.store.close()
    assert await desk.take() == ["hello"]


async def test_a_turn_loses_its_conversation_to_another_process(desk):
    await desk.hear("hello")
    claim = await desk.only_claim()
    other = await reopened(desk, owner=False)
    assert await other.store.forget(ANNA)
    await other.store.close()
    assert not await desk.finish(claim, "too late", state=b"s")
    await desk.hear("again")
    assert (await desk.only_claim()).state is None


async def test_a_retry_from_another_process_does_not_disturb_a_turn(desk):
    await desk.hear("bad", "good")
    await desk.fail(await desk.only_claim(), None)
    claim = await desk.only_claim()
    other = await reopened(desk, owner=False)
    assert await other.store.retry() == 1
    await other.store.close()
    assert await desk.finish(claim)
    assert [text.inbound.text for text in (await desk.only_claim()).texts] == ["bad"]


async def test_a_locked_database_refuses_writing_and_recovers(desk):
    blocker = sqlite3.connect(desk.store.path, isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        await desk.hear("hello", key="k")
    refused = asyncio.create_task(desk.hear("hello", key="k"))
    assert (await desk.store.census()).pending == 0  # reading goes on, even beside a writer
    with pytest.raises(StoreUnavailable):
        await refused
    blocker.execute("rollback")
    blocker.close()
    assert list(await desk.hear("hello", key="k")) == [True]


async def test_a_full_disk_refuses_writing_and_recovers(desk):
    await desk.hear("first")
    claim = await desk.only_claim()
    [[pages]] = await inside(desk, "pragma page_count")
    await inside(desk, f"pragma max_page_count = {pages}")
    long = ["x" * 1500] * 20
    with pytest.raises(StoreUnavailable, match="full"):
        await desk.hear(*long, key="long")
    with pytest.raises(StoreUnavailable, match="full"):
        await desk.finish(claim, *long, state=b"s")
    assert await desk.statuses() == ["first: pending"]
    await inside(desk, "pragma max_page_count = 1000000")
    assert await desk.finish(claim, "hi", state=b"s")  # the lease was not lost with the commit
    assert list(await desk.hear("x", key="long")) == [True]


# The thread


async def traced(desk: Desk) -> list[str]:
    told: list[str] = []
    await desk.store._thread.ask(lambda db: db.set_trace_callback(told.append))
    told.clear()
    return told


async def untraced(desk: Desk, told: list[str]) -> list[str]:
    kept = list(told)
    await desk.store._thread.ask(lambda db: db.set_trace_callback(None))
    return [sql.lower() for sql in kept]


async def test_what_is_asked_at_once_is_committed_at_once(desk):
    told = await traced(desk)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(db) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    held = desk.store._thread.ask(hold, writes=False)
    await asyncio.sleep(0.05)  # the thread is in `hold` by now, alone
    asked = [asyncio.create_task(desk.hear(f"{number}")) for number in range(256)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(held, *asked)
    sql = await untraced(desk, told)
    assert sql.count("begin immediate") == 1
    assert sql.count("commit") == 2  # of the reading one before, and of all of these
    assert (await desk.store.census()).pending == 256


async def test_claims_and_reading_write_nothing(desk):
    await desk.hear("hello")
    wal = desk.store.path.with_name("cooee.db-wal")
    before = wal.read_bytes()
    claim = await desk.only_claim()
    await desk.store.alarms()
    await desk.store.census()
    await desk.store.history(OURS, ANNA, 10)
    await desk.store.release([claim])
    assert await desk.take() == []
    assert wal.read_bytes() == before


async def test_only_the_guilty_request_of_a_batch_fails(desk):
    def guilty(db) -> None:
        db.execute("insert into secrets values ('half', 0, 'written')")
        raise ZeroDivisionError

    await desk.hear("before")
    asked = [
        desk.hear("one"),
        desk.store.claim(10),
        desk.store._thread.ask(guilty),
        desk.hear("two"),
        desk.store._thread.ask(lambda db: db.execute("insert into nowhere values (1)")),
        desk.store.claim(10),
    ]
    results = await asyncio.gather(*asked, return_exceptions=True)
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["list", "list", "ZeroDivisionError", "list", "StorageError", "list"]
    assert [len(results[1]), len(results[5])] == [1, 0]  # leased once, though it ran twice
    assert await inside(desk, "select * from secrets") == []
    assert (await desk.store.census()).pending == 3
    assert await desk.finish(results[1][0])


async def test_a_cancelled_claim_leases_nothing(desk):
    await desk.hear("hello")
    task = asyncio.create_task(desk.store.claim(10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.store.census()
    await asyncio.sleep(0.05)
    assert len(await desk.store.claim(10)) == 1


async def test_a_cancelled_take_puts_its_texts_back(desk):
    await desk.write("hello")
    task = asyncio.create_task(desk.store.take(OURS, 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.store.census()
    await asyncio.sleep(0.05)
    assert await desk.take() == ["hello"]


async def test_a_closed_store_says_so(desk):
    last = asyncio.create_task(desk.hear("last"))
    await asyncio.sleep(0)
    await desk.store.close()
    await desk.store.close()
    assert list(await last) == [True]
    with pytest.raises(StorageError, match="closed"):
        await desk.hear("too late")


# After an unclean exit


async def test_texts_under_way_when_the_process_died_go_one_at_a_time(desk):
    await desk.hear("first", "second")
    await desk.hear("other", sender=BERT)
    await desk.store.claim(10)
    desk = await died(desk)
    assert (await desk.store.census()).unclean_exits == 1
    await desk.hear("new", sender="+61491570158")
    heard = []
    for _ in range(3):
        claim = await desk.only_claim()
        assert (len(claim.texts), claim.attempts) == (1, 1)
        assert list(await desk.store.claim(10)) == []
        assert (await desk.store.alarms()).turn is None
        heard.append(claim.texts[0].inbound.text)
        assert await desk.finish(claim)
    assert sorted(heard) == ["first", "other", "second"]
    assert heard.index("first") < heard.index("second")
    assert [text.inbound.text for text in (await desk.only_claim()).texts] == ["new"]
    await desk.store.close()


async def test_a_text_that_kills_the_process_is_found_out(desk):
    await desk.hear("deadly")
    desk.watch.wait(seconds=1)
    await desk.hear("innocent", sender=BERT)
    await desk.store.claim(10)
    for attempt in (1, 2, 3):
        desk = await died(desk)
        claim = await desk.only_claim()
        assert (claim.theirs, claim.attempts) == (ANNA, attempt)
    await desk.fail(claim, None)
    assert await desk.statuses() == ["deadly: set aside"]
    claim = await desk.only_claim()
    assert (claim.theirs, claim.attempts) == (BERT, 1)
    assert (await desk.store.census()).unclean_exits == 3
    await desk.store.close()


async def test_an_attempt_that_was_released_is_not_counted(desk):
    await desk.hear("hello")
    await desk.only_claim()
    desk = await died(desk)
    for _ in range(3):
        claim = await desk.only_claim()
        assert claim.attempts == 1
        await desk.store.release([claim])
    claim = await desk.only_claim()
    await desk.fail(claim, desk.watch.after(seconds=5))
    await desk.hear("new", sender=BERT)
    later = await desk.only_claim()  # a suspect that waits holds up nobody
    assert later.theirs == BERT
    desk.watch.wait(seconds=5)
    assert list(await desk.store.claim(10)) == []
    assert await desk.finish(later)
    assert (await desk.only_claim()).attempts == 2
    await desk.store.close()


async def test_what_was_being_sent_when_the_process_died_is_doubtful(desk):
    await desk.write("hello")
    await desk.only_taken()
    desk = await died(desk)
    assert await desk.take() == []
    [doubt] = await desk.store.doubtful(OURS, 10)
    assert (doubt.outbound.text, doubt.outbound.attempt) == ("hello", 1)
    [entry] = await desk.store.history(OURS, ANNA, 10)
    assert (entry.status, entry.notes) == (
        "unknown",
        ("attempt 1: no end known, the process ended",),
    )
    done = Receipt(
        status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=doubt.outbound.id
    )
    assert len(await desk.store.settle([done])) == 1
    await desk.store.close()


async def test_a_clean_exit_leaves_no_suspicion(desk):
    await desk.hear("one", "two")
    await desk.only_claim()
    await desk.store.close()
    desk = await reopened(desk)
    assert (await desk.store.census()).unclean_exits == 0
    assert len((await desk.only_claim()).texts) == 2
    await desk.store.close()


async def test_only_opt_out_words_are_never_due_after_an_unclean_exit(desk):
    await desk.hear("STOP", consent="out")
    desk = await died(desk)
    assert await desk.store.alarms() == Alarms()
    assert list(await desk.store.claim(10)) == []
    await desk.store.close()


async def test_a_suspect_with_an_opt_out_word_behind_it_ends(desk):
    await desk.hear("START")
    await desk.hear("STOP", consent="out")
    desk = await died(desk)
    for runs in (True, False):
        claim = await desk.only_claim()
        assert [text.runs for text in claim.texts] == [runs]
        assert list(await desk.store.finish([Finish(claim=claim, handled=claim.texts[0].seq)])) == [
            True
        ]
    assert await desk.store.alarms() == Alarms()
    await desk.store.close()


# The statements


SQL = load("sqlite")
HOT = [
    *("remember_key", "place_text", "add_inbound", "find_suspect", "claim_due", "finish"),
    *("save_state", "find_key", "place_letter", "add_outbound", "expire_late", "next_texts"),
    *("begin_attempt", "accept", "any_early", "early_receipts", "try_again", "doubt"),
    *("end_attempt", "find_by_provider", "lay_receipt", "add_receipt", "keep_early"),
    *("doubtful", "unreported", "ask_again_at", "next_turn", "next_send", "numbers"),
    *("next_check", "next_report"),
    *("history_in", "history_out", "notes", "set_aside_of", "unknown_of", "conversations_of"),
    *("cancel_queued", "opt_out", "opt_in", "doubt_interrupted", "note_interrupted"),
    *("claim_suspect", "claim_alarms", "next_alarm", "any_dialogue", "live_dialogues"),
    *("entries_of", "begin_dialogue", "keep_dialogue", "find_dialogue", "add_entry"),
    *("find_entry", "fail_dialogue", "set_timer", "place_start", "is_leased"),
    *("postpone_dialogues", "free_dialogues", "free_dialogues_of", "call_retired"),
    *("talks", "all_talks", "entries_of_talks", "entries_of_all_talks", "set_aside_before"),
]
NARROW = re.compile(
    "inbound_aside|outbound_(trouble|open|queue|doubtful|reported)|receipts_early|conversations_due"
    "|dialogues_(failing|open)"
)


async def explained(desk: Desk, how: str, sql: str):
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    values = [None] * (max(numbered) if numbered else sql.count("?"))
    return await inside(desk, f"{how} {sql}", *values)


@pytest.mark.parametrize("name", HOT)
async def test_no_statement_of_a_texts_way_reads_a_whole_table(desk, name):
    plan = [step for *_, step in await explained(desk, "explain query plan", SQL[name])]
    tables = (
        "conversations|inbound|outbound|seen|receipts|states|optouts|dialogues|answers|[adiopx]"
    )
    scans = [step for step in plan if re.match(rf"SCAN ({tables})( |$)", step)]
    assert [step for step in scans if not NARROW.search(step)] == []


async def test_every_statement_is_sound_and_used(desk):
    code = "".join(path.read_text() for path in (SOURCE / "storage" / "sqlite").glob("*.py"))
    for name, sql in SQL.items():
        assert f'"{name}"' in code, f"{name} is used nowhere"
        await explained(desk, "explain", sql)


def test_one_file_speaks_to_sqlite():
    speaks = re.compile(r"^\s*(import|from) sqlite3", re.MULTILINE)
    assert [file.name for file in SOURCE.rglob("*.py") if speaks.search(file.read_text())] == [
        "database_file.py"
    ]


async def test_keys_are_pruned_in_slices(desk):
    arrivals = [desk.arrival("x", key=str(number)) for number in range(4_500)]
    await desk.store.receive(arrivals)
    told = await traced(desk)
    assert await desk.store.prune(desk.watch() + timedelta(days=1)) == 4_500
    assert (await untraced(desk, told)).count("commit") == 4


async def test_taking_looks_at_the_opt_outs_itself(desk):
    """Queueing and opting out cancel already; this is what holds if neither did (law 10)."""
    await desk.write("news")
    row = (conversation_id(OURS, ANNA), OURS, ANNA)
    with sqlite3.connect(desk.store.path) as other:
        other.execute("insert into optouts values (?, 0, ?, ?, 'word', null, null, '', null)", row)
    other.close()
    assert (await desk.store.census()).queued == 1
    assert await desk.take() == []
