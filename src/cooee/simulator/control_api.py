"""The box's own interface under /box: phones to text with, and things to make go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec

from cooee.clocks.clock import VirtualClock
from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator import faults
from cooee.simulator import phone_numbers as numbers
from cooee.simulator.apis import Face
from cooee.simulator.network import Conditions, Entry, Network

T = TypeVar("T")
Names: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Request, Names], Awaitable[Response]]
CENTURY = 100 * 366 * 86_400


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call's JSON may hold."""


class _Text(_Asked, frozen=True):
    to: str
    text: str


class _Phone(_Asked, frozen=True):
    on: bool


class _Fault(_Asked, frozen=True):
    face: str
    fault: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    on: str = ""


class _Switches(_Asked, frozen=True):
    face: str
    switches: tuple[str, ...]


class _Clock(_Asked, frozen=True):
    advance: Annotated[float, msgspec.Meta(ge=0, le=CENTURY)]


class Controls:
    """Answers the calls under /box. What it cannot do, it says in words, with a 4xx."""

    def __init__(self, network: Network, faces: Sequence[Face]) -> None:
        self._network = network
        self._faces = {face.name: face for face in faces}
        self._routes: desk.Routes[Handler] = desk.Routes(
            [
                ("POST /phones/{number}/texts", self._text),
                ("GET /phones/{number}/texts", self._texts),
                ("PUT /phones/{number}", self._switch_phone),
                ("GET /numbers", self._numbers),
                ("POST /faults", self._add_fault),
                ("GET /faults", self._list_faults),
                ("DELETE /faults", self._clear_faults),
                ("GET /network", self._weather),
                ("PUT /network", self._set_weather),
                ("PUT /switches", self._set_switches),
                ("GET /clock", self._time),
                ("POST /clock", self._advance),
            ]
        )

    async def answer(self, request: Request, path: str) -> Response:
        """Do what a call asks."""
        found = self._routes.find(request.method, path)
        if found is None:
            return self._nothing(path)
        handler, names = found
        try:
            return await handler(request, names)
        except (ValueError, OverflowError, msgspec.DecodeError) as error:
            return _error(400, str(error))

    def _nothing(self, path: str) -> Response:
        methods = self._routes.methods(path)
        if methods:
            return _error(405, f"/box{path} takes {' and '.join(methods)}.")
        return _error(404, f"There is no /box{path}.")

    # --- phones

    async def _text(self, request: Request, names: Names) -> Response:
        asked = _read(request, _Text)
        text = self._network.text(names["number"], asked.to, asked.text)
        return desk.json(201, {"id": text.id, "status": text.status})

    async def _texts(self, _: Request, names: Names) -> Response:
        phone = _phone(names)
        return desk.json(200, [_shown(entry) for entry in self._network.inbox(phone)])

    async def _switch_phone(self, request: Request, names: Names) -> Response:
        asked = _read(request, _Phone)
        self._network.switch(_phone(names), on=asked.on)
        return desk.json(200, {"on": asked.on})

    async def _numbers(self, _: Request, __: Names) -> Response:
        held = [
            {"number": one["number"], "face": face.name, "notifyURL": one["notifyURL"]}
            for face in self._faces.values()
            for one in face.numbers()
        ]
        return desk.json(200, held)

    # --- what goes wrong

    async def _add_fault(self, request: Request, _: Names) -> Response:
        asked = _read(request, _Fault)
        fault = faults.fault(asked.fault, asked.count, asked.on)
        self._face(asked.face).faults.add(fault)
        return desk.json(201, asked)

    async def _list_faults(self, _: Request, __: Names) -> Response:
        left = [
            {"face": face.name, "fault": one.words, "count": one.count, "on": one.on}
            for face in self._faces.values()
            for one in face.faults.left
        ]
        return desk.json(200, left)

    async def _clear_faults(self, _: Request, __: Names) -> Response:
        for face in self._faces.values():
            face.faults.clear()
        return Response(status=204)

    async def _weather(self, _: Request, __: Names) -> Response:
        conditions = msgspec.structs.asdict(self._network.conditions)
        return desk.json(200, {**conditions, "idle": self._network.idle})

    async def _set_weather(self, request: Request, names: Names) -> Response:
        self._network.conditions = _read(request, Conditions)
        return await self._weather(request, names)

    async def _set_switches(self, request: Request, _: Names) -> Response:
        asked = _read(request, _Switches)
        self._face(asked.face).switch(asked.switches)
        return desk.json(200, asked)

    # --- time

    async def _time(self, _: Request, __: Names) -> Response:
        virtual = isinstance(self._network.clock, VirtualClock)
        return desk.json(200, {"now": _stamp(self._network.clock.now()), "virtual": virtual})

    async def _advance(self, request: Request, names: Names) -> Response:
        clock = self._network.clock
        if not isinstance(clock, VirtualClock):
            words = "This box runs on the machine's time. Start it with --virtual-clock to advance."
            return _error(409, words)
        await clock.advance(_read(request, _Clock).advance)
        return await self._time(request, names)

    def _face(self, name: str) -> Face:
        if name not in self._faces:
            raise ValueError(f"There is no face {name!r}. There are {', '.join(self._faces)}.")
        return self._faces[name]


def _read(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _phone(names: Names) -> str:
    number = numbers.address(names["number"])
    if number is None:
        raise ValueError(f"{names['number']!r} is no phone. Write +61491570156 or 0491570156.")
    return number


def _shown(entry: Entry) -> dict[str, Any]:
    text = entry.text
    return {
        "id": text.id,
        "direction": entry.direction,
        "from": text.sender,
        "to": text.recipient,
        "text": text.text,
        "at": _stamp(entry.at),
        "status": text.status,
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int, words: str) -> Response:
    return desk.json(status, {"error": words})
