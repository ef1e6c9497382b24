"""An answer that was sent in time counts, whenever we read it (replay rule 11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cooee import App, minutes
from cooee.core.messages import Inbound
from cooee.testing import Kit

LOGS = [
    {"provider": "simulated", "push": False},
    {"provider": "simulated", "push": False, "switches": ["pop"]},
    {"provider": "simulated", "push": False, "switches": ["confirm"]},
    {"provider": "telstra-v2", "push": False},
    {"provider": "telstra-v3", "push": False},
    {"provider": "twilio", "push": False},
    {"provider": "telstra-v3"},  # pushed, and read at the start for what was missed
    {"provider": "twilio"},
]


def asking(**options: Any) -> App[Any, Any]:
    app = App(no_reply="Too late.")

    @app.dialogue("BOOK")
    async def book(chat) -> str:
        return f"got {await chat.ask('Name?', timeout=minutes(40), **options)}"

    @app.otherwise
    def other(chat) -> str:
        return f"other {chat.text}"

    return app


async def away(kit: Kit, *events: tuple[float, Any, str], back: float) -> None:
    """Stop the app, let texts be sent at these minutes, and start it again."""
    await kit.stop()
    passed = 0.0
    for minute, phone, words in events:
        await kit.clock.advance(timedelta(minutes=minute - passed))
        kit.send(phone, words)
        passed = minute
    await kit.clock.advance(timedelta(minutes=back - passed))
    await kit.start()
    await kit.quiet()


@pytest.mark.parametrize("setup", LOGS, ids=str)
@pytest.mark.parametrize(
    ("sent", "back", "replies"),
    [
        (15, 75, ["got Ann"]),
        (39, 40, ["got Ann"]),
        (15, 24 * 60, ["got Ann"]),
        (15, 5 * 24 * 60, ["got Ann"]),
        (41, 75, ["Too late."]),
    ],
)
async def test_the_sending_counts_and_not_the_reading(setup, sent, back, replies):
    async with Kit(asking(), **setup) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await away(kit, (sent, anna, "Ann"), back=back)
        assert anna.read() == replies


@pytest.mark.parametrize("options", [{"remind": [minutes(10), minutes(30)]}, {"default": "nobody"}])
async def test_neither_a_reminder_nor_a_default_comes_before_it(options):
    async with Kit(asking(**options), push=False) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await ben.text("BOOK")
        await away(kit, (15, anna, "Ann"), back=75)
        assert anna.read() == ["got Ann"]
        assert ben.read() == ["got nobody" if "default" in options else "Too late."]


async def test_of_several_texts_each_counts_by_its_own_time():
    app = App(no_reply="Too late.")

    @app.dialogue("BOOK")
    async def book(chat) -> str:
        name = await chat.ask("Name?", timeout=minutes(40))
        party = await chat.ask("How many?", int, timeout=minutes(40), default=0)
        return f"{name}, {party}"

    async with Kit(app, push=False) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await ben.text("BOOK")
        await away(kit, (15, anna, "Ann"), (16, anna, "4"), (60, ben, "Ben"), back=75)
        assert anna.read() == ["How many?", "Ann, 4"]
        assert ben.read() == ["Too late."]


async def test_a_text_of_the_time_before_a_sleep_ended_is_none_to_the_question_after_it():
    app = App()

    @app.dialogue("TEA")
    async def tea(chat) -> str:
        await chat.sleep(minutes(20))
        return f"got {await chat.ask('Ready?', timeout=minutes(5), default='none')}"

    @app.otherwise
    def other(chat) -> str:
        return f"other {chat.text}"

    async with Kit(app, push=False) as kit:
        anna = kit.phone()
        await anna.text("TEA")
        await away(kit, (15, anna, "hello"), back=75)
        assert anna.read() == ["other hello", "Ready?"]
        await kit.wait(301)
        assert anna.read() == ["got none"]


@pytest.mark.parametrize(
    ("stamp", "in_time"),
    [
        (timedelta(minutes=0), True),
        (timedelta(minutes=15), True),
        (timedelta(minutes=40), True),
        (timedelta(minutes=40, seconds=1), False),
        (timedelta(minutes=-15), False),  # before the question: of a wrong clock
        (timedelta(days=-300), False),
        (timedelta(minutes=76), False),  # ahead of us
        (timedelta(days=300), False),
        (None, False),
    ],
)
async def test_a_stamp_that_is_not_credible_leaves_the_time_at_which_the_text_came(stamp, in_time):
    async with Kit(asking()) as kit:
        anna, asked_at = kit.phone(), kit.clock.now()
        await anna.text("BOOK")
        kit.service.parts.worker.timer_hold.begin(timedelta(hours=3))  # as if it had been away
        await kit.clock.advance(timedelta(minutes=75))
        inbound = Inbound(
            sender=anna.number,
            recipient=kit.number,
            text="Ann",
            received_at=kit.clock.now(),
            sent_at=None if stamp is None else asked_at + stamp,
        )
        await kit.service.parts.inbound_receiver.receive([inbound])
        await kit.quiet()
        assert anna.read() == ["got Ann" if in_time else "Too late."]


async def test_time_outs_do_not_wait_for_ever_for_a_provider_that_cannot_be_read():
    async with Kit(asking(), push=False) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.stop()
        await kit.clock.advance(timedelta(minutes=75))
        kit.fault("error-500", 1_000, on="GET /inbox")
        back_at = kit.clock.now()
        await kit.start()
        assert anna.read() == ["Too late."]
        assert kit.clock.now() - back_at == timedelta(minutes=1)


async def test_texts_are_answered_while_time_outs_wait():
    async with Kit(asking()) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        kit.service.parts.worker.timer_hold.begin(timedelta(hours=1))
        await kit.clock.advance(timedelta(minutes=50))
        assert await ben.text("hello") == ["other hello"]
        assert anna.read() == []
        await kit.wait(timedelta(minutes=10))
        assert anna.read() == ["Too late."]
