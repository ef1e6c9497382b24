"""A phone's screen: the box's record of it, with what the app knows of each text."""

from datetime import UTC, datetime

import pytest

from cooee.phone.bubbles import screen
from cooee.phone.inspector.story import Letter, Story
from cooee.phone.ipc_messages import Past
from cooee.simulator import Entry
from cooee.simulator.network import Text

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, OURS = "+61491570156", "+61491570006"


def entry(words, *, mine, id="1", status="delivered"):
    sender, recipient = (ANNA, OURS) if mine else (OURS, ANNA)
    text = Text(id=id, sender=sender, recipient=recipient, text=words, sent_at=AT, from_phone=mine)
    text.status = status
    return Entry(text, AT)


def story(words, id="s1"):
    return Story(id, ANNA, words, "", 1)


def letter(words, status="delivered", id="l1"):
    return Letter(id, ANNA, words, "", status)


@pytest.mark.parametrize(
    ("network", "known", "shown"),
    [
        ("sent", [], "queued"),
        ("delivered", [], "sent"),
        ("delivered", [story("hi")], "delivered"),
        ("undelivered", [], "failed"),
        ("lost", [], "failed"),
        ("expired", [], "failed"),
    ],
)
def test_a_text_to_the_app_is_queued_sent_and_delivered_once_the_app_has_it(network, known, shown):
    (bubble,) = screen([], [entry("hi", mine=True, status=network)], known, [])
    assert (bubble.status, bubble.mine, bubble.ahead) == (shown, True, False)


@pytest.mark.parametrize("status", ["queued", "sending", "unknown", "sent", "failed"])
def test_a_text_of_the_app_that_has_not_come_stands_at_the_end(status):
    first, last = screen([], [entry("hi", mine=True)], [], [letter("well", status)])
    assert (first.ahead, last.ahead, last.status, last.id) == (False, True, status, "l1")


def test_the_same_words_twice_are_two_texts_in_their_order():
    entries = [entry("hi", mine=True, id="1"), entry("hi", mine=True, id="2")]
    shown = screen([], entries, [story("hi", "s1")], [])
    assert [(bubble.story, bubble.status) for bubble in shown] == [
        ("s1", "delivered"),
        ("", "sent"),
    ]


def test_a_text_keeps_its_name_when_it_arrives_and_a_second_copy_says_so():
    (ahead,) = screen([], [], [], [letter("well", "sending")])
    entries = [entry("well", mine=False), entry("well", mine=False)]
    arrived, copy = screen([], entries, [], [letter("well")])
    assert (ahead.id, arrived.id) == ("l1", "l1")
    assert (arrived.copy, copy.copy) == (False, True)


def test_segments_are_counted_by_the_carrier():
    shown = screen([], [entry("é" * 161, mine=True), entry("ű" * 71, mine=True)], [], [])
    assert [bubble.segments for bubble in shown] == [2, 2]
    assert [bubble.wide for bubble in shown] == [False, True]


def test_what_was_said_earlier_stands_first():
    past = [Past(ANNA, False, "hi", AT, "handled"), Past(ANNA, True, "oh", AT, "failed")]
    shown = screen(past, [entry("again", mine=True)], [], [])
    assert [(b.text, b.mine, b.status) for b in shown] == [
        ("hi", True, "delivered"),
        ("oh", False, "failed"),
        ("again", True, "sent"),
    ]
