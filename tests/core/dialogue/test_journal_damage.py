"""A stored journal whose entries were cut or joined is refused, wherever the cut lies."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.dialogue.journal import (
    Journal,
    JournalEntry,
    decode_journal,
    encode_entry,
    encode_head,
)
from cooee.core.errors import JournalUnreadable

NOW = datetime(2026, 11, 29, tzinfo=UTC)
ENTRIES = tuple(
    JournalEntry("answer", ("ask", (), "next", n), NOW, n, words, words, "str", f"text {n}")
    for n, words in enumerate(['a "quote", [and] more', "]", "[", ",", "},{"])
)
JOURNAL = Journal(id="d", handler="ask", started_at=NOW, entries=ENTRIES)
HEAD, STORED = encode_head(JOURNAL), [encode_entry(entry) for entry in ENTRIES]


def test_a_whole_journal_is_read():
    assert decode_journal(HEAD, STORED) == JOURNAL


@given(st.integers(0, len(STORED) - 1), st.data())
def test_an_entry_that_was_cut_is_refused(n, data):
    at = data.draw(st.integers(0, len(STORED[n])))
    halves = [STORED[n][:at], STORED[n][at:]]
    for damaged in (halves[:1] if at < len(STORED[n]) else [], halves):
        with pytest.raises(JournalUnreadable):
            decode_journal(HEAD, [*STORED[:n], *damaged, *STORED[n + 1 :]])


@pytest.mark.parametrize("glue", [b",", b"", b"],["])
def test_entries_that_were_joined_are_refused(glue):
    with pytest.raises(JournalUnreadable):
        decode_journal(HEAD, [glue.join(STORED[:2]), *STORED[2:]])
    with pytest.raises(JournalUnreadable):
        decode_journal(HEAD, [glue.join(STORED[:2]), *STORED[1:]])
