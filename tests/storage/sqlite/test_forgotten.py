"""Forgotten people: no hash can be turned back without the key, and no opt-out is lost."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage import migrations as migrate
from cooee.storage.sqlite.database_file import find_problems
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness


@pytest.fixture
async def harness(tmp_path):
    clock = ManualClock()
    harness = StoreHarness(await SQLite.open(tmp_path / "cooee.db", now=clock), clock)
    yield harness
    await harness.store.close()


async def reopened(harness: StoreHarness, **more) -> StoreHarness:
    await harness.store.close()
    store = await SQLite.open(harness.store.path, now=harness.clock, **more)
    return StoreHarness(store, harness.clock)


async def forget_one_who_opted_out(harness: StoreHarness) -> None:
    await harness.receive("hello", key="k")
    await harness.finish(await harness.claim_one(), "hi")
    await harness.receive("STOP", consent="out")
    assert await harness.store.forget(ANNA)


def key_file(harness: StoreHarness) -> Path:
    return harness.store.path.with_name("cooee.db.key")


async def test_no_hash_of_a_number_stays_in_the_files(harness):
    """Whoever has the files and tries every number finds nobody."""
    traces = [ANNA.encode(), ANNA[1:].encode(), conversation_id(OURS, ANNA)]
    await forget_one_who_opted_out(harness)
    files = [path for path in harness.store.path.parent.iterdir() if path.suffix != ".lock"]
    assert len(files) >= 2
    for path in files:
        content = path.read_bytes()
        assert [trace for trace in traces if trace in content] == []
    key = key_file(harness).read_bytes()
    assert key not in harness.store.path.read_bytes()
    copy = harness.store.path.with_name("copy.db")
    await harness.store.backup(str(copy))
    assert key not in copy.read_bytes()


async def test_no_table_names_a_forgotten_person_or_our_number_beside_the_hash(harness):
    await forget_one_who_opted_out(harness)
    with closing(sqlite3.connect(harness.store.path)) as db:
        for table in ("conversations", "opt_outs", "dedupe_keys"):
            rows = db.execute(f"select * from {table}").fetchall()
            assert rows
            assert not [row for row in rows if {OURS, ANNA, conversation_id(OURS, ANNA)} & {*row}]


async def test_a_database_without_its_key_is_refused_until_it_is_back_or_given_up(harness):
    await forget_one_who_opted_out(harness)
    await harness.store.close()
    kept = key_file(harness).read_bytes()
    key_file(harness).unlink()
    assert any(
        "cooee.db.key is missing" in problem for problem in find_problems(harness.store.path)
    )
    with pytest.raises(StorageError, match=r"cooee\.db\.key is missing.*Put it back"):
        await reopened(harness)
    key_file(harness).write_bytes(b"?" * 32)
    with pytest.raises(StorageError, match="belongs to another database"):
        await reopened(harness)
    key_file(harness).write_bytes(kept)
    key_file(harness).chmod(0o600)
    harness = await reopened(harness)
    assert find_problems(harness.store.path) == []
    await harness.enqueue("news")
    assert await harness.take() == []
    assert await harness.store.forget(ANNA)
    await harness.store.close()
    key_file(harness).write_bytes(b"")  # gives them up
    harness = await reopened(harness)
    assert (await harness.store.counts()).opted_out == 0
    await harness.enqueue("news")
    assert await harness.take() == ["news"]
    assert await harness.store.forget(ANNA)  # under a new key
    assert len(key_file(harness).read_bytes()) == 32
    await harness.store.close()


async def test_an_empty_key_file_of_a_database_that_needs_none_goes(harness):
    key_file(harness).touch()
    harness = await reopened(harness)
    assert not key_file(harness).exists()
    await forget_one_who_opted_out(harness)
    assert len(key_file(harness).read_bytes()) == 32
    await harness.store.close()


async def test_another_process_without_the_key_texts_no_stranger(harness):
    await forget_one_who_opted_out(harness)
    key_file(harness).unlink()
    other = await SQLite.open(harness.store.path, now=harness.clock, owner=False)
    assert (await other.counts()).opted_out == 1  # what needs no key goes on
    for person in (ANNA, BERT):
        with pytest.raises(StorageError, match="is missing"):
            await StoreHarness(other, harness.clock).enqueue("news", to=person)
    await other.close()


async def test_who_forgets_nobody_has_no_key(harness):
    await harness.receive("hello")
    await harness.enqueue("hi", to=BERT)
    assert await harness.store.record_opt_outs(OURS, [ANNA]) == (1, [])
    assert not key_file(harness).exists()


async def test_a_key_of_before_is_taken_where_the_database_is_new(harness):
    await forget_one_who_opted_out(harness)
    kept = key_file(harness).read_bytes()
    await harness.store.close()
    for path in harness.store.path.parent.glob("cooee.db*"):
        if path != key_file(harness):
            path.unlink()
    harness = await reopened(harness)
    await forget_one_who_opted_out(harness)
    assert key_file(harness).read_bytes() == kept
    await harness.store.close()


async def test_another_process_that_forgets_is_believed_at_once(harness):
    await harness.receive("STOP", consent="out")
    other = await SQLite.open(harness.store.path, now=harness.clock, owner=False)
    assert await other.forget(ANNA)
    await other.close()
    await harness.enqueue("news")
    assert await harness.take() == []


async def test_people_whom_an_older_cooee_forgot_get_their_keyed_ids(tmp_path, monkeypatch):
    """Schema 2 kept them under the hash of both numbers, with our number beside it."""
    path, clock, known = tmp_path / "cooee.db", ManualClock(), migrate.load_migrations("sqlite")
    monkeypatch.setattr(migrate, "load_migrations", lambda _: known[:2])
    harness = StoreHarness(await SQLite.open(path, now=clock), clock)
    await harness.receive("hello", key="k")
    await harness.receive("STOP", consent="out")
    await harness.receive("hello", sender=BERT)
    await harness.store.close()
    plain = conversation_id(OURS, ANNA)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update conversations set ours = '', theirs = '' where id = ?", (plain,))
        db.execute("update opt_outs set theirs = '' where conversation = ?", (plain,))
        db.execute("delete from inbound where conversation = ?", (plain,))
    monkeypatch.setattr(migrate, "load_migrations", lambda _: known)
    shutil.copy(path, tmp_path / "by-another.db")
    for owner, file in ((True, path), (False, tmp_path / "by-another.db")):
        store = await SQLite.open(file, now=clock, owner=owner)
        assert len(await store.opt_outs(OURS, ANNA)) == 1
        await store.close()
        assert plain not in file.read_bytes()
        harness = StoreHarness(await SQLite.open(file, now=clock), clock)
        assert list(await harness.receive("hello", key="k")) == [False]
        await harness.enqueue("news")
        assert await harness.take() == []
        await harness.store.close()
