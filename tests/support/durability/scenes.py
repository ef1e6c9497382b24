"""A simulator in this process, the app in another, and what passes between them."""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request
from cooee.net.http_client import HTTPClient, InProcessClient
from cooee.net.http_server import serve_app
from cooee.simulator import Simulator
from cooee.storage.sqlite.store import SQLite
from cooee.storage.summaries import TROUBLED

PEOPLE = [f"+614915701{n}" for n in (56, 57, 58, 59)] + ["+61491570110", "+61491570313"]
TEXTS = [f"text {n}" for n in range(1, 5)]
FOLDER = Path(__file__).parent
APP = FOLDER / "counting.py"


class Scene:
    def __init__(self, folder, simulator, port, provider, switches=""):
        self.database = folder / "scene.db"
        self.simulator, self.port = simulator, port
        self.environment = {
            **os.environ,
            "COOEE_DATABASE": f"sqlite:///{self.database}",
            "COOEE_PROVIDER": provider,
            "COOEE_PORT": "0",
            "COOEE_POLL_INTERVAL": "0.05",
            "TELSTRA_CLIENT_ID": "id",
            "TELSTRA_CLIENT_SECRET": "secret",
            "TELSTRA_BASE_URL": f"http://127.0.0.1:{port}/telstra/v2",
            "SIMULATED_BASE_URL": f"http://127.0.0.1:{port}/simulated/v1",
            "SIMULATED_SWITCHES": switches,
            "COOEE_LOG_LEVEL": "debug",
            "PYTHONWARNINGS": "error",
            "PYTHONPATH": str(FOLDER),
        }

    @contextlib.asynccontextmanager
    async def app(self, file=APP, **more):
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "cooee", "run", str(file)],
            env={**self.environment, **more},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        log = asyncio.create_task(process.stderr.read())
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait_for(process.wait(), 60)
            print((await log).decode())

    async def until(self, condition, seconds=60):
        for _ in range(int(seconds / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("It never came to that.")

    def number(self):
        return next(iter(self.simulator.network.our_numbers), None)

    def replies(self, person):
        entries = self.simulator.network.phone_screen(person)
        return [entry.text.text for entry in entries if entry.direction == "to_phone"]

    async def lose_the_answer_to_the_next_send(self):
        fault = {
            "face": "telstra-v2",
            "fault": "lose-answer",
            "count": 1,
            "on": "POST /messages/sms",
        }
        await call_control(self.simulator, "POST", "/control/faults", fault)

    async def all_text(self):
        ours = self.number()
        for text in TEXTS:
            for person in PEOPLE:
                self.simulator.network.send_from_phone(person, ours, text)
            await asyncio.sleep(0.01)

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def quiet(self):
        open_turns = self.rows(
            "select count(*) from conversations where last_in_seq > handled_seq"
        )[0][0]
        open_sends = self.rows("select count(*) from outbound where status in (0, 1)")[0][0]
        return self.simulator.network.is_idle and not open_turns and not open_sends

    async def census(self):
        store = await SQLite.open(self.database, now=lambda: datetime.now(UTC), owner=False)
        try:
            return await store.counts(), await store.conversations(TROUBLED)
        finally:
            await store.close()


async def call_control(simulator, method, path, body):
    wire = InProcessClient(RealClock(), {"http://127.0.0.1": simulator.app})
    url = f"http://127.0.0.1{path}"
    answer = await wire(Request(method=method, url=url, body=json.dumps(body).encode()))
    assert answer.status < 300, answer.body
    return answer.json()


@contextlib.asynccontextmanager
async def scene(folder, provider, switches=""):
    clock = RealClock()
    transport = HTTPClient(clock)
    simulator = Simulator(clock, transport)
    await simulator.start()
    if switches:
        chosen = {"face": "simulated", "switches": switches.split(",")}
        await call_control(simulator, "PUT", "/control/switches", chosen)
    try:
        async with serve_app(simulator.app) as port:
            yield Scene(folder, simulator, port, provider, switches)
    finally:
        await simulator.close()
        await transport.close()
