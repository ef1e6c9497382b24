"""Public names as Markdown: their signatures, docstrings and members."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any

SOURCE = Path(__file__).parents[1] / "src" / "cooee"
_SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:", "Yields:")
_PREFIXES = re.compile(r"\b(?:typing|typing_extensions|collections\.abc|datetime|enum|pathlib)\.")
_OUR_PREFIX = re.compile(r"\bcooee(?:\.\w+)*\.(?=[A-Z])")
_MAX_WIDTH = 90


def describe(name: str, item: Any, level: int) -> str:
    """Return a public name's part of a page, below a heading of a level.

    ``Name()`` stands for a class whose making and members say nothing to a reader.
    """
    if name.endswith("()"):
        name = name.removesuffix("()")
        return f"{'#' * level} {name}\n\n{_markdown(_docstring(name, item))}"
    parts = [f"{'#' * level} {name}"]
    if isinstance(item, type) and issubclass(item, BaseException):
        parts.append(f"A kind of `{item.__base__.__name__}`." if item.__base__ else "")
    elif (isinstance(item, type) and not issubclass(item, Enum)) or inspect.isroutine(item):
        parts.append(_signature(name, item))
    parts.append(_markdown(_docstring(name, item)))
    if isinstance(item, type):
        parts += _members(name, item, level + 1)
    return "\n\n".join(part for part in parts if part)


def _docstring(name: str, item: Any) -> str:
    is_documented = isinstance(item, type) or inspect.isroutine(item) or isinstance(item, property)
    if not is_documented:
        return _notes_below_names()[name]
    words = (item.__doc__ or "") if isinstance(item, type) else (inspect.getdoc(item) or "")
    return inspect.cleandoc(words)


@cache
def _notes_below_names() -> dict[str, str]:
    """Return the string below each assignment in the source, by the assigned name."""
    notes = {}
    for path in SOURCE.rglob("*.py"):
        body = ast.parse(path.read_text("utf-8")).body
        for line, below in pairwise(body):
            target = line.targets[0] if isinstance(line, ast.Assign) else None
            target = line.target if isinstance(line, ast.AnnAssign) else target
            match below:
                case ast.Expr(ast.Constant(str(note))) if isinstance(target, ast.Name):
                    notes[target.id] = inspect.cleandoc(note)
    return notes


# Signatures


def _signature(name: str, item: Any) -> str:
    """Return a call as a block of code, a line each parameter where one line is too long."""
    try:
        signature = inspect.signature(item)
    except (TypeError, ValueError):
        return ""
    words = _argument_words(signature)
    result = "" if isinstance(item, type) else _result(signature)
    line = f"{name}({', '.join(words)}){result}"
    if len(line) > _MAX_WIDTH:
        line = "\n".join([f"{name}(", *(f"    {each}," for each in words), f"){result}"])
    return _code(line)


def _argument_words(signature: inspect.Signature) -> list[str]:
    words: list[str] = []
    stars = False
    for parameter in signature.parameters.values():
        if parameter.name in {"self", "cls"}:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not stars:
            words.append("*")
        stars |= parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL}
        words.append(_parameter(parameter))
    return words


def _parameter(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    words = star + parameter.name
    if parameter.annotation is not parameter.empty:
        words += f": {_type(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return words
    equals = " = " if ":" in words else "="
    return words + equals + _value(parameter.default)


def _result(signature: inspect.Signature) -> str:
    is_known = signature.return_annotation not in {signature.empty, None, "None"}
    return f" -> {_type(signature.return_annotation)}" if is_known else ""


def _type(annotation: Any) -> str:
    words = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return (
        _OUR_PREFIX.sub("", _PREFIXES.sub("", words)).replace("NoneType", "None").replace("~", "")
    )


def _value(default: Any) -> str:
    if isinstance(default, type):
        return default.__name__
    if isinstance(default, Enum):
        return f"{type(default).__name__}.{default.name}"
    words = repr(default)
    return "..." if words.startswith("<") or words == "UNSET" else words


# Members


def _members(name: str, item: type, level: int) -> Iterator[str]:
    if issubclass(item, Enum):
        yield "\n".join(f"- `{member.name}` = `{member.value!r}`" for member in item)
        return
    for attribute, member in _own_and_inherited(item).items():
        function = getattr(member, "__func__", member)
        shown = inspect.isfunction(function) or isinstance(member, property)
        if attribute.startswith("_") or not shown or not inspect.getdoc(function):
            continue
        heading = f"{'#' * level} {name}.{attribute}"
        signature = "" if isinstance(member, property) else _signature(attribute, function)
        prefix = "async " if inspect.iscoroutinefunction(function) else ""
        signature = signature.replace(f"\n{attribute}(", f"\n{prefix}{attribute}(", 1)
        parts = [heading, signature, _markdown(inspect.getdoc(function) or "")]
        yield "\n\n".join(part for part in parts if part)


def _own_and_inherited(item: type) -> dict[str, object]:
    """Return a class's members, and behind them those of the contracts of which it is made."""
    parts = [part for part in item.__mro__[1:] if getattr(part, "_is_protocol", False)]
    contracts = [part for part in parts if part.__module__.startswith("cooee.")]
    return {k: v for part in (item, *contracts) for k, v in vars(part).items()}


# Docstrings


def _markdown(docstring: str) -> str:
    """Return a docstring in Google's style as Markdown."""
    parts: list[str] = []
    lines = docstring.splitlines()
    while lines:
        if lines[0] in _SECTIONS:
            body = list(takewhile(_belongs, lines[1:]))
            title = {"Args:": "Arguments"}.get(lines[0], lines[0].removesuffix(":"))
            parts.append(f"**{title}**\n\n{_list(body)}")
            lines = lines[1 + len(body) :]
        elif lines[0].startswith("    "):
            body = list(takewhile(_belongs, lines))
            code = dedent("\n".join(body)).strip()
            parts.append(_code(code, _language(code)))
            lines = lines[len(body) :]
        else:
            body = list(takewhile(lambda line: line and line not in _SECTIONS, lines))
            parts.append("\n".join(body).replace("``", "`").replace("::", ":"))
            lines = lines[max(len(body), 1) :]
    return "\n\n".join(filter(None, parts))


def _belongs(line: str) -> bool:
    return not line or line.startswith("    ")


def _list(body: Sequence[str]) -> str:
    """Return the entries of a section as a list: a name, a colon, and what it is."""
    entries: list[str] = []
    for line in dedent("\n".join(body)).strip().splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        elif line:
            name, colon, words = line.partition(": ")
            is_named = colon and re.fullmatch(r"\*{0,2}[\w.]+", name)
            entries.append(f"`{name}`: {words}" if is_named else line)
    return "\n".join(f"- {entry}" for entry in entries).replace("``", "`")


def _code(words: str, language: str = "python") -> str:
    return f"```{{code-block}} {language}\n{words}\n```"


def _language(words: str) -> str:
    try:
        compile(words, "a docstring", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return "text"
    return "python"
