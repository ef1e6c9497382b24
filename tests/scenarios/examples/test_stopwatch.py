"""The stopwatch, texted by people: every cell of its table, and how exact it is."""

from __future__ import annotations

import importlib.util
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cooee import App, Chat
from cooee.testing import Kit

SOURCE = Path(__file__).parents[3] / "examples" / "stopwatch.py"


@pytest.fixture
def stopwatch():
    """The example, loaded anew as `cooee run examples/stopwatch.py` loads it."""
    spec = importlib.util.spec_from_file_location("stopwatch", SOURCE)
    sys.modules["stopwatch"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["stopwatch"]


@pytest.fixture
def app(stopwatch):
    return stopwatch.app


NEVER_STARTED = ""
RUNNING = """
    > START
    < The timer is running!
    ... 65 seconds
"""
STOPPED = f"""
    {RUNNING}
    > STOP
    < The timer has stopped. It ran for 1 minute 5 seconds.
    ... 10 minutes
"""
FROM_ZERO = """
    ... 3 seconds
    > TIME
    < The timer stands at 3 seconds and is still running.
"""
UNCHANGED = """
    ... 1 day
    > TIME
    < The final time is 1 minute 5 seconds.
"""
STILL_NEVER_STARTED = """
    > TIME
    < Text START first.
"""
EXPLAINS = '< Sorry! I only understand "START", "STOP" and "TIME".'

TABLE = {
    ("START", "never started"): (NEVER_STARTED, "< The timer is running!", FROM_ZERO),
    ("START", "running"): (RUNNING, "< The timer has been reset to zero and restarted!", FROM_ZERO),
    ("START", "stopped"): (STOPPED, "< The timer is running!", FROM_ZERO),
    ("STOP", "never started"): (NEVER_STARTED, "< Text START first.", STILL_NEVER_STARTED),
    ("STOP", "running"): (
        RUNNING,
        "< The timer has stopped. It ran for 1 minute 5 seconds.",
        UNCHANGED,
    ),
    ("STOP", "stopped"): (
        STOPPED,
        "< The timer is already stopped, at 1 minute 5 seconds.",
        UNCHANGED,
    ),
    ("TIME", "never started"): (NEVER_STARTED, "< Text START first.", STILL_NEVER_STARTED),
    ("TIME", "running"): (
        RUNNING,
        "< The timer stands at 1 minute 5 seconds and is still running.",
        "... 1 second\n> TIME\n< The timer stands at 1 minute 6 seconds and is still running.",
    ),
    ("TIME", "stopped"): (STOPPED, "< The final time is 1 minute 5 seconds.", UNCHANGED),
    ("What?", "never started"): (NEVER_STARTED, EXPLAINS, STILL_NEVER_STARTED),
    ("What?", "running"): (
        RUNNING,
        EXPLAINS,
        "> TIME\n< The timer stands at 1 minute 5 seconds and is still running.",
    ),
    ("What?", "stopped"): (STOPPED, EXPLAINS, UNCHANGED),
}


@pytest.mark.parametrize("text", ["START", "STOP", "TIME", "What?"])
@pytest.mark.parametrize("standing", ["never started", "running", "stopped"])
async def test_each_text_is_answered_as_the_table_says(phone, text, standing):
    before, reply, after = TABLE[text, standing]
    await phone.follow(before)
    await phone.follow(f"> {text}\n{reply}")
    await phone.follow(after)


@pytest.mark.parametrize("text", ["start", " Start ", "START!", "“start”."])
async def test_it_does_not_matter_how_a_command_is_written(phone, text):
    assert await phone.text(text) == ["The timer is running!"]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59.9), "59 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=1, seconds=2), "1 hour 2 seconds"),
        (timedelta(days=2, hours=3, minutes=1, seconds=1), "2 days 3 hours 1 minute 1 second"),
    ],
)
async def test_lengths_of_time_are_worded_as_people_do(phone, length, words):
    await phone.text("START")
    await phone.wait(length)
    assert await phone.text("STOP") == [f"The timer has stopped. It ran for {words}."]


async def test_everybody_has_a_stopwatch_of_their_own(kit):
    anna, ben = kit.phone(), kit.phone()
    await anna.text("START")
    await kit.wait(60)
    await ben.follow("""
        > TIME
        < Text START first.
        > START
        < The timer is running!
        ... 5 seconds
        > STOP
        < The timer has stopped. It ran for 5 seconds.
    """)
    await anna.follow("""
        > TIME
        < The timer stands at 1 minute 5 seconds and is still running.
    """)


async def test_a_restart_keeps_every_stopwatch(kit):
    anna, ben = kit.phone(), kit.phone()
    await anna.text("START")
    await kit.wait(60)
    await ben.text("START")
    await kit.restart()
    await kit.wait(5)
    await anna.follow("> STOP\n< The timer has stopped. It ran for 1 minute 5 seconds.")
    await ben.follow("> STOP\n< The timer has stopped. It ran for 5 seconds.")


ONLINE = 'Stopwatch app online! I understand "START", "STOP" and "TIME".'


async def test_it_announces_itself_once_to_each_friend_and_not_at_every_restart(app, monkeypatch):
    friends = "+61491570156 0491570157"  # national numbers are read as in our number's country
    monkeypatch.setenv("STOPWATCH_FRIENDS", friends)
    async with Kit(app) as kit:
        anna, ben, stranger = kit.phone(), kit.phone(), kit.phone()
        assert (anna.read(), ben.read(), stranger.read()) == ([ONLINE], [ONLINE], [])
        await kit.restart()
        await kit.restart()
        assert (anna.read(), ben.read(), stranger.read()) == ([], [], [])
        monkeypatch.setenv("STOPWATCH_FRIENDS", f"{friends} {stranger.number}")
        await kit.restart()
        assert (anna.read(), ben.read(), stranger.read()) == ([], [], [ONLINE])


@pytest.mark.parametrize("push", [True, False], ids=["push", "poll"])
async def test_it_runs_on_telstra_v2_as_it_is(app, push):
    async with Kit(app, provider="telstra-v2", push=push, poll_interval=5) as kit:
        await kit.phone().follow("""
            > START
            < The timer is running!
            ... 65 seconds
            > TIME
            < The timer stands at 1 minute 5 seconds and is still running.
            ... 65 seconds
            > STOP
            < The timer has stopped. It ran for 2 minutes 10 seconds.
        """)


# How exact it is, beside the article's method: polling every five seconds, datetime.now()
# when a text is handled. (The article has one stopwatch for everybody; here it is given one
# each, so that only the clocks differ.)


def article(clock):
    app = App()
    started = {}

    @app.on("START")
    def start(chat: Chat) -> str:
        started[chat.theirs] = clock().now()
        return "Started."

    @app.on("STOP")
    def stop(chat: Chat) -> str:
        return f"It ran for {int((clock().now() - started[chat.theirs]).total_seconds())} seconds."

    return app


SPANS = [(0.0, 37.0), (1.3, 37.4), (2.6, 12.1), (4.9, 3.5), (0.2, 59.8)]
"""When each person starts, in seconds after a poll, and for how long."""


async def lengths(kit):
    """The seconds that each person is told: 100 others text just before their STOP."""
    crowd = [kit.phone() for _ in range(100)]
    kit.fault("delay:0.2", 100_000, on="GET /messages/sms")  # an answer takes 200 ms
    told = []
    for lead, span in SPANS:
        phone = kit.phone()
        await kit.clock.advance(300 + lead)
        kit.send(phone, "START")
        await kit.clock.advance(span)
        for other in crowd:
            kit.send(other, "START")
        kit.send(phone, "STOP")
        await kit.clock.advance(120)
        told.append(seconds(phone.inbox[-1]))
    return told


def seconds(reply):
    return int(re.fullmatch(r".*ran for (\d+) seconds\.", reply)[1])


async def test_ours_is_right_to_the_carriers_second_where_the_articles_is_off_by_the_poll(app):
    world = {"provider": "telstra-v2", "push": False, "poll_interval": 5}
    async with Kit(app, **world) as kit:
        ours = await lengths(kit)
    async with Kit(article(lambda: kit.clock), **world) as kit:
        articles = await lengths(kit)
    print("\n   true   ours   article's")
    for (_, span), one, other in zip(SPANS, ours, articles, strict=True):
        print(f"{span:6.1f} s {one:4d} s {other:7d} s")
        assert abs(one - span) < 1.0 + 1e-6
        assert other - span > 15  # a hundred reads at 0.2 s, and up to 5 s of rest


# Where the company acts on STOP itself (law 10)


@pytest.mark.parametrize(
    "world",
    [
        {"switches": ["pop", "optout"], "push": False},
        {"switches": ["optout"]},
        {"provider": "telstra-v3"},
        {"provider": "twilio"},
    ],
    ids=lambda world: world.get("provider", "simulated"),
)
async def test_halt_works_where_stop_is_the_companys(app, world):
    async with Kit(app, **world) as kit:
        phone = kit.phone()
        await phone.text("START")
        await kit.wait(65)
        assert "The timer has stopped. It ran for 1 minute" in (await phone.text("HALT"))[-1]
        [note] = [note for note in kit.service.notes if "acts on STOP" in note]
        assert "tell people to text HALT" in note
        mine = len(phone.inbox)
        await phone.text("STOP")
        before = [text for text in phone.inbox[mine:] if "timer" in text]
        assert before == []
        assert (await kit.store.counts()).opted_out == 1


async def test_a_friend_who_opted_out_is_not_announced_to_and_the_others_are(app, monkeypatch):
    monkeypatch.setenv("STOPWATCH_FRIENDS", "+61491570156 +61491570157")
    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        assert anna.read() == ben.read() == [ONLINE]
        await anna.text("UNSUBSCRIBE")
        await kit.restart()
        assert (await kit.store.counts()).opted_out == 1
        assert "START" in (await ben.text("help"))[0]


async def test_help_names_the_commands(phone):
    await phone.follow(f"> HELP\n{EXPLAINS}")
