"""A database copied into another one: all of it, once, however often the copy was cut off."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import asyncpg
import pytest
from support.postgres import fetch_value

from cooee.core.errors import DatabaseInUse, StorageError
from cooee.core.messages import Media, Status
from cooee.storage import ClaimResult, open_store
from cooee.storage.copying import copy_rows, count_rows, find_key_check
from cooee.storage.dialects import copy_forget_key, open_rows
from cooee.storage.tables import TABLES
from cooee.testing.dialogue_store_suite import begin_dialogue, dialogue_update, finish_claim
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, StoreHarness

KEY = "0123456789abcdef" * 4
MARK = 7


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path}/cooee.db"


@pytest.fixture(params=["to a server", "to a file"])
def urls(request, sqlite_url, migrated_url, tmp_path):
    """The source and the target, both empty."""
    if request.param == "to a file":
        return migrated_url, sqlite_url
    # A file's key is made by the first who is forgotten, or is there before.
    (tmp_path / "cooee.db.key").write_bytes(bytes.fromhex(KEY))
    return sqlite_url, migrated_url


async def opened(url: str, clock: ManualClock, *, key: str = KEY) -> StoreHarness:
    return StoreHarness(await open_store(url, now=clock, forget_key=key), clock)


async def fill(url: str, clock: ManualClock) -> None:
    """Leave a person in a dialogue, one set aside, one forgotten, and texts in each state."""
    harness = await opened(url, clock)
    await harness.receive("BOOK", key="k1")
    claim = await harness.claim_one()
    asking = ClaimResult(
        claim=claim,
        handled_seq=1,
        state=b"anna's",
        is_asking=True,
        offered_words=["stop"],
        dialogue_updates=[dialogue_update("d", b"1", b"2", due_at=clock.later(hours=1))],
    )
    await harness.store.finish([asking])
    await harness.receive("bad", sender=BERT)
    await harness.fail(await harness.claim_one(), None)
    await harness.receive_media(Media(url="https://example.com/1"), sender=BERT)
    for words, status in (("refused", Status.FAILED), ("sent", Status.ACCEPTED)):
        await harness.enqueue(words, to=BERT, key=words)
        await harness.record(await harness.take_one(), status, provider_id=f"p-{words}")
    await harness.enqueue("later", to=ANNA, due_at=clock.later(days=1))
    await harness.receive("my secret", sender=CLEO, key="k2")
    await harness.receive("STOP", sender=CLEO, consent="out")
    await harness.store.forget(CLEO)
    await harness.store.record_opt_outs(OURS, ["+61491570110"])
    await harness.store.set_cursor(OURS, "page 7")
    await harness.store.secrets("webhook")
    await harness.store.close()


async def copy(source: str, target: str, clock: ManualClock, *, mark: int = MARK, on_rows=None):
    """Copy as the command does; return the tables."""
    counted = []
    one = await open_rows(source, now=clock, is_source=True)
    try:
        other = await open_rows(target, now=clock, is_source=False)
        try:
            check = await find_key_check(one)
            if check is not None:
                copy_forget_key(source, target, check, KEY)
            tables = await copy_rows(one, other, mark, on_rows or counted.append)
            assert on_rows or sum(counted) == 2 * await count_rows(one)
            return tables
        finally:
            await other.close()
    finally:
        await one.close()


async def pictures(harness: StoreHarness) -> dict[str, object]:
    """Return what operators see of everything."""
    store = harness.store
    summaries = await store.conversations()
    return {
        "counts": await store.counts(),
        "conversations": summaries,
        "texts": [await store.history(OURS, one.theirs, 99) for one in summaries],
        "opt-outs": [await store.opt_outs(OURS, who) for who in (ANNA, BERT, CLEO, "+61491570110")],
        "dialogues": await store.dialogues(include_ended=True),
        "cursor": await store.get_cursor(OURS),
        "secrets": await store.secrets("webhook"),
        "numbers": await store.our_numbers(),
    }


async def test_a_copy_holds_everything_and_people_go_on_where_they_are(urls):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)
    before = await opened(source, clock)
    expected = await pictures(before)
    await before.store.close()
    tables = {one.name: one.row_count for one in await copy(source, target, clock)}
    assert set(tables) == {table.name for table in TABLES}
    assert all(tables[name] for name in tables if name != "media_to_erase")
    copied = await opened(target, clock)
    assert await pictures(copied) == expected
    # A dialogue in the middle goes on, and nothing comes in or goes out twice.
    assert list(await copied.receive("BOOK", key="k1")) == [False]
    assert list(await copied.receive("my secret", sender=CLEO, key="k2")) == [False]
    await copied.enqueue("refused", to=BERT, key="refused")
    await copied.enqueue("news", to=CLEO)
    assert await copied.take() == []
    await copied.receive("4")
    claims = {claim.theirs: claim for claim in await copied.store.claim(10)}
    anna = claims[ANNA]
    assert (anna.state, [text.seq for text in anna.texts]) == (b"anna's", [2])
    [dialogue] = anna.dialogues
    assert (dialogue.entries, dialogue.due_at) == ([b"1", b"2"], clock.later(hours=1))
    more = dialogue_update("d", b"3", stored_count=2, end_reason="returned")
    assert await finish_claim(copied, anna, more)
    assert await copied.store.retry() == 1
    await copied.store.close()


async def test_a_copy_that_was_cut_off_anywhere_goes_on(urls, monkeypatch):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)
    before = await opened(source, clock)
    expected = await pictures(before)
    await before.store.close()
    monkeypatch.setattr("cooee.storage.copying._PAGE_ROWS", 1)
    cut_at, tables = 0, None
    while tables is None:
        cut_at += 3
        left = iter(range(cut_at))

        def stop(rows, left=left):
            if rows and next(left, None) is None:
                raise KeyboardInterrupt

        try:
            tables = await copy(source, target, clock, on_rows=stop)
        except KeyboardInterrupt:
            with pytest.raises(StorageError, match="half copied"):
                await opened(target, clock)
    assert cut_at > 10
    assert sum(one.row_count for one in tables) > 20
    copied = await opened(target, clock)
    assert await pictures(copied) == expected
    await copied.store.close()


KILLED = """
import asyncio, itertools, os, signal, sys
from datetime import UTC, datetime
from cooee.storage import copying
from cooee.storage.dialects import open_rows

copying._PAGE_ROWS = 3
source, target, kill_at = *sys.argv[1:3], int(sys.argv[3])
pages = itertools.count(1)

def die(rows):
    if rows and next(pages) == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

async def copy():
    now = lambda: datetime.now(UTC)
    rows = [await open_rows(url, now=now, is_source=url == source) for url in (source, target)]
    await copying.copy_rows(*rows, 7, die)

asyncio.run(copy())
"""


@pytest.mark.slow
async def test_a_copy_that_is_killed_leaves_its_source_as_it_was(sqlite_url, migrated_url):
    clock = ManualClock()
    harness = await opened(sqlite_url, clock)
    await harness.receive("one", "two", "three", "four", "five")
    await begin_dialogue(harness, to=BERT)
    await harness.store.close()
    for kill_at, status in ((2, -9), (3, -9), (5, -9), (999, 0), (3, -9), (999, 0)):
        command = [sys.executable, "-c", KILLED, sqlite_url, migrated_url, str(kill_at)]
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == status, kill_at
    copied = await opened(migrated_url, clock)
    assert (await copied.store.counts()).unclean_exits == 0
    assert len(await copied.store.claim(9)) == 2  # none is a suspect, which would go alone
    await copied.store.close()


async def test_a_copy_that_is_done_is_compared_again(urls):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)
    assert await copy(source, target, clock) == await copy(source, target, clock)


async def test_two_checksums_differ_where_a_row_does(urls):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)

    written = []

    def write_into_the_source(rows):
        written.append(rows)
        if len(written) == len(TABLES) * 2:  # all tables are copied, and none is compared
            _write(source)

    with pytest.raises(StorageError, match=r"copy of \w+ is not the same"):
        await copy(source, target, clock, on_rows=write_into_the_source)
    with pytest.raises(StorageError, match="half copied"):
        await opened(target, clock)


def _write(url: str) -> None:
    """Change a row behind the copy's back."""
    change = "update numbers set lost_reads = lost_reads + 1"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
            db.execute(change)
    else:
        with ThreadPoolExecutor(1) as thread:  # this one runs the test's event loop
            thread.submit(asyncio.run, fetch_value(url, change)).result()


async def test_nothing_is_copied_into_a_database_with_rows(urls):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)
    other = await opened(target, clock)
    await other.receive("mine")
    await other.store.close()
    with pytest.raises(StorageError, match="not empty"):
        await copy(source, target, clock)
    with pytest.raises(StorageError, match="not empty"):
        await copy(target, source, clock)


async def test_a_half_copied_database_takes_no_other_copy(urls, tmp_path):
    source, target = urls
    clock = ManualClock()
    await fill(source, clock)

    def stop(rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy(source, target, clock, on_rows=stop)
    with pytest.raises(StorageError, match="from another database"):
        await copy(source, target, clock, mark=MARK + 1)


async def test_no_database_is_copied_while_an_app_runs_on_it(urls):
    source, target = urls
    clock = ManualClock()
    for running in (source, target):
        app = await opened(running, clock)
        with pytest.raises(DatabaseInUse):
            await copy(source, target, clock)
        await app.store.close()


async def test_what_was_being_sent_when_a_process_died_is_in_doubt_in_the_copy(
    sqlite_url, migrated_url
):
    clock = ManualClock()
    harness = await opened(sqlite_url, clock)
    await begin_dialogue(harness, due_at=clock.later(days=1))
    await harness.enqueue("hello")
    await harness.take_one()
    await harness.store._thread.close()  # it died
    harness.store._ownership.close()
    await copy(sqlite_url, migrated_url, clock)
    copied = await opened(migrated_url, clock)
    assert (await copied.store.counts()).unknown == 1
    assert await copied.take() == []
    await copied.store.close()


async def test_the_key_of_forgotten_people_goes_with_them(sqlite_url, migrated_url, tmp_path):
    clock = ManualClock()
    await fill(sqlite_url, clock)
    rows = await open_rows(sqlite_url, now=clock, is_source=True)
    check = await find_key_check(rows)
    await rows.close()
    line = copy_forget_key(sqlite_url, migrated_url, check, "")
    assert line.startswith("export COOEE_FORGET_KEY=$(python3 -c ")
    assert "cooee.db.key" in line
    key = (tmp_path / "cooee.db.key").read_bytes()
    assert copy_forget_key(sqlite_url, migrated_url, check, key.hex()) == ""
    assert copy_forget_key(migrated_url, f"sqlite:///{tmp_path}/b.db", check, key.hex()) == ""
    assert (tmp_path / "b.db.key").read_bytes() == key
    with pytest.raises(StorageError, match="COOEE_FORGET_KEY is not set"):
        copy_forget_key(migrated_url, f"sqlite:///{tmp_path}/c.db", check, "")


async def test_every_column_of_both_databases_is_copied_or_is_a_processs_own(
    sqlite_url, migrated_url
):
    clock = ManualClock()
    for url in (sqlite_url, migrated_url):
        await (await opened(url, clock)).store.close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as db:
        columns = db.execute(
            "select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c"
            " where m.type = 'table' and m.name not like 'sqlite_%'"
        ).fetchall()
    connection = await asyncpg.connect(migrated_url)
    on_server = await connection.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'cooee'"
    )
    await connection.close()
    ours = {(table.name, column) for table in TABLES for column in table.columns}
    assert set(columns) - ours == {("conversations", "lease_epoch")}
    left_out = {(table, column) for table, column in map(tuple, on_server)} - ours
    assert {table for table, _ in left_out} == {
        "conversations",
        "outbound",
        "workers",
        "commit_marks",
        "number_roles",
        "schema_version",
    }
    assert ours - set(columns) == ours - set(map(tuple, on_server)) == set()
