"""The stories that a service's events tell, on any store."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from cooee import App, hours
from cooee.phone.inspector.recorder import Recorder
from cooee.phone.inspector.timeline import Timeline
from cooee.phone.ipc_messages import OutboundChanged
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
    """A kit, and the timeline of its service."""
    timeline = Timeline()
    async with Kit(app) as kit:
        recorder = Recorder(
            lambda record: [*timeline.add_record(record)], tmp_path, [], kit.clock.now
        )
        kit.service.events.subscribe(recorder.on_event)
        yield kit, timeline


def rows(story):
    return [
        (row.verb, row.table, {cell.name: cell.after for cell in row.cells}) for row in story.rows
    ]


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
    assert ("update", "conversations") in [row[:2] for row in rows(story)]
    assert [row[2]["text"] for row in rows(story) if row[:2] == ("insert", "outbound")] == [
        "one",
        "two",
    ]


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
    assert (story.status, story.note) == ("failed", "It is tried again soon.")
    assert "broken" in story.error.message
    await kit.wait(hours(24))
    assert story.attempts > 1
    assert story.note == "It was set aside."


async def test_a_dialogue_by_itself_has_a_story_of_its_deed(told):
    kit, timeline = told
    anna = kit.phone()
    await anna.text("BOOK")
    await anna.text("4")
    await kit.wait(hours(1))
    first, answer, woken = timeline.stories.values()
    assert [story.handler for story in (first, answer, woken)] == ["book"] * 3
    assert [(step.question, step.value) for step in answer.journal_steps] == [("How many?", "4")]
    assert ("insert", "answers", {"entry": "answer How many?"}) in rows(answer)
    assert (woken.by_timer, woken.text, woken.status) == (True, "woke up", "answered")
    assert [one.text for one in woken.outbounds] == ["4 of you"]


async def test_an_opt_out_has_no_turn(told):
    kit, timeline = told
    await kit.phone().text("STOP")
    (story,) = timeline.stories.values()
    assert (story.status, story.handler) == ("opted out", "")


def test_a_receipt_that_overtakes_its_own_attempts_result_is_not_undone():
    timeline = Timeline()
    now = datetime(2026, 11, 29, tzinfo=UTC)
    for at, status in enumerate(["SENDING", "DELIVERED", "UNKNOWN"]):
        record = OutboundChanged(float(at), "out-1", "+61491570156", "hi", now, status)
        assert [*timeline.add_record(record)] == []
    assert [view.status for view in timeline.outbounds] == ["delivered"]
