"""The simulator: a mobile network, and the companies' APIs to it, on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cooee.clocks.clock import Clock
from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.net import http_client as http
from cooee.net.http_client import HANG_UP_EXTENSION, Receive, Scope, Send, Transport
from cooee.net.http_server import serve_app
from cooee.simulator.apis import ProviderAPI
from cooee.simulator.apis.simulated import SimulatedAPI
from cooee.simulator.apis.telstra_v2 import TelstraV2API
from cooee.simulator.apis.telstra_v3 import TelstraV3API
from cooee.simulator.apis.twilio import TwilioAPI
from cooee.simulator.control_api import ControlAPI
from cooee.simulator.network import Conditions, Network

_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
_GARBAGE_PAGE = (
    b"<html><head><title>502</title></head><body><h1>Gateway says hello</h1></body></html>"
)


class Simulator:
    """The simulator.

    Its `app` is an ASGI app for real HTTP or for `InProcess`; its `network` has the phones.

    Args:
        clock: what all delays, expiries and repeats run on.
        transport: what carries the pushes to webhooks.
        seed: of everything that happens by chance.
        delay: seconds that a text takes.
        client_id: the only one that Telstra's faces accept; None accepts any.
        client_secret: likewise.
        key: the only one that the simulated face accepts; None accepts any.
    """

    def __init__(
        self,
        clock: Clock,
        transport: Transport,
        *,
        seed: int = 0,
        delay: float = 0.0,
        client_id: str | None = None,
        client_secret: str | None = None,
        api_key: str | None = None,
    ) -> None:
        self.network = Network(clock, seed=seed, conditions=Conditions(delay=delay))
        self.apis: tuple[ProviderAPI, ...] = (
            TelstraV2API(self.network, transport, client_id=client_id, client_secret=client_secret),
            TelstraV3API(self.network, transport, client_id=client_id, client_secret=client_secret),
            SimulatedAPI(self.network, transport, api_key=api_key),
            TwilioAPI(self.network, transport),
        )
        self._control_api = ControlAPI(self.network, self.apis)
        self._allowed_hosts = _LOOPBACK_HOSTS | {
            api.real_base.partition("/")[0] for api in self.apis
        }
        self._clock = clock
        self._is_open = True

    async def start(self) -> None:
        """Take calls; a simulator does from the beginning, and again after `close`."""
        self._is_open = True

    async def close(self) -> None:
        """Drop what is in flight, and every call that comes."""
        self._is_open = False
        await self.network.close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call, over ASGI."""
        if scope["type"] != "http":
            return
        try:
            request = await asgi.read_request(scope, receive)
        except asgi.BodyTooLarge:
            message = f"The body has more than {asgi.MAX_BODY_BYTES:,} bytes."
            await asgi.write_response(send, asgi.json_response(413, {"error": message}))
            return
        if request is None:
            return
        response = await self._route(request)
        if response is not None:
            await asgi.write_response(send, response)
        elif HANG_UP_EXTENSION in scope.get("extensions", {}):
            scope["extensions"][HANG_UP_EXTENSION]()

    async def _route(self, request: Request) -> Response | None:
        """The answer to a call; None where the connection is to be dropped."""
        if not self._is_open:
            return None
        if refusal := self._refuse_foreign_caller(request):
            return refusal
        path = asgi.path_of(request)
        address = (asgi.host_of(request.url) or "") + path
        for api in self.apis:
            if path.startswith(api.prefix + "/"):
                return await self._handle_with_faults(api, request, path.removeprefix(api.prefix))
            if api.real_base and address.startswith(api.real_base + "/"):
                return await self._handle_with_faults(
                    api, request, address.removeprefix(api.real_base)
                )
        if path.startswith("/control/"):
            return await self._control_api.handle(request, path.removeprefix("/control"))
        prefixes = [f"{face.prefix}/" for face in self.apis]
        message = f"There is no {path}. There is {', '.join(prefixes)} and /control/."
        return asgi.json_response(404, {"error": message})

    def _refuse_foreign_caller(self, request: Request) -> Response | None:
        """The refusal of a call that was not meant for this machine, by its own words.

        A page on the Internet can make a browser call 127.0.0.1, under the page's name in Host
        or Origin. A program whose calls to a company are led here has the company's in Host.
        """
        if asgi.host_of(request.url) not in self._allowed_hosts:
            message = "The simulator answers calls to 127.0.0.1 and localhost only."
            return asgi.json_response(421, {"error": message})
        origin = request.headers.get("origin")
        if origin is not None and asgi.host_of(origin) not in _LOOPBACK_HOSTS:
            return asgi.json_response(
                403, {"error": "The simulator takes no calls from other sites' pages."}
            )
        return None

    async def _handle_with_faults(
        self, api: ProviderAPI, request: Request, path: str
    ) -> Response | None:
        """A company's answer, or what goes wrong instead."""
        fault = api.faults.take_for_request(request, path)
        if fault is None:
            return api.handle(request, path)
        match fault.name:
            case "carrier-down":
                return None
            case "error-500" | "error-503" | "throttle" | "expire-token":
                return api.fault_response(fault.name, request, path)
            case "garbage":
                return Response(
                    status=200, headers={"content-type": "text/html"}, body=_GARBAGE_PAGE
                )
        response = api.handle(request, path)
        if fault.seconds:
            await self._clock.sleep(fault.seconds)
        return None if fault.name == "lose-answer" else response


@asynccontextmanager
async def run_simulator(
    clock: Clock,
    *,
    port: int = 8400,
    seed: int = 0,
    delay: float = 0.0,
    client_id: str | None = None,
    client_secret: str | None = None,
    api_key: str | None = None,
) -> AsyncIterator[tuple[Simulator, int]]:
    """A simulator on a port of this machine, on loopback alone; yields it and the port.

    Args:
        clock: what it runs on; a `VirtualClock` stands still until it is advanced.
        port: 0 for any free one.
        seed: as `Simulator` has it, like all that follows.
        delay: seconds that a text takes.
        client_id: the only one that Telstra's faces accept.
        client_secret: likewise.
        key: the only one that the simulated face accepts.

    Raises:
        SettingError: the port is taken.
    """
    transport = http.HTTPClient(clock)
    simulator = Simulator(
        clock,
        transport,
        seed=seed,
        delay=delay,
        client_id=client_id,
        client_secret=client_secret,
        api_key=api_key,
    )
    await simulator.start()
    try:
        async with serve_app(simulator.app, port=port) as bound_port:
            yield simulator, bound_port
    finally:
        await simulator.close()
        await transport.close()
