"""The database in each state that it can be found in, and the disk, and the time zones."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from cooee.runtime.checks.machine import check_database, check_media_location, check_time_zones
from cooee.storage.sqlite.store import SQLite


def now():
    return datetime(2026, 5, 1, tzinfo=UTC)


async def check(path):
    return {
        one.name: (one.verdict, one.words) for one in await check_database(f"sqlite:///{path}", now)
    }


@pytest.fixture
async def path(tmp_path):
    path = tmp_path / "cooee.db"
    await (await SQLite.open(path, now=now)).close()
    return path


async def test_a_database_that_works_is_found_well_beside_its_owner(path):
    assert (await check(path))["database"] == ("ok", f"{path} is written to.")
    owner = await SQLite.open(path, now=now)
    assert (await check(path))["database"][0] == "ok"
    await owner.close()
    owner = await SQLite.open(path, now=now)
    assert (await owner.counts()).unclean_exits == 0
    await owner.close()


async def test_none_is_made_by_looking(tmp_path):
    path = tmp_path / "cooee.db"
    assert (await check(path))["database"] == (
        "ok",
        f"{path} will be made by the first `cooee run`.",
    )
    assert list(tmp_path.iterdir()) == []
    verdict, words = (await check(tmp_path / "nowhere" / "cooee.db"))["database"]
    assert (verdict, words) == ("wrong", f"There is no folder {tmp_path}/nowhere: make it.")


async def test_a_file_that_is_no_database_is_told_of(tmp_path):
    path = tmp_path / "cooee.db"
    path.write_text("Dear diary, today I wrote more than a hundred bytes into a file. " * 9)
    verdict, words = (await check(path))["database"]
    assert verdict == "wrong"
    assert "not a database" in words


async def test_a_database_that_is_locked_is_told_of(path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("begin exclusive")
        verdict, words = (await check(path))["database"]
        other.rollback()
    other.close()
    assert verdict == "wrong"
    assert "locked" in words


async def test_a_newer_database_is_told_of(path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("pragma user_version = 9999")
    other.close()
    verdict, words = (await check(path))["database"]
    assert (verdict, "Install the newer cooee" in words) == ("wrong", True)


async def test_what_others_may_read_and_who_died_on_it_is_noted(path):
    path.chmod(0o644)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("insert into metadata (name, value) values ('unclean_exits', 2)")
    other.close()
    verdict, words = (await check(path))["database"]
    assert verdict == "note"
    assert f"chmod 600 {path}" in words
    assert "2 times a process on it died" in words


@pytest.mark.parametrize(
    ("free", "verdict"), [(10**12, "ok"), (4 * 10**8, "note"), (10**7, "wrong")]
)
async def test_a_disk_that_is_nearly_full_is_told_of(path, monkeypatch, free, verdict):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))
    assert (await check(path))["disk"][0] == verdict


def test_a_machine_without_time_zones_is_told_what_to_install():
    def find(name):
        return None

    assert check_time_zones().verdict == "ok"
    assert check_time_zones(find).verdict == "wrong"
    assert "pip install tzdata" in check_time_zones(find).words


def test_a_folder_that_others_do_not_find_is_noted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = "postgresql://me@host/texts"
    (found,) = check_media_location(server, f"{tmp_path}/cooee-media")
    assert (found.verdict, "COOEE_MEDIA" in found.words) == ("note", True)
    assert check_media_location(server, "s3://bucket/media") == []
    assert check_media_location("sqlite:///cooee.db", f"{tmp_path}/cooee.db-media") == []
