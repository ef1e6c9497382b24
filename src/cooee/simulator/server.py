"""The carrier in a box: a mobile network, and the companies' APIs to it, on one port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cooee.clocks.clock import Clock
from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.net import http_client as http
from cooee.net.http_client import HANG_UP, Receive, Scope, Send, Transport
from cooee.net.http_server import serving
from cooee.simulator.apis import Face
from cooee.simulator.apis.simulated import Simulated
from cooee.simulator.apis.telstra_v2 import TelstraV2
from cooee.simulator.apis.telstra_v3 import TelstraV3
from cooee.simulator.apis.twilio import Twilio
from cooee.simulator.control_api import Controls
from cooee.simulator.network import Conditions, Network

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PAGE = b"<html><head><title>502</title></head><body><h1>Gateway says hello</h1></body></html>"


class Carrier:
    """The box.

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
        key: str | None = None,
    ) -> None:
        self.network = Network(clock, seed=seed, conditions=Conditions(delay=delay))
        self.faces: tuple[Face, ...] = (
            TelstraV2(self.network, transport, client_id=client_id, client_secret=client_secret),
            TelstraV3(self.network, transport, client_id=client_id, client_secret=client_secret),
            Simulated(self.network, transport, key=key),
            Twilio(self.network, transport),
        )
        self._controls = Controls(self.network, self.faces)
        self._hosts = _LOOPBACK | {face.home.partition("/")[0] for face in self.faces}
        self._clock = clock
        self._open = True

    async def start(self) -> None:
        """Take calls; a box does from the beginning, and again after `close`."""
        self._open = True

    async def close(self) -> None:
        """Drop what is in flight, and every call that comes."""
        self._open = False
        await self.network.close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call, over ASGI."""
        if scope["type"] != "http":
            return
        try:
            request = await desk.read(scope, receive)
        except desk.TooLarge:
            words = f"The body has more than {desk.LARGEST:,} bytes."
            await desk.answer(send, desk.json(413, {"error": words}))
            return
        if request is None:
            return
        response = await self._answer(request)
        if response is not None:
            await desk.answer(send, response)
        elif HANG_UP in scope.get("extensions", {}):
            scope["extensions"][HANG_UP]()

    async def _answer(self, request: Request) -> Response | None:
        """The answer to a call; None where the connection is to be dropped."""
        if not self._open:
            return None
        if refused := self._stranger(request):
            return refused
        path = desk.path_of(request)
        place = (desk.host_of(request.url) or "") + path
        for face in self.faces:
            if path.startswith(face.prefix + "/"):
                return await self._ask(face, request, path.removeprefix(face.prefix))
            if face.home and place.startswith(face.home + "/"):
                return await self._ask(face, request, place.removeprefix(face.home))
        if path.startswith("/box/"):
            return await self._controls.answer(request, path.removeprefix("/box"))
        places = [f"{face.prefix}/" for face in self.faces]
        words = f"There is no {path}. There is {', '.join(places)} and /box/."
        return desk.json(404, {"error": words})

    def _stranger(self, request: Request) -> Response | None:
        """The refusal of a call that was not meant for this machine, by its own words.

        A page on the Internet can make a browser call 127.0.0.1, under the page's name in Host
        or Origin. A program whose calls to a company are led here has the company's in Host.
        """
        if desk.host_of(request.url) not in self._hosts:
            words = "The box answers calls to 127.0.0.1 and localhost only."
            return desk.json(421, {"error": words})
        origin = request.headers.get("origin")
        if origin is not None and desk.host_of(origin) not in _LOOPBACK:
            return desk.json(403, {"error": "The box takes no calls from other sites' pages."})
        return None

    async def _ask(self, face: Face, request: Request, path: str) -> Response | None:
        """A company's answer, or what goes wrong instead."""
        fault = face.faults.for_call(request, path)
        if fault is None:
            return face.answer(request, path)
        match fault.name:
            case "carrier-down":
                return None
            case "error-500" | "error-503" | "throttle" | "expire-token":
                return face.failure(fault.name, request, path)
            case "garbage":
                return Response(status=200, headers={"content-type": "text/html"}, body=_PAGE)
        done = face.answer(request, path)
        if fault.seconds:
            await self._clock.sleep(fault.seconds)
        return None if fault.name == "lose-answer" else done


@asynccontextmanager
async def box(
    clock: Clock,
    *,
    port: int = 8400,
    seed: int = 0,
    delay: float = 0.0,
    client_id: str | None = None,
    client_secret: str | None = None,
    key: str | None = None,
) -> AsyncIterator[tuple[Carrier, int]]:
    """A box on a port of this machine, on loopback alone; yields it and the port.

    Args:
        clock: what it runs on; a `VirtualClock` stands still until it is advanced.
        port: 0 for any free one.
        seed: as `Carrier` has it, like all that follows.
        delay: seconds that a text takes.
        client_id: the only one that Telstra's faces accept.
        client_secret: likewise.
        key: the only one that the simulated face accepts.

    Raises:
        SettingError: the port is taken.
    """
    transport = http.Network(clock)
    carrier = Carrier(
        clock,
        transport,
        seed=seed,
        delay=delay,
        client_id=client_id,
        client_secret=client_secret,
        key=key,
    )
    await carrier.start()
    try:
        async with serving(carrier.app, port=port) as found:
            yield carrier, found
    finally:
        await carrier.close()
        await transport.close()
