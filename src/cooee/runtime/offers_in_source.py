"""Questions in the source of an app's dialogues that offer their answers: menus, and yes or no.

Found are the calls of `choose`, `confirm` and `ask` in the code that a dialogue reaches, with the
words that stand in it. Words that come from data are known only when they are asked.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, ModuleType
from typing import Any

import msgspec

from cooee.core.app.routes import Routes
from cooee.core.app.word_clashes import Offer
from cooee.core.dialogue.question_words import reachable_code
from cooee.core.parsing.answers import offered_labels

_VERBS = {"choose": "options", "ask": "type", "confirm": ""}  # with the name of the second argument


def find_offers(routes: Routes) -> Sequence[Offer]:
    """Return the offers of all dialogues, each once for each dialogue that reaches it."""
    found = [
        Offer(dialogue.name, f"{code.co_filename}:{call.lineno}", tuple(labels))
        for dialogue in routes.dialogues
        for code in reachable_code(dialogue.handler.function)
        for call in _calls_of(code)
        if (labels := _labels_of(call, code)) is not None
    ]
    _source_of.cache_clear()  # a file may be edited before the next start
    return list(dict.fromkeys(found))


def _calls_of(code: CodeType) -> Iterator[ast.Call]:
    """Yield the calls of the verbs in a function's own lines."""
    for call in _source_of(code.co_filename).calls:
        if call.lineno in _lines_of(code):
            yield call


def _lines_of(code: CodeType) -> Collection[int]:
    return {line for _, _, line in code.co_lines() if line is not None}


def _labels_of(call: ast.Call, code: CodeType) -> Sequence[str] | None:
    """Return the words that a call offers, () for yes or no; None where it offers none."""
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr == "confirm":
        return ()
    keyword = _VERBS[call.func.attr]
    named = [each.value for each in call.keywords if each.arg == keyword]
    if not (offer := [*call.args[1:2], *named]):
        return None
    if isinstance(offer[0], ast.Name) and offer[0].id == "bool":
        return ()
    return list(_words_in(offer[0], code)) or None


def _words_in(node: ast.expr, code: CodeType, *, depth: int = 3) -> Iterator[str]:
    """Yield the texts in an expression, and in the values of its names."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            words = part.func.value  # "Small Large".split()
            if isinstance(words, ast.Constant) and isinstance(words.value, str):
                yield from words.value.split()
        elif isinstance(part, ast.Name | ast.Attribute):
            yield from _words_of_value(_resolve(part, _globals_of(code.co_filename)))
            if isinstance(part, ast.Name) and depth:
                for value in _assigned(part.id, code):
                    yield from _words_in(value, code, depth=depth - 1)


def _assigned(name: str, code: CodeType) -> Iterator[ast.expr]:
    """Yield what a function assigns to a name of its own."""
    for node in _source_of(code.co_filename).assignments:
        names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        if name in names and node.lineno in _lines_of(code):
            yield node.value


def _words_of_value(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple | set | frozenset | dict):
        yield from (each for each in value if isinstance(each, str))
    elif isinstance(value, str):
        yield value
    else:
        yield from offered_labels(value)


def _resolve(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return the value of a global name, or of an attribute of a module or class; else None."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if not isinstance(node, ast.Attribute):
        return None
    owner = _resolve(node.value, names)
    return vars(owner).get(node.attr) if isinstance(owner, ModuleType | type) else None


def _globals_of(file: str) -> Mapping[str, Any]:
    modules = [getattr(each, "__dict__", {}) for each in [*sys.modules.values()]]
    return next((names for names in modules if names.get("__file__") == file), {})


class _Source(msgspec.Struct, frozen=True):
    """The calls of verbs, and the assignments, in a file."""

    calls: Sequence[ast.Call] = ()
    assignments: Sequence[ast.Assign] = ()


@lru_cache(maxsize=64)
def _source_of(file: str) -> _Source:
    try:
        with tokenize.open(file) as source:
            nodes = [*ast.walk(ast.parse(source.read()))]
    except (OSError, SyntaxError, ValueError):  # no source, or edited since: told when it is asked
        return _Source()
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return _Source(
        [
            call
            for call in calls
            if isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS
        ],
        [node for node in nodes if isinstance(node, ast.Assign)],
    )
