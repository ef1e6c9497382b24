"""Book a table: BOOK asks for what the restaurant has to know, and writes it down once."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cooee import App, CannotGoBack, Chat, hours

DAYS = {"Friday": 4, "Saturday": 5, "Sunday": 6}
MONTHS = "January February March April May June July August September October November December"


@dataclass
class Guest:
    name: str = ""


class Desk:
    """The restaurant's book. Whoever reserves twice with one token has one table."""

    def __init__(self, file: str) -> None:
        self._file = file
        with closing(sqlite3.connect(file)) as book, book:
            columns = "token text unique, name text, party int, day text"
            book.execute(f"create table if not exists tables ({columns})")

    def reserve(self, name: str, party: int, day: date, *, token: str) -> str:
        with closing(sqlite3.connect(self._file)) as book, book:
            row = (token, name, party, day.isoformat())
            book.execute("insert into tables values (?, ?, ?, ?) on conflict do nothing", row)
            find = "select rowid from tables where token = ?"
            return f"T{book.execute(find, [token]).fetchone()[0]}"


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    yield Desk(os.environ.get("BOOKING_DESK", "tables.db"))


app = App(
    state=Guest,
    lifespan=desk,
    timezone="Australia/Sydney",
    no_reply="We have not heard from you, so nothing is booked. Text BOOK to start again.",
)


@app.dialogue("BOOK")
async def book(chat: Chat[Guest, Desk]) -> str:
    with chat.part("guest"):
        name = await ask_name(chat)
    party = await chat.ask(
        "For how many?", int, retry="Please send a number, like 4.", timeout=hours(24)
    )
    if not 1 <= party <= 8:
        return "We can seat 1 to 8 by text. For more, please call 03 5550 0000."
    weekday = await chat.choose("Which day?", list(DAYS), timeout=hours(24))
    day = coming(weekday, chat.now.astimezone(chat.zone).date())
    if not await chat.confirm(f"{weekday} {spoken(day)} for {party}, {name}?"):
        return "No worries. Text BOOK to start again."
    ref = await chat.once(chat.services.reserve, name, party, day, token=chat.token)
    chat.say(f"Your table is booked. Your reference is {ref}.")
    await chat.sleep(until=datetime.combine(day - timedelta(days=1), time(12)))
    return f"See you tomorrow, {name}! Ref {ref}."


async def ask_name(chat: Chat[Guest, Desk]) -> str:
    if not chat.state.name:
        chat.state.name = await chat.ask("What's your name?", timeout=hours(24))
    return chat.state.name


def coming(weekday: str, today: date) -> date:
    """The next such day after today."""
    return today + timedelta(days=(DAYS[weekday] - today.weekday() - 1) % 7 + 1)


def spoken(day: date) -> str:
    """A day as people say it, "6 March": "%B" would name the month in the machine's language."""
    return f"{day.day} {MONTHS.split()[day.month - 1]}"


@app.on("HELP", "MENU", always=True)
def explain(chat: Chat[Guest, Desk]) -> str:
    if chat.question:
        return f"You were asked: {chat.question} Text BACK to change your last answer, or LEAVE."
    return "Text BOOK to book a table."


@app.on("BACK", always=True)
def back(chat: Chat[Guest, Desk]) -> str | None:
    try:
        chat.back()
    except CannotGoBack as why:
        return str(why)
    return None


@app.on("LEAVE", always=True)
def leave(chat: Chat[Guest, Desk]) -> str:
    return "Nothing is booked." if chat.leave() else "Text BOOK to book a table."


@app.otherwise
def otherwise(chat: Chat[Guest, Desk]) -> str:
    return "Hello! Text BOOK to book a table."
