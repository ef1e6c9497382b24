"""What dialogues that wait cost: nothing in memory, no task, no thread, and no time.

`COOEE_PROOF=1 pytest tests/scenarios/durability/test_waiting.py` has 100,000 of them.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from cooee import App
from cooee.testing import Kit

SCRIPT = Path(__file__).parents[2] / "support" / "durability" / "waiting.py"
PEOPLE = 100_000 if "COOEE_PROOF" in os.environ else 4_000
CACHED = 12  # MB: the index of who waits, in SQLite's page cache, which has a limit


def waiting(*words):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to measure")
def test_however_many_dialogues_wait_the_process_is_the_same(tmp_path):
    few, many = tmp_path / "few.db", tmp_path / "many.db"
    waiting("fill", few, 60)
    waiting("fill", many, PEOPLE)
    one, other = (json.loads(waiting("measure", path)) for path in (few, many))
    assert (one["waiting"], other["waiting"]) == (60, PEOPLE)
    assert other["tasks"] == one["tasks"]
    assert other["tasks_after"] == one["tasks_after"]
    assert other["threads"] == one["threads"]
    assert other["memory"] - one["memory"] < CACHED
    assert other["idle"] < 0.05, "of a core, where a loop that spins takes all"
    assert other["answer"] < 10 * one["answer"] + 0.05, "seconds: nothing looks through everybody"


# After a turn nothing of its handler lives


class Mark:
    """Something that a handler holds."""


async def test_after_a_turn_no_task_thread_or_object_of_a_handler_lives():
    app, alive = App(), weakref.WeakSet()

    def mark():
        held = Mark()
        alive.add(held)
        return held

    async def fetch():
        held = mark()
        await asyncio.sleep(0)
        return repr(held)

    @app.dialogue("TALK")
    async def talk(chat):
        held = mark()
        cycle = [held, chat]
        cycle.append(cycle)
        name = await chat.ask("Name?")
        await chat.once(fetch)
        try:
            age = await chat.ask("Age?", int)
        finally:
            held.over = mark()
        return f"{name}, {age}."

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await ben.text("warm up")
        before = {"tasks": names(), "threads": threading.active_count()}
        for words in ("TALK", "Anna", "young"):
            await anna.text(words)
            assert not leftover(alive)
            assert coroutines(talk) == []
            assert names() == before["tasks"]
        assert threading.active_count() <= before["threads"] + 1, "threads for handlers are kept"
        await anna.text("30")
        assert anna.inbox[-1] == "Anna, 30."
        assert not leftover(alive)


def leftover(alive):
    gc.collect()
    return len(alive)


def names():
    return sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())


def coroutines(dialogue):
    code = dialogue.__code__
    return [
        one
        for one in gc.get_objects()
        if asyncio.iscoroutine(one) and getattr(one, "cr_code", None) is code
    ]
