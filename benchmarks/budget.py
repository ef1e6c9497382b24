"""Where a text's time goes: CPU µs a step, from the socket to the reply, on one core.

    python benchmarks/budget.py [--repeats 40] [--batch 16] [--json budget.json]

Each step is the product's own code, called as the service calls it, for `batch` texts that lie
beside each other, as under load. Counted is the CPU time of all threads, and of many short
stretches the best, since neighbours on the machine share its caches. The kernel's part of a
request (its socket) is in no step but the last client's; `make bench-peers` has all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any

import uvloop
from history import write_result
from msgspec.structs import replace
from peer_programs.load import TOKEN, twilio_form
from peers import free_port
from turns import counting
from uvicorn import Config
from uvicorn.server import ServerState

from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Outbound, Status
from cooee.net.asgi import write_response
from cooee.net.http_client import HTTPClient, run_flow
from cooee.net.server_connection import ServerConnection
from cooee.providers import Credentials, Received
from cooee.providers.twilio.adapter import Twilio
from cooee.runtime.service import Service
from cooee.runtime.turns.claim_turns import run_claim
from cooee.runtime.turns.turn_thread import TurnRunner, run_all
from cooee.runtime.web.webhook_urls import WEBHOOK_SECRET_NAME
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import AttemptResult, FinishedClaim, NewInbound, ReceivedText
from cooee.storage.sqlite.store import SQLite

URL, OURS = "http://127.0.0.1:8000", "+61491570006"
PROVIDER = Path(__file__).parent / "peer_programs" / "fake_provider.py"


class NoStore:
    """A store that does nothing, to see what costs beside it."""

    def __init__(self) -> None:
        self.arrivals: list[NewInbound] = []

    async def receive(
        self, arrivals: Sequence[NewInbound], *, claim_limit: int = 0
    ) -> Sequence[ReceivedText]:
        self.arrivals += arrivals
        return [ReceivedText(b"", is_new=True) for _ in arrivals]

    async def finish(self, results: Sequence[Any]) -> Sequence[FinishedClaim]:
        return [FinishedClaim(is_committed=True) for _ in results]


class Budget:
    """The best of each step, in seconds a text, in the order of a text's way."""

    def __init__(self, batch: int) -> None:
        self.batch, self.steps = batch, dict[str, float]()

    def count(self, step: str, began: float) -> None:
        took = (process_time() - began) / self.batch
        self.steps[step] = min(took, self.steps.get(step, took))

    async def time(self, step: str, awaitables: Iterable[Awaitable[Any]]) -> list[Any]:
        began = process_time()
        results = await asyncio.gather(*awaitables)
        self.count(step, began)
        return results


class Sink:
    """A transport that counts the responses written to it."""

    def __init__(self) -> None:
        self.responses = 0

    def write(self, data: bytes) -> None:
        self.responses += data.startswith(b"HTTP/1.1")

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def __getattr__(self, name: str) -> Callable[..., bool]:
        return lambda *_: False


class Parts:
    """The parts of a service that answers nothing by itself, and requests to them."""

    def __init__(self, store: SQLite, provider_url: str, batch: int) -> None:
        settings = {"TWILIO_ACCOUNT_SID": f"AC{0:032x}", "TWILIO_AUTH_TOKEN": TOKEN}
        settings |= {"TWILIO_REPLY_BY": "webhook", "TWILIO_BASE_URL": provider_url}
        self.twilio, self.store, self.batch = Twilio(settings), store, batch
        self.clock, self.texts = RealClock(), 0
        self.client = HTTPClient(self.clock)
        self.service = Service(
            counting(),
            self.twilio,
            store,
            self.client,
            self.clock,
            options=ServiceOptions(public_url=URL),
        )

    async def open(self) -> None:
        """Open the service, and stop its worker: the steps below do the work."""
        await self.service.open()
        self.parts, self.endpoints = self.service.parts, self.service.endpoints
        self.parts.worker.stop()
        [secret, *_] = await self.store.secrets(WEBHOOK_SECRET_NAME)
        self.path = f"/twilio/{secret}/text"

    def requests(self) -> list[Request]:
        made = []
        for _ in range(self.batch):
            self.texts += 1
            words, url = f"Yes, Friday please, at {self.texts}", URL + self.path
            body, headers = twilio_form(self.texts % 2_000, words, self.texts, url)
            named = dict(line.split(": ", 1) for line in headers.split("\r\n") if line)
            named |= {"host": "127.0.0.1:8000", "content-length": str(len(body))}
            made.append(Request(method="POST", url=url, headers=named, body=body))
        return made


# The steps, in the order of a text's way


async def http_server(budget: Budget, requests: Sequence[Request]) -> None:
    async def acknowledge(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await write_response(send, Response(status=200))

    config = Config(acknowledge, interface="asgi3", log_config=None, server_header=False)
    config.load()
    loop, sink = asyncio.get_running_loop(), Sink()
    protocol = ServerConnection(config, ServerState(), {}, loop, header_timeout=15)
    protocol.connection_made(sink)
    raw = [as_bytes(request) for request in requests]
    began = process_time()
    for number, one in enumerate(raw, 1):
        protocol.data_received(one)
        while sink.responses < number:  # noqa: ASYNC110 -- a step of the loop, not a pause
            await asyncio.sleep(0)
    budget.count("HTTP server: parse, call, respond", began)
    protocol.connection_lost(None)


def as_bytes(request: Request) -> bytes:
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    path = request.url.removeprefix(URL)
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + request.body


async def endpoint(budget: Budget, parts: Parts, requests: Sequence[Request]) -> None:
    quiet = SimpleNamespace(name="twilio", receive=lambda *_: Received())
    provider, parts.endpoints._provider = parts.endpoints._provider, quiet
    calls = []
    for request in requests:
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        scope = {"type": "http", "method": "POST", "path": parts.path, "headers": headers}
        body = asyncio.get_running_loop().create_future()  # as our own server hands it over
        body.set_result({"type": "http.request", "body": request.body})

        def receive(body: asyncio.Future[Any] = body) -> asyncio.Future[Any]:
            return body

        async def send(message: Any) -> None:
            pass

        calls.append(({**scope, "query_string": b""}, receive, send))
    began = process_time()
    for call in calls:
        await parts.endpoints(*call)
    budget.count("webhook: path, headers, body", began)
    parts.endpoints._provider = provider


async def texts_in(budget: Budget, parts: Parts) -> Sequence[Any]:
    """Run a batch from the socket to its claims; return them."""
    requests, now = parts.requests(), parts.clock.now()
    await http_server(budget, requests)
    await endpoint(budget, parts, requests)
    began = process_time()
    received = [parts.twilio.receive(request, "text", now) for request in requests]
    budget.count("signature and form", began)
    receiver, no_store = parts.parts.inbound_receiver, NoStore()
    receiver._store, receiver._announce = no_store, lambda _: None
    texts = [receiver.receive(one.inbounds) for one in received]
    await budget.time("receiver: numbers, opt-out words", texts)
    storing = [parts.store.receive(no_store.arrivals, claim_limit=parts.batch)]
    [stored] = await budget.time("store: receive, with the lease", storing)
    return [text.claim for text in stored]


async def turns(
    budget: Budget, parts: Parts, claims: Sequence[Any], take_limit: int
) -> Sequence[Outbound]:
    """Run the turns of a batch, and the worker around them without a store; return the replies."""
    worker = parts.parts.worker
    worker._ends._finish = NoStore().finish
    worker._places.take(claims)
    await budget.time("worker: a thread, and in it …", [worker._run_claims(claims)])
    runners = [TurnRunner(run_claim(parts.service.context, claim)) for claim in claims]
    began = process_time()
    run_all(deque(runners), lambda call: True, worker._calls.call_here)
    budget.count("· route, handler, state", began)
    results = [replace(one.step, take_limit=take_limit) for one in runners]
    commit = [parts.store.finish(results)]
    [finished] = await budget.time("store: finish, with the attempt", commit)
    replies = [attempt.outbound for one in finished for attempt in one.attempts]
    return list(map(parts.parts.session.with_callback, replies))


async def reply_in_answer(budget: Budget, parts: Parts, replies: Sequence[Outbound]) -> None:
    began = process_time()
    for reply in replies:
        parts.twilio.webhook_response([reply])
    budget.count("answer: TwiML", began)
    results = [AttemptResult(outbound=one, status=Status.UNKNOWN) for one in replies]
    await budget.time("answer: store: record", [parts.store.record_results(results)])
    # A receipt settles it: else the person's next reply would wait.
    sent = [AttemptResult(outbound=one, status=Status.SENT) for one in replies]
    await parts.store.record_results(sent)


async def reply_by_rest(budget: Budget, parts: Parts, outbounds: Sequence[Outbound]) -> None:
    credentials = Credentials("secret")
    answer = b'{"sid": "SM%032x", "status": "queued", "num_segments": "1"}' % 1

    async def answered(request: Request) -> Response:
        return Response(status=201, body=answer)

    flows = [run_flow(parts.twilio.send(one, credentials), answered) for one in outbounds]
    await budget.time("REST: form, answer", flows)
    requests = [next(parts.twilio.send(one, credentials)) for one in outbounds]
    await budget.time("REST: HTTP client, with its sockets", map(parts.client, requests))
    results = [
        AttemptResult(outbound=one, status=Status.ACCEPTED, provider_id=one.id) for one in outbounds
    ]
    await budget.time("REST: store: record", [parts.store.record_results(results)])


async def measure(repeats: int, batch: int, provider_url: str) -> Budget:
    budget = Budget(batch)
    with tempfile.TemporaryDirectory(dir=".", prefix="budget-") as folder:
        store = await SQLite.open(Path(folder) / "budget.db", now=RealClock().now)
        parts = Parts(store, provider_url, batch)
        await parts.open()
        for _ in range(repeats):
            claims = await texts_in(budget, parts)
            await reply_in_answer(budget, parts, await turns(budget, parts, claims, 10))
            claims = await texts_in(budget, parts)
            await reply_by_rest(budget, parts, await turns(budget, parts, claims, 1))
        await parts.service.close()
    return budget


def await_port(port: int) -> None:
    with socket.socket() as caller:
        while caller.connect_ex(("127.0.0.1", port)) != 0:
            time.sleep(0.05)


def loop_s() -> float:
    """Return the least CPU time of a plain loop, the unit in which results are kept."""
    least = float("inf")
    for _ in range(50):
        began, total = process_time(), 0
        for number in range(1_000):
            total += number
        least = min(least, process_time() - began)
    return least


def print_table(budget: Budget, *, markdown: bool = False) -> None:
    rows = dict(budget.steps)
    for end, other in (("answer", "REST"), ("REST", "answer")):
        steps = [one for step, one in budget.steps.items() if not step.startswith(("·", other))]
        rows[f"a text, its reply by {end}"] = sum(steps)
    for step, seconds in rows.items():
        print(
            f"| {step} | {seconds * 1e6:,.0f} |"
            if markdown
            else f"{step:<44}{seconds * 1e6:>8,.0f} µs"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", action="store_true", help="rows for the page on performance")
    told = parser.parse_args()
    gc.freeze()
    port = free_port()
    provider = subprocess.Popen([sys.executable, str(PROVIDER), "--port", str(port)])
    try:
        await_port(port)
        budget = uvloop.run(measure(told.repeats, told.batch, f"http://127.0.0.1:{port}"))
    finally:
        provider.terminate()
        provider.wait()
    print_table(budget, markdown=told.markdown)
    unit = loop_s()
    write_result(told.json, costs={step: one / unit for step, one in budget.steps.items()})


if __name__ == "__main__":
    main()
