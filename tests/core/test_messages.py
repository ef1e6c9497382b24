from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.messages import (
    Inbound,
    Outbound,
    Status,
    conversation_id,
    credible_sent_at,
    outbound_id,
    parse_outbound_id,
    text_fingerprint,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYDNEY = timezone(timedelta(hours=11))
SECOND = timedelta(seconds=1)

# When a text was sent


def test_a_stamp_with_an_offset_is_believed_and_told_in_utc() -> None:
    stamp = datetime(2026, 3, 1, 22, 59, 57, tzinfo=SYDNEY)
    assert credible_sent_at(stamp, NOON, None) == NOON - 3 * SECOND
    assert credible_sent_at(stamp, NOON, None).tzinfo is UTC


@pytest.mark.parametrize(
    ("behind", "believed"),
    [
        (timedelta(0), True),
        (timedelta(days=1), True),
        (timedelta(days=1) + SECOND, False),
        (-timedelta(minutes=2), True),
        (-timedelta(minutes=2) - SECOND, False),
        (timedelta(days=365), False),
    ],
)
@pytest.mark.parametrize("zone", [UTC, SYDNEY])
def test_a_stamp_with_an_offset_is_believed_a_day_behind_and_two_minutes_ahead(
    behind: timedelta, believed: bool, zone: timezone
) -> None:
    stamp = (NOON - behind).astimezone(zone)
    assert credible_sent_at(stamp, NOON, timedelta(0)) == (NOON - behind if believed else NOON)


@pytest.mark.parametrize(
    ("behind", "believed"),
    [
        (timedelta(0), True),
        (timedelta(minutes=15), True),
        (timedelta(minutes=15) + SECOND, False),
        (-timedelta(minutes=15), True),
        (-timedelta(minutes=15) - SECOND, False),
        (timedelta(hours=1), False),  # a daylight saving hour that somebody forgot
    ],
)
def test_a_stamp_without_an_offset_is_read_at_the_providers_and_believed_close_by(
    behind: timedelta, believed: bool
) -> None:
    offset = timedelta(hours=10)
    stamp = (NOON - behind + offset).replace(tzinfo=None)
    assert credible_sent_at(stamp, NOON, offset) == (NOON - behind if believed else NOON)


@given(
    st.timedeltas(timedelta(0), timedelta(days=40)), st.timedeltas(timedelta(0), timedelta(days=40))
)
def test_a_stamp_with_an_offset_is_believed_as_old_as_the_text_may_have_waited_and_a_day(
    unread_for: timedelta, behind: timedelta
) -> None:
    believed = behind <= unread_for + timedelta(days=1)
    sent_at = credible_sent_at(NOON - behind, NOON, None, unread_for)
    assert sent_at == (NOON - behind if believed else NOON)
    without = (NOON - behind).replace(tzinfo=None)
    close = behind <= timedelta(minutes=15)
    assert credible_sent_at(without, NOON, timedelta(0), unread_for) == (
        NOON - behind if close else NOON
    )


def test_without_a_stamp_or_a_known_offset_a_text_was_sent_when_it_came() -> None:
    assert credible_sent_at(None, NOON, timedelta(hours=10)) == NOON
    assert credible_sent_at(NOON.replace(tzinfo=None), NOON, None) == NOON


@pytest.mark.parametrize(("stamp", "hours"), [("0001-01-01", 10), ("9999-12-31T23:59:59", -10)])
def test_a_stamp_at_the_end_of_all_time_is_not_believed(stamp: str, hours: int) -> None:
    assert credible_sent_at(datetime.fromisoformat(stamp), NOON, timedelta(hours=hours)) == NOON


stamps = (
    st.none()
    | st.datetimes()
    | st.datetimes(
        timezones=st.sampled_from(
            [UTC, SYDNEY, ZoneInfo("Australia/Sydney"), timezone(-timedelta(hours=23))]
        )
    )
)


@given(stamps, st.none() | st.timedeltas(-timedelta(days=1), timedelta(days=1)))
def test_no_stamp_raises_or_moves_a_text_out_of_its_day(
    stamp: datetime | None, offset: timedelta | None
) -> None:
    sent = credible_sent_at(stamp, NOON, offset)
    assert NOON - timedelta(days=1) <= sent <= NOON + timedelta(minutes=15)
    assert sent.utcoffset() == timedelta(0)


@given(st.timedeltas(-timedelta(minutes=2), timedelta(days=1)), st.integers(-14, 14))
def test_a_credible_stamp_is_kept_to_the_microsecond(behind: timedelta, hours: int) -> None:
    stamp = (NOON - behind).astimezone(timezone(timedelta(hours=hours)))
    assert credible_sent_at(stamp, NOON, None) == NOON - behind


# Identities


@given(st.binary(min_size=16, max_size=16), st.integers(1, 2**63 - 1))
def test_an_outbound_id_names_its_place(conversation: bytes, seq: int) -> None:
    assert parse_outbound_id(outbound_id(conversation, seq)) == (conversation, seq)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "-",
        "x-1",
        "00-1",
        f"{'00' * 16}-0",
        f"{'00' * 16}--1",
        f"{'00' * 16}-{2**63}",
        f"{'00' * 16}-",
        "00" * 16,
        f"{'00' * 17}-1",
        "é-1",
        f"{'00' * 16}-{'9' * 9999}",
    ],
)
def test_an_id_that_names_no_place_is_none(id: str) -> None:
    assert parse_outbound_id(id) is None


@given(st.text())
def test_no_id_raises(id: str) -> None:
    parse_outbound_id(id)


def test_a_conversation_is_known_by_its_two_numbers_for_ever() -> None:
    id = conversation_id("+61491570006", "+61491570156")
    assert id.hex() == "711c985116b0a8fdc6022cc6f00b5e80"
    assert id != conversation_id("+61491570156", "+61491570006")
    assert (
        len(conversation_id("+61491570006", "\ud800\x00")) == 16
    )  # a sender's name may be anything


@given(
    st.lists(st.text(st.characters()), max_size=3), st.lists(st.text(st.characters()), max_size=3)
)
def test_two_texts_have_one_fingerprint_only_if_all_parts_are_the_same(
    one: list[str], other: list[str]
) -> None:
    assert (text_fingerprint(*one) == text_fingerprint(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a\x1f", "b"), ("a", "\x1fb")),
        (("a", "b"), ("ab",)),
        (("", "a"), ("a", "")),
        (("1:a",), ("1", "a")),
        (("a",), ("a", "")),
    ],
)
def test_no_text_can_pass_for_two_parts(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert text_fingerprint(*one) != text_fingerprint(*other)


# What is shown


def test_numbers_and_words_stay_out_of_logs() -> None:
    inbound = Inbound(
        sender="+61491570156", recipient="+61491570006", text="my secret", received_at=NOON
    )
    outbound = Outbound(
        id="ab-1", sender="+61491570006", recipient="+61491570156", text="my secret"
    )
    for shown in (repr(inbound), repr(outbound), f"{inbound}", f"{[outbound]}"):
        assert "secret" not in shown
        assert "+614" not in shown


def test_a_text_is_final_once_nothing_more_can_happen_to_it() -> None:
    assert [status.name for status in Status if not status.final] == [
        "QUEUED",
        "SENDING",
        "UNKNOWN",
        "ACCEPTED",
        "SENT",
    ]
