"""The booking, texted by people: whole, broken off, and by two at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from cooee.testing import Kit


@pytest.fixture
def booked(tmp_path):
    """What stands in the restaurant's book."""

    def read():
        with closing(sqlite3.connect(tmp_path / "tables.db")) as book:
            return book.execute("select name, party, day from tables").fetchall()

    return read


async def test_a_table_is_booked_once_and_a_word_comes_the_day_before(told, booked):
    await told("""
        > hello
        < Hello! Text BOOK to book a table.
        > book!
        < What's your name?
        > Anna
        < For how many?
        > 4
        < Which day?\\n1. Friday\\n2. Saturday\\n3. Sunday
        > 2
        < Saturday 3 January for 4, Anna?
        > yep
        < Your table is booked. Your reference is T1.
        ... 24 hours
        ... 2 hours
        < See you tomorrow, Anna! Ref T1.
        ... 4 weeks
    """)
    assert booked() == [("Anna", 4, "2026-01-03")]


async def test_a_name_is_asked_once(told):
    await told("""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        > 2
        < Which day?*
        > Sunday
        < Sunday 4 January for 2, Anna?
        > nah
        < No worries. Text BOOK to start again.
        > BOOK
        < For how many?
    """)


async def test_wrong_answers_and_typos(told):
    await told("""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        > a few
        < Please send a number, like 4.
        > four
        < Which day?*
        > Monday
        < Sorry, I did not understand that. Which day?*
        > 7
        < Sorry, I did not understand that. Which day?*
        > satuday
        < Saturday 3 January for 4, Anna?
        > maybe
        < Please answer yes or no. Saturday 3 January for 4, Anna?
        > 👍
        < Your table is booked. Your reference is T1.
    """)


@pytest.mark.parametrize("party", ["0", "9", "-2"])
async def test_a_party_that_has_no_table_is_asked_to_call(phone, party):
    await phone.follow(f"""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        > {party}
        < We can seat 1 to 8 by text. For more, please call 03 5550 0000.
    """)


async def test_the_words_that_always_work(told, booked):
    await told("""
        > help
        < Text BOOK to book a table.
        > back
        < No question waits, so there is no answer to take back.
        > leave
        < Text BOOK to book a table.
        > BOOK
        < What's your name?
        > Menu
        < You were asked: What's your name? Text BACK to change your last answer, or LEAVE.
        > back
        < Nothing was answered yet.
        > Ana
        < For how many?
        > BACK
        < What's your name?
        > Anna
        < For how many?
        > leave
        < Nothing is booked.
        > 4
        < Hello! Text BOOK to book a table.
    """)
    assert booked() == []


async def test_what_was_done_is_not_taken_back(told):
    await told("""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        > 4
        < Which day?*
        > 1
        < Friday 2 January for 4, Anna?
        > yes
        < Your table is booked. Your reference is T1.
        > back
        < No question waits, so there is no answer to take back.
    """)


async def test_who_does_not_answer_for_a_day_is_told_that_nothing_is_booked(told, booked):
    await told("""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        ... 23 hours
        ... 1 hour
        < We have not heard from you, so nothing is booked. Text BOOK to start again.
        > 4
        < Hello! Text BOOK to book a table.
    """)
    assert booked() == []


async def test_stop_in_the_middle_is_heard_and_start_goes_on(kit, phone):
    await phone.follow("""
        > BOOK
        < What's your name?
        > Anna
        < For how many?
        > STOP
        ... 3 hours
        > START
        < For how many?
        > 4
        < Which day?*
    """)


async def test_nobody_who_said_stop_hears_of_their_table(kit, phone, booked):
    for words in ("BOOK", "Anna", "4", "2", "yes"):
        await phone.text(words)
    await phone.follow("""
        > STOP
        ... 4 weeks
    """)
    assert booked() == [("Anna", 4, "2026-01-03")]


async def test_two_at_once_have_a_table_each(kit, booked):
    anna, ben = kit.phone(), kit.phone()
    names = {anna: ("Anna", "2"), ben: ("Ben", "5")}
    for phone in (anna, ben):
        assert await phone.text("BOOK") == ["What's your name?"]
    for phone in (ben, anna):
        assert await phone.text(names[phone][0]) == ["For how many?"]
    await kit.restart()
    for phone in (anna, ben):
        await phone.text(names[phone][1])
    for phone in (ben, anna):
        await phone.text("Sunday")
    for phone in (anna, ben):
        kit.send(phone, "yes")
    await kit.quiet()
    assert sorted(booked()) == [("Anna", 2, "2026-01-04"), ("Ben", 5, "2026-01-04")]


async def test_the_word_comes_at_noon_on_the_guests_clock_though_the_clocks_go_back(app):
    start = datetime(2026, 4, 2, tzinfo=UTC)  # summer time ends in Sydney on Sunday 5 April
    async with Kit(app, start=start) as kit:
        for day, noon in {"Sunday": "2026-04-04T01:00Z", "Saturday": "2026-04-10T02:00Z"}.items():
            anna = kit.phone()
            for words in ("BOOK", "Anna", "4", day, "yes"):
                await anna.text(words)
            anna.read()
            left = datetime.fromisoformat(noon) - kit.clock.now() - timedelta(seconds=1)
            await kit.clock.advance(left)
            assert anna.read() == []
            await kit.wait(1)
            assert [text[:16] for text in anna.read()] == ["See you tomorrow"]


async def test_whoever_reserves_twice_with_one_token_has_one_table(example, booked):
    desk = example.Desk("tables.db")
    day = date(2026, 1, 2)
    assert desk.reserve("Anna", 4, day, token="a") == "T1"
    assert desk.reserve("Anna", 4, day, token="a") == "T1"
    assert desk.reserve("Ben", 2, day, token="b") == "T2"
    assert len(booked()) == 2


@pytest.mark.parametrize(
    ("weekday", "today", "coming"),
    [
        ("Friday", date(2026, 1, 1), date(2026, 1, 2)),
        ("Friday", date(2026, 1, 2), date(2026, 1, 9)),
        ("Sunday", date(2026, 1, 5), date(2026, 1, 11)),
    ],
)
def test_a_day_is_the_next_of_its_name_and_not_today(example, weekday, today, coming):
    assert example.coming(weekday, today) == coming
