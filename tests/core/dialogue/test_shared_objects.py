"""What a once puts into the state of its caller's objects is the caller's, in every replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from support.dialogue_driver import Talk

from cooee.core.app.state_codec import StateCodec
from cooee.core.errors import OnceFailed


@dataclass
class Line:
    what: str = ""


@dataclass
class Order:
    status: str = "new"
    lines: list[Line] = field(default_factory=list)


@dataclass
class Parcel:
    order: Order = field(default_factory=Order)


@dataclass
class Shop:
    orders: list[Order] = field(default_factory=list)
    current: Order | None = None
    by_name: dict[str, Order] = field(default_factory=dict)
    parcels: list[Parcel] = field(default_factory=list)
    count: int = 0


CODEC = StateCodec(Shop)


def append(shop, order):
    shop.orders.append(order)
    order.lines.append(Line("wrapped"))


def everywhere(shop, *, order):
    shop.current = order
    shop.by_name["x"] = order
    shop.orders.insert(0, order)
    shop.parcels.append(Parcel(order))
    return len(shop.orders)


def as_argument(call, **how):
    async def handler(chat):
        order = Order(lines=[Line("tea")])
        line = order.lines[0]
        chat.state.orders.append(Order("old"))
        if how:
            await chat.once(call, chat.state, order=order)
        else:
            await chat.once(call, chat.state, order)
        await chat.ask("A?")
        line.what = "milk"
        await chat.ask("B?")
        order.status = "paid"
        order.lines.append(Line("cup"))
        await chat.ask("C?")

    return handler


async def as_variable(chat):
    order = Order(lines=[Line("tea")])
    line = order.lines[0]
    chat.state.orders.append(Order("old"))

    def put():
        append(chat.state, order)

    await chat.once(put)
    await chat.ask("A?")
    line.what = "milk"
    await chat.ask("B?")
    order.status = "paid"
    order.lines.append(Line("cup"))
    await chat.ask("C?")


HANDLERS: dict[str, Any] = {
    "an argument": (as_argument(append), ["milk", "wrapped", "cup"]),
    "a named one, at many places": (as_argument(everywhere, named=True), ["milk", "cup"]),
    "a variable": (as_variable, ["milk", "wrapped", "cup"]),
}


@pytest.mark.parametrize("way", HANDLERS)
def test_what_a_once_puts_into_the_state_stays_its_callers(way):
    handler, lines = HANDLERS[way]
    talk = Talk(handler, codec=CODEC)
    talk.start()
    talk.text("a")
    talk.other(lambda shop: shop.orders.append(Order("other")))
    talk.text("b")
    shop = talk.saved
    places = [*shop.orders, shop.current, *shop.by_name.values()]
    places += [parcel.order for parcel in shop.parcels]
    found = [each for each in places if each is not None and each.status == "paid"]
    assert len(found) == (1 if lines[1] == "wrapped" else 4)
    assert all([line.what for line in each.lines] == lines for each in found)
    assert "other" in [each.status for each in shop.orders]


def test_what_a_once_changed_before_it_failed_is_recorded_with_it():
    def fail(shop, order):
        shop.count += 1
        shop.orders.append(order)
        raise ValueError

    async def handler(chat):
        order = Order()
        try:
            await chat.once(fail, chat.state, order)
        except OnceFailed:
            chat.state.count += 10
        await chat.ask("A?")
        order.status = "paid"
        await chat.ask("B?")

    talk = Talk(handler, codec=CODEC)
    talk.start()
    assert talk.saved.count == 11
    talk.text("a")
    assert (talk.saved.count, talk.saved.orders) == (11, [Order("paid")])
