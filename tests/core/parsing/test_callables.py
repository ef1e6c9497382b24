"""A fingerprint changes when a callable would do something else, and at nothing else."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from types import ModuleType
from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter

from cooee.core.parsing.callables import MAX_PARTS, fingerprint, global_names, qualified_name

BASE = """
import enum, functools, re, statistics
from dataclasses import dataclass
from pydantic import BaseModel, Field

LIMIT = 5
TOWNS = {"a": 1, "b": 2}
WORDS = {"yes", "no", "maybe", "perhaps"}
DIGITS = re.compile("[0-9]+")

def helper(text, most=3):
    return text[:most]

def parse(text):
    if text in {"x", "y", "z"} or len(text) > LIMIT or text in WORDS:
        raise ValueError(text)
    return helper(text), TOWNS.get(text), DIGITS.match(text), [c for c in text]

class Size(enum.Enum):
    SMALL = 1
    LARGE = 2

@dataclass
class Name:
    value: str

class Guest(BaseModel):
    name: str = Field(max_length=5)

class Taker:
    def __init__(self, most):
        self.most = most
    def __call__(self, text):
        return text[:self.most]
    def take(self, text):
        return text[:self.most]
    @classmethod
    def of(cls, text):
        return cls(text)

def closing(options):
    return lambda text: options.index(text)

limited = functools.partial(helper, most=4)
cached = functools.lru_cache(parse)
taker = Taker(4)
take = taker.take
chosen = closing(["a", "b"])
quick = lambda text: text.strip()
"""
NAMES = [
    "parse", "Size", "Name", "Guest", "limited", "cached", "taker", "take", "chosen", "quick",
    "Taker.of", "Guest.model_validate_json",
]  # fmt: skip
EDITS = {
    "a constant": ("LIMIT = 5", "LIMIT = 6", {"parse", "cached"}),
    "an entry of a table": ('"b": 2}', '"b": 3}', {"parse", "cached"}),
    "a word of a set": ('"maybe"', '"might"', {"parse", "cached"}),
    "a pattern": ("[0-9]+", "[0-7]+", {"parse", "cached"}),
    "its own code": ('"z"}', '"w"}', {"parse", "cached"}),
    "the code of a helper": ("return text[:most]", "return text[1:most]", {"parse", "cached", "limited"}),
    "a default": ("most=3", "most=2", {"parse", "cached", "limited"}),
    "an argument of a partial": ("most=4", "most=9", {"limited"}),
    "a member": ("SMALL = 1", "TINY = 1", {"Size"}),
    "the value of a member": ("LARGE = 2", "LARGE = 3", {"Size"}),
    "a field": ("value: str", "value: bytes", {"Name"}),
    "a condition of a field": ("max_length=5", "max_length=6", {"Guest", "Guest.model_validate_json"}),
    "a method": ("return cls(text)", "return cls(text[0])", {"taker", "take", "Taker.of"}),
    "an object": ("Taker(4)", "Taker(5)", {"taker", "take"}),
    "a closure": ('["a", "b"]', '["b", "a"]', {"chosen"}),
    "a lambda": ("text.strip()", "text.lstrip()", {"quick"}),
    "a comment, and lines": ("LIMIT = 5", "# as agreed\n\nLIMIT = 5", set()),
    "what none of them uses": ("import enum,", "OTHER = 1\nimport enum,", set()),
}  # fmt: skip


def _prints(source, monkeypatch):
    module = ModuleType("some_app")
    monkeypatch.setitem(sys.modules, "some_app", module)
    exec(compile(source, "some_app.py", "exec", dont_inherit=True), vars(module))
    return {name: fingerprint(eval(name, vars(module))) for name in NAMES}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_the_fingerprints_of_what_it_changes(edit, monkeypatch):
    before, after, changed = EDITS[edit]
    assert BASE.count(before) >= 1
    old = _prints(BASE, monkeypatch)
    new = _prints(BASE.replace(before, after, 1), monkeypatch)
    assert {name for name in NAMES if old[name] != new[name]} == changed
    assert len(set(old.values())) == len(NAMES)


def test_a_fingerprint_is_the_same_in_every_process(tmp_path):
    """With any hash seed, compiled just now or before."""
    (tmp_path / "some_app.py").write_text(BASE)
    ask = (
        "import some_app; from cooee.core.parsing.callables import fingerprint;"
        f"print([fingerprint(eval('some_app.' + name)) for name in {NAMES}])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", ask],
            cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_the_methods_of_two_adapters_are_told_apart():
    kinds = [int, str, list[int], Annotated[int, Field(gt=3)], Annotated[int, Field(gt=4)]]
    assert len({fingerprint(TypeAdapter(kind).validate_python) for kind in kinds}) == len(kinds)
    assert fingerprint(TypeAdapter(int).validate_python) == fingerprint(
        TypeAdapter(int).validate_python
    )


class _Proxy:
    """As a lazy object that is not bound to anything yet."""

    @property
    def __dict__(self):
        raise RuntimeError("bound to nothing")

    def __call__(self, text):
        return text


class _Turning:
    def __init__(self):
        self.me = self

    def __call__(self, text):
        return text


def test_what_cannot_be_looked_into_has_a_fingerprint_too():
    assert fingerprint(_Proxy())
    assert fingerprint(_Turning()) == fingerprint(_Turning())
    assert fingerprint(len) != fingerprint(str.upper)


class _CountedTable(dict):
    """A table that counts the items taken out of it."""

    taken = 0

    def items(self):
        for item in super().items():
            self.taken += 1
            yield item


def test_of_a_large_table_only_the_first_parts_are_looked_at():
    table = _CountedTable({str(n): [n] for n in range(3 * MAX_PARTS)})
    assert fingerprint(lambda text: table[text])
    assert 0 < table.taken <= MAX_PARTS


def test_a_callable_has_the_name_of_the_function_inside():
    assert qualified_name(functools.partial(functools.partial(len))) == "len"
    assert qualified_name(_Turning()) == "_Turning"
    assert qualified_name(str.upper) == "str.upper"
    names = global_names((lambda: [len(x) for x in os.environ.get("A", str(EDITS))]).__code__)
    assert names >= {"len", "os", "environ", "get", "str", "EDITS"}
