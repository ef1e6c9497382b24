"""A locked or a full database: nothing is acknowledged, nothing lost, and work goes on."""

import asyncio
import contextlib
import logging
import sqlite3

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.net.http_client import InProcessClient
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.simulator import Simulator
from cooee.storage.sqlite.store import SQLite

SIMULATOR_URL, ANNA = "http://127.0.0.1:8400", "+61491570156"
TOLD = {
    "TELSTRA_CLIENT_ID": "i",
    "TELSTRA_CLIENT_SECRET": "s",
    "TELSTRA_BASE_URL": f"{SIMULATOR_URL}/telstra/v2",
}


@contextlib.asynccontextmanager
async def running(path):
    """An app that polls the simulator, on real time, with a database that gives up waiting at once."""
    app, clock = App(), RealClock()

    @app.otherwise
    def back(chat):
        return f"You said {chat.text[:20]}"

    simulator = Simulator(clock, InProcessClient(clock, {}))
    store = await SQLite.open(path, now=clock.now, busy_timeout=0.05)
    wire = InProcessClient(clock, {SIMULATOR_URL: simulator.app})
    async with Service(
        app, TelstraV2(TOLD), store, wire, clock, options=ServiceOptions(poll_interval=0.05)
    ) as service:
        await service.connect()
        yield service, simulator
    await simulator.close()


async def until(condition, seconds=10):
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It never came to that.")


def told(caplog, event):
    return [record for record in caplog.records if record.getMessage() == event]


def replies(simulator):
    return [e.text.text for e in simulator.network.phone_screen(ANNA) if e.direction == "to_phone"]


async def test_a_text_that_was_popped_while_the_database_is_locked_is_kept_until_it_can_be_stored(
    tmp_path, caplog
):
    async with running(tmp_path / "locked.db") as (service, simulator):
        other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
        other.execute("begin immediate")
        try:
            for n in range(3):
                simulator.network.send_from_phone(ANNA, service.subscription.number, f"{n}")
            await until(lambda: told(caplog, "store-unavailable"))
            (line,) = simulator.network.our_numbers.values()
            assert line.unread_count == 2, "the next is not asked for before the first is on disk"
            well, report = await service.health()
            assert not well
            assert "not available" in report["polling"]
        finally:
            other.execute("rollback")
            other.close()
        await until(lambda: len(replies(simulator)) == 3)
        assert replies(simulator) == ["You said 0", "You said 1", "You said 2"]
        await until(lambda: service._poller.trouble == "")


async def test_what_a_full_disk_held_up_goes_on_when_there_is_room(tmp_path, caplog):
    async with running(tmp_path / "full.db") as (service, simulator):
        simulator.network.send_from_phone(ANNA, service.subscription.number, "before")
        await until(lambda: replies(simulator) == ["You said before"])
        await limit_pages(service.store, 1)
        simulator.network.send_from_phone(ANNA, service.subscription.number, "x" * 50_000)
        await until(lambda: told(caplog, "store-unavailable"))
        assert all(record.levelno >= logging.ERROR for record in told(caplog, "store-unavailable"))
        await limit_pages(service.store, 1_000_000)
        await until(lambda: len(replies(simulator)) == 2)


async def limit_pages(store, pages):
    """Let the database file be full: SQLite's own limit, which fails as a full disk does."""
    await store._thread.submit(lambda db: db.execute(f"pragma max_page_count = {pages}").fetchone())


async def test_a_new_database_is_its_owners_alone(tmp_path):
    async with running(tmp_path / "new.db"):
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes
