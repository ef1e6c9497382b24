"""What `cooee preflight` needs for many people in the middle of a dialogue, on one core.

    python benchmarks/preflight.py --people 100000

Each was asked eleven questions and has answered ten of them. The database is built through the
store's own verbs, and then the command is run as people run it. The goal: 100,000 in 60 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter

from msgspec.structs import replace

from cooee.cli.load_app import import_app
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal
from cooee.core.dialogue.replay import (
    DialogueContext,
    IncomingText,
    TurnOutcome,
    new_journal,
    run_turn,
)
from cooee.runtime.turns.app_version import code_version_of
from cooee.storage import ClaimResult, DialogueStart, DialogueUpdate
from cooee.storage.sqlite.store import SQLite

APP = """
from dataclasses import dataclass
from cooee import App, Chat


@dataclass
class Person:
    score: int = 0


app = App(state=Person)


@app.dialogue("ASK")
async def interview(chat: Chat[Person]) -> str:
    name = await chat.ask("What is your name?")
    chat.say(f"Hello, {name}.")
    for n in range(9):
        with chat.part(f"round {n}"):
            chat.state.score += await chat.ask("How many points?", int)
    if not await chat.confirm("Is that all?"):
        return "Come back later."
    return f"You have {chat.state.score}."
"""
OURS, NOW, AT_ONCE = "+61491570006", datetime(2026, 11, 22, 12, 0, tzinfo=UTC), 1_000


def interviewed(app) -> Journal:
    """The journal of somebody who has answered ten questions."""
    (dialogue,) = app.routes.dialogues
    context = DialogueContext(
        function=dialogue.handler.function,
        codec=app.state_codec,
        services=None,
        ours=OURS,
        theirs="+61491570156",
        find_zone=lambda: UTC,
        code_version=code_version_of(app),
        read_history=None,
        strict=True,
    )
    journal = new_journal(
        "", dialogue.name, {}, app.state_codec.encode(app.state_codec.new_state()), NOW
    )
    words = [None, "Anna", *map(str, range(9))]
    for n, said in enumerate(words):
        text = None if said is None else IncomingText(said, f"m{n}", NOW, NOW)
        journal = outcome(run_turn(context, journal, text, NOW)).journal
    return journal


def outcome(flow) -> TurnOutcome:
    try:
        next(flow)
    except StopIteration as done:
        return done.value
    raise AssertionError


async def fill(path: Path, journal: Journal, people: int) -> None:
    store = await SQLite.open(path, now=lambda: datetime.now(UTC))
    entries = [journals.encode_entry(entry) for entry in journal.entries]
    for first in range(0, people, AT_ONCE):
        several = range(first, min(first + AT_ONCE, people))
        await store.start_dialogues([one_start(journal, n) for n in several])
        for claim in await store.claim(AT_ONCE):
            await store.finish([answered(claim, journal, entries)])
    await store.close()


def one_start(journal: Journal, n: int) -> DialogueStart:
    own = journals.encode_head(Journal(id=f"d{n}", handler=journal.handler, started_at=NOW))
    theirs = f"+614{n:08d}"
    return DialogueStart(ours=OURS, theirs=theirs, id=f"d{n}", handler=journal.handler, head=own)


def answered(claim, journal: Journal, entries: list[bytes]) -> ClaimResult:
    (live,) = claim.dialogues
    head = journals.encode_head(replace(journal, id=live.id))
    kept = DialogueUpdate(
        id=live.id, handler=live.handler, stored_count=0, entries=entries, head=head
    )
    return ClaimResult(
        claim=claim, handled_seq=claim.handled_seq, is_asking=True, dialogue_updates=[kept]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args().people
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        home = Path(folder)
        (home / "app.py").write_text(APP)
        app = import_app(str(home / "app.py"))
        began = perf_counter()
        asyncio.run(fill(home / "cooee.db", interviewed(app), people))
        print(f"{people:,} people, ten answers each, written in {perf_counter() - began:.1f} s")
        began, before = perf_counter(), cpu()
        report = replayed(home)
        took, burnt = perf_counter() - began, cpu() - before
    groups = {group["outcome"]: group["people"] for group in report["groups"]}
    assert groups == {"continues": people}, groups
    # By the CPU time: the command has one core, and on a busy machine not all of it.
    each, for_all = burnt / people * 1e6, burnt / people * 100_000
    print(
        f"cooee preflight: {took:.1f} s, of which {burnt:.1f} s of CPU; {each:,.0f} µs each,",
        end=" ",
    )
    print(f"so 100,000 in {for_all:.0f} s of a core; the goal is 60 s")


def cpu() -> float:
    """Seconds that processes started here have computed."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replayed(home: Path) -> dict:
    """What the command finds, kept to one core."""
    one_core = {min(os.sched_getaffinity(0))}
    environment = {**os.environ, "COOEE_DATABASE": f"sqlite:///{home / 'cooee.db'}"}
    done = subprocess.run(
        [sys.executable, "-m", "cooee", "preflight", str(home / "app.py"), "--json"],
        env=environment,
        check=True,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, one_core),
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
