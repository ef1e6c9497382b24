"""A simulator in this process, and a customer of each provider who speaks plain HTTP to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from cooee.clocks.clock import VirtualClock
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import InProcessClient
from cooee.simulator import Simulator

SIMULATOR_URL = "http://127.0.0.1:8400"
ANNA, BEN = "+61491570156", "+61491570157"


class Webhook:
    """A customer's web server: what was pushed to it, and what it answers."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.status = 204
        self.requests: list[tuple[str, dict[str, str], bytes, float]] = []

    @property
    def pushed(self) -> list[Any]:
        return [msgspec.json.decode(body) for _, _, body, _ in self.requests]

    async def __call__(self, scope, receive, send) -> None:
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        at = self.clock.now().timestamp()
        self.requests.append((scope["path"], headers, body, at))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Customer:
    """Somebody who calls one provider's API in the simulator."""

    def __init__(self, transport, base: str) -> None:
        self.transport, self.base = transport, base
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, content: Any = None, **headers: str) -> Response:
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.transport(
            Request(
                method=method,
                url=self.base + path,
                headers={"content-type": "application/json", **self.headers, **named},
                body=b"" if content is None else body,
                safe=method == "GET",
            )
        )

    async def log_in(self, client: str = "key", secret: str = "secret") -> Response:
        form = {
            "client_id": client,
            "client_secret": secret,
            "grant_type": "client_credentials",
            "scope": "NSMS",
        }
        answer = await self.ask("POST", "/oauth/token", urlencode(form).encode())
        if answer.status == 200:
            self.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def subscribe(self, **asked: Any) -> Response:
        return await self.ask("POST", "/messages/provisioning/subscriptions", asked)

    async def send(self, to: Any, body: Any = "Hello", **asked: Any) -> Response:
        return await self.ask("POST", "/messages/sms", {"to": to, "body": body, **asked})

    async def read(self) -> Any:
        return (await self.ask("GET", "/messages/sms")).json()

    async def status(self, id: str) -> Response:
        return await self.ask("GET", f"/messages/sms/{id}/status")


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def webhook(clock):
    return Webhook(clock)


@pytest.fixture
def transport(clock, webhook):
    return InProcessClient(clock, {"https://example.com": webhook})


@pytest.fixture
async def simulator(clock, transport):
    simulator = Simulator(clock, transport)
    transport.apps[SIMULATOR_URL] = simulator.app
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest.fixture
def customer(simulator, transport):
    """Makes a customer of the simulator, by where the provider's API is in it."""
    return lambda path: Customer(transport, SIMULATOR_URL + path)


@pytest.fixture
def controls(simulator, transport):
    return Customer(transport, SIMULATOR_URL + "/control")


@pytest.fixture
def simulated(simulator, transport):
    """A customer of the simulated provider."""
    customer = Customer(transport, SIMULATOR_URL + "/simulated/v1")
    customer.headers["authorization"] = "Bearer simulated"
    return customer


@pytest.fixture
async def telstra(simulator, transport):
    """A customer of Telstra's who has logged in and has no number yet."""
    customer = Customer(transport, SIMULATOR_URL + "/telstra/v2")
    await customer.log_in()
    return customer


@pytest.fixture
async def number(telstra):
    """That customer's number, from which replies are polled."""
    return (await telstra.subscribe()).json()["destinationAddress"]
