"""A booking that asks, waits, reserves once, sleeps and begins anew, and dies where it is told to."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reaper import Reaper

from cooee import App, Chat

MOMENT = timedelta(seconds=0.4)


@dataclass
class Guest:
    seats: int = 0


app = App(state=Guest)


def reserve(who: str, token: str) -> str:
    write("begin", who, token)
    Reaper.count("in-once")
    write("done", who, token)
    Reaper.count("done-once")
    return f"R{who[-3:]}"


def write(*words: str) -> None:
    with Path(os.environ["LEDGER"]).open("a", encoding="utf-8") as ledger:
        print(*words, file=ledger)


@app.dialogue("BOOK")
async def book(chat: Chat[Guest]) -> object:
    Reaper.count("in-handler")
    name = await chat.ask("Name?")
    seats = await chat.ask("How many?", int)
    chat.state.seats += seats
    ref = await chat.once(reserve, chat.theirs, token=chat.token)
    chat.say(f"Booked {ref} for {seats}, {chat.state.seats} in all.")
    await chat.ask("Any wishes?", remind=(MOMENT, "Any wishes at all?"))
    await chat.sleep(MOMENT)
    if await chat.confirm("Once more?"):
        return chat.restart()
    return f"Goodbye, {name}."


@app.on("BACK", always=True)
def back(chat: Chat[Guest]) -> None:
    chat.back()


@app.on_start
async def invite() -> None:
    for person in os.environ["PEOPLE"].split(","):
        await app.start(book, person, key="invitation")
