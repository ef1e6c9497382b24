"""An order that counts itself, asks twice and reserves once; its clock may be wrong."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cooee import App, Chat
from cooee.clocks import clock

OFF = timedelta(hours=float(os.environ.get("CLOCK_IS_OFF_BY_HOURS", "0")))


class WrongTime(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + OFF


clock.datetime = WrongTime


@dataclass
class Guest:
    orders: int = 0


app = App(state=Guest)


def reserve(who: str, token: str) -> str:
    with Path(os.environ["LEDGER"]).open("a", encoding="utf-8") as ledger:
        print(who, token, file=ledger)
    return token


@app.dialogue("ORDER")
async def order(chat: Chat[Guest]) -> str:
    chat.state.orders += 1
    nth = chat.state.orders
    dish = await chat.ask(f"{nth}: which dish?")
    count = await chat.ask(f"{nth}: how many?", int)
    await chat.once(reserve, chat.theirs, token=chat.token)
    return f"{nth}: {count} {dish} ordered."
