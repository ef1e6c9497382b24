"""What a commit leaves behind, and whether the worker looks at the store for it at once."""

from datetime import UTC, datetime, timedelta

import pytest

from cooee.runtime.turns.claim_ends import _may_be_due
from cooee.storage import (
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueUpdate,
    FinishedClaim,
    TurnFailure,
)

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def due_again(*, was_due=None, is_due=None, failure=None, pending=False, committed=True):
    dialogue = DialogueRecord(id="d", handler="ask", head=b"", entries=(), due_at=was_due)
    update = DialogueUpdate(id="d", handler="ask", stored_count=0, entries=(), due_at=is_due)
    claim = Claim(b"c", "+61491570006", "+61491570156", 1, 1, None, None, (), 0, (dialogue,))
    result = ClaimResult(claim=claim, handled_seq=1, dialogue_updates=(update,), failure=failure)
    return _may_be_due(result, FinishedClaim(is_committed=committed, has_pending=pending))


def test_a_question_without_a_timer_is_due_by_a_text_alone():
    assert not due_again()


@pytest.mark.parametrize(
    "left",
    [
        {"was_due": LATER},
        {"is_due": LATER},
        {"failure": TurnFailure(1, "it failed", NOW)},
        {"pending": True},
        {"committed": False},
    ],
)
def test_what_may_be_due_is_looked_for_at_once(left):
    assert due_again(**left)
