"""Reading statements by name, and the schema's steps."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from cooee.core.errors import SchemaTooNew
from cooee.core.messages import Status
from cooee.storage import InboundStatus
from cooee.storage import migrations as migrate
from cooee.storage.sql_file import parse_statements


def test_statements_are_read_by_name_without_their_comments():
    script = "-- A file\n\n-- name: one\nselect 1\n  from x;\n\n-- why\n-- name: two\nselect 2\n"
    assert parse_statements(script) == {"one": "select 1\n  from x", "two": "select 2"}


def test_two_statements_of_one_name_are_refused():
    with pytest.raises(ValueError, match="called one"):
        parse_statements("-- name: one\nselect 1\n-- name: one\nselect 2\n")


def test_an_enum_stands_for_its_number():
    script = "-- name: one\nselect 1 where a = Status.SENDING and b in (InboundStatus.SET_ASIDE, 9)"
    assert parse_statements(script) == {"one": "select 1 where a = 1 and b in (1, 9)"}
    with pytest.raises(KeyError):
        parse_statements("-- name: one\nselect Status.LOST")


def test_no_statement_of_sqlite_has_a_status_number_of_its_own():
    script = files("cooee.storage.sqlite").joinpath("statements.sql").read_text("utf-8")
    bare = r"\b(?:status|priority) *(?:=|<>|<|<=|>|>=|in \() *\d|\b(?:when|then|else) \d(?! else failed_)"

    assert re.findall(bare, script) == []


INDEX_STATUSES = {
    "inbound_set_aside": [InboundStatus.SET_ASIDE],
    "outbound_queue": [Status.QUEUED],
    "outbound_expiring": [Status.QUEUED],
    "outbound_open": [Status.QUEUED, Status.SENDING, Status.UNKNOWN],
    "outbound_lookups": [Status.UNKNOWN],
    "outbound_status_checks": [Status.ACCEPTED, Status.SENT],
    "outbound_troubled": [Status.SENDING, Status.UNKNOWN, Status.FAILED],
}


def test_the_status_numbers_of_the_schema_are_those_of_the_enums():
    """A migration is history: its numbers stay as they are, and so must those of the enums."""
    steps = migrate.load_migrations("sqlite")
    schema = "\n".join(statement for step in steps for statement in step.statements)
    found = re.findall(r"create index (\w+) .* where status (?:=|in) \(?([\d, ]+)", schema)
    assert {name: [*map(int, numbers.split(","))] for name, numbers in found} == INDEX_STATUSES
    assert f"status       integer not null default {InboundStatus.PENDING:d}" in schema


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
