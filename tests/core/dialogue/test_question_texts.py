"""The text that asks a question, and what its fate means for the question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialogue_driver import HOUR, NOON, Talk

from cooee import NoReply, TooManyAttempts
from cooee.core.app.question import Question
from cooee.core.dialogue.question_texts import (
    QuestionText,
    asked_by,
    had_gone_out,
    is_lost,
    with_question_text,
)
from cooee.core.dialogue.waiting import BurstText, Waiting
from cooee.core.messages import Status

KEY = ("ask", (), "A?", 0)
NOW = NOON + timedelta(minutes=30)
MORNING = NOON + timedelta(hours=8)
ASKED = Waiting(
    KEY, "A?", NOON, NOON + HOUR, NOON + 2 * HOUR, text_key="k", went_out="queued"
)  # a reminder after one hour, a time-out after two


def text_of(status: Status, **times: datetime) -> QuestionText:
    return QuestionText("c-1", status, **times)


TAKEN = {"attempted_at": NOW, "accepted_at": NOW}
FATES = {
    "waits for the morning": (text_of(Status.QUEUED, due_at=MORNING), "not yet", MORNING),
    "is late in the queue": (text_of(Status.QUEUED, due_at=NOON), "not yet", NOW),
    "is under way": (text_of(Status.SENDING, attempted_at=NOW), "in doubt", NOW),
    "may be out": (text_of(Status.UNKNOWN, attempted_at=NOW), "in doubt", NOW),
    "is in a webhook's whole answer": (text_of(Status.UNKNOWN, **TAKEN), "yes", NOW),
    "is accepted": (text_of(Status.ACCEPTED, **TAKEN), "yes", NOW),
    "is sent": (text_of(Status.SENT, **TAKEN), "yes", NOW),
    "is delivered": (text_of(Status.DELIVERED, **TAKEN), "yes", NOW),
    "is not delivered": (text_of(Status.UNDELIVERED, **TAKEN), "never", NOW),
    "is refused": (text_of(Status.FAILED, attempted_at=NOW), "never", NOON),
    "has expired": (text_of(Status.EXPIRED), "never", NOON),
    "is cancelled": (text_of(Status.CANCELLED), "never", NOON),
    "is not known": (None, "yes", NOON),
}


@pytest.mark.parametrize(
    ("status", "due_in", "expected"),
    [
        (Status.QUEUED, 60.0, True),  # it is held
        (Status.QUEUED, 0.0, False),  # it is on its way
        (Status.QUEUED, -0.9, False),
        (Status.QUEUED, -1.0, True),  # the queue is slow
        (Status.SENDING, 0.0, True),
        (Status.UNKNOWN, 0.0, True),
        (Status.ACCEPTED, 0.0, False),
        (Status.CANCELLED, 0.0, False),
    ],
)
def test_a_question_is_withdrawn_unless_it_is_about_to_go_out(status, due_in, expected):
    text = text_of(status, due_at=NOW + timedelta(seconds=due_in))
    assert text.may_be_withdrawn(NOW) is expected


@pytest.mark.parametrize("name", FATES)
def test_the_clocks_start_when_the_text_goes_out(name):
    text, went_out, asked_at = FATES[name]
    waiting = with_question_text(ASKED, text, NOW)
    assert (waiting.went_out, waiting.asked_at) == (went_out, asked_at)
    assert (waiting.due_at, waiting.deadline) == (asked_at + HOUR, asked_at + 2 * HOUR)
    # what is known once is known, and what is not is found out again
    again = with_question_text(waiting, text, NOW)
    assert again == waiting


def test_every_status_has_a_fate():
    assert {text.status for text, *_ in FATES.values() if text is not None} == set(Status)


def test_a_text_that_is_out_stays_so_and_one_without_a_key_is():
    out = with_question_text(ASKED, text_of(Status.ACCEPTED, **TAKEN), NOW)
    assert with_question_text(out, text_of(Status.QUEUED, due_at=MORNING), NOW) == out
    old = Waiting(KEY, "A?", NOON)
    assert with_question_text(old, None, NOW) == old


def test_no_timer_comes_before_its_question_however_short_it_is():
    moment = timedelta(milliseconds=400)
    waiting = Waiting(KEY, "A?", NOON, NOON + moment, text_key="k", went_out="queued")
    held = with_question_text(waiting, text_of(Status.QUEUED, due_at=NOON), NOON + moment)
    assert held.due_at == NOON + 2 * moment


def test_no_clock_moves_by_less_than_a_second_nor_in_a_burst():
    soon = NOON + timedelta(milliseconds=999)
    taken = text_of(Status.ACCEPTED, accepted_at=soon)
    waiting = with_question_text(ASKED, taken, NOW)
    assert (waiting.asked_at, waiting.due_at, waiting.shown_at) == (NOON, NOON + HOUR, soon)
    burst = Waiting(KEY, "", NOON, NOW, burst=(BurstText("hi", "m", NOON),), text_key="k")
    burst = asked_by(burst, "k", NOON, is_asked_anew=True)
    assert with_question_text(burst, text_of(Status.ACCEPTED, **TAKEN), NOW).due_at == NOW


def test_the_clocks_start_once():
    first = with_question_text(ASKED, text_of(Status.ACCEPTED, **TAKEN), NOW)
    reminded = asked_by(first, "r", NOW, is_asked_anew=False)
    assert (reminded.went_out, reminded.text_key) == ("yes", "r")
    again = asked_by(first, "again", NOW, is_asked_anew=True)
    assert (again.went_out, again.shown_at) == ("queued", None)
    later = {"attempted_at": MORNING, "accepted_at": MORNING}
    shown = with_question_text(again, text_of(Status.SENT, **later), MORNING)
    assert (shown.asked_at, shown.deadline, shown.shown_at) == (NOW, NOW + 2 * HOUR, MORNING)


def test_the_clocks_of_a_lost_question_start_when_it_is_asked_again():
    lost = with_question_text(ASKED, text_of(Status.FAILED), NOW)
    again = asked_by(lost, "again", NOW, is_asked_anew=True)
    shown = with_question_text(again, text_of(Status.SENT, **TAKEN), NOW)
    assert (shown.asked_at, shown.deadline) == (NOW, NOW + 2 * HOUR)


SECOND = timedelta(seconds=1)
TEXTS = {  # received, stamped, whether the question that went out at NOW had gone out before
    "after": (NOW + SECOND, NOW + SECOND, True),
    "at once": (NOW, NOW, True),
    "received before": (NOW - SECOND, NOW - SECOND, False),
    "sent before, received after": (NOW + HOUR, NOW - SECOND, False),
    "without a stamp": (NOW + SECOND, None, True),
    "received before, stamped after": (NOW - SECOND, NOW + SECOND, False),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_fresh_answer_is_sent_and_received_after_its_question_went_out(name):
    received_at, stamp, expected = TEXTS[name]
    out = with_question_text(ASKED, text_of(Status.ACCEPTED, **TAKEN), NOW)
    assert had_gone_out(out, received_at, stamp) is expected


def test_a_stamp_of_whole_seconds_stands_for_its_second():
    taken_at = datetime(2026, 3, 2, 12, 0, 5, 400_000, tzinfo=UTC)
    taken = text_of(Status.ACCEPTED, accepted_at=taken_at)
    out, received_at = with_question_text(ASKED, taken, NOW), taken_at + SECOND
    whole = taken_at.replace(microsecond=0)
    assert had_gone_out(out, received_at, whole)
    assert not had_gone_out(out, received_at, whole - SECOND)
    assert not had_gone_out(out, received_at, whole.replace(microsecond=399_000))


@pytest.mark.parametrize("went_out", ["queued", "not yet", "in doubt", "never"])
def test_nothing_is_a_fresh_answer_to_what_did_not_surely_go_out(went_out):
    waiting = Waiting(KEY, "A?", NOON, text_key="k", went_out=went_out)
    assert not had_gone_out(waiting, MORNING, MORNING)


@pytest.mark.parametrize(("fresh", "lost"), [(False, {"never"}), (True, {"never", "in doubt"})])
def test_what_nobody_can_have_read_is_lost(fresh, lost):
    question = Question("ask", "A?", fresh=fresh)
    states = ["yes", "queued", "not yet", "in doubt", "never"]
    waiting = [Waiting(KEY, "A?", NOON, text_key="k", went_out=one) for one in states]
    assert {one.went_out for one in waiting if is_lost(question, one)} == lost
    silent = Question("receive", "", fresh=fresh)
    assert not any(is_lost(silent, one) for one in waiting)


# In a dialogue


async def _order(chat):
    chat.say("Hello.")
    try:
        count = await chat.ask("How many?", int, attempts=2, remind=HOUR, timeout=2 * HOUR)
    except (NoReply, TooManyAttempts):
        return "Another time."
    return f"{count}, {await chat.confirm('Sure?')}"


HELD, REFUSED = text_of(Status.QUEUED, due_at=MORNING), text_of(Status.FAILED)
DOUBT = text_of(Status.UNKNOWN, attempted_at=NOON)


def test_who_texts_ahead_answers_and_what_is_not_understood_is_not_for_the_question():
    talk = Talk(_order)
    assert talk.start() == ["Hello.", "How many?"]
    talk.question_text = HELD
    for _ in range(3):
        assert talk.text("what?") == []
        assert talk.outcome.text_disposition == "unasked"
    assert talk.journal.waiting.attempts == 0
    assert talk.text("4") == ["Sure?"]
    talk.question_text = HELD
    assert talk.text("yes") == []
    assert talk.outcome.text_disposition == "unasked"
    talk.question_text = text_of(Status.ACCEPTED, accepted_at=talk.now)
    assert talk.text("yes") == ["4, True"]


def test_no_reminder_and_no_time_out_comes_before_the_question():
    talk = Talk(_order)
    talk.start()
    talk.question_text = HELD
    assert talk.wait(5 * HOUR) == []
    talk.question_text = text_of(Status.ACCEPTED, accepted_at=MORNING)
    assert talk.wait(3 * HOUR) == []
    assert talk.wait(HOUR) == ["How many?"]
    assert talk.wait(HOUR) == ["Another time."]


@pytest.mark.parametrize("fate", [REFUSED, text_of(Status.UNDELIVERED, accepted_at=NOON)])
def test_a_lost_question_is_asked_again_and_its_reminder_shows_it(fate):
    talk = Talk(_order)
    talk.start()
    talk.question_text = fate
    assert talk.text("4") == ["How many?"]
    assert talk.outcome.text_disposition == "consumed"
    assert talk.text("4", received=NOON) == ["Sure?"], "it came ahead of the question"
    assert talk.text("yes") == ["Sure?"]
    talk.question_text = None
    assert talk.text("yes") == ["4, True"]


def test_a_lost_question_times_out():
    talk = Talk(_order)
    talk.start()
    talk.question_text = REFUSED
    assert talk.wait(HOUR) == ["How many?"]
    assert talk.wait(HOUR) == ["Another time."]


def test_a_fresh_question_in_doubt_is_asked_again_and_another_is_answered():
    talk = Talk(_order)
    talk.start()
    talk.question_text = DOUBT
    assert talk.text("4") == ["Sure?"]
    assert talk.text("yes") == ["Sure?"]
    talk.question_text = None
    assert talk.text("yes") == ["4, True"]


@pytest.mark.parametrize("status", [Status.SENDING, Status.UNKNOWN])
def test_a_text_from_before_the_attempt_is_no_answer_and_asks_nothing(status):
    talk = Talk(_order)
    talk.start()
    assert talk.text("4") == ["Sure?"]
    attempt_at = talk.now + timedelta(milliseconds=300)
    talk.question_text = text_of(status, attempted_at=attempt_at)
    assert talk.text("yes", received=talk.now + timedelta(milliseconds=100)) == []
    assert talk.outcome.text_disposition == "unclaimed"
    assert talk.text("yes") == ["Sure?"]


def test_a_text_that_came_between_the_asking_and_the_going_out_has_it_asked_again():
    talk = Talk(_order)
    talk.start()
    assert talk.text("4") == ["Sure?"]
    out_at, between = talk.now + HOUR, talk.now + timedelta(minutes=1)
    talk.question_text = text_of(Status.ACCEPTED, accepted_at=out_at)
    assert talk.text("yes", after=2 * HOUR, received=between) == ["Sure?"]
    assert talk.text("yes", received=between) == [], "that is before the last asking"


def test_of_several_texts_the_question_is_the_last_one():
    talk = Talk(_order)
    talk.start()
    assert talk.journal.waiting.text_key == talk.outcome.texts[-1].key

    async def listen(chat):
        chat.say("Hello.")
        chat.say("Tell me.")
        return await chat.receive()

    talk = Talk(listen)
    talk.start()
    assert talk.journal.waiting.text_key == talk.outcome.texts[-1].key
    talk.question_text = REFUSED
    assert talk.text("all of it") == ["all of it"], "it waits for any text"


@given(
    st.sampled_from(sorted(FATES)),
    st.sampled_from(sorted(FATES)),
    st.integers(0, 10 * 60),
    st.integers(0, 10 * 60),
)
def test_a_question_is_answered_by_time_alone_only_after_its_time_out(first, second, at, more):
    """Whatever becomes of a text, the time-out comes two hours after it may have gone out."""
    moment = NOON + timedelta(minutes=at)
    once = with_question_text(ASKED, FATES[first][0], moment)
    twice = with_question_text(once, FATES[second][0], moment + timedelta(minutes=more))
    for waiting in (once, twice):
        assert waiting.deadline == waiting.asked_at + 2 * HOUR
        assert waiting.due_at == waiting.asked_at + HOUR
        assert waiting.asked_at >= NOON
    if once.went_out == "yes":
        assert twice == once
