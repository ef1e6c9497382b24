"""A URL names the store that is opened."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cooee.core.errors import DatabaseInUse, SettingError, StorageError
from cooee.storage import dialects
from cooee.storage.dialects import (
    check_database_url,
    check_ownership,
    check_processes,
    database_password,
    database_path,
    default_media_location,
    describe_database,
    find_database_problems,
    is_missing,
    open_store,
)
from cooee.storage.server_url import is_server

SOURCE = Path(__file__).parents[2] / "src" / "cooee"
FOR_A_DIALECT = ("storage/dialects.py", "storage/sqlite/")


def now():
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_a_url_and_a_bare_path_name_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_path("sqlite:///a.db") == database_path("a.db") == tmp_path / "a.db"
    assert database_path("sqlite:////srv/a.db") == Path("/srv/a.db")
    assert describe_database("sqlite:////srv/a.db") == "/srv/a.db"
    assert default_media_location("sqlite:////srv/a.db") == "/srv/a.db-media"


@pytest.mark.parametrize("use", [check_database_url, describe_database, default_media_location])
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "names no database"),
        ("sqlite:///", "names no database"),
        ("sqlite://a.db", "names no database"),
        ("mysql://me:s3cret@host/a", "names no database"),
        ("postgresql://me:s3cret@host", "no database behind the host"),
        ("postgresql://me:s3cret@host/", "no database behind the host"),
        ("postgresql://me:s3cret@host/a/b", "no database behind the host"),
        ("postgresql+asyncpg://me:s3cret@host/a", "Begin the URL with postgresql://"),
        ("postgresql://me:s3/cret@host/a", "percent code"),
        ("postgresql://me:s3cret@host:port/a", "percent code"),
    ],
)
def test_a_url_without_a_file_is_refused_without_its_password(use, url, problem):
    with pytest.raises(SettingError, match=problem) as refused:
        use(url)
    assert "s3" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_server_is_named_without_its_password(scheme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = f"{scheme}://me:w%40rd@db.example.com:6432/texts?sslmode=require"
    check_database_url(url)
    assert is_server(url)
    assert not is_missing(url)
    assert describe_database(url) == "PostgreSQL texts at db.example.com:6432"
    assert database_password(url) == "w@rd"
    assert default_media_location(url) == f"{tmp_path}/cooee-media"
    with pytest.raises(SettingError, match="no server"):
        database_path(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql:///texts", "PostgreSQL texts at this machine"),
        ("postgresql:///texts?host=/run/postgresql", "PostgreSQL texts at /run/postgresql"),
        ("postgresql://me@a:5432,b:5433/texts", "PostgreSQL texts at a:5432,b:5433"),
        ("postgresql://me@[::1]:5432/texts", "PostgreSQL texts at [::1]:5432"),
        ("postgresql://h/texts?user=me&password=word", "PostgreSQL texts at h"),
    ],
)
def test_a_server_is_named_as_its_url_does(url, name):
    assert describe_database(url) == name


def test_several_processes_need_a_server():
    check_processes("postgresql://me@host/texts")
    for url in ("sqlite:///cooee.db", "cooee.db"):
        with pytest.raises(SettingError, match="postgresql://"):
            check_processes(url)


async def test_a_missing_driver_is_a_line_to_type(monkeypatch):
    monkeypatch.setattr(dialects, "find_spec", lambda _: None)
    with pytest.raises(SettingError, match=r"pip install 'cooee\[postgres\]'"):
        await open_store("postgresql://me:s3cret@host/a", now=now)


async def test_no_store_is_opened_by_a_url_without_a_file():
    for url in ("", "mysql://me:s3cret@host/a"):
        with pytest.raises(SettingError, match="sqlite:///cooee") as refused:
            await open_store(url, now=now)
        assert "s3" not in str(refused.value)
        with pytest.raises(SettingError, match="sqlite:///cooee"):
            await find_database_problems(url)


async def test_a_store_is_opened_by_its_url(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path}/a.db", now=now)
    assert await store.our_numbers() == []
    await store.close()
    with pytest.raises(StorageError, match="not :memory:"):
        await open_store(":memory:", now=now)


async def test_a_file_that_others_may_read_is_a_problem(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    await (await open_store(url, now=now)).close()
    assert list(await find_database_problems(url)) == []
    (tmp_path / "a.db").chmod(0o644)
    assert list(await find_database_problems(url)) == [
        f"Others may read it. Type: chmod 600 {tmp_path}/a.db"
    ]


def test_no_other_room_knows_a_dialect():
    names = [
        name
        for path in sorted(SOURCE.rglob("*.py"))
        if not (name := path.relative_to(SOURCE).as_posix()).startswith(FOR_A_DIALECT)
        and ("storage.sqlite" in path.read_text("utf-8") or "SQLite" in path.read_text("utf-8"))
    ]
    assert names == []


async def test_a_database_is_free_until_a_process_owns_it(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    check_ownership(url)
    assert not (tmp_path / "a.db").exists()
    store = await open_store(url, now=now)
    with pytest.raises(DatabaseInUse, match=r"a\.db"):
        check_ownership(url)
    await store.close()
    check_ownership(url)
