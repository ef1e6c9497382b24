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
from cooee.core.dialogue.replay import (
    DialogueContext,
    IncomingText,
    TurnOutcome,
    new_journal,
    run_turn,
)

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


def dialogue_context(call: object) -> DialogueContext:
    return DialogueContext(
        function=call,
        codec=CODEC,
        services=None,
        ours="+61491570006",
        theirs="+61491570156",
        find_zone=lambda: UTC,
        code_version="one",
        read_history=no_history,
    )


def play(
    where: DialogueContext, journal: journals.Journal, text: IncomingText | None
) -> TurnOutcome:
    try:
        next(run_turn(where, journal, text, NOW))
    except StopIteration as done:
        return done.value
    raise AssertionError


def texts() -> Iterator[IncomingText]:
    n = 0
    while True:
        n += 1
        yield IncomingText("7", f"m{n}", NOW, NOW)


def microseconds(call: object, recorded: int) -> float:
    where, incoming = dialogue_context(call), texts()
    journal = play(
        where, new_journal("id", "handler", {}, CODEC.encode(Score()), NOW), None
    ).journal
    for _ in range(recorded):
        journal = play(where, journal, next(incoming)).journal
    head = journals.encode_head(journal)
    entries = [journals.encode_entry(entry) for entry in journal.entries]
    text, turns = next(incoming), max(3, 500 // (recorded + 10))
    best = float("inf")
    for _ in range(REPEATS):
        began = process_time()
        for _ in range(turns):
            outcome = play(where, journals.decode_journal(head, entries), text)
            journals.encode_head(outcome.journal)
            for entry in outcome.entries:
                journals.encode_entry(entry)
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
