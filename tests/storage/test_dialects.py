"""A URL names the store that is opened."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cooee.core.errors import StorageError
from cooee.storage.dialects import database_path, open_store


def test_a_url_and_a_bare_path_name_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_path("sqlite:///a.db") == database_path("a.db") == tmp_path / "a.db"
    assert database_path("sqlite:////srv/a.db") == Path("/srv/a.db")


@pytest.mark.parametrize("url", ["", "sqlite:///", "sqlite://a.db", "mysql://me:word@host/a"])
def test_what_names_no_file_is_refused_without_its_password(url):
    with pytest.raises(StorageError, match="names no database file") as refused:
        database_path(url)
    assert "word" not in str(refused.value)


def test_postgresql_is_to_come():
    with pytest.raises(StorageError, match="to come"):
        database_path("postgresql://host/cooee")


async def test_a_store_is_opened_by_its_url(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path}/a.db", now=lambda: datetime.now(UTC))
    assert await store.our_numbers() == []
    await store.close()
    with pytest.raises(StorageError, match="not :memory:"):
        await open_store(":memory:", now=lambda: datetime.now(UTC))
