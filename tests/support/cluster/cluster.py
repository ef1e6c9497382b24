"""A cluster: several processes on one PostgreSQL, people who order, and a simulator as witness."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import asyncpg

from cooee.clocks.clock import RealClock
from cooee.net.http_client import HTTPClient
from cooee.net.http_server import serve_app
from cooee.simulator import Simulator
from support.cluster.severing_proxy import SeveringProxy
from support.durability.scenes import call_control

FOLDER = Path(__file__).parent
UNFINISHED = {
    "conversations": "due_at is not null or lease is not null or suspect_seq is not null",
    "outbound": "status in (0, 1, 2)",
    "number_roles": "true",
    "workers": "true",
}
SWITCHES = "confirm,idempotency"
PATIENCE_S = 120  # until what has to come came: a machine may be busy


class Person:
    """Somebody who orders again and again, and answers what is asked, as soon as it is."""

    def __init__(self, number, rounds):
        self.number, self.rounds = number, rounds
        self.heard, self.begun = 0, 0

    def answers(self, screen):
        """Return what to text, now that the screen shows this."""
        new, self.heard = screen[self.heard :], len(screen)
        if not self.begun:
            return self.order()
        return [text for one in new for text in self.answer(one)]

    def answer(self, text):
        if text.endswith("which dish?"):
            return [f"dish{text.split(':')[0]}"]
        if text.endswith("how many?"):
            return [text.split(":")[0]]
        return self.order() if text.endswith("ordered.") else []

    def order(self):
        if self.begun == self.rounds:
            return []
        self.begun += 1
        return ["ORDER"]

    def whole(self):
        """Return what the screen of this person has to show, in order."""
        return [
            text
            for n in range(1, self.begun + 1)
            for text in (f"{n}: which dish?", f"{n}: how many?", f"{n}: {n} dish{n} ordered.")
        ]


class Process:
    """A process of the service behind a proxy of its own; it is started again whenever it ends.

    Attributes:
        exits: how it ended, each time: 0, a signal below 0, or the code of an error at its start.
    """

    def __init__(self, cluster, proxy, environment):
        self.cluster, self.proxy, self.exits = cluster, proxy, []
        self._environment = environment | {"COOEE_DATABASE": cluster.url(proxy.port)}
        self.log = cluster.folder / f"{len(cluster.processes)}.log"

    async def start(self):
        await self._start()
        self._keeping = asyncio.create_task(self._keep())

    async def _start(self):
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "cooee", "run", str(FOLDER / "orders.py")],
                env=self._environment,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    async def _keep(self):
        while True:
            self.exits.append(await self._child.wait())
            await self._start()

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)

    async def end(self, number):
        """Send a signal that ends it, and wait until it has ended."""
        child = self._child
        self.send(number)
        await asyncio.wait_for(child.wait(), PATIENCE_S)

    async def stop(self):
        self._keeping.cancel()
        self.send(signal.SIGCONT)
        await self.end(signal.SIGTERM)
        self.exits.append(self._child.returncode)
        await self.proxy.stop()


class Cluster:
    """The processes, the server, the people, and what was done to them."""

    def __init__(self, folder, server, database, simulator, port):
        self.folder, self.server, self.database = folder, server, database
        self.simulator, self.faults = simulator, Counter()
        self.processes, self.people = [], []
        self._environment = {
            **os.environ,
            "COOEE_PROVIDER": "simulated",
            "COOEE_PORT": "0",
            "COOEE_POLL_INTERVAL": "0.05",
            "SIMULATED_BASE_URL": f"http://127.0.0.1:{port}/simulated/v1",
            "SIMULATED_SWITCHES": SWITCHES,
            "LEDGER": str(folder / "ledger"),
            "PYTHONWARNINGS": "error",
        }

    def url(self, port):
        return f"postgresql://cooee@127.0.0.1:{port}/{self.database}"

    async def add_process(self, **more):
        proxy = SeveringProxy(self.server.socket)
        await proxy.start()
        process = Process(self, proxy, self._environment | more)
        await process.start()
        self.processes.append(process)
        return process

    async def execute(self, statement):
        """Execute a statement, whatever the server does to others."""
        unharmed = {"default_transaction_read_only": "off", "statement_timeout": "0"}
        connection = await asyncpg.connect(self.server.url(self.database), server_settings=unharmed)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    def number(self):
        return next(iter(self.simulator.network.our_numbers), None)

    def screen(self, person):
        entries = self.simulator.network.phone_screen(person.number)
        return [entry.text.text for entry in entries if entry.direction == "to_phone"]

    async def text_for_ever(self):
        """Let the people text, each as soon as there is something to answer."""
        while True:
            for person in self.people:
                for text in person.answers(self.screen(person)):
                    self.simulator.network.send_from_phone(person.number, self.number(), text)
            await asyncio.sleep(0.05)

    @property
    def is_over(self):
        return all(self.screen(person)[-1:] == person.whole()[-1:] for person in self.people)

    async def unfinished(self):
        """Return what keeps people waiting: the last of their screens, and what the database has."""
        screens = {one.number: (one.begun, self.screen(one)[-2:]) for one in self.people}
        rows = [
            dict(row)
            for table, condition in UNFINISHED.items()
            for row in await self.execute(f"select * from {table} where {condition} limit 5")
        ]
        return screens, rows

    async def until(self, condition):
        for _ in range(int(PATIENCE_S / 0.05)):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("It never came to that.")

    async def stop(self):
        """Stop each process as a deploy does."""
        processes, self.processes = self.processes, []
        await asyncio.gather(*[process.stop() for process in processes])
        for process in processes:
            print(process.log.read_text()[-20_000:], process.exits, sep="\n")


@contextlib.asynccontextmanager
async def cluster(folder, server):
    """Begin a cluster without processes, on a new database of a server with a socket."""
    clock = RealClock()
    transport = HTTPClient(clock)
    simulator = Simulator(clock, transport)
    await simulator.start()
    database = await server.create_database()
    try:
        async with serve_app(simulator.app) as port:
            chosen = {"face": "simulated", "switches": SWITCHES.split(",")}
            await call_control(simulator, "PUT", "/control/switches", chosen)
            new = Cluster(folder, server, database, simulator, port)
            try:
                yield new
            finally:
                await new.stop()
    finally:
        await simulator.close()
        await transport.close()
