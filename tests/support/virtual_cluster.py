"""Several processes of one app on a virtual clock: services that share a store."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack

from msgspec.structs import replace

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import StoreUnavailable
from cooee.net.http_client import InProcessClient
from cooee.runtime.roles import EVERY_ROLE
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.simulator import Simulator
from cooee.storage.sqlite.store import SQLite
from cooee.testing.kit_provider import SIMULATOR_URL, find_api, make_provider

PUBLIC_URL = "https://texts.test"
HOLD_S = 4.0


class SharedStore:
    """What the processes of a cluster share: one database, its clock, and who lives."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.holds, self.versions, self.reserved = {}, {}, {}
        self.began = itertools.count()
        self.listeners = {}


class ProcessStore:
    """The database as one process of a cluster sees it; other verbs are the store's own."""

    def __init__(self, shared, name):
        self._shared, self._name = shared, name
        self.is_dead = self.is_idle = False  # it renews no hold; it claims nothing
        self._began = next(shared.began)

    def __getattr__(self, verb):
        return getattr(self._shared.store, verb)

    async def hold_number(self, ours, role):
        if self.is_dead:
            raise StoreUnavailable("The server went away.")
        now = self._shared.clock.now().timestamp()
        holder, until = self._shared.holds.get((ours, role), (self._name, 0.0))
        if holder != self._name and until > now:
            return 0.0
        self._shared.holds[ours, role] = (self._name, now + HOLD_S)
        return HOLD_S

    async def release_number(self, ours, role):
        if self._shared.holds.get((ours, role), ("", 0))[0] == self._name:
            del self._shared.holds[ours, role]

    def listen(self, on_change):
        self._shared.listeners[self._name] = on_change

    async def finish(self, results):
        finished = await self._shared.store.finish(results)
        for name, on_change in self._shared.listeners.items():
            if name != self._name:
                on_change()
        return finished

    async def receive(self, inbounds, *, claim_limit=0):
        limit = 0 if self.is_idle else claim_limit
        received = await self._shared.store.receive(inbounds, claim_limit=limit)
        kept = await self._kept([one.claim for one in received if one.claim])
        received = [one if one.claim in kept else replace(one, claim=None) for one in received]
        for name, on_change in self._shared.listeners.items():
            if name != self._name:
                on_change()
        return received

    async def claim(self, limit, *, with_timers=True):
        if self.is_idle:
            return []
        return await self._kept(await self._shared.store.claim(limit, with_timers=with_timers))

    async def _kept(self, claims):
        """Return the claims of conversations that are not reserved for another version."""
        mine = self._shared.versions.get(self._name, ("", 0))[0]
        living = {version for version, _ in self._shared.versions.values()}
        kept = []
        for one in claims:
            wanted = self._shared.reserved.get(one.conversation, mine)
            if wanted == mine or wanted not in living:
                kept.append(one)
            else:
                await self._shared.store.release([one])
        return kept

    async def hand_over(self, claims, code_version):
        for one in claims:
            self._shared.reserved[one.conversation] = code_version
        await self._shared.store.release(claims)
        for on_change in self._shared.listeners.values():
            on_change()

    async def newer_versions(self, code_version):
        self._shared.versions[self._name] = (code_version, self._began)
        began = {}
        for version, at in self._shared.versions.values():
            began[version] = min(at, began.get(version, at))
        later = [version for version in began if began[version] > began[code_version]]
        return sorted(later, key=began.__getitem__)

    async def close(self):
        self.leave()

    def leave(self):
        """Forget this process, as its row goes with it."""
        self._shared.versions.pop(self._name, None)
        self._shared.listeners.pop(self._name, None)


class Cluster:
    """A simulated network, a database, and the processes that are started on them."""

    def __init__(self, path, provider="simulated", switches=()):
        self.clock = VirtualClock()
        self.webhooks = InProcessClient(self.clock, {})
        self.simulator = Simulator(self.clock, self.webhooks)
        self._path, self._provider, self._switches = path, provider, switches
        if switches:
            find_api(self.simulator, provider).set_switches(switches)
        self.processes = {}
        self._exit_stack = AsyncExitStack()

    async def __aenter__(self):
        store = await SQLite.open(self._path / "cluster.db", now=self.clock.now)
        self._exit_stack.push_async_callback(store.close)
        self._exit_stack.push_async_callback(self.simulator.close)
        self.shared = SharedStore(store, self.clock)
        return self

    async def __aexit__(self, *_):
        for name in list(self.processes):
            await self.stop(name)
        await self._exit_stack.aclose()

    async def start(self, name, app, roles=EVERY_ROLE, *, push=False):
        transport = CountingClient(InProcessClient(self.clock, {SIMULATOR_URL: self.simulator.app}))
        service = Service(
            app,
            make_provider(self._provider, self._switches, {}),
            ProcessStore(self.shared, name),
            transport,
            self.clock,
            options=ServiceOptions(
                public_url=PUBLIC_URL if push else None, roles=frozenset(roles), shared=True
            ),
        )
        service.requests = transport.requests
        await service.open()
        self.processes[name] = service
        if push:
            self.webhooks.apps[PUBLIC_URL] = service.endpoints
        connecting = self.clock.spawn(service.connect())
        await self.clock.advance(0.1)
        await connecting
        return service

    async def stop(self, name):
        stopping = self.clock.spawn(self.processes.pop(name).close())
        while not stopping.done():
            await self.clock.advance(0.1)

    async def text(self, number, words, seconds=3):
        ours = self.our_number
        self.simulator.network.send_from_phone(number, ours, words)
        await self.clock.advance(seconds)
        return self.inbox(number)

    @property
    def our_number(self):
        return next(iter(self.processes.values())).subscription.number

    def inbox(self, number):
        screen = self.simulator.network.phone_screen(number)
        return [entry.text.text for entry in screen if entry.direction == "to_phone"]


class CountingClient:
    """A transport that notes each request."""

    def __init__(self, client):
        self._client, self.requests = client, []

    async def __call__(self, request):
        self.requests.append((request.method, request.url))
        return await self._client(request)

    async def close(self):
        await self._client.close()
