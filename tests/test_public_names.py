"""What users see names a public module, wherever the class lives: errors, journals, pickles."""

from __future__ import annotations

import importlib
import pickle
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from traceback import format_exception_only
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
import pytest

import cooee
import cooee.providers
import cooee.testing
from cooee import App, Chat, HistoryEntry, Media, PhoneNumber, Reply, Status, TooLong
from cooee.core import errors
from cooee.core.app.state_codec import StateCodec
from cooee.testing import Kit

ADAPTERS = ["simulated", "telstra_v2", "telstra_v3", "twilio"]
PUBLIC = [cooee, cooee.providers, cooee.testing] + [
    importlib.import_module(f"cooee.providers.{name}") for name in ADAPTERS
]
ITEMS = [
    (module, name)
    for module in PUBLIC
    for name in module.__all__
    if "cooee" in getattr(getattr(module, name), "__module__", "cooee")
]
ERRORS = [it for it in vars(errors).values() if isinstance(it, type)]
STRUCTS = [
    it
    for it in (getattr(module, name) for module, name in ITEMS)
    if isinstance(it, type) and issubclass(it, msgspec.Struct)
]
PRIVATE = ("cooee.core", "cooee.runtime", "cooee.storage", "cooee.net", "cooee.clocks")


@pytest.mark.parametrize(("module", "name"), ITEMS, ids=lambda it: getattr(it, "__name__", it))
def test_a_public_name_says_the_module_that_it_is_imported_from(module, name):
    item = getattr(module, name)
    home = importlib.import_module(item.__module__)
    assert home in PUBLIC
    assert getattr(home, item.__name__) is item


@pytest.mark.parametrize("error", ERRORS)
def test_a_traceback_ends_with_a_public_name(error):
    made = error("words")
    assert format_exception_only(made)[-1].startswith(f"cooee.{error.__name__}: words")
    assert type(pickle.loads(pickle.dumps(made))) is error


@pytest.mark.parametrize("struct", STRUCTS)
def test_a_public_struct_can_be_read_and_written(struct):
    assert get_type_hints(struct).keys() >= set(struct.__struct_fields__)
    msgspec.inspect.type_info(struct)


class Size(Enum):
    LARGE = "L"


@dataclass
class Visit:
    status: Status = Status.QUEUED
    reply: Reply | None = None
    media: list[Media] = field(default_factory=list)
    line: HistoryEntry | None = None
    phone: PhoneNumber | None = None


def test_a_state_may_hold_public_classes():
    codec = StateCodec(Visit)
    line = HistoryEntry("us", "hi", datetime.fromisoformat("2026-01-01T00:00:00Z"))
    state = Visit(Status.SENT, Reply("a", ["https://b.example/c"]), [Media(url="d")], line)
    assert codec.decode(codec.encode(state)) == (state, ())


RESULTS: list[Any] = [
    *(None, True, 2**70, 1.5, float("inf"), "words", b"bytes", (1, 2), {3}, frozenset({4})),
    *({5: 6}, date(2026, 1, 2), time(3, 4), timedelta(5), Decimal("6.7"), Fraction(8, 9), UUID(int=10)),
    *(datetime.fromisoformat("2026-01-02"), Size.LARGE, Status.DELIVERED, Reply("hi"), Media(url="u"), Visit()),
]  # fmt: skip


async def test_nothing_that_a_dialogue_stores_names_a_private_module():
    app = App(state=Visit)

    @app.dialogue("GO")
    async def everything(chat: Chat[Visit]) -> str:
        for n, result in enumerate(RESULTS):
            assert await chat.once(lambda it: it, result, key=str(n)) == result
        chat.state.line = (await chat.once(chat.history, 1))[0]
        await chat.ask("A number?", int)
        await chat.ask("A phone?", PhoneNumber)
        await chat.ask("A size?", Size)
        await chat.choose("Which?", ["this", "that"])
        await chat.sleep(timedelta(hours=1))
        return await chat.ask("And?", default="nothing", timeout=timedelta(days=9))

    @app.on("BREAK")
    def fail(_: Chat[Visit]) -> str:
        raise TooLong("as a handler would")

    async with Kit(app) as kit:
        phone = kit.phone()
        for words in ("GO", "1", "0491 570 110", "L", "this"):
            await phone.text(words)
        await phone.wait(timedelta(hours=2))
        other = kit.phone()
        await other.text("BREAK")
        await other.wait(timedelta(hours=1))
        with closing(sqlite3.connect(kit._database_path)) as database:
            tables = database.execute("select name from sqlite_master where type = 'table'")
            stored = [
                str(row) for (name,) in tables.fetchall() for row in database.execute(f"select * from {name}")
            ]  # fmt: skip
    assert any("cooee:HistoryEntry" in row for row in stored)
    assert any("TooLong: as a handler would" in row for row in stored)
    assert [row for row in stored for name in PRIVATE if name in row] == []
