"""What a turn of a dialogue costs, by how many answers are recorded already: core alone.

    python benchmarks/replay.py

Each turn decodes its journal, runs the handler from its first line, takes one answer, and
encodes what it appends. The goal: 60 µs and 3 µs for each recorded answer. Counted is CPU time, and
the best of many short stretches, since neighbours on the machine share its caches.
"""

from __future__ import annotations

import asyncio  # noqa: F401 -- where it is loaded, a handler is kept away from it, which costs
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import process_time

from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.replay import Outcome, Stage, Text, begin, turn

RECORDED = (1, 10, 50, 200, 1_000)
REPEATS = 60


@dataclass
class Score:
    points: int = 0


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CODEC = StateCodec(Score)


def sequence(length: int) -> object:
    """A handler with a line for each question, as people write them."""
    lines = ["async def handler(chat):"]
    for n in range(length + 2):
        lines += [
            f"    answer = await chat.ask('Question {n}?', int)",
            "    chat.state.points += answer",
        ]
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    return names["handler"]


async def loop(chat):
    while True:
        chat.state.points += await chat.ask("Next?", int)
        chat.say("Thanks.")


async def no_history(_):
    return []


def stage(call: object) -> Stage:
    return Stage(
        call=call,
        codec=CODEC,
        services=None,
        ours="+61491570006",
        theirs="+61491570156",
        zone=lambda: UTC,
        program="one",
        recall=no_history,
    )


def play(where: Stage, journal: journals.Journal, text: Text | None) -> Outcome:
    try:
        next(turn(where, journal, text, NOW))
    except StopIteration as done:
        return done.value
    raise AssertionError


def texts() -> Iterator[Text]:
    n = 0
    while True:
        n += 1
        yield Text("7", f"m{n}", NOW, NOW)


def microseconds(call: object, recorded: int) -> float:
    where, incoming = stage(call), texts()
    journal = play(where, begin("id", "handler", {}, CODEC.encode(Score()), NOW), None).journal
    for _ in range(recorded):
        journal = play(where, journal, next(incoming)).journal
    head = journals.write_head(journal)
    entries = [journals.write_entry(entry) for entry in journal.entries]
    text, turns = next(incoming), max(3, 500 // (recorded + 10))
    best = float("inf")
    for _ in range(REPEATS):
        began = process_time()
        for _ in range(turns):
            outcome = play(where, journals.read(head, entries), text)
            journals.write_head(outcome.journal)
            for entry in outcome.entries:
                journals.write_entry(entry)
        best = min(best, (process_time() - began) / turns)
    return best * 1e6


def main() -> None:
    gc.freeze()
    print(f"{'recorded':>9}{'a line each':>13}{'in a loop':>12}{'goal':>8}   µs of CPU a turn")
    for recorded in RECORDED:
        one, other = microseconds(sequence(recorded), recorded), microseconds(loop, recorded)
        print(f"{recorded:>9,}{one:>13,.0f}{other:>12,.0f}{60 + 3 * recorded:>8,}")


if __name__ == "__main__":
    main()
