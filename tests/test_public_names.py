"""What users see names a public module, wherever the class lives: errors, journals, pickles."""

from __future__ import annotations

import importlib
import inspect
import pickle
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from traceback import format_exception_only
from typing import Any, get_args, get_type_hints
from uuid import UUID

import msgspec
import pytest

import cooee
from cooee import App, Chat, HistoryEntry, Media, PhoneNumber, Reply, Status, TooLong
from cooee.core import errors
from cooee.core.app.state_codec import StateCodec
from cooee.providers import provider_names
from cooee.testing import Kit

ROOT = Path(__file__).parents[1]
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "internals" not in page.parts and "_build" not in page.parts
]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PRIVATE = ("cooee.core", "cooee.runtime", "cooee.net", "cooee.clocks", "cooee.phone", "cooee.cli")
_IMPORT = re.compile(r"^from (cooee[\w.]*) import (?:\(([^)]*)\)|([^\n#(]*))", re.MULTILINE)
_OBJECTS = re.compile(r"^<!-- generated: objects (cooee[\w.]*) ", re.MULTILINE)
_NAME = re.compile(r"^#+ (\w+)$", re.MULTILINE)


def modules_offered() -> set[str]:
    """Return each module that a page or an example names, for an import or in the reference."""
    named = set()
    for page in [*PAGES, *EXAMPLES]:
        text = page.read_text()
        named |= {found[1] for found in _IMPORT.finditer(text)}
        named |= {found[1] for found in _OBJECTS.finditer(text)}
    return named | {f"cooee.providers.{name.replace('-', '_')}" for name in provider_names()}


OFFERED = sorted(modules_offered())
PUBLIC = [importlib.import_module(name) for name in [*OFFERED, "cooee.simulator"]]
ITEMS = [
    (module, name)
    for module in PUBLIC
    for name in getattr(module, "__all__", ())
    if "cooee" in getattr(getattr(module, name), "__module__", "cooee")
]
ERRORS = [it for it in vars(errors).values() if isinstance(it, type)]
STRUCTS = [
    it
    for it in (getattr(module, name) for module, name in ITEMS)
    if isinstance(it, type) and issubclass(it, msgspec.Struct)
]


def callables_of(item: Any) -> list[Any]:
    """Return what a user calls: a function, or a class's public methods and properties."""
    if not isinstance(item, type):
        return [item] if inspect.isroutine(item) else []
    members = [member for name, member in vars(item).items() if not name.startswith("_")]
    members = [
        getattr(member, "fget", None) or getattr(member, "__func__", member) for member in members
    ]
    return [
        it
        for it in members
        if inspect.isfunction(it) and ":meta private:" not in (it.__doc__ or "")
    ]


def classes_in(hint: Any) -> set[type]:
    """Return the classes of ours in an annotation."""
    ours = isinstance(hint, type) and hint.__module__.partition(".")[0] == "cooee"
    inner = [it for part in get_args(hint) for it in (part if isinstance(part, list) else [part])]
    return ({hint} if ours else set()).union(*map(classes_in, inner))


def test_the_documentation_names_no_private_module():
    assert len(OFFERED) > 8
    assert [name for name in OFFERED if name.startswith(PRIVATE)] == []


def test_every_import_in_the_documentation_works_and_names_a_public_module():
    for page in [*PAGES, *EXAMPLES]:
        for found in _IMPORT.finditer(page.read_text()):
            module = importlib.import_module(found[1])
            for name in re.findall(r"\w+", found[2] or found[3]):
                home = getattr(getattr(module, name), "__module__", "")
                assert not home.startswith(PRIVATE), f"{page.name}: {name}"


@pytest.mark.parametrize(("module", "name"), ITEMS, ids=lambda it: getattr(it, "__name__", it))
def test_a_public_name_says_the_module_that_it_is_imported_from(module, name):
    item = getattr(module, name)
    if not hasattr(item, "__module__"):
        return
    home = importlib.import_module(item.__module__)
    assert home in PUBLIC
    assert getattr(home, item.__name__) is item


@pytest.mark.parametrize(("module", "name"), ITEMS, ids=lambda it: getattr(it, "__name__", it))
def test_whatever_a_public_call_takes_or_returns_is_public_too(module, name):
    if module.__name__ == "cooee.simulator" or name.endswith("Suite"):
        return  # no page offers their calls
    lazy = {it: getattr(cooee, it) for it in ("AppClient", "MountedApp")}
    for called in callables_of(getattr(module, name)):
        for hint in get_type_hints(called, localns=lazy).values():
            for cls in classes_in(hint):
                assert cls.__module__ in OFFERED, f"{called.__qualname__}: {cls}"


@pytest.mark.parametrize("front", ["cooee.testing", "cooee.storage"])
def test_the_reference_has_every_public_name(front):
    page = (ROOT / "docs" / "reference" / f"{front.rpartition('.')[2]}.md").read_text()
    listed = {found[1] for found in _NAME.finditer(page)}
    assert set(importlib.import_module(front).__all__) <= listed


def test_what_a_user_is_handed_says_a_public_module():
    app = App()
    handed = [app.asgi(), cooee.connect("http://a.example", token="t"), Kit(app)]
    handed += [
        Kit(app).simulator,
        Kit(app).simulator.network.conditions,
        Kit(app).simulator.network,
    ]
    assert [
        type(it) for it in handed if type(it).__module__ not in {*OFFERED, "cooee.simulator"}
    ] == []
    assert "http://a.example" in repr(cooee.connect("http://a.example", token="t"))


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
