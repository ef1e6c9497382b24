"""The stories that a service's events tell, on any store."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from cooee import App, hours
from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Outbound, Status
from cooee.phone.inspector.consents import NOT_SENT
from cooee.phone.inspector.formatting import format_utc
from cooee.phone.inspector.recorder import Recorder
from cooee.phone.inspector.timeline import Timeline
from cooee.phone.ipc_messages import ServiceEvent, decode_message, encode_message
from cooee.runtime.events import (
    AttemptRecorded,
    AttemptStarted,
    CommitRefused,
    HandlerRan,
    HandlerStarted,
    LeaseExpired,
    ReceiptApplied,
    TurnsCommitted,
    TurnsFinished,
)
from cooee.storage import Claim, ClaimResult, NewOutbound, PendingText
from cooee.testing import Kit


@dataclass
class Count:
    n: int = 0


app = App(state=Count)


@app.on("TWICE")
def twice(chat):
    chat.state.n += 1
    chat.say("one")
    return "two"


@app.on("BREAK")
def broken(chat):
    raise ValueError("broken")


@app.dialogue("BOOK")
async def book(chat):
    party = await chat.ask("How many?", int)
    await chat.sleep(hours(1))
    return f"{party} of you"


@pytest.fixture
async def told(tmp_path):
    """A kit, and the timeline of its service, told through lines as between two processes."""
    timeline = Timeline()
    async with Kit(app) as kit:
        recorder = Recorder(
            lambda record: timeline.add_record(decode_message(encode_message(record))),
            tmp_path,
            [],
            kit.clock.now,
        )
        kit.service.events.subscribe(recorder.on_event)
        yield kit, timeline


async def test_a_text_is_told_from_its_arrival_to_its_replies(told):
    kit, timeline = told
    await kit.phone().text("TWICE")
    (story,) = timeline.stories.values()
    assert (story.text, story.handler, story.status) == ("TWICE", "twice", "answered")
    assert [cell.name for cell in story.state if cell.changed] == ["n"]
    assert [(one.text, one.status) for one in story.outbounds] == [
        ("one", "delivered"),
        ("two", "delivered"),
    ]
    assert [name for name, _ in story.step_durations()] == [
        "claimed",
        "handler",
        "committed",
        "sent",
    ]
    assert story.committed == ["text 1 handled", "state saved", "2 replies queued"]


async def test_texts_of_one_claim_have_each_their_own_replies(told):
    kit, timeline = told
    anna = kit.phone()
    for _ in range(3):
        kit.send(anna, "TWICE")
    await kit.quiet()
    assert [[one.text for one in story.outbounds] for story in timeline.stories.values()] == [
        ["one", "two"]
    ] * 3


async def test_a_turn_that_fails_keeps_its_error_and_says_that_it_is_tried_again(told):
    kit, timeline = told
    await kit.phone().text("BREAK")
    (story,) = timeline.stories.values()
    assert (story.status, story.note) == ("failed", "")
    assert story.retry_at > format_utc(kit.clock.now())
    assert "broken" in story.error.message
    await kit.wait(hours(24))
    assert story.attempts > 1
    assert (story.note, story.retry_at) == ("It was set aside.", "")


NOW = datetime(2026, 11, 29, tzinfo=UTC)
HANDLER = Handler(print, "twice", "app.py:1", True)


def turn(text="hi", n=1):
    """Return the events of a text's turn, in their order."""
    inbound = Inbound(sender="+61491570156", recipient="+61491570006", text=text, received_at=NOW)
    pending = PendingText(bytes([n]), n, inbound)
    claim = Claim(b"c", inbound.recipient, inbound.sender, 1, 1, None, None, [pending])
    result = ClaimResult(claim=claim, handled_seq=n)
    return (
        HandlerStarted(claim, pending, HANDLER),
        HandlerRan(claim, pending, None, b"{}"),
        TurnsFinished(result),
        TurnsCommitted(result, 0.1),
    )


def test_a_turn_runs_from_its_handlers_call_until_the_handler_returns():
    timeline, seen = Timeline(), []
    for at, event in enumerate([*turn(), *turn()]):  # the second time it is tried again
        (story,) = timeline.add_record(ServiceEvent(event, float(at), NOW))
        seen.append((story.status, [name for name, _ in story.step_durations()]))
    assert (
        seen
        == [
            ("running", []),
            ("waiting", ["handler"]),
            ("waiting", ["handler"]),
            ("answered", ["handler", "committed"]),
        ]
        * 2
    )


def test_a_text_keeps_its_story_after_the_story_has_made_room():
    timeline = Timeline()
    for n in range(200):
        timeline.note_text_sent("+61491570156", "hi", float(n), f"network-{n}")
    for n in range(199):  # the last one has not come yet
        for event in turn(n=n):
            timeline.add_record(ServiceEvent(event, float(n), NOW))
    assert timeline.story_ids == {f"network-{n}": bytes([n]).hex() for n in range(199)}
    assert len(timeline.stories) == 120


def test_a_turn_whose_process_ended_waits_again():
    timeline = Timeline()
    (story,) = timeline.add_record(ServiceEvent(turn()[0], 0.0, NOW))
    assert timeline.stop_turns() == [story]
    assert (story.status, timeline.stop_turns()) == ("waiting", [])


async def test_a_dialogue_by_itself_has_a_story_of_its_deed(told):
    kit, timeline = told
    anna = kit.phone()
    await anna.text("BOOK")
    await anna.text("4")
    await kit.wait(hours(1))
    first, answer, woken = timeline.stories.values()
    assert [story.handler for story in (first, answer, woken)] == ["book"] * 3
    assert [(step.question, step.value) for step in answer.journal_steps] == [("How many?", "4")]
    assert "timer of book() set" in answer.committed
    assert "book() ended" in woken.committed
    assert (woken.by_timer, woken.text, woken.status) == (True, "woke up", "answered")
    assert [one.text for one in woken.outbounds] == ["4 of you"]


async def test_an_opt_out_has_no_turn(told):
    kit, timeline = told
    await kit.phone().text("STOP")
    (story,) = timeline.stories.values()
    assert (story.status, story.handler) == ("opted out", "")


async def test_texts_that_an_opt_out_cancels_are_told_as_failed(told):
    kit, timeline = told
    anna = kit.phone()
    await kit.app.send(anna.number, "See you!", at=kit.clock.now() + hours(1))
    await anna.text("STOP")
    assert [(view.text, view.status, view.note) for view in timeline.outbounds] == [
        ("See you!", "cancelled", NOT_SENT)
    ]


async def test_a_reply_to_a_person_who_opted_out_is_told_as_not_sent(told):
    kit, timeline = told
    anna = kit.phone()
    for text in ("STOP", "TWICE", "START", "TWICE"):
        await anna.text(text)
    stop, _, start, _ = timeline.stories.values()
    assert stop.consent == "This opts out: no more texts to this person, and no handler sees it."
    assert start.consent == "This lifts the opt-out: texts go to this person again."
    assert [view.status for view in timeline.outbounds] == ["cancelled"] * 2 + ["delivered"] * 2


def test_a_reply_keeps_its_pictures_and_says_when_it_goes_out_and_that_it_never_will():
    timeline, (started, ran, *_) = Timeline(), turn()
    drafts = [
        NewOutbound(text="look", media=["https://example.org/a.png"]),
        NewOutbound(text="soon", due_at=NOW + timedelta(hours=1)),
        NewOutbound(text="never", cancelled=True),
    ]
    result = ClaimResult(claim=started.claim, handled_seq=1, drafts=drafts)
    for event in (started, replace(ran, reply_count=3), TurnsFinished(result)):
        (story,) = timeline.add_record(ServiceEvent(event, 0.0, NOW))
    assert [(view.status, view.media, view.retry_at) for view in story.outbounds] == [
        ("queued", ["https://example.org/a.png"], ""),
        ("queued", (), "2026-11-29T01:00:00.000Z"),
        ("cancelled", (), ""),
    ]


def test_an_attempt_that_overtakes_its_turns_commit_is_that_of_the_turns_reply():
    """The sender works in another thread, and its attempt shares the commit of the turn."""
    timeline, (started, ran, *_) = Timeline(), turn()
    draft = NewOutbound(text="well")
    result = ClaimResult(claim=started.claim, handled_seq=1, drafts=[draft])
    sent = Outbound(id="o1", sender="+61491570006", recipient="+61491570156", text="well")
    for event in (
        *(started, replace(ran, reply_count=1), TurnsFinished(result), AttemptStarted(sent)),
        *(AttemptRecorded(sent, Status.ACCEPTED), TurnsCommitted(result, 0.1)),
        ReceiptApplied(sent, Status.DELIVERED),
    ):
        (story,) = timeline.add_record(ServiceEvent(event, 0.0, NOW))
    assert [(view.text, view.status) for view in timeline.outbounds] == [("well", "delivered")]
    assert story.outbounds == [*timeline.outbounds]


def test_a_reply_whose_turn_was_not_committed_is_taken_away():
    for lost in (LeaseExpired, partial(CommitRefused, error=ValueError("no"))):
        timeline, (started, ran, *_) = Timeline(), turn()
        result = ClaimResult(claim=started.claim, handled_seq=1, drafts=[NewOutbound(text="well")])
        for event in (started, replace(ran, reply_count=1), TurnsFinished(result)):
            timeline.add_record(ServiceEvent(event, 0.0, NOW))
        assert len(timeline.outbounds) == 1
        (story,) = timeline.add_record(ServiceEvent(lost(started.claim), 0.0, NOW))
        assert (story.outbounds, [*timeline.outbounds]) == ([], [])


def test_a_receipt_that_overtakes_its_own_attempts_result_is_not_undone():
    timeline = Timeline()
    sent = Outbound(id="out-1", sender="+61491570006", recipient="+61491570156", text="hi")
    for event in (
        AttemptStarted(sent),
        ReceiptApplied(sent, Status.DELIVERED),
        AttemptRecorded(sent, Status.UNKNOWN),
    ):
        assert timeline.add_record(ServiceEvent(event, 0.0, NOW)) == ()
    assert [view.status for view in timeline.outbounds] == ["delivered"]


def test_a_reply_is_timed_from_the_press_on_send_to_its_first_attempt():
    timeline, (started, ran, _, committed) = Timeline(), turn()
    timeline.note_text_sent("+61491570156", "hi", 1.0, "n1")
    drafts = [NewOutbound(text="well"), NewOutbound(text="then")]
    result = ClaimResult(claim=started.claim, handled_seq=1, drafts=drafts)
    first, then = (
        Outbound(id=id, sender="+61491570006", recipient="+61491570156", text=text)
        for id, text in (("o1", "well"), ("o2", "then"))
    )
    for at, event in (
        *((1.1, started), (1.2, replace(ran, reply_count=2)), (1.3, TurnsFinished(result))),
        *((1.5, AttemptStarted(first)), (1.6, committed), (1.9, AttemptStarted(then))),
        (9.0, AttemptStarted(replace(first, attempt=2))),
    ):
        timeline.add_record(ServiceEvent(event, at, NOW))
    (story,) = timeline.stories.values()
    assert round(story.reply_ms) == 500
    assert timeline.reply_times.view().count == 1
