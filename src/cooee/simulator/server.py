"""The simulator: a mobile network, the providers' APIs and the control interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cooee.clocks.clock import Clock
from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.net.http_client import HANG_UP_EXTENSION, HTTPClient, Receive, Scope, Send, Transport
from cooee.net.http_server import serve_app
from cooee.net.origin_guard import LOOPBACK_HOSTS, OriginGuard
from cooee.simulator.apis import ProviderAPI
from cooee.simulator.apis.oauth_clients import ClientCredentials
from cooee.simulator.apis.simulated import SimulatedAPI
from cooee.simulator.apis.telstra_v2 import TelstraV2API
from cooee.simulator.apis.telstra_v3 import TelstraV3API
from cooee.simulator.apis.twilio import TwilioAPI
from cooee.simulator.control_api import CONTROL_PATH, make_control_app
from cooee.simulator.network import MobileNetwork, NetworkConditions

_GARBAGE_PAGE = (
    b"<html><head><title>502</title></head><body><h1>Gateway says hello</h1></body></html>"
)


class Simulator:
    """A simulated mobile network with the HTTP APIs of every provider in cooee.

    Its `app` is an ASGI app, for real HTTP or for `InProcessClient`; its `network` has the phones.

    Args:
        clock: the clock of all delays, expiries and repeats.
        transport: sends the pushes to webhooks.
        seed: of everything that happens by chance.
        delay: seconds that a text takes.
        client_id: the only client id that Telstra's APIs accept; None accepts any.
        client_secret: the only client secret that they accept; None accepts any.
        api_key: the only key that the simulated provider's API accepts; None accepts any.
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
        self.network = MobileNetwork(clock, seed=seed, conditions=NetworkConditions(delay=delay))
        credentials = ClientCredentials(client_id, client_secret)
        self.apis: tuple[ProviderAPI, ...] = (
            TelstraV2API(self.network, transport, credentials),
            TelstraV3API(self.network, transport, credentials),
            SimulatedAPI(self.network, transport, api_key=api_key),
            TwilioAPI(self.network, transport),
        )
        self._control_app = make_control_app(self.network, self.apis)
        # A program may be led here under a provider's real name; no page has that name in Origin.
        real_hosts = {api.real_base.partition("/")[0] for api in self.apis if api.real_base}
        self._guarded_app = OriginGuard(
            self._dispatch, LOOPBACK_HOSTS | real_hosts, origins=LOOPBACK_HOSTS
        )
        self._clock = clock
        self._is_open = True

    async def start(self) -> None:
        """Take requests; a simulator does from the beginning, and again after `close`."""
        self._is_open = True

    async def close(self) -> None:
        """Drop texts and pushes in flight, and every later request."""
        self._is_open = False
        await self.network.close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, over ASGI."""
        if scope["type"] != "http":
            return
        if self._is_open:
            await self._guarded_app(scope, receive, send)
        else:
            _hang_up(scope)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(f"{CONTROL_PATH}/"):
            await self._control_app(scope, receive, send)
            return
        try:
            request = await asgi.read_request(scope, receive)
        except asgi.BodyTooLarge as error:
            await asgi.write_response(send, asgi.json_response(413, {"error": str(error)}))
            return
        if request is None:
            return
        response = await self._route(request)
        if response is None:
            _hang_up(scope)
        else:
            await asgi.write_response(send, response)

    async def _route(self, request: Request) -> Response | None:
        """Return a provider API's response, or None where the connection is to be dropped."""
        path = asgi.path_of(request)
        address = (asgi.host_of(request.url) or "") + path
        for api in self.apis:
            if path.startswith(f"{api.prefix}/"):
                return await self._handle_with_faults(api, request, path.removeprefix(api.prefix))
            if api.real_base and address.startswith(f"{api.real_base}/"):
                api_path = address.removeprefix(api.real_base)
                return await self._handle_with_faults(api, request, api_path)
        prefixes = ", ".join(f"{api.prefix}/" for api in self.apis)
        message = f"There is no {path}. There is {prefixes} and {CONTROL_PATH}/."
        return asgi.json_response(404, {"error": message})

    async def _handle_with_faults(
        self, api: ProviderAPI, request: Request, path: str
    ) -> Response | None:
        """Return a provider API's response, or the fault due instead."""
        fault = api.faults.take_for_request(request, path)
        if fault is None:
            return api.handle(request, path)
        match fault.name:
            case "carrier-down":
                return None
            case "error-500" | "error-503" | "throttle" | "refuse" | "expire-token":
                return api.fault_response(fault.name, request, path)
            case "garbage":
                html = {"content-type": "text/html"}
                return Response(status=200, headers=html, body=_GARBAGE_PAGE)
        # lose-answer and delay: the request is carried out first, as a provider does that loses
        # only its response.
        response = api.handle(request, path)
        if fault.seconds:
            await self._clock.sleep(fault.seconds)
        return None if fault.name == "lose-answer" else response


def _hang_up(scope: Scope) -> None:
    """Drop the connection without a response, where the server can."""
    if HANG_UP_EXTENSION in scope.get("extensions", {}):
        scope["extensions"][HANG_UP_EXTENSION]()


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
    """Serve a simulator on a loopback port of this machine; yield the simulator and the port.

    Args:
        clock: the simulator's clock; a `VirtualClock` stands still until it is advanced.
        port: the port; 0 for any free one.
        seed: as `Simulator` has it, like all that follows.
        delay: seconds that a text takes.
        client_id: the only client id that Telstra's APIs accept.
        client_secret: the only client secret that they accept.
        api_key: the only key that the simulated provider's API accepts.

    Raises:
        SettingError: the port is taken.
    """
    transport = HTTPClient(clock)
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
