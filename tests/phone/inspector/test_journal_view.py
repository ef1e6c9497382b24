"""A journal's records as the panel shows them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cooee.core.dialogue.journal import Journal, JournalEntry, encode_entry
from cooee.core.dialogue.value_codec import encode_value
from cooee.phone.inspector.journal_view import committed_steps, list_journal_steps
from cooee.storage import DialogueUpdate

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PARTY = ("ask", (), "How many?", 0)


def entry(kind, key, value=None, raw=None, message=""):
    return JournalEntry(kind, key, AT, 1, raw, encode_value(value), "", message)


def shown(one):
    update = DialogueUpdate(id="x", handler="book", stored_count=0, entries=[encode_entry(one)])
    steps = [*committed_steps([update])]
    found = [(step.step, step.question, step.value, step.original_text) for step in steps]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (entry("answer", PARTY, 4, "four"), ("asked", "How many?", "4", "four")),
        (entry("answer", PARTY, "4", "4"), ("asked", "How many?", "4", "")),
        (entry("answer", PARTY, True, "yep"), ("asked", "How many?", "yes", "yep")),
        (
            entry("answer", PARTY, AT, "now"),
            ("asked", "How many?", "Sun 22 Nov 2026, 09:00", "now"),
        ),
        (entry("answer", PARTY, Decimal("4.5"), "4.5"), ("asked", "How many?", "4.5", "")),
        (entry("default", PARTY, 2), ("asked", "How many?", "2 (no answer in time)", "")),
        (entry("no reply", PARTY), ("asked", "How many?", "no answer in time", "")),
        (
            entry("too many attempts", PARTY, raw="lots"),
            ("asked", "How many?", "no answer was understood", ""),
        ),
        (
            entry("answer", ("ask", ("guest",), "Name?", 1), "Anna", "Anna"),
            ("asked", "guest: Name? (2)", "Anna", ""),
        ),
        (entry("done", ("once", (), "reserve", 0), "R1"), ("once", "reserve", "'R1'", "")),
        (
            entry("failed", ("once", (), "pay", 0), raw="pay failed: no"),
            ("once", "pay", "pay failed: no", ""),
        ),
        (
            entry("started", ("once", (), "pay", 0)),
            ("once", "pay", "started; its result is not known yet", ""),
        ),
        (
            entry("slept", ("sleep", (), "1:00:00", 0)),
            ("slept", "1:00:00", "the time has passed", ""),
        ),
        (
            entry("slept", ("sleep", (), "2026-11-27 12:00:00", 0)),
            ("slept", "until 2026-11-27 12:00:00", "the time has passed", ""),
        ),
        (entry("sent", ("", (), "", 0)), None),
        (entry("state changed", ("", (), "", 0)), None),
        (entry("held", PARTY, raw="4"), None),
    ],
)
def test_each_kind_of_record_has_its_words(one, words):
    assert shown(one) == words


def test_a_value_whose_class_is_gone_is_shown_as_it_was_written():
    one = JournalEntry("answer", PARTY, AT, 1, "red", {"$": "gone.Colour", "v": "x"})
    assert shown(one) == ("asked", "How many?", "red", "")


def test_records_come_in_their_order_and_one_taken_back_is_not_remembered():
    name = ("ask", (), "Name?", 0)
    entries = (
        entry("answer", name, "Ann", "Ann"),
        entry("back", name),
        entry("answer", name, "Anna", "Anna"),
        entry("answer", PARTY, 4, "4"),
    )
    journal = Journal(id="x", handler="book", started_at=AT, entries=entries)
    assert [one.value for one in list_journal_steps(journal)] == ["Anna", "4"]
