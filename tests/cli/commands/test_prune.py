"""`cooee prune`."""

from datetime import timedelta

import pytest

from cooee.cli.commands.prune import parse_age
from cooee.core.errors import SettingError
from cooee.core.messages import Inbound
from cooee.storage import ClaimResult, NewInbound

OURS, ANNA = "+61491570006", "+61491570156"


@pytest.mark.parametrize(
    ("typed", "days"),
    [("7d", 7), ("90 days", 90), ("1w", 7), ("26W", 182), (" 1000d ", 1000), ("2 weeks", 14)],
)
def test_an_age_is_typed_in_days_or_weeks(typed, days):
    assert parse_age(typed) == timedelta(days=days)


@pytest.mark.parametrize("typed", ["", "6d", "0w", "90", "d", "-9d", "1.5w", "90m", "9d 1w"])
def test_no_other_age_is_taken(typed):
    with pytest.raises(SettingError, match="--older-than"):
        parse_age(typed)


async def hello(store, days_ago):
    """Let a text come in, and be handled, some days ago."""
    at = store._clock() - timedelta(days=days_ago)
    inbound = Inbound(sender=ANNA, recipient=OURS, text=f"hello {days_ago}", received_at=at)
    await store.receive([NewInbound(inbound)])
    [claim] = await store.claim(1)
    await store.finish([ClaimResult(claim=claim, handled_seq=claim.texts[-1].seq)])


def test_old_texts_are_deleted_once_somebody_says_so(cooee, kept):
    async def live(store):
        for days_ago in (100, 91, 89):
            await hello(store, days_ago)

    kept(live)
    asked = cooee("prune", "--older-than", "90d")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert cooee("show", ANNA).stdout.count("hello") == 3
    said = cooee("prune", "--older-than", "90d", "--yes")
    assert said.stdout == "Deleted: 2 texts, and the answers of 0 dialogues.\n"
    assert "hello 89" in cooee("show", ANNA).stdout
