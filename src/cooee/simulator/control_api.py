"""The simulator's own interface under /control: phones to text with, and things to make go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from cooee.clocks.clock import VirtualClock
from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator import faults, phone_numbers
from cooee.simulator.apis import ProviderAPI
from cooee.simulator.network import Conditions, Network, ScreenEntry

T = TypeVar("T")
PathParams: TypeAlias = Mapping[str, str]
ControlEndpoint: TypeAlias = Callable[[Request, PathParams], Awaitable[Response]]
MAX_ADVANCE_S = 100 * 366 * 86_400


class _ControlRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call's JSON may hold."""


class _SendTextRequest(_ControlRequest, frozen=True):
    to: str
    text: str


class _PhoneRequest(_ControlRequest, frozen=True):
    on: bool


class _FaultRequest(_ControlRequest, frozen=True):
    face: str
    fault: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    on: str = ""


class _SwitchesRequest(_ControlRequest, frozen=True):
    face: str
    switches: tuple[str, ...]


class _AdvanceRequest(_ControlRequest, frozen=True):
    advance: Annotated[float, msgspec.Meta(ge=0, le=MAX_ADVANCE_S)]


class ControlAPI:
    """Answers the calls under /control. What it cannot do, it says in words, with a 4xx."""

    def __init__(self, network: Network, apis: Sequence[ProviderAPI]) -> None:
        self._network = network
        self._apis = {api.name: api for api in apis}
        self._routes: asgi.Router[ControlEndpoint] = asgi.Router(
            [
                ("POST /phones/{number}/texts", self._send_text),
                ("GET /phones/{number}/texts", self._list_texts),
                ("PUT /phones/{number}", self._switch_phone),
                ("GET /numbers", self._list_numbers),
                ("POST /faults", self._add_fault),
                ("GET /faults", self._list_faults),
                ("DELETE /faults", self._clear_faults),
                ("GET /network", self._get_conditions),
                ("PUT /network", self._set_conditions),
                ("PUT /switches", self._set_switches),
                ("GET /clock", self._get_clock),
                ("POST /clock", self._advance_clock),
            ]
        )

    async def handle(self, request: Request, path: str) -> Response:
        """Do what a call asks."""
        match = self._routes.match_request(request.method, path)
        if match is None:
            return self._no_route_response(path)
        endpoint, path_params = match
        try:
            return await endpoint(request, path_params)
        except (ValueError, OverflowError, msgspec.DecodeError) as error:
            return _error_response(400, str(error))

    def _no_route_response(self, path: str) -> Response:
        methods = self._routes.allowed_methods(path)
        if methods:
            return _error_response(405, f"/control{path} takes {' and '.join(methods)}.")
        return _error_response(404, f"There is no /control{path}.")

    # --- phones

    async def _send_text(self, request: Request, path_params: PathParams) -> Response:
        body = _decode_request(request, _SendTextRequest)
        text = self._network.send_from_phone(path_params["number"], body.to, body.text)
        return asgi.json_response(201, {"id": text.id, "status": text.status})

    async def _list_texts(self, _: Request, path_params: PathParams) -> Response:
        phone = _phone_number(path_params)
        return asgi.json_response(
            200, [_entry_json(entry) for entry in self._network.phone_screen(phone)]
        )

    async def _switch_phone(self, request: Request, path_params: PathParams) -> Response:
        body = _decode_request(request, _PhoneRequest)
        self._network.switch_phone(_phone_number(path_params), on=body.on)
        return asgi.json_response(200, {"on": body.on})

    async def _list_numbers(self, _: Request, __: PathParams) -> Response:
        rows = [
            {"number": number["number"], "face": api.name, "notifyURL": number["notifyURL"]}
            for api in self._apis.values()
            for number in api.numbers_in_use()
        ]
        return asgi.json_response(200, rows)

    # --- what goes wrong

    async def _add_fault(self, request: Request, _: PathParams) -> Response:
        body = _decode_request(request, _FaultRequest)
        fault = faults.parse_fault(body.fault, body.count, body.on)
        self._api_named(body.face).faults.add(fault)
        return asgi.json_response(201, body)

    async def _list_faults(self, _: Request, __: PathParams) -> Response:
        rows = [
            {
                "face": api.name,
                "fault": fault.notation,
                "count": fault.count,
                "on": fault.call_prefix,
            }
            for api in self._apis.values()
            for fault in api.faults.pending
        ]
        return asgi.json_response(200, rows)

    async def _clear_faults(self, _: Request, __: PathParams) -> Response:
        for api in self._apis.values():
            api.faults.clear()
        return Response(status=204)

    async def _get_conditions(self, _: Request, __: PathParams) -> Response:
        conditions = msgspec.structs.asdict(self._network.conditions)
        return asgi.json_response(200, {**conditions, "idle": self._network.is_idle})

    async def _set_conditions(self, request: Request, path_params: PathParams) -> Response:
        self._network.conditions = _decode_request(request, Conditions)
        return await self._get_conditions(request, path_params)

    async def _set_switches(self, request: Request, _: PathParams) -> Response:
        body = _decode_request(request, _SwitchesRequest)
        self._api_named(body.face).set_switches(body.switches)
        return asgi.json_response(200, body)

    # --- time

    async def _get_clock(self, _: Request, __: PathParams) -> Response:
        is_virtual = isinstance(self._network.clock, VirtualClock)
        return asgi.json_response(
            200, {"now": _iso_millis(self._network.clock.now()), "virtual": is_virtual}
        )

    async def _advance_clock(self, request: Request, path_params: PathParams) -> Response:
        clock = self._network.clock
        if not isinstance(clock, VirtualClock):
            message = (
                "This box runs on the machine's time. Start it with --virtual-clock to advance."
            )
            return _error_response(409, message)
        await clock.advance(_decode_request(request, _AdvanceRequest).advance)
        return await self._get_clock(request, path_params)

    def _api_named(self, name: str) -> ProviderAPI:
        if name not in self._apis:
            raise ValueError(f"There is no face {name!r}. There are {', '.join(self._apis)}.")
        return self._apis[name]


def _decode_request(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _phone_number(path_params: PathParams) -> str:
    number = phone_numbers.parse_address(path_params["number"])
    if number is None:
        raise ValueError(
            f"{path_params['number']!r} is no phone. Write +61491570156 or 0491570156."
        )
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


def _error_response(status: int, message: str) -> Response:
    return asgi.json_response(status, {"error": message})
