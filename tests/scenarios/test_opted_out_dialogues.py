"""A dialogue of a person who opted out: nothing answers a question that the person cannot see."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee import App, Chat, NoReply, OptedOut
from cooee.core.messages import Inbound
from cooee.testing import Kit

DAY_MENU = "Day?\n1. Friday\n2. Sunday"


def booking():
    """An app that books: a name, a day and a confirmation; `booked` has what came of it."""
    app, booked = App(), []

    @app.dialogue("BOOK")
    async def book(chat: Chat) -> str:
        name = await chat.ask("Name?")
        day = await chat.choose("Day?", ["Friday", "Sunday"])
        if not await chat.confirm("Sure?"):
            return "Then not."
        await chat.once(booked.append, (name, day))
        return f"Booked for {name}."

    @app.otherwise
    def echo(chat: Chat) -> str:
        return f"You said {chat.text}."

    return app, booked


WAYS_OUT = ["STOP", "UNSUBSCRIBE", "Stop. Thank you", "ARRET"]


@pytest.mark.parametrize("word", WAYS_OUT)
async def test_no_text_answers_a_question_after_stop_and_start_asks_it_again(word):
    app, booked = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("BOOK") == ["Name?"]
        assert await anna.text("Ann") == [DAY_MENU]
        assert await anna.text("Friday") == ["Sure?"]
        assert await anna.text(word) == []
        for text in ("yes", "👍", "no", "Friday", "1", "hello"):
            assert await anna.text(text) == []
        await kit.restart()
        assert await anna.text("yes") == []
        assert booked == []
        assert await anna.text("START") == ["Sure?"]
        assert await anna.text("yes") == ["Booked for Ann."]
    assert booked == [("Ann", "Friday")]


BATCHES = [
    # the texts of one poll, what comes of them, and the question that waits then
    (["STOP", "yes"], [], ""),
    (["STOP", "START"], ["Sure?"], "Sure?"),
    (["STOP", "yes", "START"], ["Sure?"], "Sure?"),
    (["STOP", "no", "START", "STOP"], ["Sure?"], ""),
    (["STOP", "no", "START", "STOP", "yes", "START"], ["Sure?", "Sure?"], "Sure?"),
    (["STOP", "STOP", "yes", "UNSTOP"], ["Sure?"], "Sure?"),
    (["STOP", "BOOK", "Ben", "START"], ["Name?"], "Name?"),
]


@pytest.mark.parametrize(("texts", "replies", "waiting"), BATCHES)
@pytest.mark.parametrize("together", [True, False])
async def test_texts_of_one_claim_answer_only_what_can_be_seen(texts, replies, waiting, together):
    app, booked = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Ann", "Friday"):
            await anna.text(text)
        await receive(kit, anna, texts, together=together)
        heard = anna.read()
        # what is said between a START and a STOP of one claim is cancelled by the STOP
        assert heard == ([] if together and texts[-1] == "STOP" else replies)
        assert booked == []
        if not waiting:
            assert await anna.text("START") == ["Sure?"]
            assert await anna.text("yes") == ["Booked for Ann."]
        elif waiting == "Name?":
            assert await anna.text("Bob") == [DAY_MENU]
        else:
            assert await anna.text("yes") == ["Booked for Ann."]


async def receive(kit, phone, texts, *, together):
    """Hand over texts as one poll brings them, or one after another."""
    if not together:
        for text in texts:
            kit.send(phone, text)
            await kit.quiet()
        return
    now = kit.clock.now()
    inbounds = [
        Inbound(sender=phone.number, recipient=kit.number, text=text, received_at=now)
        for text in texts
    ]
    await kit.service.parts.inbound_receiver.receive(inbounds)
    await kit.quiet()


async def test_start_is_answered_by_its_handler_and_then_the_question_is_asked_again():
    app, _ = booking()

    @app.on("START")
    def start(chat: Chat) -> str:
        return f"Welcome back. We were at {chat.question!r}."

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        assert await anna.text("START") == [DAY_MENU]  # it is a name, to who is in
        await anna.text("STOP")
        assert await anna.text("START") == ["Welcome back. We were at 'Day?'.", DAY_MENU]
        assert await anna.text("1") == ["Sure?"]


async def test_a_dialogue_that_start_begins_asks_first_and_the_other_question_comes_back():
    app, _ = booking()

    @app.dialogue("START")
    async def begin(chat: Chat) -> str:
        return f"Hello, {await chat.ask('Who are you?')}."

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("STOP")
        await anna.text("Ann")
        assert await anna.text("START") == ["Who are you?"]
        assert await anna.text("Ben") == ["Hello, Ben.", "Name?"]
        assert await anna.text("Ann") == [DAY_MENU]


async def test_of_several_open_dialogues_start_asks_again_what_waited_last():
    app, _ = booking()

    @app.dialogue("RATE", always=True)
    async def rate(chat: Chat) -> str:
        return f"{await chat.ask('From 1 to 5?', int)}, noted."

    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Ann", "RATE", "STOP", "5", "Friday"):
            await anna.text(text)
        assert await anna.text("START") == ["From 1 to 5?"]
        assert await anna.text("5") == ["5, noted.", DAY_MENU]
        assert await anna.text("Friday") == ["Sure?"]


async def test_a_dialogue_that_begins_while_its_person_is_out_is_asked_for_by_start():
    app, _ = booking()
    async with Kit(app) as kit:
        anna, later = kit.phone(), kit.clock.now() + timedelta(hours=1)
        book = app.routes.dialogue_named("book").handler.function
        await app.start(book, anna.number, at=later)
        await anna.text("STOP")
        with pytest.raises(OptedOut, match="Nothing is begun"):
            await app.start(book, anna.number)
        await kit.wait(timedelta(hours=2))  # the one that was begun before asks, unheard
        assert await anna.text("Ann") == []
        assert await anna.text("START") == ["Name?"]
        await anna.text("STOP")
        assert await anna.text("BOOK") == []  # a second one, unheard as well
        assert await anna.text("Ben") == []
        assert await anna.text("UNSTOP") == ["Name?"]
        assert await anna.text("Bob") == [DAY_MENU]


@pytest.mark.parametrize("fails", [True, False])
async def test_a_stop_before_the_question_is_sent_cancels_it_and_start_asks_it(fails):
    app, _ = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        if fails:  # and would be sent again
            kit.fault("error-503", on="POST /texts")
            await anna.text("BOOK")
            await anna.text("STOP")
        else:
            await receive(kit, anna, ["BOOK", "STOP"], together=True)
        await kit.wait(timedelta(minutes=10))
        assert await anna.text("Ann") == []
        assert await anna.text("START") == ["Name?"]
        assert await anna.text("Ann") == [DAY_MENU]


async def test_start_asks_again_though_its_handler_fails():
    app, booked = booking()
    app.sorry = "Sorry."

    @app.on("START")
    def start(chat: Chat) -> str:
        raise ValueError("broken")

    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Ann", "Friday", "STOP"):
            await anna.text(text)
        assert await anna.text("START") == []  # it is tried again, and what follows waits
        kit.send(anna, "yes")
        await kit.wait(timedelta(days=1))
        assert anna.read()[:2] == ["Sorry.", "Sure?"]
        assert await anna.text("yes") in (["Booked for Ann."], ["You said yes."])
    assert booked == [("Ann", "Friday")]


async def test_a_question_that_was_due_while_its_person_was_out_is_asked_once():
    app, _ = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        book = app.routes.dialogue_named("book").handler.function
        await app.start(book, anna.number, at=kit.clock.now() + timedelta(hours=1))
        await anna.text("STOP")
        await kit.stop()
        await kit.clock.advance(timedelta(hours=2))
        await kit.start()
        kit.send(anna, "START")
        await kit.quiet()
        assert anna.read() == ["Name?"]


# Time goes on


async def test_time_goes_on_for_who_is_out_and_what_is_said_meanwhile_is_lost():
    app, came_to = App(no_reply="Too late."), []

    @app.dialogue("PAY")
    async def pay(chat: Chat) -> str:
        tip = await chat.ask("A tip?", int, timeout=timedelta(hours=1), default=0)
        await chat.once(came_to.append, f"tip {tip}", key="tip")
        try:
            await chat.confirm("Paid?", remind=timedelta(hours=1), timeout=timedelta(hours=4))
        except NoReply:
            await chat.once(came_to.append, "released", key="free")
        await chat.sleep(timedelta(hours=1))
        return f"Rated {await chat.ask('Rate us?', int)}."

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("PAY") == ["A tip?"]
        await anna.text("STOP")
        assert await anna.text("5") == []
        await kit.wait(timedelta(hours=1, minutes=1))
        assert came_to == ["tip 0"]
        assert await anna.text("yes") == []  # "Paid?" was never seen
        await kit.wait(timedelta(hours=4, minutes=1))
        assert came_to == ["tip 0", "released"]
        await kit.wait(timedelta(hours=2))
        assert anna.read() == []
        assert await anna.text("3") == []
        assert await anna.text("START") == ["Rate us?"]
        assert await anna.text("4") == ["Rated 4."]


async def test_a_reminder_is_not_sent_to_who_is_out_and_start_asks_instead():
    app = App()

    @app.dialogue("PAY")
    async def pay(chat: Chat) -> str:
        paid = await chat.confirm(
            "Paid?",
            remind=[timedelta(hours=1), (timedelta(hours=3), "Last call: paid?")],
            timeout=timedelta(hours=6),
            default=False,
        )
        return f"{paid}."

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("PAY")
        await anna.text("STOP")
        await kit.wait(timedelta(hours=2))
        assert anna.read() == []
        assert await anna.text("START") == ["Paid?"]
        await kit.wait(timedelta(hours=1, minutes=1))
        assert anna.read() == ["Last call: paid?"]
        await anna.text("STOP")
        await kit.wait(timedelta(hours=4))
        assert anna.read() == []
        assert await anna.text("START") == []  # nothing waits any more


async def test_a_burst_ends_with_what_came_before_the_stop():
    app, told = App(), []

    @app.dialogue("TELL")
    async def tell(chat: Chat) -> None:
        chat.say("Tell me.")
        await chat.once(told.append, await chat.receive(settle=60))

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("TELL")
        await anna.text("one")
        await anna.text("STOP")
        await anna.text("two")
        await kit.wait(65)
    assert told == ["one"]


# Whatever is texted, in whatever order and however much of it at once


TEXT = st.sampled_from(["STOP", "START", "hello", "yes", "UNSTOP", "optout", "4"])
OUT, IN = {"STOP", "optout"}, {"START", "UNSTOP"}


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(st.just(["restart"]), st.lists(TEXT, min_size=1, max_size=11)), max_size=8)
)
async def test_answers_are_exactly_the_texts_of_who_is_in(batches):
    app, answers = App(), []

    @app.dialogue("GO")
    async def go(chat: Chat) -> None:
        for n in range(100):
            answer = await chat.ask(f"Q{n}?")
            await chat.once(answers.append, answer, key=f"{n}")

    async with Kit(app) as kit:
        anna, expected, is_out = kit.phone(), [], False
        assert await anna.text("GO") == ["Q0?"]
        for batch in batches:
            if batch == ["restart"]:
                await kit.restart()
                continue
            replies = []
            for text in batch:
                if text in OUT or (is_out and text in IN):
                    is_out = text in OUT
                    replies += [] if is_out else [f"Q{len(expected)}?"]
                elif not is_out:
                    expected.append(text)
                    replies.append(f"Q{len(expected)}?")
            await receive(kit, anna, batch, together=True)
            assert answers == expected
            heard = anna.read()
            # what is said between a START and a STOP of one claim is cancelled by the STOP
            assert heard == replies if not OUT.intersection(batch) else not (heard and is_out)
        if is_out:
            assert await anna.text("START") == [f"Q{len(expected)}?"]


# The provider's own words


@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("word", ["YES", "yes", "UNSTOP", "START"])
async def test_twilios_words_lift_here_what_they_lift_there(word, push):
    app, booked = booking()
    async with Kit(app, provider="twilio", push=push, poll_interval=5) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Ann", "Friday"):
            await anna.text(text)
        await anna.text("Cancel")  # which Twilio takes
        assert await anna.text("yes please") == []  # Twilio acts on the word alone
        assert booked == []
        assert "Sure?" in await anna.text(word)
        assert await anna.text("YES") == ["Booked for Ann."]
        [opt_out] = await kit.store.opt_outs(kit.number, anna.number)
        assert (opt_out.text, opt_out.lifted_text) == ("Cancel", word)


async def test_a_yes_is_an_answer_to_who_is_in_and_lifts_nothing_that_twilio_does_not_keep():
    app, booked = booking()
    async with Kit(app, provider="twilio") as kit:
        anna = kit.phone()
        for text in ("BOOK", "YES", "Friday"):
            await anna.text(text)
        await anna.text("Stop. Thank you")  # Twilio does not hear it
        assert await anna.text("YES") == []
        assert booked == []
        assert await anna.text("START") == ["Sure?"]
        assert await anna.text("YES") == ["Booked for YES."]
        assert booked == [("YES", "Friday")]


@pytest.mark.parametrize("provider", ["simulated", "telstra-v2", "telstra-v3"])
async def test_a_yes_lifts_nothing_where_the_provider_does_not_say_so(provider):
    app, booked = booking()
    async with Kit(app, provider=provider) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Ann", "Friday", "STOP", "YES"):
            await anna.text(text)
        assert booked == []
        assert (await kit.store.counts()).opted_out == 1
        assert await anna.text("UNSTOP") == ["Sure?"]


async def test_what_the_provider_reports_of_a_text_asks_the_question_again_too():
    app, booked = booking()
    async with Kit(app) as kit:
        anna = kit.phone()

        async def push(text, consent):
            inbound = Inbound(
                sender=anna.number,
                recipient=kit.number,
                text=text,
                received_at=kit.clock.now(),
                consent=consent,
            )
            await kit.service.parts.inbound_receiver.receive([inbound])
            await kit.quiet()
            return anna.read()

        for text in ("BOOK", "Ann", "Friday"):
            await anna.text(text)
        assert await push("ENOUGH", "out") == []  # words of the customer's own, at the provider
        assert await anna.text("yes") == []
        assert await push("JOIN", "in") == ["Sure?"]
        assert await push("YES", "in") == ["Booked for Ann."]  # who is in: an answer
    assert booked == [("Ann", "Friday")]


async def test_an_opt_out_that_the_providers_list_or_refusal_tells_of_hides_the_question_too():
    for tell in ("list", "refusal"):
        app, booked = booking()
        async with Kit(app, switches=["optout"]) as kit:
            anna = kit.phone()
            for text in ("BOOK", "Ann", "Friday"):
                await anna.text(text)
            if tell == "list":
                await kit.store.record_opt_outs(kit.number, [anna.number])
            else:
                (api,) = (one for one in kit.simulator.apis if one.name == "simulated")
                (account,) = api._accounts.values()
                account._opted_out.add(anna.number)
                await app.send(anna.number, "news")
                await kit.quiet()
            assert (await kit.store.counts()).opted_out == 1
            assert await anna.text("yes") == []
            assert booked == []
            assert await anna.text("START") == ["Sure?"]
