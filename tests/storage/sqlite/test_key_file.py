"""The key file of a database."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cooee.core.errors import StorageError
from cooee.storage.forget_key import key_check
from cooee.storage.sqlite.key_file import KeyFile, find_key_problem


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path):
    database = tmp_path / "cooee.db"
    first = KeyFile(database)
    assert first.read() == b""
    key = first.read_or_make()
    assert len(key) == 32
    assert KeyFile(database).read_or_make() == key == first.read_or_make()
    assert [path.name for path in tmp_path.iterdir()] == ["cooee.db.key"]
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert KeyFile(tmp_path / "other.db").read_or_make() != key


def test_of_many_who_make_a_key_at_once_all_have_the_same(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        made = [threads.submit(KeyFile(tmp_path / "cooee.db").read_or_make) for _ in range(50)]
    assert len({one.result() for one in made}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cooee.db.key"]


@pytest.mark.parametrize("content", [b"short", b"x" * 33])
def test_what_is_no_key_is_refused(tmp_path, content):
    file = KeyFile(tmp_path / "cooee.db")
    file.path.write_bytes(content)
    with pytest.raises(StorageError, match=r"cooee\.db\.key is damaged"):
        file.read()


def test_a_key_that_cannot_be_made_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot open .*There is no folder"):
        KeyFile(tmp_path / "nowhere" / "cooee.db").read_or_make()


def test_an_empty_file_is_no_key_and_is_not_overwritten(tmp_path):
    file = KeyFile(tmp_path / "cooee.db")
    assert not file.is_empty()
    file.path.touch()
    assert file.is_empty()
    assert file.read() == b""
    with pytest.raises(StorageError, match="is empty"):
        file.read_or_make()
    assert [path.name for path in tmp_path.iterdir()] == ["cooee.db.key"]


def test_a_file_system_without_links_has_a_key_too(tmp_path, monkeypatch):
    def refuse(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    key = KeyFile(tmp_path / "cooee.db").read_or_make()
    assert KeyFile(tmp_path / "cooee.db").read_or_make() == key
    assert [path.name for path in tmp_path.iterdir()] == ["cooee.db.key"]


def test_a_key_is_missing_or_another_databases_or_good(tmp_path):
    file = KeyFile(tmp_path / "cooee.db")
    assert find_key_problem(file, None) == ""
    assert "is missing" in find_key_problem(file, 7)
    key = file.read_or_make()
    assert find_key_problem(file, key_check(key)) == ""
    assert "belongs to another database" in find_key_problem(file, key_check(key) + 1)
