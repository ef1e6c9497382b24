"""The control interface under /control: phones to text with, faults, network conditions, time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cooee.clocks.clock import VirtualClock
from cooee.net.asgi import MAX_BODY_BYTES, BodyTooLarge
from cooee.net.http_client import ASGIApp
from cooee.simulator import phone_numbers
from cooee.simulator.apis import ProviderAPI
from cooee.simulator.faults import parse_fault
from cooee.simulator.network import MobileNetwork, NetworkConditions, ScreenEntry

T = TypeVar("T")
CONTROL_PATH = "/control"
MAX_ADVANCE_S = 100 * 366 * 86_400


class _ControlRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a request."""


class _SendTextRequest(_ControlRequest, frozen=True):
    to: str
    text: str


class _PhoneRequest(_ControlRequest, frozen=True):
    on: bool


class _FaultRequest(_ControlRequest, frozen=True):
    face: str  # the name of a provider's API
    fault: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    on: str = ""


class _SwitchesRequest(_ControlRequest, frozen=True):
    face: str  # the name of a provider's API
    switches: tuple[str, ...]


class _AdvanceRequest(_ControlRequest, frozen=True):
    advance: Annotated[float, msgspec.Meta(ge=0, le=MAX_ADVANCE_S)]


def make_control_app(network: MobileNetwork, apis: Sequence[ProviderAPI]) -> ASGIApp:
    """Return the control interface, whose every refusal is a 4xx with ``{"error": "why"}``."""
    control = _Control(network, apis)
    routes = [
        _route("POST", "/phones/{number}/texts", control.send_text),
        _route("GET", "/phones/{number}/texts", control.list_texts),
        _route("PUT", "/phones/{number}", control.switch_phone),
        _route("GET", "/numbers", control.list_numbers),
        _route("POST", "/faults", control.add_fault),
        _route("GET", "/faults", control.list_faults),
        _route("DELETE", "/faults", control.clear_faults),
        _route("GET", "/network", control.get_conditions),
        _route("PUT", "/network", control.set_conditions),
        _route("PUT", "/switches", control.set_switches),
        _route("GET", "/clock", control.get_clock),
        _route("POST", "/clock", control.advance_clock),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _refuse_route,
            BodyTooLarge: _refuse_size,
            ValueError: _refuse_input,
            OverflowError: _refuse_input,
            msgspec.DecodeError: _refuse_input,
            ClientDisconnect: _answer_nobody,
        },
    )
    app.router.redirect_slashes = False
    return app


class _Control:
    """The endpoints of the control interface, over a network and its provider APIs."""

    def __init__(self, network: MobileNetwork, apis: Sequence[ProviderAPI]) -> None:
        self._network = network
        self._apis = {api.name: api for api in apis}

    # --- phones

    async def send_text(self, request: Request) -> Response:
        body = await _decode_body(request, _SendTextRequest)
        text = self._network.send_from_phone(request.path_params["number"], body.to, body.text)
        return _json_response(201, {"id": text.id, "status": text.status})

    async def list_texts(self, request: Request) -> Response:
        entries = self._network.phone_screen(_phone_number(request))
        return _json_response(200, [_entry_json(entry) for entry in entries])

    async def switch_phone(self, request: Request) -> Response:
        body = await _decode_body(request, _PhoneRequest)
        self._network.switch_phone(_phone_number(request), on=body.on)
        return _json_response(200, {"on": body.on})

    async def list_numbers(self, _: Request) -> Response:
        rows = [
            {"number": number["number"], "face": api.name, "notifyURL": number["notifyURL"]}
            for api in self._apis.values()
            for number in api.numbers_in_use()
        ]
        return _json_response(200, rows)

    # --- faults and conditions

    async def add_fault(self, request: Request) -> Response:
        body = await _decode_body(request, _FaultRequest)
        fault = parse_fault(body.fault, body.count, body.on)
        self._api_named(body.face).faults.add(fault)
        return _json_response(201, body)

    async def list_faults(self, _: Request) -> Response:
        rows = [
            _FaultRequest(api.name, fault.notation, fault.count, fault.call_prefix)
            for api in self._apis.values()
            for fault in api.faults.pending
        ]
        return _json_response(200, rows)

    async def clear_faults(self, _: Request) -> Response:
        for api in self._apis.values():
            api.faults.clear()
        return Response(status_code=204)

    async def get_conditions(self, _: Request) -> Response:
        conditions = msgspec.structs.asdict(self._network.conditions)
        return _json_response(200, {**conditions, "idle": self._network.is_idle})

    async def set_conditions(self, request: Request) -> Response:
        self._network.conditions = await _decode_body(request, NetworkConditions)
        return await self.get_conditions(request)

    async def set_switches(self, request: Request) -> Response:
        body = await _decode_body(request, _SwitchesRequest)
        self._api_named(body.face).set_switches(body.switches)
        return _json_response(200, body)

    # --- time

    async def get_clock(self, _: Request) -> Response:
        clock = self._network.clock
        is_virtual = isinstance(clock, VirtualClock)
        return _json_response(200, {"now": _iso_millis(clock.now()), "virtual": is_virtual})

    async def advance_clock(self, request: Request) -> Response:
        clock = self._network.clock
        if not isinstance(clock, VirtualClock):
            message = (
                "This simulator runs on the machine's time. "
                "Start it with --virtual-clock to advance."
            )
            return _error_response(409, message)
        await clock.advance((await _decode_body(request, _AdvanceRequest)).advance)
        return await self.get_clock(request)

    def _api_named(self, name: str) -> ProviderAPI:
        if name not in self._apis:
            raise ValueError(f"There is no API {name!r}. There are {', '.join(self._apis)}.")
        return self._apis[name]


def _route(method: str, path: str, endpoint: Any) -> Route:
    return Route(CONTROL_PATH + path, endpoint, methods=[method])


async def _decode_body(request: Request, kind: type[T]) -> T:
    """Read and decode a request's JSON, of any content type: curl sends a form's.

    Raises:
        BodyTooLarge: it has more than `MAX_BODY_BYTES`.
        DecodeError: it is not JSON, or not the JSON of this request.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
    return msgspec.json.decode(body, type=kind)


def _phone_number(request: Request) -> str:
    written = request.path_params["number"]
    number = phone_numbers.parse_address(written)
    if number is None:
        raise ValueError(f"{written!r} is no phone. Write +61491570156 or 0491570156.")
    return number


def _entry_json(entry: ScreenEntry) -> dict[str, Any]:
    text = entry.text
    return {
        "id": text.id,
        "direction": entry.direction,
        "from": text.sender,
        "to": text.recipient,
        "text": text.text,
        "at": _iso_millis(entry.shown_at),
        "status": text.status,
    }


def _iso_millis(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json_response(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _error_response(status: int, message: str) -> Response:
    return _json_response(status, {"error": message})


def _refuse_route(request: Request, error: Exception) -> Response:
    """Return the 404 of an unknown path, or the 405 of a known one."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 405:
        return _error_response(405, f"{path} takes no {request.method}.")
    return _error_response(error.status_code, f"There is no {path}.")


def _refuse_size(_: Request, error: Exception) -> Response:
    return _error_response(413, str(error))


def _refuse_input(_: Request, error: Exception) -> Response:
    return _error_response(400, str(error))


def _answer_nobody(_: Request, __: Exception) -> Response:
    """Return a response without a waiting client."""
    return Response(status_code=499)
