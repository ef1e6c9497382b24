"""A database that cannot be opened says why, and what to do next."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from cooee.core.errors import DatabaseInUse, SettingError, StorageError
from cooee.storage.dialects import database_path
from cooee.storage.sqlite.file_errors import explain_open_error
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ManualClock


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "read-only: mount it for writing"),
        (errno.ENOSPC, "The disk is full: make room"),
        (errno.EDQUOT, "quota is used up: make room"),
        (errno.EACCES, "has to own the file and its folder. Type: ls -ld"),
        (errno.EPERM, "has to own the file and its folder. Type: ls -ld"),
        (errno.ENOENT, "Type: mkdir -p '/srv/texts'"),
        (errno.EISDIR, "It is a folder: name a file in it"),
        (errno.ENOTDIR, "A part of the path is a file"),
        (errno.ENAMETOOLONG, "Choose a shorter name"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EIO, "choose another file"),
    ],
)
@pytest.mark.parametrize("name", ["cooee.db", "cooee.db.lock"])
async def test_each_refusal_of_the_system_has_its_remedy(
    number: int, words: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert words in explain_open_error(Path("/srv/texts") / name, OSError(number, "reason"))
    system_open = os.open

    def refusing(path: str | Path, *args: int) -> int:
        if Path(path).name == name:
            raise OSError(number, os.strerror(number))
        return system_open(path, *args)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(StorageError, match=rf"Cannot open .*/{name} \({os.strerror(number)}\)\. "):
        await SQLite.open(tmp_path / "cooee.db", now=ManualClock())


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOLCK, StorageError), (errno.EWOULDBLOCK, DatabaseInUse)]
)
async def test_no_locks_is_told_from_a_lock_that_is_held(
    number: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refusing)
    with pytest.raises(kind) as raised:
        await SQLite.open(tmp_path / "cooee.db", now=ManualClock())
    assert type(raised.value) is kind
    assert ("cannot lock files" in str(raised.value)) == (kind is StorageError)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "It is a folder"),
        (os.mkfifo, "no ordinary file"),
        (lambda path: path.symlink_to(path), "leads to itself"),
    ],
)
async def test_what_is_no_file_is_named(make, words, tmp_path) -> None:
    make(tmp_path / "cooee.db")
    with pytest.raises(StorageError, match=words):
        await SQLite.open(tmp_path / "cooee.db", now=ManualClock())


def test_an_unknown_home_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match=r"~no-such-user.*Write the whole path"):
        database_path("sqlite:///~no-such-user/cooee.db")
