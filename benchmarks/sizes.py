"""What a turn costs by what a person has: sleeping dialogues, state, long answers.

    python benchmarks/sizes.py [--dialogues 1,10,100,1000] [--kilobytes 1,100,1000] [--turns 5]

A person texts, and the turn goes through the real intake, worker, store and sender on a virtual
clock. Counted is CPU time of all threads, the least of a few turns.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import process_time

from cooee import App, Chat, days
from cooee.testing import Kit, Phone

ANSWERS = 10
"""Answers that the asking dialogue has recorded when the clock starts."""


@dataclass
class Card:
    texts: int = 0
    note: str = ""


def made(padding: int) -> App[Card]:
    app = App(state=Card)

    @app.dialogue()
    async def later(chat: Chat[Card]) -> None:
        await chat.sleep(days(30))

    @app.dialogue("ASK")
    async def ask(chat: Chat[Card]) -> None:
        while True:
            await chat.ask("Next?")
            chat.state.texts += 1

    @app.on("FILL", always=True)
    def fill(chat: Chat[Card]) -> str:
        chat.state.note = "x" * padding
        return "Filled."

    @app.on("COUNT", always=True)
    def count(chat: Chat[Card]) -> str:
        chat.state.texts += 1
        return "Counted."

    @app.on("LOOK", always=True)
    def look(chat: Chat[Card]) -> str:
        return str(chat.state.texts)

    return app


async def least(turns: int, turn: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(turns):
        began = process_time()
        await turn()
        best = min(best, process_time() - began)
    return best * 1e3


async def prepared(kit: Kit, app: App[Card], dialogues: int) -> Phone:
    phone = kit.phone()
    await phone.text("FILL")
    for _ in range(dialogues):
        await app.start("later", phone.number)
    await kit.wait(1)
    return phone


async def by_dialogues(counts: Sequence[int], turns: int) -> None:
    print(f"{'asleep':>10}{'a look':>10}{'a change':>10}   ms of CPU a turn")
    for count in counts:
        app = made(100)
        async with Kit(app) as kit:
            phone = await prepared(kit, app, count)
            look = await least(turns, lambda phone=phone: phone.text("LOOK"))
            change = await least(turns, lambda phone=phone: phone.text("COUNT"))
        print(f"{count:>10,}{look:>10.1f}{change:>10.1f}", flush=True)


async def by_bytes(kilobytes: Sequence[int], turns: int) -> None:
    print(f"{'state kB':>10}{'a change':>10}{'asleep':>10}{'a dialogue':>12}   ms of CPU a turn")
    for size in kilobytes:
        row = []
        for sleeping in (0, ANSWERS):
            app = made(size * 1_000)
            async with Kit(app) as kit:
                phone = await prepared(kit, app, sleeping)
                row.append(await least(turns, lambda phone=phone: phone.text("COUNT")))
        async with Kit(app) as kit:
            phone = await prepared(kit, app, 0)
            await phone.text("ASK")
            for _ in range(ANSWERS):
                await phone.text("fine")
            row.append(await least(turns, lambda phone=phone: phone.text("fine")))
        print(f"{size:>10,}{row[0]:>10.1f}{row[1]:>10.1f}{row[2]:>12.1f}", flush=True)


async def by_answers(turns: int) -> None:
    print(f"{'answers of':>10}{'a turn':>10}   ms of CPU, with {ANSWERS} of them recorded")
    for size in (10, 1_000, 10_000):
        app = made(0)
        async with Kit(app) as kit:
            phone = await prepared(kit, app, 0)
            await phone.text("ASK")
            for _ in range(ANSWERS):
                await phone.text("x" * size)
            cost = await least(turns, lambda phone=phone, size=size: phone.text("x" * size))
        print(f"{size:>10,}{cost:>10.1f}", flush=True)


async def measure(dialogues: Sequence[int], kilobytes: Sequence[int], turns: int) -> None:
    await by_dialogues(dialogues, turns)
    await by_bytes(kilobytes, turns)
    await by_answers(turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dialogues", default="1,10,100,1000")
    parser.add_argument("--kilobytes", default="1,100,1000")
    parser.add_argument("--turns", type=int, default=5)
    told = parser.parse_args()
    dialogues = [int(one) for one in told.dialogues.split(",")]
    kilobytes = [int(one) for one in told.kilobytes.split(",")]
    asyncio.run(measure(dialogues, kilobytes, told.turns))


if __name__ == "__main__":
    main()
