"""The hashes that make up a code version, and the imports that a source names."""

from __future__ import annotations

import subprocess
import sys
from functools import cached_property, partial, wraps
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.dialogue.code_version import (
    functions_of,
    hash_code,
    hash_parts,
    hash_source,
    imported_names,
)

parts = st.dictionaries(st.text(max_size=3), st.binary(max_size=3), max_size=4)


@given(parts, parts, st.randoms())
def test_other_parts_are_another_version_and_their_order_is_not(one, other, chance):
    shuffled = list(one.items())
    chance.shuffle(shuffled)
    assert hash_parts(shuffled) == hash_parts(one.items())
    assert (hash_parts(one.items()) == hash_parts(other.items())) is (one == other)


def test_another_version_of_other_code_is_another_version():
    assert hash_parts([("app", b"x")], "1") != hash_parts([("app", b"x")], "2")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=4)))
def test_the_ends_of_lines_do_not_count(lines):
    hashes = {hash_source(end.join(lines)) for end in ("\n", "\r\n", "\r")}
    assert len(hashes) == 1
    assert hash_source("\n".join([*lines, "x"])) not in hashes


SOURCE = """
import top, other.deep as deep  # a, b
from many import (one,  # the first, and
    two as three)
import long, \\
    longer
def f():
    import inside
    from package import name
    from .near import x
    from .. import above
    class C:
        from ..side.deep import y
"""


def test_the_imports_of_a_source_have_their_whole_names():
    assert set(imported_names(SOURCE, "a.b.c", only_later=False)) == {
        *("many", "many.one", "many.two", "long", "longer"),
        *("top", "other.deep", "inside", "package", "package.name"),
        *("a.b.c.near", "a.b.c.near.x", "a.b", "a.b.above", "a.b.side.deep", "a.b.side.deep.y"),
    }


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a\nfrom b import c\n", []),
        ("x = 'y'\nimportant = 1\n    important = 2\n", []),
        ("def f():\n    import a\nimport b\n", ["a"]),
        ("if x: import a\n", ["a"]),
        ("try:\n\timport a\nexcept ImportError: pass\n", ["a"]),
        ("def f(): x = 1; from a import b\n", ["a", "a.b"]),
        ("def f():\n    from a import *\n", ["a", "a.*"]),
    ],
)
def test_only_the_imports_that_a_loaded_module_may_still_make_are_named(source, names):
    assert list(imported_names(source, "", only_later=True)) == names


@given(st.text(), st.text(max_size=3))
def test_no_text_is_too_odd_to_be_searched(source, package):
    for name in imported_names(f"if 1: import {source}\nfrom {source}", package, only_later=False):
        assert isinstance(name, str)


def code_of(source, file="<made>"):
    return compile(source, file, "exec")


def test_code_is_known_by_what_it_does_and_not_by_its_file():
    source = "def f(x={1, 'a', (2, 3)}):\n    return x in {'a', 'b', 'c'}, 1.5, None, ...\n"
    assert hash_code(code_of(source)) == hash_code(code_of(source, "/elsewhere.py"))
    others = [source.replace(*change) for change in (("'b'", "'d'"), ("1.5", "2"), ("f(", "g("))]
    assert len({hash_code(code_of(one)) for one in [source, *others]}) == 4


def test_code_is_known_by_the_same_hash_in_every_process():
    program = (
        "from cooee.core.dialogue.code_version import hash_code;"
        'print(hash_code(compile(\'x in {*map(str, y)} | {"a", "b", "c"} in {"a", "b", "c", "d"}\','
        " '', 'eval')).hex())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


class Proxy:
    """A stand-in that must not be asked for anything."""

    def __getattribute__(self, name):
        raise AssertionError(f"It was asked for {name}.")


def test_the_functions_of_a_module_are_found_wherever_they_hide():
    def wrapped(function):
        @wraps(function)
        def inner():
            return function()

        return inner

    made = ModuleType("made")
    made.__dict__.update(wrapped=wrapped, partial=partial, cached=cached_property, proxy=Proxy())
    exec(
        """
def plain(): "plain"
@wrapped
def decorated(): "decorated"
async def asynchronous(): "asynchronous"
class Outer:
    def method(self): "method"
    @staticmethod
    def static(): "static"
    @classmethod
    def of_class(cls): "of class"
    @property
    def read(self): "read"
    @cached
    def once(self): "once"
    class Inner:
        def deep(self): "deep"
Outer.itself = Outer
bound = partial(lambda: "bound")
""",
        made.__dict__,
    )
    codes = functions_of(vars(made), "made")
    found = {constant for code in codes for constant in code.co_consts}
    assert found >= {
        *("plain", "decorated", "asynchronous", "method", "static", "of class", "read", "once"),
        *("deep", "bound"),
    }
