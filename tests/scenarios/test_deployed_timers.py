"""A deploy that changes a time-out, a reminder or a sleep reaches those who wait (replay rule 11)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from msgspec.structs import replace

from cooee import App, days, hours, minutes
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.timer_sweep import PAUSE, SLICE
from cooee.runtime.wiring import make_context
from cooee.testing import Kit


def made(dialogue: Callable[..., Any], version: str) -> App[Any, Any]:
    app = App(version=version, no_reply="Too late.")
    app.dialogue("BOOK", name="book")(dialogue)

    @app.on("HELLO", always=True)
    def hello(chat) -> str:
        return "Hi!"

    return app


def asking(**options: Any):
    async def dialogue(chat) -> str:
        return f"got {await chat.ask('Name?', **options)}"

    return dialogue


def sleeping(length: Any = None, key: str | None = "nap", **more: Any):
    async def dialogue(chat) -> str:
        await chat.sleep(length, key=key, **more)
        return "Awake."

    return dialogue


def until(after_start: Any):
    async def dialogue(chat) -> str:
        await chat.sleep(until=chat.now + after_start, key="nap")
        return "Awake."

    return dialogue


BEFORE, AFTER = asking(timeout=hours(24)), asking(timeout=hours(48))
CASES = {
    # before, after, and each text with the hour at which it comes; the deploy is at 10
    "a time-out is lengthened": (BEFORE, AFTER, [(48, "Too late.")]),
    "a time-out is shortened": (AFTER, BEFORE, [(24, "Too late.")]),
    "a time-out is over by the new code": (BEFORE, asking(timeout=hours(4)), [(10, "Too late.")]),
    "a time-out is new": (asking(), BEFORE, [(24, "Too late.")]),
    "a time-out is new, and over": (asking(), asking(timeout=hours(9)), [(10, "Too late.")]),
    "a time-out is gone": (BEFORE, asking(), []),
    "a default is new": (BEFORE, asking(timeout=hours(9), default="x"), [(10, "got x")]),
    "a reminder is new": (BEFORE, asking(remind=hours(15)), [(15, "Name?")]),
    "a reminder is earlier": (
        asking(remind=hours(20)),
        asking(remind=[hours(12), (hours(16), "Well?")]),
        [(12, "Name?"), (16, "Well?")],
    ),
    "a reminder is due by the new code": (
        asking(remind=hours(20)),
        asking(remind=hours(2), timeout=hours(30)),
        [(10, "Name?"), (30, "Too late.")],
    ),
    "a reminder is gone": (asking(remind=hours(20)), asking(), []),
    "a reminder was sent": (
        asking(remind=[hours(5), hours(20)]),
        asking(remind=[hours(6), hours(30)]),
        [(5, "Name?"), (30, "Name?")],
    ),
    "a keyed sleep is longer": (sleeping(hours(20)), sleeping(hours(40)), [(40, "Awake.")]),
    "a keyed sleep is shorter": (sleeping(hours(40)), sleeping(hours(20)), [(20, "Awake.")]),
    "a keyed sleep is over": (sleeping(hours(40)), sleeping(hours(5)), [(10, "Awake.")]),
    "a keyed sleep's end is later": (until(hours(20)), until(hours(40)), [(40, "Awake.")]),
    "a keyed sleep's end is over": (until(hours(20)), until(hours(5)), [(10, "Awake.")]),
    "a keyed sleep's end is before its beginning": (
        until(hours(20)),
        until(-hours(5)),
        [(10, "Awake.")],
    ),
    "a sleep without a key is another sleep, from the end of the old one": (
        sleeping(hours(20), None),
        sleeping(hours(30), None),
        [(50, "Awake.")],
    ),
}


HOURS = sorted({at for *_, texts in CASES.values() for at, _ in texts} | {4, 10, 60})


@pytest.mark.parametrize(("before", "after", "texts"), CASES.values(), ids=CASES.keys())
async def test_who_waits_has_the_times_of_the_new_code_without_a_text(before, after, texts):
    async with Kit(made(before, "1")) as kit:
        anna, came, now = kit.phone(), [], 0
        await anna.text("BOOK")
        for hour in HOURS:
            await kit.wait(hours(hour - now) - minutes(1))
            assert anna.read() == [], f"before hour {hour}"
            await kit.wait(minutes(1))
            if hour == 10:
                await kit.deploy(made(after, "2"))
            came += [(hour, text) for text in anna.read()]
            now = hour
        assert came == texts
        assert await kit.troubles(anna) == []


@pytest.mark.parametrize("after_s", [0, 60])
async def test_a_deploy_that_is_rolled_back_leaves_the_old_times(after_s):
    async with Kit(made(BEFORE, "1")) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await ben.text("BOOK")
        for version in "2121":
            await kit.wait(after_s)  # before or after the store knows that all had their turn
            await kit.deploy(made(AFTER if version == "2" else BEFORE, version))
        await kit.wait(hours(24))
        assert (anna.read(), ben.read()) == (["Too late."], ["Too late."])


def _raises(chat):
    raise ValueError("broken")


async def raising(chat) -> str:
    _raises(chat)
    return await chat.ask("Name?", timeout=hours(1))


async def asking_before(chat) -> str:
    await chat.ask("Mail?", timeout=hours(1))
    return await chat.ask("Name?", timeout=hours(1))


async def asking_another(chat) -> str:
    return await chat.ask("Your name, please?", timeout=hours(1))


async def ending(chat) -> str:
    return "Done."


done: list[str] = []


async def doing_before(chat) -> str:
    await chat.once(done.append, "done")
    return await chat.ask("Name?", timeout=hours(1))


@pytest.mark.parametrize(
    "after",
    [raising, asking_before, asking_another, ending, doing_before],
    ids=lambda one: one.__name__,
)
async def test_who_would_not_stop_at_their_question_any_more_is_left_as_they_are(after):
    done.clear()
    async with Kit(made(BEFORE, "1")) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await kit.wait(hours(2))
        await kit.deploy(made(after, "2"))
        await kit.wait(hours(21))
        assert anna.read() == [], "nothing is asked, said, done or over before its old time"
        assert done == []
        assert await kit.troubles(anna) == []
        assert await ben.text("HELLO") == ["Hi!"]
        await kit.deploy(made(BEFORE, "1"))
        await kit.wait(hours(1))
        assert anna.read() == ["Too late."]


async def test_a_say_that_is_new_goes_out_with_the_next_turn_and_the_time_does_not_wait_for_it():
    async def saying(chat) -> str:
        name = await chat.ask("Name?", timeout=hours(5), default="nobody")
        chat.say("News!")
        return f"got {name}"

    async with Kit(made(BEFORE, "1")) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(made(saying, "2"))
        assert anna.read() == []
        await kit.wait(hours(5))
        assert anna.read() == ["News!", "got nobody"]


async def test_middleware_and_events_hear_of_turns_only():
    turns = []
    app = made(AFTER, "2")

    @app.around
    async def watch(chat, proceed):
        turns.append(chat.theirs)
        return await proceed()

    async with Kit(made(BEFORE, "1")) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(app)
        await kit.wait(hours(47))
        assert turns == []
        await kit.wait(hours(1))
        assert anna.read() == ["Too late."]


def counting(runs: list[str], length: Any):
    async def dialogue(chat) -> str:
        runs.append(chat.theirs)
        await chat.sleep(length, key="nap")
        return "Awake."

    return dialogue


async def begin(kit: Kit, count: int) -> list[str]:
    people = [f"+6149159{n:04}" for n in range(count)]
    app = kit.app
    definition = app.routes.dialogue_named("book").handler.function
    for person in people:
        await app.start(definition, person)
    await kit.quiet()
    return people


async def test_a_crowd_is_reached_a_few_at_a_time_once_a_deploy_and_texts_go_first(monkeypatch):
    runs: list[str] = []
    async with Kit(made(counting(runs, days(9)), "1")) as kit:
        people = await begin(kit, 180)
        anna = kit.phone()
        await kit.stop()
        kit.app, sizes = made(counting(runs, days(3)), "2"), []
        runs.clear()
        await kit.start()
        claim = kit.store.claim_waiting

        async def counted(after, limit):
            claims = await claim(after, limit)
            sizes.append(len(claims))
            return claims

        monkeypatch.setattr(kit.store, "claim_waiting", counted)
        assert len(runs) == 1, "at the start, before any time has passed, one alone"
        assert await anna.text("HELLO") == ["Hi!"]
        assert len(runs) == 1, "and no more before the text was answered"
        await kit.wait(3)
        assert sorted(runs) == people
        assert sizes == [SLICE, SLICE, SLICE, 180 - 1 - 3 * SLICE, 0]
        await kit.restart()
        await kit.wait(60)
        assert sorted(runs) == people, "the same code again: nobody is run"
        await kit.wait(days(3))
        assert len(runs) == 3 * 180, "each woke at the new time (and tests run a turn twice)"


async def test_a_process_that_ends_in_the_middle_goes_on_where_it_was():
    runs: list[str] = []
    async with Kit(made(counting(runs, days(9)), "1")) as kit:
        people = await begin(kit, 120)
        runs.clear()
        await kit.deploy(made(counting(runs, days(3)), "2"))
        await kit.wait(PAUSE)
        assert len(runs) == 1 + SLICE
        await kit.restart()  # before the next few
        assert len(runs) == 1 + SLICE + 1, "it went on where it was, with one person alone"
        await kit.wait(PAUSE)
        assert len(runs) == 1 + 2 * SLICE + 1
        await kit.wait(5)
        assert sorted(runs) == people
        dues = {one.dialogue.due_at for one in await kit.store.dialogues()}
        assert len(dues) == 1


async def test_who_has_a_text_waiting_is_reached_with_it():
    def two(length: Any, version: str) -> App[Any, Any]:
        app = made(sleeping(length), version)

        @app.dialogue("TALK")
        async def talk(chat) -> str:
            return f"got {await chat.ask('Name?')}"

        return app

    async with Kit(two(minutes(9), "1"), push=False) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("TALK")
        anna.read()
        await kit.stop()
        kit.send(anna, "Ann")
        kit.app = two(minutes(3), "2")
        await kit.start()
        assert anna.read() == ["got Ann"]
        await kit.wait(minutes(3))
        assert anna.read() == ["Awake."]


async def test_code_that_hangs_is_run_for_one_person_and_never_for_the_crowd(monkeypatch):
    runs, release = list[str](), Event()

    async def hanging(chat) -> str:
        runs.append(chat.theirs)
        release.wait(10)
        return await chat.ask("Name?")

    def make_impatient_context(*args: Any, **more: Any) -> TurnContext:
        return replace(make_context(*args, **more), dialogue_timeout_s=0.2)

    async with Kit(made(counting([], days(9)), "1")) as kit:
        await begin(kit, 120)
        anna = kit.phone()
        monkeypatch.setattr("cooee.runtime.service.make_context", make_impatient_context)
        await kit.deploy(made(hanging, "2"))
        await kit.wait(60)
        assert len(runs) == 1
        assert await anna.text("HELLO") == ["Hi!"]
        assert {one.dialogue.due_at for one in await kit.store.dialogues()} != {None}
        release.set()
