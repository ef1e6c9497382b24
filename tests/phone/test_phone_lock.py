"""A database has one phone; a second one is told where the first is."""

import os
import subprocess
import sys

import pytest

from cooee.core.errors import DatabaseInUse
from cooee.phone.phone_lock import lock_phone


def test_a_second_phone_is_told_where_the_first_is_and_what_to_type(tmp_path):
    database = tmp_path / "a.db"
    with lock_phone(database) as tell_place:
        tell_place("at http://127.0.0.1:65000/ (process 4)")
        tell_place("at http://127.0.0.1:8410/ (process 4)")
        with pytest.raises(DatabaseInUse) as refused, lock_phone(database):
            pass
    assert f"open on {database} already, at http://127.0.0.1:8410/ (process 4)." in str(
        refused.value
    )
    assert "--database second.db" in str(refused.value)


def test_a_phone_that_has_not_said_where_it_is_is_named_without(tmp_path):
    with lock_phone(tmp_path / "a.db") as tell_place:
        tell_place("somewhere")
    with (
        lock_phone(tmp_path / "a.db"),
        pytest.raises(DatabaseInUse, match=r"open on \S+ already\. Go"),
        lock_phone(tmp_path / "a.db"),
    ):
        pass


def test_another_database_and_the_next_phone_are_free(tmp_path):
    with lock_phone(tmp_path / "a.db"), lock_phone(tmp_path / "b.db"):
        pass
    with lock_phone(tmp_path / "a.db"):
        pass


def test_a_process_that_died_holds_nothing(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from cooee.phone.phone_lock import lock_phone\n"
        "with lock_phone(Path(sys.argv[1])) as tell: tell('there'); os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.db")], check=False)
    assert died.returncode == -9
    with lock_phone(tmp_path / "a.db"):
        pass


def test_where_no_file_can_be_made_the_store_is_left_to_say_so(tmp_path):
    with lock_phone(tmp_path / "missing" / "a.db") as tell_place:
        tell_place(f"in a terminal (process {os.getpid()})")
