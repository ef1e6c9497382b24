"""A URL names the store that is opened."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cooee.core.errors import DatabaseInUse, SettingError, StorageError
from cooee.storage.dialects import (
    check_ownership,
    database_path,
    default_media_location,
    describe_database,
    find_database_problems,
    open_store,
)

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


@pytest.mark.parametrize("use", [database_path, describe_database, default_media_location])
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "names no database file"),
        ("sqlite:///", "names no database file"),
        ("sqlite://a.db", "names no database file"),
        ("mysql://me:word@host/a", "names no database file"),
        ("postgresql://me:word@host/a", "to come"),
        ("postgres://me:word@host/a", "to come"),
    ],
)
def test_a_url_without_a_file_is_refused_without_its_password(use, url, problem):
    with pytest.raises(SettingError, match=problem) as refused:
        use(url)
    assert "word" not in str(refused.value)


async def test_no_store_is_opened_by_a_url_without_a_file():
    for url in ("", "mysql://me:word@host/a", "postgresql://me:word@host/a"):
        with pytest.raises(SettingError, match="sqlite:///cooee") as refused:
            await open_store(url, now=now)
        assert "word" not in str(refused.value)
        with pytest.raises(SettingError, match="sqlite:///cooee"):
            find_database_problems(url)


async def test_a_store_is_opened_by_its_url(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path}/a.db", now=now)
    assert await store.our_numbers() == []
    await store.close()
    with pytest.raises(StorageError, match="not :memory:"):
        await open_store(":memory:", now=now)


async def test_a_file_that_others_may_read_is_a_problem(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    await (await open_store(url, now=now)).close()
    assert list(find_database_problems(url)) == []
    (tmp_path / "a.db").chmod(0o644)
    assert list(find_database_problems(url)) == [
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
