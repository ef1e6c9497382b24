"""A database file that is lost under a running process: noticed, refused, saved."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cooee.core.errors import DatabaseLost, StorageError
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ManualClock


def remove_all(path: Path) -> None:
    for each in path.parent.glob("cooee.db*"):
        if each.is_file():
            each.unlink()


def wal(path: Path) -> Path:
    return path.with_name("cooee.db-wal")


def restore(path: Path, copy: Callable[[Path, Path], object]) -> None:
    copy(path.with_name("backup.db"), path)


DEEDS: dict[str, Callable[[Path], object]] = {
    "rm": lambda path: path.unlink(),
    "rm of all files": remove_all,
    "mv away": lambda path: path.rename(path.with_name("away.db")),
    "mv of a backup to its place": lambda path: restore(path, lambda old, new: old.rename(new)),
    "cp of a backup over it": lambda path: restore(path, shutil.copyfile),
    "another database over it": lambda path: shutil.copyfile(path.with_name("other.db"), path),
    "cut to nothing": lambda path: path.write_bytes(b""),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "other bytes": lambda path: path.write_bytes(b"x" * path.stat().st_size),
    "rm of the log": lambda path: wal(path).unlink(),
    "rm of the index": lambda path: path.with_name("cooee.db-shm").unlink(),
    "rm of log and index": lambda path: [
        wal(path).unlink(),
        path.with_name("cooee.db-shm").unlink(),
    ],
    "mv of another log": lambda path: [
        wal(path).rename(path.with_name("w")),
        wal(path).write_bytes(b""),
    ],
}
WHOLE_IN_PLACE = {"rm of the log", "rm of the index", "rm of log and index", "mv of another log"}
SAVED_BESIDE = {"rm", "rm of all files", "mv away", "mv of a backup to its place"}


async def open_with_numbers(path: Path, count: int) -> SQLite:
    store = await SQLite.open(path, now=ManualClock())
    for n in range(count):
        await store.add_our_number(f"+614915701{n:02}")
    return store


def numbers_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("select count(*) from numbers").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("deed", DEEDS)
async def test_nothing_is_acknowledged_after_a_loss_and_what_was_is_saved(
    deed: str, tmp_path: Path
) -> None:
    path = tmp_path / "cooee.db"
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("create table t (x)")
    other.close()
    store = await open_with_numbers(path, 3)
    await store.backup(str(tmp_path / "backup.db"))
    await store.add_our_number("+61491570199")  # after the backup: four in all

    DEEDS[deed](path)

    with pytest.raises(DatabaseLost, match="while cooee ran on it") as first:
        await store.add_our_number("+61491570006")
    for verb in (store.our_numbers(), store.counts(), store.changed_externally()):
        with pytest.raises(DatabaseLost) as later:
            await verb
        assert str(later.value) == str(first.value)  # noticed once, told to everybody
    await store.close()

    if deed in WHOLE_IN_PLACE:
        assert numbers_in(path) == 4
        assert "Start cooee again" in str(first.value)
        again = await SQLite.open(path, now=ManualClock())
        assert len(await again.our_numbers()) == 4
        await again.close()
    elif deed in SAVED_BESIDE:
        rescued = tmp_path / "cooee.db.rescued"
        assert f"mv {rescued} {path}" in str(first.value)
        assert numbers_in(rescued) == 4
    else:
        assert "restore a backup" in str(first.value)
    if deed in {"mv of a backup to its place", "cp of a backup over it"}:
        assert numbers_in(path) == 3  # no log of ours was written into it


@pytest.mark.parametrize("deed", ["rm", "rm of all files", "mv away", "cut to nothing"])
async def test_the_next_start_does_not_begin_anew_in_silence(deed: str, tmp_path: Path) -> None:
    path = tmp_path / "cooee.db"
    store = await open_with_numbers(path, 3)
    DEEDS[deed](path)
    with pytest.raises(DatabaseLost):
        await store.counts()
    await store.close()

    with pytest.raises(StorageError, match=r"is gone, and .* was saved when it was lost"):
        await SQLite.open(path, now=ManualClock())
    assert not path.exists() or not path.stat().st_size
    if deed != "cut to nothing":
        (tmp_path / "cooee.db.rescued").rename(path)
        again = await SQLite.open(path, now=ManualClock())
        assert len(await again.our_numbers()) == 3
        await again.close()


async def test_what_others_may_do_to_a_database_is_no_loss(tmp_path: Path) -> None:
    path = tmp_path / "cooee.db"
    store = await open_with_numbers(path, 3)
    beside = await SQLite.open(path, now=ManualClock(), owner=False)
    await beside.add_our_number("+61491570006")
    await beside.close()
    await asyncio.to_thread(_vacuum, path)
    for n in range(20):
        await store.add_our_number(f"+614915702{n:02}")
    await asyncio.to_thread(_vacuum, path)
    await store.backup(str(tmp_path / "backup.db"))
    assert len(await store.our_numbers()) == 24
    await store.close()
    assert not list(tmp_path.glob("*.rescued*"))


def _vacuum(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    connection.close()
