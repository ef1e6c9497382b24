"""What an app may say, heard from a phone: the whole engine, from the text to the reply."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from support.text_limit import lift_text_limit

from cooee import App, Chat, DefinitionError, NotRunning, NotSendable, Reply, Routes, TooLong
from cooee.core.app.app import SORRY_TEXT
from cooee.core.messages import conversation_id
from cooee.testing import Kit

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
WORLDS = [
    {},
    {"push": False, "poll_interval": 60},
    {"provider": "telstra-v2"},
    {"provider": "telstra-v2", "push": False, "poll_interval": 60},
]


# What a handler says


async def test_handlers_may_wait_or_not():
    app = App()
    threads = []

    @app.on("SYNC")
    def sync(chat: Chat) -> str:
        threads.append(threading.current_thread())
        return "sync"

    @app.on("ASYNC")
    async def waits(chat: Chat) -> str:
        threads.append(threading.current_thread())
        await asyncio.sleep(0)
        return "async"

    async with Kit(app) as kit:
        phone = kit.phone()
        await phone.follow("> SYNC\n< sync\n> ASYNC\n< async\n> SYNC\n> ASYNC\n< sync\n< async")
    assert threads[0] is not threading.main_thread()
    assert threads[1] is threading.main_thread()


async def test_texts_go_out_in_the_order_they_are_said_and_the_returned_one_last():
    app = App()

    @app.on("COUNT")
    def count(chat: Chat) -> Reply:
        chat.say("one")
        chat.say(Reply("two"))
        chat.say(None)
        chat.say("")
        return Reply("three")

    @app.on("NOTHING")
    def nothing(chat: Chat) -> None:
        pass

    async with Kit(app) as kit:
        assert await kit.phone().text("COUNT") == ["one", "two", "three"]
        assert await kit.phone().text("NOTHING") == []


async def test_a_reply_that_is_no_reply_fails_the_turn_and_says_what_one_is():
    app = App(sorry=None)

    @app.on("NUMBER")
    def number(chat: Chat) -> int:
        return 42

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("NUMBER") == []
        (trouble,) = await kit.troubles(phone)
        assert "A reply is a str, a Reply or None, and this is a int: 42" in trouble


# What reaches which handler


async def test_patterns_hand_over_their_fields():
    app = App()

    @app.on("ADD {n:d}", "PLUS {n:d}")
    def add(chat: Chat, n: int) -> str:
        return f"{n + 1}"

    @app.on("TELL {who} {what:rest}")
    async def tell(chat: Chat, who: str, what: str) -> str:
        return f"{who}: {what}"

    @app.on(re.compile(r"(?P<hour>\d\d):(?P<minute>\d\d)"))
    def at(chat: Chat, hour: str, minute: str) -> str:
        return f"{minute} past {hour}"

    @app.otherwise
    def explain(chat: Chat) -> str:
        return "?"

    async with Kit(app) as kit:
        await kit.phone().follow("""
            > add 3
            < 4
            > Plus 5!
            < 6
            > tell Ben  I am late
            < Ben: I am late
            > 07:30
            < 30 past 07
            > ADD three
            < ?
        """)


async def test_a_text_that_nobody_answers_is_handled_without_a_reply():
    app = App()
    app.on("HELLO")(lambda chat: "Hello!")
    async with Kit(app) as kit:
        phone = kit.phone()
        await phone.follow("> What?\n> HELLO\n< Hello!")
        first, *_ = await kit.store.history(kit.number, phone.number, 10)
        assert (first.text, first.status) == ("What?", "handled")


async def test_keywords_go_before_patterns_and_patterns_before_otherwise():
    app = App()
    app.otherwise(lambda chat: "otherwise")
    app.on("ADD {what}")(lambda chat, what: "pattern")
    app.on("ADD nothing")(lambda chat: "keyword")
    app.on("HELP", always=True)(lambda chat: "always")
    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("add nothing") == ["keyword"]
        assert await phone.text("add some") == ["pattern"]
        assert await phone.text("subtract") == ["otherwise"]
        assert await phone.text("help") == ["always"]


async def test_routes_of_other_files_are_included():
    routes = Routes()
    routes.on("HELLO")(lambda chat: "Hello!")
    routes.otherwise(lambda chat: "?")
    app = App()
    app.on("BYE")(lambda chat: "Bye!")
    app.include(routes)
    async with Kit(app) as kit:
        await kit.phone().follow("> HELLO\n< Hello!\n> BYE\n< Bye!\n> What\n< ?")


def test_two_handlers_for_one_word_are_shown_with_both_lines():
    app = App()

    @app.on("STOP now")
    def first(chat: Chat) -> None: ...

    with pytest.raises(DefinitionError) as error:

        @app.on("stop  NOW!")
        def second(chat: Chat) -> None: ...

    lines = re.findall(r"(\S*first|\S*second)    (\S+test_app\.py):(\d+)", str(error.value))
    assert [name.rpartition(".")[2] for name, *_ in lines] == ["first", "second"]
    assert int(lines[0][2]) < int(lines[1][2])


def test_a_pattern_that_does_not_fit_its_handler_is_shown_beside_it():
    app = App()
    with pytest.raises(DefinitionError) as error:

        @app.on("ADD {n:d}")
        def add(chat: Chat, amount: int) -> None: ...

    words = str(error.value)
    assert "on      'ADD {n:d}'" in words
    assert "def     " in words
    assert "(chat: 'Chat', amount: 'int') -> 'None'" in words
    assert "test_app.py" in words
    assert "add(chat, n: int)" in words


# State


@dataclass
class Basket:
    things: list[str] = field(default_factory=list)
    at: datetime | None = None


def basket_app():
    app = App(state=Basket)

    @app.on("PUT {thing}")
    def put(chat: Chat[Basket], thing: str) -> str:
        chat.state.things.append(thing)
        chat.state.at = chat.now
        return f"{len(chat.state.things)} in it."

    @app.on("LOSE {thing}")
    def lose(chat: Chat[Basket], thing: str) -> str:
        chat.state.things.append(thing)
        raise ValueError("dropped it")

    @app.on("EMPTY")
    def empty(chat: Chat[Basket]) -> str:
        chat.state = Basket()
        return "Empty."

    @app.on("SHOW")
    async def show(chat: Chat[Basket]) -> str:
        return ", ".join(chat.state.things) or "Nothing."

    return app


async def test_state_is_kept_mutated_or_assigned_for_each_person_over_a_restart():
    async with Kit(basket_app()) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.follow("> SHOW\n< Nothing.\n> PUT bread\n> PUT milk\n< 1 in it.\n< 2 in it.")
        await kit.restart()
        await anna.follow("> SHOW\n< bread, milk")
        await ben.follow("> SHOW\n< Nothing.")
        await anna.follow("> EMPTY\n< Empty.\n> SHOW\n< Nothing.")


async def test_a_turn_that_fails_leaves_the_state_as_it_was():
    async with Kit(basket_app()) as kit:
        await kit.phone().follow("""
            > PUT bread
            < 1 in it.
            > LOSE milk
            ... 1 hour
            < Sorry*
            > SHOW
            < bread
        """)


async def test_fields_that_a_class_does_not_know_survive_its_turns():
    @dataclass
    class Newer(Basket):
        coupon: str = ""

    newer, app = App(state=Newer), basket_app()

    @newer.on("COUPON {code}")
    def coupon(chat: Chat[Newer], code: str) -> str:
        chat.state.coupon = code
        return "Thanks."

    @newer.on("SHOW")
    def show(chat: Chat[Newer]) -> str:
        return f"{chat.state.things} {chat.state.coupon}"

    async with Kit(newer) as kit:
        phone = kit.phone()
        await phone.text("COUPON abc")
        await kit.stop()
        kit.app = app  # a rollback
        await kit.start()
        await phone.follow("> PUT bread\n< 1 in it.")
        await kit.stop()
        kit.app = newer
        await kit.start()
        await phone.follow("> SHOW\n< ['bread'] abc")


async def test_a_state_of_another_class_fails_the_turn_and_tells_which():
    app = App(state=Basket, sorry=None)

    @app.on("SWAP")
    def swap(chat: Chat) -> str:
        chat.state = {"things": []}
        return "Swapped."

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("SWAP") == []
        (trouble,) = await kit.troubles(phone)
        assert (
            "StateError: chat.state was given a dict, and this app's state is a Basket" in trouble
        )


# What a handler holds


async def test_a_chat_knows_its_people_and_its_text():
    app = App()

    @app.otherwise
    def tell(chat: Chat) -> str:
        assert chat.message.text == chat.text
        assert chat.message.sender == chat.theirs
        return f"{chat.theirs} to {chat.ours}: {chat.text} at {chat.now.isoformat()}"

    async with Kit(app) as kit:
        phone = kit.phone()
        (reply,) = await phone.text("hello")
        assert reply == f"{phone.number} to {kit.number}: hello at {NEW_YEAR.isoformat()}"


async def test_history_is_what_was_said_oldest_first_and_no_later_text_is_in_it():
    app = App()

    @app.on("HISTORY {n:d}")
    async def history(chat: Chat, n: int) -> str:
        return " | ".join(f"{line.said_by}: {line.text}" for line in await chat.history(n))

    @app.on("HELLO")
    def hello(chat: Chat) -> str:
        return "Hi!"

    async with Kit(app) as kit:
        await kit.phone().follow("""
            > HELLO
            < Hi!
            > HISTORY 10
            > HELLO
            < them: HELLO | us: Hi! | them: HISTORY 10
            < Hi!
            > HISTORY 1
            < them: HISTORY 1
        """)


async def test_a_token_is_the_same_in_every_retry_and_another_in_every_turn():
    app = App()
    tokens = []

    @app.on("FLAKY")
    def flaky(chat: Chat) -> str:
        tokens.append(chat.token)
        if len(tokens) < 3:
            raise ConnectionError("not yet")
        return "At last."

    @app.otherwise
    def other(chat: Chat) -> None:
        tokens.append(chat.token)

    async with Kit(app) as kit:
        await kit.phone().follow("> FLAKY\n... 1 minute\n< At last.\n> other")
    assert len(tokens) == 4
    assert len(set(tokens[:3])) == 1
    assert tokens[3] != tokens[0]


async def test_services_live_as_long_as_the_app_runs():
    log = []

    @contextlib.asynccontextmanager
    async def lifespan():
        log.append("opened")
        yield {"greeting": "G'day"}
        log.append("closed")

    app = App(lifespan=lifespan)

    @app.on("HELLO")
    def hello(chat: Chat) -> str:
        log.append("used")
        return chat.services["greeting"]

    async with Kit(app) as kit:
        assert await kit.phone().text("HELLO") == ["G'day"]
        await kit.restart()
    assert log == ["opened", "used", "closed", "opened", "closed"]


async def test_around_wraps_every_turn_outermost_first():
    app = App()
    log = []

    @app.around
    async def outer(chat, proceed):
        log.append(f"outer {chat.text}")
        try:
            return await proceed()
        finally:
            log.append("outer end")

    @app.around
    async def inner(chat, proceed):
        log.append("inner")
        return f"({await proceed()})"

    @app.on("SYNC")
    def sync(chat: Chat) -> str:
        return "a"

    @app.on("ASYNC")
    async def waits(chat: Chat) -> str:
        return "b"

    async with Kit(app) as kit:
        await kit.phone().follow("> SYNC\n< (a)\n> ASYNC\n< (b)")
    assert log == ["outer SYNC", "inner", "outer end", "outer ASYNC", "inner", "outer end"]


async def test_an_around_that_raises_fails_the_turn():
    app = App()
    app.on("HELLO")(lambda chat: "Hello!")

    @app.around
    async def refuse(chat, proceed):
        raise PermissionError("not you")

    async with Kit(app) as kit:
        phone = kit.phone()
        await phone.text("HELLO")
        (trouble,) = await kit.troubles(phone)
        assert "PermissionError: not you" in trouble


# What happens when a handler fails


def failing_app(**options):
    app = App(**options)
    app.attempts = []

    @app.on("FAIL")
    def fail(chat: Chat) -> str:
        app.attempts.append((chat.theirs, app.clock.now() - NEW_YEAR))
        chat.say("This must never be heard.")
        raise RuntimeError("broken")

    @app.on("HELLO")
    def hello(chat: Chat) -> str:
        return "Hello!"

    return app


async def test_a_handler_that_fails_is_tried_again_while_that_persons_later_texts_wait():
    app = failing_app()
    async with Kit(app) as kit:
        app.clock = kit.clock
        anna, ben = kit.phone(), kit.phone()
        assert await anna.text("FAIL") == []
        assert await anna.text("HELLO") == []  # it waits
        assert await ben.text("HELLO") == ["Hello!"]  # who is not disturbed
        await kit.wait(155)
        assert anna.read() == []
        assert len(app.attempts) == 4
        await kit.wait(1)
        assert anna.read() == [SORRY_TEXT, "Hello!"]
        await kit.wait(timedelta(days=2))
        assert anna.read() == []
        pauses = [at.total_seconds() for _, at in app.attempts]
        assert pauses == [0, 1, 6, 36, 156]
        first, *_ = await kit.store.history(kit.number, anna.number, 10)
        assert first.status == "set aside"
        assert re.fullmatch(r"RuntimeError: broken \(.*test_app\.py:\d+\)", first.error)
        assert (await kit.store.counts()).set_aside == 1


async def test_a_text_that_was_set_aside_can_be_run_again_once_the_code_is_mended():
    app = failing_app()
    async with Kit(app) as kit:
        app.clock = kit.clock
        phone = kit.phone()
        await phone.follow("> FAIL\n... 1 hour\n< Sorry*")
        await kit.stop()
        mended = kit.app = App()
        mended.on("FAIL")(lambda chat: "Mended.")
        await kit.start()
        assert await kit.store.retry(phone.number) == 1
        kit.service.parts.worker.wake()
        await kit.quiet()
        assert phone.read() == ["Mended."]
        assert (await kit.store.counts()).set_aside == 0


async def test_sorry_may_be_worded_or_left_unsaid():
    for sorry, said in [("Oh no!", ["Oh no!"]), (None, [])]:
        app = failing_app(sorry=sorry)
        async with Kit(app) as kit:
            app.clock = kit.clock
            phone = kit.phone()
            await phone.text("FAIL")
            await phone.wait(3600)
            assert phone.read() == said


@pytest.mark.parametrize("sync", [True, False])
async def test_on_error_words_the_apology_once_the_last_attempt_has_failed(sync):
    app = failing_app()
    heard = []

    def sorry(chat: Chat, error: Exception) -> str:
        heard.append(error)
        chat.say(f"About {chat.text}:")
        return f"That failed: {error}."

    async def waits(chat: Chat, error: Exception) -> str:
        await asyncio.sleep(0)
        return sorry(chat, error)

    app.on_error(sorry if sync else waits)
    async with Kit(app) as kit:
        app.clock = kit.clock
        await kit.phone().follow("""
            > FAIL
            > HELLO
            ... 1 hour
            < About FAIL:
            < That failed: broken.
            < Hello!
        """)
    assert len(heard) == 1


async def test_an_on_error_that_fails_itself_falls_back_on_sorry():
    app = failing_app(sorry="Oh no!")

    @app.on_error
    def worse(chat: Chat, error: Exception) -> str:
        raise RuntimeError("worse")

    async with Kit(app) as kit:
        app.clock = kit.clock
        await kit.phone().follow("> FAIL\n... 1 hour\n< Oh no!\n> HELLO\n< Hello!")


async def test_earlier_texts_of_a_batch_stand_when_a_later_one_fails():
    app = failing_app()
    async with Kit(app) as kit:
        app.clock = kit.clock
        await kit.phone().follow("""
            > HELLO
            > FAIL
            > HELLO
            < Hello!
            ... 1 hour
            < Sorry*
            < Hello!
        """)


async def test_a_handler_that_ends_the_process_ends_only_its_turn():
    app = App(sorry="Oh no!")

    @app.on("EXIT")
    def leave(chat: Chat) -> str:
        raise SystemExit(1)

    @app.on("EXIT ASYNC")
    async def leave_waiting(chat: Chat) -> str:
        raise KeyboardInterrupt

    app.on("HELLO")(lambda chat: "Hello!")
    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        kit.send(ben, "EXIT ASYNC")
        await anna.follow("> EXIT\n... 1 hour\n< Oh no!\n> HELLO\n< Hello!")
        assert ben.read() == ["Oh no!"]


# We write first


async def test_a_text_may_be_sent_first_later_or_only_while_it_is_good():
    app = App()
    async with Kit(app) as kit:
        phone = kit.phone()
        await app.send(phone.number, "now")
        await app.send(phone.number, "later", at=NEW_YEAR + timedelta(minutes=1))
        await kit.quiet()
        assert phone.read() == ["now"]
        await kit.wait(60)
        assert phone.read() == ["later"]
        kit.fault("error-503", 3, on="POST /texts")
        await app.send(phone.number, "stale", good_for=timedelta(seconds=2))
        await kit.wait(3600)
        assert phone.read() == []
        *_, last = await kit.store.history(kit.number, phone.number, 10)
        assert (last.text, last.status) == ("stale", "expired")


async def test_a_key_sends_one_text_to_each_person_however_often():
    app = App()
    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        first = await app.send(anna.number, "online", key="online")
        again = await app.send(anna.number, "online again", key="online")
        await kit.restart()
        later = await app.send(anna.number.replace("+61", "0"), "online", key="online")
        assert first == again == later
        assert await app.send(ben.number, "online", key="online") != first
        await kit.quiet()
        assert (anna.read(), ben.read()) == (["online"], ["online"])


@pytest.mark.parametrize("key", [0, "", ["a"], "x" * 5_000])
async def test_a_key_that_is_no_text_is_refused(key):
    app = App()

    @app.dialogue()
    async def ask(chat):
        await chat.ask("?")

    async with Kit(app) as kit:
        anna = kit.phone()
        with pytest.raises(DefinitionError, match="is no name"):
            await app.send(anna.number, "Hello", key=key)
        with pytest.raises(DefinitionError, match="is no name"):
            await app.start(ask, anna.number, key=key)


@pytest.mark.parametrize(
    "to",
    [
        *("", " ", "Anna", "+", "61", "12", "+61", "+6149157015612345678", "a@b.c", "\u200b"),
        *("19927", "611", "+61491570156000", "sms:", "INFO", "0491570156,0491570157", "4" * 50),
    ],
)
async def test_what_is_no_number_is_refused_at_the_call(to):
    app = App()

    @app.dialogue("BOOK")
    async def book(chat):
        await chat.ask("For how many?", int)

    async with Kit(app) as kit:
        with pytest.raises(NotSendable, match="is not a number that can be texted"):
            await app.send(to, "Hello")
        with pytest.raises(NotSendable, match="is not a number that can be texted"):
            await app.start(book, to)
        counts = await kit.store.counts()
        assert (counts.conversations, counts.queued, counts.open_dialogues) == (0, 0, 0)


@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3", "twilio", "simulated"])
@pytest.mark.parametrize("spelling", ["+61{}", "0{}", "001161{}", "tel:+61{}", " +61{} "])
async def test_a_number_of_ours_is_no_recipient_in_any_spelling(provider, spelling):
    app = App()

    @app.dialogue("BOOK")
    async def book(chat):
        await chat.ask("For how many?", int)

    async with Kit(app, provider=provider) as kit:
        await kit.store.add_our_number("+61491570159")  # of an earlier run
        for ours in (kit.number, "+61491570159"):
            to = spelling.format(ours.removeprefix("+61"))
            with pytest.raises(NotSendable, match="a number of ours"):
                await app.send(to, "Hello")
            with pytest.raises(NotSendable, match="a number of ours"):
                await app.start(book, to)
        assert (await kit.store.counts()).conversations == 0


@pytest.mark.parametrize("text", ["", " ", "\n", "\u200b", "\u2060 \ufeff", "\u3164"])
async def test_a_text_without_words_is_refused_at_the_call(text):
    app = App()
    async with Kit(app) as kit:
        with pytest.raises(NotSendable, match="has no words"):
            await app.send("+61491570156", text)
        assert (await kit.store.counts()).queued == 0


@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3", "twilio", "simulated"])
async def test_what_the_provider_would_refuse_for_its_length_is_refused_before(provider):
    app = App(most_segments=None, sorry="Sorry.")

    @app.on("LONG {n:d}")
    def long(chat, n):
        return "x" * n

    async with Kit(app, provider=provider) as kit:
        limit = kit.service.provider.features.max_text
        with pytest.raises(TooLong, match=f"the provider takes {limit}"):
            await app.send("+61491570156", "x" * (limit + 1))
        anna = kit.phone()
        assert await anna.text(f"LONG {limit + 1}") == ["Sorry."]
        assert await anna.text(f"LONG {limit}") == ["x" * limit]
        counts = await kit.store.counts()
        assert (counts.set_aside, counts.failed) == (1, 0)


@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3", "twilio", "simulated"])
async def test_a_long_text_is_split_where_the_app_says_so(provider):
    app = App(long_texts="split")
    story = " ".join(f"word{n}" for n in range(500))

    @app.on("TELL")
    def tell(chat):
        chat.say("Once:")
        return story

    @app.dialogue("ASK")
    async def ask(chat):
        return f"Well, {await chat.ask(story + '?')}."

    async with Kit(app, provider=provider) as kit:
        limit = kit.service.provider.features.max_text
        anna = kit.phone()
        first, *parts = await anna.text("TELL")
        assert first == "Once:"
        assert len(parts) > 1
        assert all(len(part) <= limit for part in parts)
        assert " ".join(parts) == story
        assert " ".join(await anna.text("ASK")) == f"{story}?"
        assert await anna.text("yes") == ["Well, yes."]
        id = await app.send(anna.number, story, key="story")
        assert await app.send(anna.number, story, key="story") == id
        await kit.quiet()
        assert " ".join(anna.read()) == story
        assert (await kit.store.counts()).failed == 0


async def test_the_parts_of_a_long_text_come_in_order_and_once_over_a_restart():
    app = App(long_texts="split")
    app.on("TELL")(lambda chat: " ".join(f"word{n}" for n in range(900)))
    async with Kit(app) as kit:
        anna = kit.phone()
        kit.fault("error-503", 3, on="POST /texts")
        kit.send(anna, "TELL")
        await kit.quiet()
        await kit.restart()
        await kit.wait(60)
        assert " ".join(anna.read()).split() == [f"word{n}" for n in range(900)]


def test_what_long_texts_may_be_is_said():
    with pytest.raises(DefinitionError, match='Write "refuse" or "split"'):
        App(long_texts="cut")


async def test_an_app_sends_from_a_handler_and_when_it_starts():
    app = App()

    @app.on_start
    async def announce() -> None:
        await app.send("0491570156", "online")

    @app.on("TELL {who:rest}")
    async def tell(chat: Chat, who: str) -> str:
        await app.send(who, "hello from a friend")
        return "Told."

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        assert anna.read() == ["online"]
        assert await anna.text(f"TELL {ben.number}") == ["Told."]
        assert ben.read() == ["hello from a friend"]


async def test_an_app_that_does_not_run_cannot_send():
    app = App()
    with pytest.raises(NotRunning, match="cooee run"):
        await app.send("+61491570156", "hello")
    async with Kit(app) as kit:
        await app.send(kit.phone().number, "hello")
    with pytest.raises(NotRunning):
        await app.send("+61491570156", "hello")


@pytest.mark.parametrize("world", WORLDS, ids=str)
async def test_an_app_hears_once_what_became_of_each_of_its_texts(world, monkeypatch):
    lift_text_limit(monkeypatch)
    app = App(sorry=None)
    delivered, failed = [], []

    @app.on_delivered
    async def arrived(outbound) -> None:
        delivered.append(outbound.text)

    @app.on_failed
    def lost(outbound) -> None:
        failed.append(outbound.text)

    app.on("LONG")(lambda chat: "x" * 3000)
    app.otherwise(lambda chat: f"You said {chat.text}")
    async with Kit(app, **world) as kit:
        phone = kit.phone()
        await phone.text("hello")
        await phone.text("LONG")
        await phone.wait(timedelta(days=1))
        await kit.restart()
        await phone.wait(timedelta(hours=1))
    assert delivered == ["You said hello"]
    assert failed == ["x" * 3000]


async def test_news_handlers_that_fail_stop_nothing():
    app = App()
    app.on_delivered(lambda outbound: 1 / 0)
    app.otherwise(lambda chat: "ok")
    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("a") == ["ok"]
        assert await phone.text("b") == ["ok"]


# Many at once


async def test_a_hundred_people_with_twenty_texts_each_stay_in_order():
    class Count(msgspec.Struct):
        n: int = 0

    app = App(state=Count)

    @app.otherwise
    async def echo(chat: Chat[Count]) -> str:
        chat.state.n += 1
        await asyncio.sleep(0)
        return f"{chat.text} {chat.state.n}"

    async with Kit(app) as kit:
        phones = [kit.phone() for _ in range(100)]
        for n in range(1, 21):
            for phone in phones:
                kit.send(phone, str(n))
        await kit.quiet()
        expected = [f"{n} {n}" for n in range(1, 21)]
        assert all(phone.read() == expected for phone in phones)
        assert len({conversation_id(kit.number, phone.number) for phone in phones}) == 100
