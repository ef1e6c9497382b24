"""Law 10: a STOP is never delayed, and nothing leaves to who opted out, whatever the app does."""

import asyncio
import re
import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee import App, Chat, OptedOut
from cooee.core.messages import Priority, conversation_id
from cooee.runtime.events import OptOutRecorded, TextsCancelled
from cooee.storage import NewOutbound, ProactiveOutbound
from cooee.testing import Kit

WORLDS = [
    {},
    {"push": False, "poll_interval": 60},
    {"switches": ["optout"]},
    {"switches": ["cursor", "optout"], "push": False, "poll_interval": 60},
    {"provider": "telstra-v2"},
    {"provider": "telstra-v2", "push": False, "poll_interval": 60},
]
EVERYWHERE = pytest.mark.parametrize(
    "world",
    WORLDS,
    ids=lambda world: "-".join(
        [world.get("provider", "simulated"), *world.get("switches", []), str(world.get("push"))]
    ),
)


def echo(**how):
    app = App(**how)

    @app.otherwise
    def say(chat: Chat) -> str:
        return f"You said {chat.text}"

    return app


# A state machine below the app


@EVERYWHERE
async def test_stop_silences_and_start_lifts_it_and_is_answered(world):
    async with Kit(echo(), **world) as kit:
        anna, ben = kit.phone(), kit.phone()
        assert await anna.text("hello") == ["You said hello"]
        assert await anna.text("Stop.") == []
        assert await anna.text("hello?") == []
        with pytest.raises(OptedOut, match="texting START"):
            await kit.app.send(anna.number, "news")
        await kit.app.send(ben.number, "news")
        await kit.quiet()
        assert (anna.read(), ben.read()) == ([], ["news"])
        assert await anna.text("START") == ["You said START"]
        assert await anna.text("again") == ["You said again"]
        history = await kit.store.history(kit.number, anna.number, 20)
        assert [(e.text, e.status) for e in history if e.status in {"opt-out", "cancelled"}] == [
            ("Stop.", "opt-out"),
            ("You said hello?", "cancelled"),
            ("news", "cancelled"),
        ]
        [silence] = await kit.store.opt_outs(kit.number, anna.number)
        assert (silence.source, silence.text, silence.lifted_text) == ("keyword", "Stop.", "START")


@EVERYWHERE
@pytest.mark.parametrize("word", ["UNSUBSCRIBE", "stopall", "ARRÊT", "Quit!", "opt-out"])
async def test_the_standard_words_work_at_every_company(world, word):
    async with Kit(echo(), **world) as kit:
        phone = kit.phone()
        assert await phone.text(word) == []
        assert await phone.text("hello") == []


async def test_an_apps_own_stop_stays_its_own_where_the_company_leaves_it():
    app = echo()

    @app.on("STOP")
    def stop(chat: Chat) -> str:
        return "Stopped."

    for world in WORLDS:
        async with Kit(app, **world) as kit:
            taken = "optout" in world.get("switches", [])
            assert await kit.phone().text("STOP") == ([] if taken else ["Stopped."])
            assert bool(kit.service.notes) is taken
            assert await kit.phone().text("UNSUBSCRIBE") == []


async def test_the_app_is_told_at_start_which_word_it_never_hears(caplog):
    app = echo()

    @app.on("STOP")
    def stop(chat: Chat) -> None: ...

    async with Kit(app, switches=["optout"]) as kit:
        [note] = kit.service.notes
        assert "simulated itself acts on STOP" in note
        assert 'like @app.on("STOP", "HALT")' in note
    [told] = [record for record in caplog.records if record.message == "word-taken"]
    assert told.levelname == "WARNING"


# Plain words


async def test_a_wish_in_plain_words_silences():
    async with Kit(echo()) as kit:
        phone = kit.phone()
        assert await phone.text("Please stop texting me!") == []
        assert await phone.text("hello") == []
        [silence] = await kit.store.opt_outs(kit.number, phone.number)
        assert (silence.source, silence.text) == ("phrase", "Please stop texting me!")


async def test_in_doubt_people_are_asked_and_nothing_else_is_done():
    async with Kit(echo()) as kit:
        phone = kit.phone()
        question = "Do you want no more texts from us? Reply STOP."
        assert await phone.text("please remove me") == [question]
        assert await phone.text("hello") == ["You said hello"]
        assert await phone.text("How do I unsubscribe?") == [question]
        assert await phone.text("STOP") == []


async def test_a_handler_for_such_words_goes_before_the_question():
    app = echo()

    @app.on("remove me", "leave me alone")
    def stop(chat: Chat) -> str:
        return "Stopped."

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("Please, remove me") == [
            "Do you want no more texts from us? Reply STOP."
        ]
        assert await phone.text("remove me") == ["Stopped."]
        assert await phone.text("Leave me alone!") == ["Stopped."]


async def test_in_a_question_that_waits_a_wish_is_an_answer_and_we_ask_besides():
    app = App()

    @app.on(re.compile("(?s).*"))  # takes every text, as a question does that waits
    def note(chat: Chat) -> str:
        return f"Noted: {chat.text}"

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("BOOK") == ["Noted: BOOK"]
        ask(kit, phone)
        assert await phone.text("stop texting me") == [
            "Noted: stop texting me",
            "Do you want no more texts from us? Reply STOP.",
        ]
        assert await phone.text("STOP") == []
        assert (await kit.store.counts()).opted_out == 1


def ask(kit, phone):
    """Let a question wait for a person, as a dialogue's turn does."""
    conversation = conversation_id(kit.number, phone.number)
    with closing(sqlite3.connect(kit._database_path)) as db, db:
        db.execute("update conversations set is_asking = 1 where id = ?", (conversation,))
    db.close()


DOUBT = "Do you want no more texts from us? Reply STOP."


@pytest.mark.parametrize(
    "doubt", ["please remove me", "Wrong number", "not interested", "Please stop texting me"]
)
async def test_a_doubtful_wish_is_asked_about_and_no_question_swallows_it(doubt):
    app = App(too_many="Call us.")

    @app.dialogue("BOOK")
    async def book(chat: Chat) -> str:
        name = await chat.ask("Name?")
        day = await chat.choose("Day?", ["Friday", "Not interested"], attempts=1)
        sure = await chat.confirm("Sure?", attempts=1)
        return f"{name}, {day}, {sure}, {await chat.receive()}"

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("BOOK") == ["Name?"]
        assert await phone.text(doubt) == [DOUBT]
        await kit.restart()
        assert await phone.text("Ann") == ["Day?\n1. Friday\n2. Not interested"]
        if doubt == "not interested":  # as the menu offers it
            assert await phone.text(doubt) == ["Sure?"]
        else:
            assert await phone.text(doubt) == [DOUBT]
            assert await phone.text("friday") == ["Sure?"]
        assert await phone.text(doubt) == [DOUBT]
        assert await phone.text("yes") == []
        assert await phone.text(doubt) == [DOUBT]
        assert (await phone.text("bye"))[0].endswith("True, bye")


async def test_a_word_with_a_courtesy_opts_out_while_a_question_waits():
    app = App()

    @app.dialogue("BOOK")
    async def book(chat: Chat) -> str:
        return await chat.ask("Name?")

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("BOOK") == ["Name?"]
        assert await phone.text("Stop. Thank you\nSent from my iPhone") == []
        assert (await kit.store.counts()).opted_out == 1
        assert await phone.text("Ann") == []


@EVERYWHERE
async def test_an_opt_out_holds_for_every_spelling_of_the_number(world):
    app = echo()
    async with Kit(app, **world) as kit:
        phone = kit.phone()
        await phone.text("STOP")
        national = phone.number.removeprefix("+61")
        for spelling in (f"+610{national}", f"+61 (0){national}", f"0011 61 {national}", f"0{national},",
                         f"tel:{phone.number}", f"0061{national}", f"\u202a+61\u2011{national}\u202c"):  # fmt: skip
            with pytest.raises(OptedOut):
                await app.send(spelling, "News!")


# HELP


async def test_help_names_the_way_out_where_the_app_has_none():
    async with Kit(echo()) as kit:
        assert await kit.phone().text("HELP") == [
            "These texts are sent by a computer. To get no more of them, reply STOP."
        ]
    async with Kit(echo(help="Bike shop. 9 to 5. {word} ends this.")) as kit:
        assert await kit.phone().text("help!") == ["Bike shop. 9 to 5. STOP ends this."]
    async with Kit(echo(help=None)) as kit:
        assert await kit.phone().text("HELP") == ["You said HELP"]


async def test_an_apps_own_help_goes_before():
    app = echo()

    @app.on("HELP")
    def help(chat: Chat) -> str:
        return "Call 000."

    async with Kit(app) as kit:
        assert await kit.phone().text("help") == ["Call 000."]


# No handler can delay a STOP


@EVERYWHERE
async def test_a_handler_that_raises_delays_no_stop(world):
    app = App(sorry="Sorry.")

    @app.otherwise
    def fail(chat: Chat) -> str:
        raise ValueError("broken")

    async with Kit(app, **world) as kit:
        phone = kit.phone()
        await phone.text("hello")
        await phone.text("STOP")
        assert (await kit.store.counts()).opted_out == 1
        await kit.wait(timedelta(minutes=30))
        assert phone.inbox == []


async def test_a_handler_that_hangs_delays_no_stop_and_its_reply_never_leaves():
    app, held = App(), threading.Event()

    @app.on("SYNC")
    def hang(chat: Chat) -> str:
        assert held.wait(90)
        return "late"

    async with Kit(app) as kit:
        phone = kit.phone()
        kit.send(phone, "SYNC")
        await asyncio.sleep(0.1)
        kit.send(phone, "STOP")
        deadline = time.monotonic() + 60
        while not (await kit.store.counts()).opted_out:
            assert time.monotonic() < deadline, "the STOP waits for the handler"
            await asyncio.sleep(0.01)
        held.set()
        await kit.quiet()
        assert phone.inbox == []
        assert "late: cancelled" in [
            f"{entry.text}: {entry.status}"
            for entry in await kit.store.history(kit.number, phone.number, 10)
        ]


async def test_what_was_queued_by_another_process_is_not_sent_either():
    async with Kit(echo()) as kit:
        phone = kit.phone()
        await phone.text("STOP")
        for kind in Priority:
            letter = ProactiveOutbound(
                kit.number, phone.number, NewOutbound(text="x", priority=kind)
            )
            await kit.store.enqueue([letter])
        await kit.wait(60)
        assert phone.inbox == []


async def test_a_text_that_is_tried_again_is_not_sent_after_a_stop():
    async with Kit(echo()) as kit:
        phone = kit.phone()
        kit.fault("error-503", 3, on="POST /texts")
        kit.send(phone, "hello")
        await kit.clock.wait_until_idle()
        await phone.text("STOP")
        await kit.wait(timedelta(minutes=10))
        assert phone.inbox == []


# Whatever happens, in whatever order


STEP = st.sampled_from(
    ["STOP", "unsubscribe", "START", "hello", "send", "later", "bulk", "fault", "wait", "restart"]
)
OUT, IN = {"STOP", "unsubscribe"}, {"START"}


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.tuples(st.integers(0, 1), STEP), min_size=4, max_size=25),
    world=st.sampled_from([world for world in WORLDS if world.get("push", True)]),
)
async def test_nothing_to_who_opted_out_ever_leaves(steps, world):
    """Texts are pushed here: a STOP that nobody has read yet is known to nobody."""
    async with Kit(echo(), **world) as kit:
        people = [kit.phone(), kit.phone()]
        out = [False, False]
        for who, step in steps:
            phone = people[who]
            heard = [len(one.inbox) for one in people]
            if step in OUT | IN | {"hello"}:
                out[who] = step in OUT if step in OUT | IN else out[who]
                await phone.text(step)
            elif step in {"send", "later"}:
                at = kit.clock.now() + timedelta(seconds=90) if step == "later" else None
                try:
                    await kit.app.send(phone.number, step, at=at)
                    assert not out[who]
                except OptedOut:
                    assert out[who]
            elif step == "bulk":
                draft = NewOutbound(text="bulk", priority=Priority.BULK)
                await kit.store.enqueue([ProactiveOutbound(kit.number, phone.number, draft)])
                kit.service.parts.senders.wake_all()
            elif step == "fault":
                sends = "/messages/sms" if "provider" in world else "/texts"
                kit.fault("error-503", 2, on=f"POST {sends}")
            elif step == "restart":
                await kit.restart()
            else:
                await kit.wait(45)
            await kit.quiet()
            for one, silent, before in zip(people, out, heard, strict=True):
                assert not silent or len(one.inbox) == before
        await kit.wait(timedelta(hours=1))
        for phone, silent in zip(people, out, strict=True):
            [*_, last] = [None, *await kit.store.opt_outs(kit.number, phone.number)]
            assert silent == (last is not None and last.lifted_at is None)
            before = len(phone.inbox)
            await phone.text("still there?")
            await kit.wait(timedelta(hours=12))  # many sends may have to fail before
            assert (len(phone.inbox) > before) is not silent


# What only the company knows


async def test_the_providers_list_is_read_at_the_start_and_every_day():
    app = echo()
    async with Kit(app, provider="telstra-v3", push=False, poll_interval=3600) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("hello")
        await kit.stop()
        silence_at_telstra(kit, anna)
        await kit.start()
        with pytest.raises(OptedOut):
            await app.send(anna.number, "news")
        silence_at_telstra(kit, ben)
        await kit.wait(timedelta(days=1, minutes=1))
        assert (await kit.store.counts()).opted_out == 2
        [silence] = await kit.store.opt_outs(kit.number, ben.number)
        assert silence.source == "provider"


def silence_at_telstra(kit, phone):
    """Let a person opt out by a text that never reaches us, as it may be lost."""
    (api,) = (api for api in kit.simulator.apis if api.name == "telstra-v3")
    (account,) = api._clients.accounts
    kit.send(phone, "QUIT")
    account.messages.popitem()


# What the log and the inspector hear


@pytest.mark.parametrize(
    ("words", "is_asked", "opted_out"),
    [
        ("STOP", False, True),
        ("Please stop texting me", False, True),
        ("Please stop texting me", True, False),  # an answer, for as long as a question waits
    ],
)
async def test_an_opt_out_and_each_text_that_it_cancels_are_events(words, is_asked, opted_out):
    app, heard = echo(), []

    @app.dialogue("ASK")
    async def ask(chat):
        await chat.ask("Yes?")

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("ASK" if is_asked else "hello")
        tomorrow = kit.clock.now() + timedelta(days=1)
        ids = [await kit.app.send(anna.number, text, at=tomorrow) for text in ("one", "two")]
        kit.service.events.subscribe(heard.append)
        await anna.text(words)
    recorded = [event.consent for event in heard if isinstance(event, OptOutRecorded)]
    cancelled = [event.outbounds for event in heard if isinstance(event, TextsCancelled)]
    assert recorded == ["out"] * opted_out
    assert [[text.id for text in texts] for texts in cancelled] == [ids] * opted_out
