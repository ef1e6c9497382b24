"""Dialogues as people meet them: in the whole house, through texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from cooee import App, CannotGoBack, DefinitionError, NotRunning, OptedOut, days, hours
from cooee.core.app.app import SORRY_TEXT
from cooee.testing import Kit


@dataclass
class Guest:
    name: str = ""
    visits: int = 0
    help: int = 0


def booking(**settings):
    app = App(state=Guest, **settings)
    app.booked = []

    async def reserve(name, party, day, token):
        app.booked.append((name, party, day, token))
        return f"R{len(app.booked)}"

    async def ask_name(chat):
        return await chat.ask("What's your name?")

    @app.dialogue("BOOK")
    async def book(chat, table: int | None = None):
        with chat.part("guest"):
            name = await ask_name(chat)
        chat.state.name = name
        party = await chat.ask("For how many?", int, retry="Please send a number, like 4.")
        day = await chat.choose("Which day?", ["Friday", "Saturday"])
        if not await chat.confirm(f"{day}, {party} people?"):
            return "No worries. Text BOOK to start again."
        ref = await chat.once(reserve, name, party, day, token=chat.token)
        chat.state.visits += 1
        await chat.sleep(hours(24))
        return f"See you tomorrow, {name}! Ref {ref}."

    @app.on("ASSIST", always=True)
    def assist(chat):
        chat.state.help += 1
        return f"You were asked: {chat.question}"

    @app.on("BACK", always=True)
    def back(chat):
        try:
            chat.back()
        except CannotGoBack:
            return "There is nothing to go back to."

    @app.on("NEVERMIND", always=True)
    def nevermind(chat):
        return "As you like." if chat.leave() else "Never mind what?"

    @app.otherwise
    def otherwise(chat):
        return "Text BOOK to book a table."

    app.book = book
    return app


async def test_a_whole_conversation():
    app = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("hi") == ["Text BOOK to book a table."]
        assert await anna.text("book") == ["What's your name?"]
        assert await anna.text("Anna") == ["For how many?"]
        assert await anna.text("lots") == ["Please send a number, like 4."]
        await kit.restart()
        assert await anna.text("4") == ["Which day?\n1. Friday\n2. Saturday"]
        assert await anna.text("ASSIST") == ["You were asked: Which day?"]
        assert await anna.text("2") == ["Saturday, 4 people?"]
        assert await anna.text("yep") == []
        assert [each[:3] for each in app.booked] == [("Anna", 4, "Saturday")]
        await kit.restart()
        await kit.wait(timedelta(hours=25))
        assert anna.read() == ["See you tomorrow, Anna! Ref R1."]
        assert await kit.troubles(anna) == []
        assert await anna.text("hi") == ["Text BOOK to book a table."]


async def test_an_always_word_interrupts_a_question_and_it_stays():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.follow("""
            > BOOK
            < What's your name?
            > assist!
            < You were asked: What's your name?
            > HELP
            < These texts are sent by a computer. *
            > Anna
            < For how many?
        """)
        assert (await state_of(kit, anna)).help == 1


async def test_a_keyword_is_an_answer_where_a_question_waits():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        assert await anna.text("BOOK") == ["For how many?"], "Mr Book's first name is Book"


async def test_back_asks_the_last_question_again_but_not_across_a_once():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.follow("""
            > back
            < There is nothing to go back to.
            > BOOK
            < What's your name?
            > back
            < There is nothing to go back to.
            > Anna
            < For how many?
            > BACK
            < What's your name?
            > Hannah
            < For how many?
            > 4
            < Which day?*
            > back
            < For how many?
            > 5
            < Which day?*
            > fri
            < Friday, 5 people?
            > yes
            > back
            < There is nothing to go back to.
            ... 25 hours
            < See you tomorrow, Hannah! Ref R1.
        """)


async def test_a_dialogue_can_be_left():
    async with Kit(booking()) as kit:
        await kit.phone().follow("""
            > nevermind
            < Never mind what?
            > BOOK
            < What's your name?
            > nevermind
            < As you like.
            > Anna
            < Text BOOK to book a table.
            > BOOK
            < What's your name?
        """)


async def test_two_quick_texts_are_two_answers_in_order():
    async with Kit(booking()) as kit:
        await kit.phone().follow("""
            > BOOK
            > Anna
            > 4
            < What's your name?
            < For how many?
            < Which day?*
        """)


# More than one at a time


def two(busy="return", **settings):
    app = App(state=Guest, **settings)

    @app.dialogue("SURVEY", busy=busy, always=True)
    async def survey(chat):
        liked = await chat.ask("Did you like it?")
        return f"Noted: {liked}. {await chat.ask('Anything else?')}."

    @app.dialogue("BOOK")
    async def book(chat):
        name = await chat.ask("Your name?", timeout=hours(30), remind=hours(20))
        return f"Welcome, {name}."

    @app.dialogue("LATER", busy=busy)
    async def later(chat):
        await chat.sleep(hours(1))
        return f"Later, {await chat.ask('How was it?')}."

    app.survey, app.book, app.later = survey, book, later
    return app


async def test_a_dialogue_that_interrupts_another_lets_it_come_back():
    async with Kit(two()) as kit:
        await kit.phone().follow("""
            > BOOK
            < Your name?
            > SURVEY
            < Did you like it?
            > yes
            < Anything else?
            > no
            < Noted: yes. no.
            < Your name?
            > Anna
            < Welcome, Anna.
        """)


async def test_a_dialogue_that_replaces_another_ends_it():
    async with Kit(two("replace")) as kit:
        anna = kit.phone()
        await anna.follow("""
            > BOOK
            < Your name?
            > SURVEY
            < Did you like it?
            > yes
            < Anything else?
            > no
            < Noted: yes. no.
        """)
        talks = await kit.store.dialogues(include_ended=True)
        assert {talk.dialogue.end_reason for talk in talks} == {"returned", "replaced"}


async def test_a_dialogue_that_gives_way_has_the_other_question_asked_again():
    async with Kit(two("refuse")) as kit:
        await kit.phone().follow("""
            > BOOK
            < Your name?
            > SURVEY
            < Your name?
            > Anna
            < Welcome, Anna.
            > SURVEY
            < Did you like it?
        """)


async def test_one_that_slept_asks_and_the_other_question_comes_back():
    async with Kit(two()) as kit:
        anna = kit.phone()
        await anna.text("LATER")
        await anna.follow("""
            > BOOK
            < Your name?
            ... 61 minutes
            < How was it?
            > fine
            < Later, fine.
            < Your name?
            > Anna
            < Welcome, Anna.
        """)


async def test_one_that_gives_way_and_slept_waits_for_the_others_end():
    async with Kit(two("refuse")) as kit:
        anna = kit.phone()
        await anna.text("LATER")
        await anna.follow("""
            > BOOK
            < Your name?
            ... 61 minutes
            > Anna
            < Welcome, Anna.
            < How was it?
            > fine
            < Later, fine.
        """)


async def test_many_may_sleep_and_one_asks():
    async with Kit(two()) as kit:
        anna = kit.phone()
        for _ in range(3):
            await anna.text("LATER")
        await anna.follow("""
            ... 61 minutes
            < How was it?
            < How was it?
            < How was it?
            > one
            < Later, one.
            < How was it?
            > two
            < Later, two.
            < How was it?
            > three
            < Later, three.
        """)


async def test_a_parked_questions_deadline_goes_on_and_its_reminder_does_not():
    async with Kit(two()) as kit:
        anna = kit.phone()
        await anna.follow("""
            > BOOK
            < Your name?
            > SURVEY
            < Did you like it?
            ... 29 hours
            ... 2 hours
            > yes
            < Anything else?
            > no
            < Noted: yes. no.
            > Anna
        """)


# Time


async def test_a_question_reminds_and_then_gives_up_with_the_apps_words():
    async with Kit(two(no_reply="Then not.")) as kit:
        await kit.phone().follow("""
            > BOOK
            < Your name?
            ... 20 hours
            < Your name?
            ... 10 hours
            < Then not.
            > Anna
        """)


async def test_after_an_outage_what_was_due_rings_once():
    async with Kit(two(no_reply="Then not.")) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.stop()
        await kit.clock.advance(timedelta(days=3))
        await kit.start()
        assert anna.read() == ["Then not."]


async def test_a_text_that_was_sent_by_the_deadline_wins_however_late_we_are():
    async with Kit(two(no_reply="Then not."), push=False) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.stop()
        await kit.clock.advance(timedelta(hours=1))
        kit.send(anna, "Anna")
        await kit.clock.advance(timedelta(days=3))
        await kit.start()
        await kit.quiet()
        assert anna.read() == ["Welcome, Anna."]


async def test_a_year_of_reminders_jumps_from_timer_to_timer(monkeypatch):
    app, jumps = App(state=Guest), []

    @app.dialogue("WATER")
    async def water(chat):
        for week in range(52):
            await chat.sleep(days(7), key=f"week {week}")
            chat.say(f"Water the plants, week {week + 1}.")

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("WATER")
        jump = kit.clock.jump_to_next_timer
        monkeypatch.setattr(
            kit.clock, "jump_to_next_timer", lambda until: jumps.append(until) or jump(until)
        )
        await kit.wait(days(366))
        assert len(anna.read()) == 52
    assert 52 <= len(jumps) < 366 * 24, "a step for each hour, or smaller ones"


async def test_the_persons_own_zone_counts_where_it_is_known():
    app = App(state=Guest, timezone="Australia/Sydney")

    @app.dialogue("WAKE")
    async def wake(chat):
        at = await chat.ask("When?", datetime)
        await chat.sleep(until=at)
        return f"It is {at:%H:%M}."

    async with Kit(app, start=datetime(2026, 4, 4, 1, 0, tzinfo=UTC)) as kit:
        anna = kit.phone()
        await anna.text("WAKE")
        await anna.text("tomorrow 3pm")
        await kit.wait(datetime(2026, 4, 5, 4, 59, tzinfo=UTC) - kit.clock.now())
        assert anna.read() == [], "in the night before, the clocks went back"
        await kit.wait(timedelta(minutes=1))
        assert anna.read() == ["It is 15:00."]


async def test_a_burst_is_one_answer():
    app = App(state=Guest)

    @app.dialogue("TELL")
    async def tell(chat):
        chat.say("Tell me.")
        return f"You said {await chat.receive(settle=2.0)!r}."

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("TELL")
        for words in ("hi", "it's", "me"):
            await anna.text(words)
            await kit.wait(1)
        await kit.wait(2)
        assert anna.read() == ['You said "hi\\nit\'s\\nme".']


# We write first


async def test_a_dialogue_is_started_once_by_key_with_its_inputs():
    app = App(state=Guest)

    @app.dialogue()
    async def chase(chat, invoice: int, due: date):
        paid = await chat.confirm(f"Invoice {invoice} of {due:%d %B}: is it paid?")
        return "Thank you!" if paid else "Please do."

    @app.on_start
    async def begin():
        await app.start(chase, "+61491570156", key="7", invoice=7, due=date(2026, 1, 2))

    async with Kit(app) as kit:
        anna = kit.phone()
        await kit.restart()
        await kit.quiet()
        assert anna.read() == ["Invoice 7 of 02 January: is it paid?"]
        assert await anna.text("yes") == ["Thank you!"]
        await kit.restart()
        await kit.quiet()
        assert anna.read() == []


async def test_a_start_is_refused_where_it_cannot_be_right():
    app = two()
    with pytest.raises(NotRunning):
        await app.start(app.book, "+61491570156")
    async with Kit(app) as kit:
        anna = kit.phone()
        with pytest.raises(DefinitionError, match=r"book\(chat\) cannot be started so"):
            await app.start(app.book, anna.number, table=3)
        with pytest.raises(DefinitionError, match="no dialogue 'print'"):
            await app.start(print, anna.number)
        await anna.text("STOP")
        anna.read()
        with pytest.raises(OptedOut):
            await app.start("book", anna.number)
        assert await kit.store.dialogues() == []


async def test_a_start_for_later_waits_and_lets_others_ask_meanwhile():
    app = two()
    async with Kit(app) as kit:
        anna = kit.phone()
        await app.start(app.survey, anna.number, at=kit.clock.now() + timedelta(hours=5))
        await anna.follow("""
            > BOOK
            < Your name?
            > Anna
            < Welcome, Anna.
            ... 5 hours
            < Did you like it?
        """)


# The code is another


async def test_an_edit_in_the_middle_strands_nobody():
    first, second = App(state=Guest), App(state=Guest)

    @first.dialogue("BOOK")
    async def book(chat):
        name = await chat.ask("Name?")
        return f"{name}: {await chat.ask('How many?', int)}"

    async with Kit(first) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")

        @second.dialogue("BOOK")
        async def book(chat):
            mail = await chat.ask("Mail?")
            name = await chat.ask("Name?")
            many = await chat.ask("How many?", int)
            return f"{name} {mail} {many}"

        await kit.stop()
        kit.app = second
        await kit.start()
        await anna.follow("""
            > 4
            < Mail?
            > a@example.org
            < Anna a@example.org 4
        """)


async def test_what_broken_code_could_not_answer_is_answered_by_the_mended():
    first, second, third = (App(state=Guest, sorry=None) for _ in range(3))

    @first.dialogue("BOOK")
    async def book(chat):
        return f"Hello, {await chat.ask('Name?')}."

    @second.dialogue("BOOK", name="book")
    async def broken(chat):
        name = await chat.ask("Name?")
        chat.ask("And?")  # no await
        return name

    @third.dialogue("BOOK", name="book")
    async def mended(chat):
        return f"Hello again, {await chat.ask('Name?')}."

    async with Kit(first) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        for app, said in ((second, []), (third, ["Hello again, Anna."])):
            await kit.stop()
            kit.app = app
            await kit.start()
            if app is second:
                assert await anna.text("Anna") == []
                assert "NotAwaited" in (await kit.troubles(anna))[0]
                assert await ben.text("BOOK") == ["Name?"], "everybody else goes on"
            await kit.quiet()
            assert anna.read() == said


async def test_a_renamed_dialogue_goes_on_and_a_retired_one_ends_politely():
    first, renamed, retired = App(), App(), App()

    @first.dialogue("BOOK")
    async def book(chat):
        return f"Hello, {await chat.ask('Name?')}, {await chat.ask('Age?')}."

    @renamed.dialogue("BOOK", was="book")
    async def reserve(chat):
        return f"Hello, {await chat.ask('Name?')}, {await chat.ask('Age?')}."

    retired.retire("book", say="We closed. Goodbye!")
    retired.retire("reserve", say="We closed. Goodbye!")

    async with Kit(first) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(renamed)
        assert await anna.text("Anna") == ["Age?"]
        await kit.deploy(retired)
        assert anna.read() == ["We closed. Goodbye!"]
        assert await kit.store.dialogues() == []


async def test_what_an_app_without_its_dialogue_cannot_answer_waits_for_one_that_has_it():
    first, without = App(), App()

    @first.dialogue("BOOK")
    async def book(chat):
        return f"Hello, {await chat.ask('Name?')}."

    async with Kit(first) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(without)
        assert await anna.text("Anna") == [SORRY_TEXT]
        assert "no dialogue 'book' any more" in str(await kit.troubles(anna))
        await kit.deploy(first)
        assert anna.read() == ["Hello, Anna."]


async def test_restart_begins_the_next_round_in_the_same_breath():
    app = App(state=Guest)

    @app.dialogue("QUIZ")
    async def quiz(chat):
        chat.state.visits += 1
        if await chat.confirm(f"Round {chat.state.visits}. Again?", fresh=False):
            return chat.restart()
        return f"{chat.state.visits} rounds."

    async with Kit(app) as kit:
        await kit.phone().follow("""
            > QUIZ
            < Round 1. Again?
            > y
            < Round 2. Again?
            > yes
            > no
            < Round 3. Again?
            < 3 rounds.
        """)


async def test_stop_wins_in_the_middle_and_the_question_stays():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("STOP")
        anna.read()
        assert await anna.text("Ben") == []
        assert await anna.text("START") == ["What's your name?"]
        assert await anna.text("Anna") == ["For how many?"]
        assert await anna.text("4") == ["Which day?\n1. Friday\n2. Saturday"]


async def test_start_is_an_answer_only_where_it_opts_nobody_in():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.follow("""
            > BOOK
            < What's your name?
            > STOP
            ... 3 days
            > START
            < What's your name?
            > Start
            < For how many?
        """)
        assert (await state_of(kit, anna)).name == "Start"


async def test_a_handler_for_start_is_called_in_the_middle_and_the_question_is_asked_again():
    app = booking()

    @app.on("START")
    def welcome(chat):
        return "Welcome back!"

    async with Kit(app) as kit:
        await kit.phone().follow("""
            > BOOK
            < What's your name?
            > STOP
            ... 3 days
            > START
            < Welcome back!
            < What's your name?
            > Anna
            < For how many?
        """)


async def test_a_wish_while_a_question_waits_is_asked_about_and_is_no_answer():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        doubt = "Do you want no more texts from us? Reply STOP."
        assert await anna.text("stop texting me") == [doubt]
        assert await anna.text("Anna") == ["For how many?"]


async def state_of(kit, phone):
    (talk,) = await kit.store.dialogues()
    return kit.app.state_codec.decode(talk.state)[0]


async def test_what_surrounds_a_turn_surrounds_every_piece_of_a_dialogue():
    app, seen = booking(), []

    @app.around
    async def watch(chat, proceed):
        seen.append(chat.theirs)
        return await proceed()

    async with Kit(app) as kit:
        anna = kit.phone()
        for words in ("BOOK", "Anna", "4", "fri", "yes"):
            await anna.text(words)
        assert len(app.booked) == 1
        assert set(seen) == {anna.number}
        assert len(seen) >= 6, "the stretch before the once, the once, and the one after it"


async def test_reminders_keep_quiet_at_night_and_replies_do_not():
    app = App(quiet=("21:00", "08:00"))

    @app.dialogue("BOOK")
    async def book(chat):
        return await chat.ask("Name?", remind=hours(1))

    async with Kit(app, start=datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) as kit:
        anna = kit.phone()
        assert await anna.text("BOOK") == ["Name?"], "where it is night, they are awake"
        await kit.wait(hours(1))
        assert anna.read() == []
        await kit.wait(hours(15))
        assert anna.read() == ["Name?"]


async def test_a_once_that_fails_is_tried_again_with_its_text_until_it_is_set_aside():
    app = App(state=Guest, sorry="Sorry!")
    tries = []

    def pay(token):
        tries.append(token)
        raise ConnectionError("the bank is away")

    @app.dialogue("PAY")
    async def paying(chat):
        chat.say("Paying.")
        return await chat.once(pay, token=chat.token)

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("PAY") == []
        await kit.wait(timedelta(minutes=10))
        assert anna.read() == ["Sorry!"]
        assert len(tries) == 5
        assert len(set(tries)) == 1
        assert "OnceFailed: " in (await kit.troubles(anna))[0]
        app.routes.dialogue_named("paying")
        await kit.store.retry(anna.number)
        tries.clear()
        await kit.restart()
        await kit.wait(timedelta(minutes=10))
        assert len(set(tries)) == 1


async def test_a_failing_alarm_backs_off_is_set_aside_and_tells_nobody():
    app = App(state=Guest, sorry="Sorry!")
    tries = []

    @app.dialogue("LATER")
    async def later(chat):
        await chat.sleep(hours(1))
        tries.append(chat.now)
        raise ValueError("no")

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("LATER")
        await kit.wait(hours(3))
        assert anna.read() == []
        assert len(tries) == 5
        census = await kit.store.counts()
        assert (census.open_dialogues, census.stuck_dialogues) == (1, 1)
        assert (await kit.store.next_due()).turn is None
        await kit.store.retry(anna.number)
        await kit.restart()
        await kit.wait(hours(1))
        assert len(tries) == 10


async def test_who_is_in_the_middle_of_what_the_app_does_not_have_is_noted():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(two())
        assert kit.service.notes == [], "it has a dialogue of that name"
        await kit.deploy(App())
        (note,) = kit.service.notes
        assert note.startswith("1 in the middle of book, which the app does not have")
        retiring = App()
        retiring.retire("book")
        await kit.deploy(retiring)
        assert kit.service.notes == []
        assert await kit.store.count_open_dialogues() == {}


async def test_a_dialogue_starts_from_the_state_as_it_is_when_it_begins():
    app = App(state=Guest)

    @app.dialogue()
    async def greet(chat):
        return f"You were here {chat.state.visits} times, {await chat.ask('Name?')}."

    @app.on("VISIT")
    def visit(chat):
        chat.state.visits += 1

    async with Kit(app) as kit:
        anna = kit.phone()
        await app.start(greet, anna.number, at=kit.clock.now() + hours(1))
        await anna.text("VISIT")
        await anna.text("VISIT")
        await kit.wait(hours(1))
        assert anna.read() == ["Name?"]
        assert await anna.text("Anna") == ["You were here 2 times, Anna."]
