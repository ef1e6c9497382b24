"""A commit in a few words, and the reason for a dialogue's own turn."""

from datetime import UTC, datetime

import pytest

from cooee.core.dialogue.journal import Journal, encode_head
from cooee.core.dialogue.waiting import Waiting
from cooee.phone.inspector.committed import (
    TIMER_DUE,
    cause_of_own_turn,
    describe_commit,
    describe_failure,
)
from cooee.storage import (
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueUpdate,
    NewOutbound,
    TurnFailure,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CLAIM = Claim(b"c", "ours", "theirs", 1, 1, None, None, [], 2)
PARTY = ("ask", (), "How many?", 0)


def update(**fields):
    return DialogueUpdate(id="x", handler="book", stored_count=0, **fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"handled_seq": 2}, []),
        ({"handled_seq": 3}, ["text 3 handled"]),
        ({"handled_seq": 5, "state": b"{}"}, ["texts 3 to 5 handled", "state saved"]),
        ({"handled_seq": 2, "drafts": [NewOutbound(text="hi")]}, ["1 reply queued"]),
        ({"handled_seq": 2, "drafts": [NewOutbound(text="hi")] * 2}, ["2 replies queued"]),
        (
            {"handled_seq": 2, "dialogue_updates": [update(entries=[b"[]"], due_at=AT)]},
            ["1 journal entry of book() added", "timer of book() set"],
        ),
        ({"handled_seq": 2, "dialogue_updates": [update(end_reason="done")]}, ["book() ended"]),
    ],
)
def test_a_commit_is_told_in_a_few_words_a_change(fields, words):
    assert describe_commit(ClaimResult(claim=CLAIM, **fields)) == words


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (None, ""),
        (TurnFailure(1, "no", AT), ""),
        (TurnFailure(1, "no", None), "It was set aside."),
        (
            TurnFailure(1, "no", None, "v1"),
            "It is set aside until you save a change, and is then played by itself.",
        ),
    ],
)
def test_a_failure_says_that_its_text_is_set_aside(failure, words):
    assert describe_failure(failure) == words


@pytest.mark.parametrize(
    ("turn_count", "waiting", "cause"),
    [
        (0, None, "began"),
        (3, Waiting(PARTY, "How many?", AT), TIMER_DUE),
        (3, Waiting(PARTY, "How many?", AT, re_ask=True), "came back to its question"),
        (1, Waiting(PARTY, "How many?", AT, paused=True), "came back to its question"),
    ],
)
def test_a_dialogues_own_turn_has_a_cause(turn_count, waiting, cause):
    journal = Journal(id="x", handler="b", started_at=AT, turn_count=turn_count, waiting=waiting)
    record = DialogueRecord(id="x", handler="b", head=encode_head(journal))
    assert cause_of_own_turn(record) == cause


def test_a_damaged_journal_or_none_tells_no_cause():
    assert cause_of_own_turn(DialogueRecord(id="x", handler="b", head=b"{")) == TIMER_DUE
    assert cause_of_own_turn(None) == TIMER_DUE
