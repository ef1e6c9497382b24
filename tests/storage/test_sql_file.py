"""Reading statements by name, and the schema's steps."""

from __future__ import annotations

import pytest

from cooee.core.errors import SchemaTooNew
from cooee.storage import migrations as migrate
from cooee.storage.sql_file import parse_statements


def test_statements_are_read_by_name_without_their_comments():
    script = "-- A file\n\n-- name: one\nselect 1\n  from x;\n\n-- why\n-- name: two\nselect 2\n"
    assert parse_statements(script) == {"one": "select 1\n  from x", "two": "select 2"}


def test_two_statements_of_one_name_are_refused():
    with pytest.raises(ValueError, match="called one"):
        parse_statements("-- name: one\nselect 1\n-- name: one\nselect 2\n")


def test_a_script_is_split_at_line_ends():
    script = "-- why\ncreate table a (\n  x text, -- a; b\n  y text\n);\ncreate index b on a (x);\n"
    assert migrate.split_statements(script) == [
        "create table a (\n  x text,\n  y text\n)",
        "create index b on a (x)",
    ]


def test_a_database_gets_the_steps_it_lacks_and_never_goes_back():
    steps = [migrate.Migration(1, []), migrate.Migration(2, []), migrate.Migration(3, [])]
    assert [step.version for step in migrate.missing_migrations(1, steps)] == [2, 3]
    assert migrate.missing_migrations(3, steps) == []
    with pytest.raises(SchemaTooNew):
        migrate.missing_migrations(4, steps)


def test_the_steps_of_sqlite_are_numbered_without_a_gap():
    versions = [step.version for step in migrate.load_migrations("sqlite")]
    assert versions == list(range(1, len(versions) + 1))
