"""Several processes of one command: started, restarted, replaced and ended together."""

import asyncio
import os
import signal
import sys

import pytest

from cooee.cli import process_group
from cooee.cli.process_group import ProcessGroup

# A child that says a word, then waits for SIGTERM or for the end of its parent.
CHILD = """
import os, signal, socket, sys
news = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if sys.argv[2] == "fail":
    os._exit(3)
news.sendall(f"{sys.argv[2]} {os.getpid()}".encode() + b"\\0")
news.recv(1)
os._exit(0)
"""


class Running:
    def __init__(self, word="ready", count=2):
        self.word, self.said = word, []
        self.group = ProcessGroup(self.command, count, on_first_ready=self.said.append)
        self.stop, self.restart = asyncio.Event(), asyncio.Event()
        self.task = asyncio.ensure_future(self.group.run(self.stop, self.restart))

    def command(self, news):
        return [sys.executable, "-c", CHILD, str(news), self.word]

    async def until(self, condition):
        while not condition():
            assert not self.task.done() or self.task.result() == 0
            await asyncio.sleep(0.01)

    async def all_ready(self, count=2):
        await self.until(lambda: sum(one.is_ready for one in self.group.children) == count)

    @property
    def ids(self):
        return {one.process.pid for one in self.group.children}

    async def end(self):
        self.stop.set()
        return await self.task


async def test_processes_run_until_they_are_stopped():
    running = Running()
    await running.all_ready()
    ids = running.ids
    assert len(ids) == 2
    assert len(running.said) == 1
    assert await running.end() == 0
    for id in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(id, 0)


async def test_a_process_that_dies_is_started_again():
    running = Running()
    await running.all_ready()
    victim = min(running.ids)
    os.kill(victim, signal.SIGKILL)
    await running.until(lambda: victim not in running.ids)
    await running.all_ready()
    assert victim not in running.ids
    assert await running.end() == 0


async def test_a_command_that_fails_at_once_ends_the_group_with_its_status():
    running = Running("fail")
    assert await running.task == 3
    assert running.said == []
    assert running.group.children == []


async def test_processes_are_replaced_one_after_the_other():
    running = Running()
    await running.all_ready()
    first_ids, fewest = running.ids, 2

    running.restart.set()
    while running.ids & first_ids:
        ready = sum(
            one.is_ready and one.process.returncode is None for one in running.group.children
        )
        fewest = min(fewest, ready)
        await asyncio.sleep(0.005)
    await running.all_ready()
    assert len(running.ids) == 2
    assert fewest == 2
    assert await running.end() == 0


async def test_where_the_new_process_fails_the_old_ones_stay():
    running = Running()
    await running.all_ready()
    ids, running.word = running.ids, "fail"
    began = []
    start = running.group._start

    async def counted(*args):
        began.append(args)
        return await start(*args)

    running.group._start = counted
    running.restart.set()
    await running.until(lambda: began and running.ids == ids)
    assert running.ids == ids
    assert await running.end() == 0
    assert len(began) == 1


async def test_a_process_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(process_group, "_END_WITHIN_S", 0.2)
    running = Running()
    await running.all_ready()
    stuck = min(running.ids)
    os.kill(stuck, signal.SIGSTOP)
    assert await running.end() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)


async def test_a_process_that_dies_while_it_is_replaced_is_not_counted_twice():
    running = Running()
    await running.all_ready()
    first, second = running.group.children
    start, started = running.group._start, []

    async def counted(*args):
        new = await start(*args)
        started.append(new)
        if len(started) == 1:
            first.process.kill()
            await running.until(lambda: first not in running.group.children)
        return new

    running.group._start = counted
    running.restart.set()
    # one in place of the first, which ends again; one that its watcher starts; one for the second
    await running.until(lambda: len(started) == 3 and second not in running.group.children)
    await running.all_ready()
    assert len(running.group.children) == 2
    assert started[0] not in running.group.children
    assert await running.end() == 0
