"""TwiML, read again by the simulator's own reader and held against the SDK's writer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.messaging_response import MessagingResponse

from cooee.core.errors import PermanentFailure, SettingError
from cooee.core.messages import Outbound
from cooee.providers.twilio.adapter import Twilio
from cooee.providers.twilio.twiml import build_twiml
from cooee.simulator.apis.twilio.twiml import TwiMLMessage, parse_twiml

CALLBACK = "https://cooee.example/twilio/word/status/0123-7"
PICTURE = "https://pictures.example/a.png?b=1&c=2"
REPLY = Outbound(
    id=f"{'0123456789abcdef' * 2}-7",
    sender="+61491570006",
    recipient="+61491570156",
    text="Hello",
    callback=CALLBACK,
)

words = st.text(
    st.sampled_from("\t\n\r")
    | st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=40,
)


def replies(*texts, **changes):
    return [msgspec.structs.replace(REPLY, text=text, **changes) for text in texts]


def test_nothing_to_say_is_an_empty_response():
    answer = build_twiml([])
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml")
    assert parse_twiml(answer) == []


@given(st.lists(words, min_size=1, max_size=4))
def test_every_text_arrives_as_it_was_and_in_order(texts):
    said = parse_twiml(build_twiml(replies(*texts)))
    assert said == [TwiMLMessage(text, status_callback_url=CALLBACK) for text in texts]


def test_it_is_what_twilios_own_sdk_writes():
    theirs = MessagingResponse()
    one = theirs.message(status_callback=CALLBACK)
    one.body('"A" & B <c>')
    one.media(PICTURE)
    (reply,) = replies('"A" & B <c>', media=(PICTURE,))
    assert build_twiml([reply]).body.decode() == str(theirs)


def test_a_picture_may_come_without_words_and_news_without_a_url_goes_nowhere():
    (said,) = parse_twiml(build_twiml(replies("", media=(PICTURE,), callback=None)))
    assert said == TwiMLMessage("", (PICTURE,))


def test_no_reply_has_an_action_which_would_end_the_document():
    assert b"action" not in build_twiml(replies("One", "Two")).body


@pytest.mark.parametrize(
    "changes",
    [
        {"text": ""},
        {"text": "x" * 1601},
        {"text": "a\x0cb"},
        {"text": "a\ud800b"},
        {"text": "a\ufffeb"},
        {"media": (PICTURE,) * 11},
        {"good_until": datetime(2026, 1, 2, tzinfo=UTC)},
    ],
)
def test_what_twiml_cannot_carry_is_refused(changes):
    with pytest.raises(PermanentFailure):
        build_twiml([REPLY, msgspec.structs.replace(REPLY, **changes)])


KEYS = {"TWILIO_ACCOUNT_SID": "AC" + "a1" * 16, "TWILIO_AUTH_TOKEN": "f0" * 16}


@pytest.mark.parametrize(("way", "seconds"), [("", None), ("rest", None), (" webhook ", 8)])
def test_a_setting_says_which_way_replies_go(way, seconds):
    within = Twilio({**KEYS, "TWILIO_REPLY_BY": way}).features.reply_within
    assert (within and within.total_seconds()) == seconds
    assert Twilio(KEYS).features.reply_within is None


def test_a_way_that_there_is_not_is_refused():
    with pytest.raises(SettingError, match=r"TWILIO_REPLY_BY='twiml'.*rest or webhook"):
        Twilio({**KEYS, "TWILIO_REPLY_BY": "twiml"})
