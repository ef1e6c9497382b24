"""People who wait cost nothing: not at a start, not while nothing comes, not beside an answer."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from support.crowd import copy_person

from cooee import App, Chat, days, hours
from cooee.core.messages import Status
from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound
from cooee.storage.sqlite import database_file
from cooee.storage.sqlite.writer_thread import WriterThread
from cooee.testing import Kit

FEW, MANY = 1_200, 6_000  # a start counts no further than 1,000 in one dialogue
STEPS = 10  # of SQLite's machine, between two calls of the counter


def booking() -> App:
    app = App()

    @app.dialogue("BOOK")
    async def book(chat: Chat) -> str:
        name = await chat.ask("What's your name?", timeout=days(3_650))
        party = await chat.ask(f"For how many, {name}?", int, timeout=days(3_650))
        day = await chat.ask("Which day?", timeout=days(3_650))
        return f"{party} people on {day}."

    return app


@pytest.fixture
def counted(monkeypatch):
    """Count the steps of SQLite's machine, and the calls of the store."""
    counts = Counter()
    connect, submit = database_file.open_connection, WriterThread.submit

    def count_steps():
        counts["steps"] += STEPS

    def connect_counted(*where):
        connection = connect(*where)
        connection.set_progress_handler(count_steps, STEPS)
        return connection

    def submit_counted(*args, **kwargs):
        counts["calls"] += 1
        return submit(*args, **kwargs)

    monkeypatch.setattr(database_file, "open_connection", connect_counted)
    monkeypatch.setattr(WriterThread, "submit", submit_counted)
    return counts


async def costs_beside(people: int, counts: Counter) -> dict[str, tuple[int, int]]:
    """Return the calls and steps of each part of a day beside so many, and objects in memory."""
    found = {}

    def note(name: str) -> None:
        found[name] = (counts["calls"], counts["steps"])
        counts.clear()

    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.follow("> BOOK\n< What's your name?\n> Anna\n< For how many, Anna?")
        ours = kit.number
        await kit.stop()
        crowd = (f"+614{number:08}" for number in range(people))
        copy_person(kit._database_path, ours, anna.number, crowd)
        gc.collect()
        counts.clear()
        objects = len(gc.get_objects())
        await kit.start()
        note("start")
        await kit.wait(hours(1))
        note("an hour of silence")
        gc.collect()
        found["objects"] = (0, len(gc.get_objects()) - objects)
        await anna.follow("> 4\n< Which day?")
        note("an answer")
        await kit.restart()
        note("another start")
        assert (await kit.store.counts()).open_dialogues == people + 1
    return found


async def test_a_start_an_hour_and_an_answer_cost_the_same_beside_many_who_wait(counted):
    await costs_beside(FEW, counted)  # what is made once in a process
    few = await costs_beside(FEW, counted)
    many = await costs_beside(MANY, counted)
    assert few.keys() == many.keys()
    for name, (calls, steps) in few.items():
        assert many[name][0] <= calls + 2, name
        assert many[name][1] <= steps + (MANY - FEW) / 10, name
    assert few["an hour of silence"][0] < 10


async def test_texts_of_a_number_that_was_ours_wake_nobody(counted):
    former = "+61491570110"
    async with Kit(booking()) as kit:
        await kit.phone().text("BOOK")
        news = NewOutbound(text="news")
        await kit.store.enqueue([ProactiveOutbound(former, "+61491570156", news)])
        [attempt] = await kit.store.take(former, 1)
        accepted = AttemptResult(
            outbound=attempt.outbound, status=Status.ACCEPTED, provider_id="p1"
        )
        await kit.store.record_results([accepted])
        await kit.wait(hours(1))
        assert (await kit.store.next_due(ours=former)).status_check < kit.clock.now()
        await kit.restart()
        counted.clear()
        await kit.wait(hours(1))
        assert counted["calls"] < 10
