"""A type checker knows what `chat.ask` and its siblings answer, and refuses what they do not take."""

from __future__ import annotations

import re

import pytest
from mypy import api

RIGHT = """
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, assert_type
from cooee import AskOptions, Birthday, Chat, Email, hours
from typing_extensions import Unpack

class Size(Enum):
    LARGE = "L"

async def handler(chat: Chat) -> None:
    assert_type(await chat.ask("Name?"), str)
    assert_type(await chat.ask("Name?", key="name", was="Who?", retry="Again.", attempts=2), str)
    assert_type(await chat.ask("Name?", default=None, timeout=hours(1)), str | None)
    assert_type(await chat.ask("How many?", int), int)
    assert_type(await chat.ask("How many?", int, default=None, fresh=True), int | None)
    assert_type(await chat.ask("Which?", Size, remind=hours(1)), Size)
    assert_type(await chat.ask("How?", Decimal, remind=[hours(1), (hours(2), "Hello?")]), Decimal)
    assert_type(await chat.ask("How?", parse), date)
    assert_type(await chat.choose("Day?", ["Friday"]), str)
    assert_type(await chat.choose("Day?", ["Friday"], default=0, timeout=hours(1)), str | int)
    assert_type(await chat.confirm("Sure?"), bool)
    assert_type(await chat.confirm("Sure?", default=None, fresh=False), bool | None)
    assert_type(await chat.receive(settle=5), str)
    assert_type(await chat.receive(timeout=hours(1), default=None), str | None)
    await chat.ask("E-mail?", Email)
    born: date = await chat.ask("Born?", Birthday)

def parse(text: str) -> date:
    return date.fromisoformat(text)

async def helper(chat: Chat, **options: Unpack[AskOptions]) -> str:
    return await chat.ask("Name?", **options)
"""

WRONG = """
from cooee import Chat, hours

async def handler(chat: Chat) -> None:
    await chat.ask("Name?", kee="name")  # ! kee
    await chat.ask("Name?", timeout=5)  # ! timeout
    await chat.ask("Name?", settle=5)  # ! settle
    await chat.choose("Day?", ["Friday"], retry=3)  # ! retry
    await chat.choose("Day?", attempts=3)  # ! options
    await chat.confirm("Sure?", type=int)  # ! type
    await chat.receive(fresh=True)  # ! fresh
    n: int = await chat.ask("Name?")  # ! assignment
    m: int = await chat.choose("Day?", ["1"])  # ! assignment
    k: bool = await chat.confirm("Sure?", default=None)  # ! assignment
"""


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """One run of the checker over both files: its report, by file and line."""
    folder = tmp_path_factory.mktemp("typing")
    files = {"right": RIGHT, "wrong": WRONG}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    config = folder / "mypy.ini"
    config.write_text("[mypy]\nstrict = True\nfollow_imports = silent\n")
    out, err, _ = api.run([
        *("--config-file", str(config), "--cache-dir", str(folder / "cache"), "--no-error-summary"),
        *(str(folder / f"{name}.py") for name in files),
    ])  # fmt: skip
    assert err == ""
    found = re.findall(r"(right|wrong)\.py:(\d+): error: (.*)", out)
    return [(name, int(line), words) for name, line, words in found]


@pytest.mark.slow
def test_what_is_right_is_let_through(mypy):
    assert [report for report in mypy if report[0] == "right"] == []


@pytest.mark.slow
def test_what_is_wrong_is_refused(mypy):
    wrong = {n for n, line in enumerate(WRONG.splitlines(), 1) if "# !" in line}
    assert {line for name, line, _ in mypy if name == "wrong"} == wrong
