"""A phone's screen: the simulator's record of it, with what the app knows of each text."""

from datetime import UTC, datetime, timedelta

import pytest

from cooee.phone import bubbles
from cooee.phone.bubbles import make_bubbles
from cooee.phone.inspector.formatting import format_utc
from cooee.phone.inspector.story import OutboundView, Story
from cooee.phone.ipc_messages import PastText
from cooee.simulator import ScreenEntry
from cooee.simulator.network import SimulatedText

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, OURS = "+61491570156", "+61491570006"


def entry(words, *, mine, id="1", status="delivered", at=AT):
    sender, recipient = (ANNA, OURS) if mine else (OURS, ANNA)
    text = SimulatedText(
        id=id, sender=sender, recipient=recipient, text=words, sent_at=AT, from_phone=mine
    )
    text.status = status
    return ScreenEntry(text, at)


def letter(words, status="delivered", id="l1", at=AT):
    return OutboundView(id, ANNA, words, format_utc(at), status)


@pytest.mark.parametrize(
    ("network", "known", "shown"),
    [
        ("sent", {}, "queued"),
        ("delivered", {}, "sent"),
        ("delivered", {"1": "s1"}, "delivered"),
        ("undelivered", {}, "failed"),
        ("lost", {}, "failed"),
        ("expired", {}, "failed"),
    ],
)
def test_a_text_to_the_app_is_queued_sent_and_delivered_once_the_app_has_it(network, known, shown):
    (bubble,) = make_bubbles([], [entry("hi", mine=True, status=network)], known, {}, [])
    assert (bubble.status, bubble.from_phone, bubble.on_its_way) == (shown, True, False)


@pytest.mark.parametrize("status", ["queued", "sending", "unknown", "sent"])
def test_a_text_of_the_app_that_has_not_come_stands_at_the_end(status):
    first, last = make_bubbles([], [entry("hi", mine=True)], {}, {}, [letter("well", status)])
    assert (first.on_its_way, last.on_its_way, last.status, last.id) == (False, True, status, "l1")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_text_that_will_never_arrive_stands_at_its_time_beside_one_that_says_the_same(status):
    entries = [
        entry("hi", mine=True),
        entry("well", mine=False, id="2", at=AT + timedelta(hours=1)),
    ]
    never = letter("well", status, id="never", at=AT + timedelta(minutes=1))
    came, later = letter("well", id="came"), letter("soon", "queued", id="later")
    shown = make_bubbles([], entries, {}, {}, [never, came, later])
    assert [one.id for one in shown] == ["in-0", "never", "came", "later"]


def test_a_text_says_what_it_did_to_the_senders_consent():
    told = Story("s1", ANNA, "STOP", AT, 1, consent="This opts out.")
    (bubble,) = make_bubbles([], [entry("STOP", mine=True)], {"1": "s1"}, {"s1": told}, [])
    assert (bubble.note, bubble.status) == ("This opts out.", "delivered")


def test_the_same_words_twice_are_two_texts_in_their_order():
    entries = [entry("hi", mine=True, id="1"), entry("hi", mine=True, id="2")]
    shown = make_bubbles([], entries, {"2": "s1"}, {}, [])
    assert [(bubble.story_id, bubble.status) for bubble in shown] == [
        ("", "sent"),
        ("s1", "delivered"),
    ]


def test_only_the_end_of_a_long_conversation_is_drawn():
    bubbles._measure.cache_clear()
    entries = [entry(f"text {n}", mine=True, id=str(n)) for n in range(1_000)]
    shown = make_bubbles([], entries, {}, {}, [letter("well", "queued")])
    assert [shown[0].text, shown[-2].text, shown[-1].text] == ["text 851", "text 999", "well"]
    assert bubbles._measure.cache_info().misses == len(shown) == 150


def test_a_text_keeps_its_name_when_it_arrives_and_a_second_copy_says_so():
    (ahead,) = make_bubbles([], [], {}, {}, [letter("well", "sending")])
    entries = [entry("well", mine=False), entry("well", mine=False)]
    arrived, copy = make_bubbles([], entries, {}, {}, [letter("well")])
    assert (ahead.id, arrived.id) == ("l1", "l1")
    assert (arrived.is_duplicate, copy.is_duplicate) == (False, True)


def test_segments_are_counted_by_the_simulator():
    shown = make_bubbles([], [entry("é" * 161, mine=True), entry("ű" * 71, mine=True)], {}, {}, [])
    assert [bubble.segments for bubble in shown] == [2, 2]
    assert [bubble.is_ucs2 for bubble in shown] == [False, True]


def test_what_was_said_earlier_stands_first():
    past = [PastText(ANNA, False, "hi", AT, "handled"), PastText(ANNA, True, "oh", AT, "failed")]
    shown = make_bubbles(past, [entry("again", mine=True)], {}, {}, [])
    assert [(b.text, b.from_phone, b.status) for b in shown] == [
        ("hi", True, "delivered"),
        ("oh", False, "failed"),
        ("again", True, "sent"),
    ]
