"""The words of a question, looked for in the code that a handler may run."""

from __future__ import annotations

import dis
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from cooee.core.app.function_identity import identify_function
from cooee.core.dialogue.waiting import RecordKey

_MAX_OBJECTS = 20_000
"""Objects to look at; words that lie behind more are not found."""

_FORMATTING = frozenset(
    dis.opmap[name]
    for name in ("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC")
    if name in dis.opmap
)


def may_ask(function: Callable[..., Any], key: RecordKey) -> bool:
    """Return whether code that a handler reaches holds the words, or the key, of a question.

    Looked at are constants, and the values of names: of functions, classes, modules, lists. Words
    that code puts together from other data are not found.
    """
    kind, _, words, _ = key
    if kind == "receive" and not words:
        return any("receive" in code.co_names for code in reachable_code(function))
    return any(_holds_words(each, words) for each in _reachable(function))


def reachable_code(function: Callable[..., Any]) -> Iterator[CodeType]:
    """Yield the code of a function, and of all that it reaches in the user's own files."""
    yield from (each for each in _reachable(function) if isinstance(each, CodeType))


def _holds_words(value: Any, words: str) -> bool:
    if isinstance(value, str):
        return value == words
    if not isinstance(value, CodeType):
        return False
    texts = [each for each in value.co_consts if isinstance(each, str)]
    if words in texts:
        return True
    is_formatting = not _FORMATTING.isdisjoint(value.co_code[::2])
    return is_formatting and any(_is_part(text.strip(), words) for text in texts)


def _is_part(text: str, words: str) -> bool:
    """Return whether an f-string's constant part stands in the words."""
    if sum(map(str.isalpha, text)) < 2:
        return False
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", words) is not None


def _reachable(function: Callable[..., Any]) -> Iterator[Any]:
    """Yield the strings and code objects that a handler reaches by names, closures and data."""
    identity = identify_function(function)
    found: list[Any] = [function, identity.owner, identity.args, dict(identity.kwargs)]
    seen: dict[int, Any] = {}  # by id, and kept, so that no id is used twice
    while found and len(seen) < _MAX_OBJECTS:
        value = found.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, str | CodeType):
            yield value
        found.extend(_reached_from(value))


def _reached_from(value: Any) -> Iterable[Any]:
    """Return the values that a value leads to; libraries lead nowhere."""
    # `import cooee` stays light: sysconfig and site are slow to import.
    from cooee.core.own_code import is_own_file  # noqa: PLC0415 -- see above

    if isinstance(value, FunctionType):
        return _reached_from_function(value) if is_own_file(value.__code__.co_filename) else ()
    if isinstance(value, CodeType | tuple | list | set | frozenset):
        return value.co_consts if isinstance(value, CodeType) else value
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    if isinstance(value, MethodType | staticmethod | classmethod):
        return (value.__func__, getattr(value, "__self__", None))
    if isinstance(value, partial):
        return (value.func, value.args, value.keywords)
    if isinstance(value, property):
        return (value.fget,)
    owner = value if isinstance(value, type) else type(value)
    module = sys.modules.get(owner.__module__)
    if isinstance(value, ModuleType) or not is_own_file(getattr(module, "__file__", None) or ""):
        return ()
    bases = owner.__mro__ if isinstance(value, type) else (owner,)
    return (*vars(value).values(), *bases) if hasattr(value, "__dict__") else bases


def _reached_from_function(function: FunctionType) -> Iterator[Any]:
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    yield from (function.__dict__.get("__wrapped__"), _contents_of(function.__closure__ or ()))
    names = set(_names_of(function.__code__))
    for name in names:
        value = function.__globals__.get(name, sys.modules.get(name))
        yield value
        if isinstance(value, ModuleType):
            yield from (vars(value)[inner] for inner in names & vars(value).keys())


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)


def _contents_of(cells: Iterable[CellType]) -> list[Any]:
    contents = []
    for cell in cells:
        with suppress(ValueError):  # it is empty yet
            contents.append(cell.cell_contents)
    return contents
