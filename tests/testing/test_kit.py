"""The kit: a real engine, exact time, and when all is quiet."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from cooee import App, Chat, NotRunning
from cooee.simulator import NetworkConditions
from cooee.testing import Kit

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def clock_app():
    """An app that says when each text was sent."""
    app = App()

    @app.otherwise
    def now(chat: Chat) -> str:
        return f"{chat.now:%H:%M:%S}"

    return app


WORLDS = [
    {},
    {"push": False},
    {"push": False, "poll_interval": 30},
    {"push": False, "switches": ["cursor"]},
    {"push": False, "switches": ["confirm"]},
    {"switches": ["lookup", "idempotency"]},
    {"provider": "telstra-v2"},
    {"provider": "telstra-v2", "push": False, "poll_interval": 5},
]


@pytest.mark.parametrize("world", WORLDS, ids=str)
async def test_time_between_two_texts_is_exact_in_every_world(world):
    async with Kit(clock_app(), **world) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.follow("""
            > one
            < 00:00:00
            ... 65 seconds
            > two
            < 00:01:05
            ... 1 minute
            ... 55 seconds
            > three
            < 00:03:00
        """)
        await ben.wait(timedelta(hours=1))
        assert await ben.text("four") == ["01:03:00"]


async def test_with_pushes_a_conversation_takes_no_time_at_all():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        for _ in range(10):
            await phone.text("hello")
        assert kit.clock.now() == NEW_YEAR


async def test_a_reply_takes_as_long_as_the_network_and_no_longer():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        kit.simulator.network.conditions = NetworkConditions(delay=2)
        assert await phone.text("hello") == ["00:00:00"]
        assert kit.clock.now() <= NEW_YEAR + timedelta(seconds=6)  # there, back, and a receipt


async def test_the_time_that_replies_took_is_part_of_the_waits_after_them():
    async with Kit(clock_app(), push=False, poll_interval=30) as kit:
        phone = kit.phone()
        assert await phone.text("one") == ["00:00:00"]
        assert kit.clock.now() == NEW_YEAR + timedelta(seconds=30)
        await phone.wait(10)
        await phone.wait(60)
        assert await phone.text("two") == ["00:01:10"]
        assert await phone.text("three") == ["00:01:30"]  # no wait: sent when the reply was there
        await phone.wait(65)
        assert await phone.text("four") == ["00:02:35"]


async def test_what_is_planned_for_later_is_not_waited_for():
    app = clock_app()
    async with Kit(app) as kit:
        phone = kit.phone()
        await app.send(phone.number, "Wake up!", at=NEW_YEAR + timedelta(seconds=30))
        await kit.quiet()
        assert kit.clock.now() == NEW_YEAR
        await kit.wait(30)
        assert phone.inbox == ["Wake up!"]


async def test_a_phone_that_is_off_is_waited_for_a_minute_at_most():
    async with Kit(clock_app(), push=False) as kit:
        phone = kit.phone()
        kit.simulator.network.switch_phone(phone.number, on=False)
        assert await phone.text("hello") == []
        assert kit.clock.now() <= NEW_YEAR + timedelta(minutes=1)
        kit.simulator.network.switch_phone(phone.number, on=True)
        again = f"{kit.clock.now():%H:%M:%S}"
        assert await phone.text("hello") == ["00:00:00", again]


async def test_clocks_moved_by_hand_count_for_nobody():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        await phone.text("hello")
        await kit.clock.advance(10)
        await phone.wait(5)
        assert await phone.text("hello") == ["00:00:15"]


async def test_handlers_are_waited_for_in_real_time():
    app = App()

    @app.on("SLOW")
    async def slow(chat: Chat) -> str:
        await asyncio.sleep(0.05)
        return "Done."

    @app.on("SLOWER")
    def slower(chat: Chat) -> str:
        time.sleep(0.05)
        return "Done, too."

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("SLOW") == ["Done."]
        assert await phone.text("SLOWER") == ["Done, too."]
        assert kit.clock.now() == NEW_YEAR
        await app.send(phone.number, "One o'clock.", at=NEW_YEAR + timedelta(hours=1))
        kit.send(phone, "SLOWER")
        await kit.wait(timedelta(days=1))
        assert phone.read() == ["Done, too.", "One o'clock."]


async def test_what_is_due_and_held_up_is_waited_for():
    async with Kit(clock_app()) as kit:
        anna, ben = kit.phone(), kit.phone()
        kit.fault("throttle", on="POST /texts")
        assert await anna.text("hello") == []  # tried again when the provider allows
        assert await ben.text("hello") == ["00:00:00"]  # as soon as the provider allows
        assert NEW_YEAR < kit.clock.now() <= NEW_YEAR + timedelta(minutes=1)


async def test_a_year_of_daily_texts_takes_seconds():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        began = time.process_time()
        for _ in range(365):
            assert await phone.text("hello") == ["00:00:00"]
            await phone.wait(timedelta(days=1))
        took = time.process_time() - began
        assert kit.clock.now() == NEW_YEAR + timedelta(days=365)
        assert len(phone.inbox) == 365
        print(f"a year of daily texts: {took:.2f} s")
        assert took < 60  # one on a free core; this is not a benchmark


async def test_an_empty_year_takes_no_time():
    async with Kit(clock_app()) as kit:
        began = time.process_time()
        await kit.wait(timedelta(days=365))
        assert kit.clock.now() == NEW_YEAR + timedelta(days=365)
        assert time.process_time() - began < 10


async def test_the_world_begins_when_it_is_told():
    start = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    async with Kit(clock_app(), start=start) as kit:
        assert await kit.phone().text("hello") == ["07:08:09"]


async def test_everybody_has_a_number_of_their_own():
    async with Kit(clock_app()) as kit:
        numbers = {kit.phone().number for _ in range(300)}
        assert len(numbers) == 300
        assert kit.number not in numbers
        assert await kit.phone().text("hello") == ["00:00:00"]


async def test_a_restart_keeps_what_was_stored():
    app = App()

    @app.otherwise
    async def count(chat: Chat) -> str:
        return str(len(await chat.history(100)))

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("a") == ["1"]
        service, store = kit.service, kit.store
        await kit.restart()
        assert kit.service is not service
        assert kit.store is not store
        assert await phone.text("b") == ["3"]


async def test_a_deploy_takes_everybody_along_who_is_in_the_middle():
    first, second = App(), App()

    @first.dialogue("BOOK")
    async def book(chat):
        return f"For {await chat.ask('How many?', int)}."

    @second.dialogue("BOOK", name="book")
    async def book_by_name(chat):
        many = await chat.ask("How many?", int)
        return f"For {many}, {await chat.ask('Your name?')}."

    async with Kit(first) as kit:
        anna = kit.phone()
        assert await anna.text("BOOK") == ["How many?"]
        await kit.deploy(second)
        assert await anna.text("4") == ["Your name?"]
        await kit.deploy(first)
        assert await anna.text("Anna") == ["For 4."], "the older code has no such question"


async def test_texts_to_an_app_that_is_down_are_answered_when_it_is_back():
    app = clock_app()
    async with Kit(app) as kit:
        phone = kit.phone()
        await kit.stop()
        assert await phone.text("hello") == []
        with pytest.raises(NotRunning):
            await app.send(phone.number, "hello")
        await kit.start()
        await phone.wait(timedelta(hours=1))
        assert phone.inbox == ["00:00:00"]


async def test_a_provider_that_answers_late_only_takes_time():
    async with Kit(clock_app()) as kit:
        await kit.stop()
        kit.fault("delay:5", 2)
        await kit.start()
        assert NEW_YEAR + timedelta(seconds=10) == kit.clock.now()
        assert await kit.phone().text("hello") == ["00:00:10"]


async def test_a_provider_that_is_down_at_the_start_is_connected_to_later():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        await kit.stop()
        kit.fault("error-503", 2)
        await kit.start()
        await kit.wait(60)
        assert len(await phone.text("hello")) == 1


async def test_a_kit_may_end_with_its_app_stopped_and_says_so_to_a_script():
    async with Kit(clock_app()) as kit:
        await kit.stop()
        with pytest.raises(AssertionError, match=r"no text came(.|\n)*The app is not running\."):
            await kit.phone().follow("> hello\n< *")


async def test_an_answer_that_was_lost_is_seen_as_the_provider_is_built():
    async with Kit(clock_app(), switches=["lookup"]) as kit:
        phone = kit.phone()
        kit.fault("lose-answer", on="POST /texts")
        await phone.text("hello")
        await phone.wait(60)
        assert phone.inbox == ["00:00:00"]
        assert (await kit.store.counts()).unknown == 0


async def test_the_kit_leaves_nothing_behind():
    app = clock_app()
    async with Kit(app) as kit:
        await kit.phone().text("hello")
        folder = kit._database_path.parent
        assert folder.exists()
    assert not folder.exists()
    assert app.outbox is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_app_that_cannot_start_says_why_and_leaves_nothing_behind():
    @contextlib.asynccontextmanager
    async def lifespan():
        raise RuntimeError("no database here")
        yield

    kit = Kit(App(lifespan=lifespan))
    with pytest.raises(RuntimeError, match="no database here"):
        async with kit:
            pass
    assert not kit._database_path.parent.exists()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_provider_without_a_simulated_api_is_named():
    with pytest.raises(ValueError, match=r"'vonage'.*simulated and telstra-v2"):
        Kit(App(), provider="vonage")


async def test_faults_reach_the_app_through_its_provider():
    async with Kit(clock_app()) as kit:
        phone = kit.phone()
        kit.fault("error-503", 2, on="POST /texts")
        await phone.text("hello")
        await phone.wait(10)
        assert phone.inbox == ["00:00:00"]
