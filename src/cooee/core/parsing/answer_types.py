"""Checks of a question's type, before a person is asked."""

from __future__ import annotations

import builtins
import collections
import datetime as dt
import enum
import inspect
from collections.abc import AsyncIterable, Awaitable
from contextlib import suppress
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typing_extensions import is_typeddict

from cooee.core.parsing.answers import known_parser, unwrap_type
from cooee.core.parsing.callables import innermost, qualified_name


def answer_type_problem(answer_type: Any) -> str:
    """Return the reason why no text can become an answer of a type, and the remedy, or "".

    A type is understood where a call with one text could return an answer: not where it has to be
    awaited, has no such parameter, or takes texts apart into letters, as `list` does.
    """
    answer_type = unwrap_type(answer_type)
    if known_parser(answer_type) is not None:
        return ""
    return _form_problem(answer_type) or _class_problem(answer_type) or _call_problem(answer_type)


def _form_problem(answer_type: Any) -> str:
    """Return the problem of a type written with brackets or bars, or of no type at all."""
    origin, shown = get_origin(answer_type), f"{answer_type!r:.80}"
    if origin is Literal:
        return "" if get_args(answer_type) else f"{shown} has nothing to choose from."
    if origin in {Union, UnionType}:
        inner = [part for part in get_args(answer_type) if part is not type(None)]
        if len(inner) == 1:
            name = getattr(inner[0], "__name__", str(inner[0]))
            return (
                f"{shown} leaves open whether there is an answer. Ask for {name}, and where there"
                " may be none, write timeout=… and default=None."
            )
        return f"{shown} is one of several types. Write a function of the text that tries each."
    if origin is Annotated:
        return (
            f"{shown} has conditions that only their own library can check. Write"
            " TypeAdapter(…).validate_python, or a function of the text."
        )
    if origin is not None:
        return f"{shown} is no type to ask for. {_function_hint(origin)}"
    if isinstance(answer_type, str):
        return f"{shown} is a text. Write the type itself, without quotes."
    if answer_type is None or answer_type is Any or not callable(answer_type):
        return f"{shown} is no type to ask for. {_ANY_TYPE}"
    return ""


_ANY_TYPE = "Write int, date, a function of the text, …"


def _function_hint(cls: Any) -> str:
    example = _EXAMPLES.get(cls, f"{qualified_name(cls)}(…)")
    return f"Write a function of the text, like lambda text: {example}."


_EXAMPLES: dict[Any, str] = {
    **dict.fromkeys((list, tuple, set, frozenset), "text.split()"),
    dt.timedelta: "hours(float(text))",
    bytes: "text.encode()",
}


def _class_problem(cls: Any) -> str:
    """Return the problem of a class whose call with a text makes no answer."""
    if not isinstance(cls, type):
        return ""
    shown = qualified_name(cls)
    if issubclass(cls, enum.Enum):
        return "" if cls.__members__ else f"{shown} has nothing to choose from."
    # `list("four")` is a list of letters, `timedelta("2h")` and `bytes("a")` raise at every text.
    if cls in _NO_READERS:
        return f"{shown} does not read texts. {_function_hint(cls)}"
    if is_typeddict(cls) or inspect.isabstract(cls) or getattr(cls, "_is_protocol", False):
        return f"{shown} cannot be made of a text. {_function_hint(cls)}"
    return ""


_NO_READERS = {
    found
    for module in (builtins, collections, dt)
    for found in vars(module).values()
    if isinstance(found, type) and found is not complex
}
"""The classes of Python itself that do not read a text as people write it."""


def _call_problem(function: Any) -> str:
    """Return the problem of a callable without a call for a single text."""
    shown = qualified_name(function)
    if _is_asynchronous(function):
        return (
            f"{shown} is async, and an answer is parsed without an event loop. Ask for the text,"
            f" and write answer = await chat.once({shown}, text)."
        )
    if _is_generator(function):
        return f"{shown} has a `yield`. Write a function that returns the answer."
    if isinstance(function, type) and issubclass(function, enum.Enum):
        return ""
    signature = _signature_of(function)
    if signature is None:
        return ""
    try:
        bound = signature.bind("")
    except TypeError as error:
        return f"{shown} cannot be called with a text alone: {error}. {_function_hint(function)}"
    return _annotation_problem(function, signature, next(iter(bound.arguments)))


def _annotation_problem(function: Any, signature: inspect.Signature, first: str) -> str:
    shown, wanted = qualified_name(function), signature.parameters[first].annotation
    if not _accepts_text(wanted) and not hasattr(function, "__pydantic_validator__"):
        return (
            f"{shown} takes {wanted.__name__}, and an answer is a str. {_function_hint(function)}"
        )
    returned = signature.return_annotation
    origin = get_origin(returned) or returned
    if isinstance(function, type):
        return ""
    if returned is None:
        return f"{shown} returns None by its annotation. Let it return the answer."
    if isinstance(origin, type) and issubclass(origin, _AWAITED):
        return f"{shown} returns {returned!r:.80}. Write a function that returns the answer."
    return ""


_AWAITED = (Awaitable, AsyncIterable)


def _accepts_text(annotation: Any) -> bool:
    if not isinstance(annotation, type) or annotation in {inspect.Parameter.empty, Any}:
        return True
    try:
        return issubclass(str, annotation)
    except TypeError:  # a Protocol with attributes, say
        return True


def _signature_of(function: Any) -> inspect.Signature | None:
    """Return the signature of a callable, or None for a callable without a signature in Python."""
    # A decorator may hand over further arguments, so its own signature counts; and some annotations
    # exist only for the type checker.
    for evaluated in (True, False):
        with suppress(Exception):
            return inspect.signature(function, follow_wrapped=False, eval_str=evaluated)
    return None


def _is_asynchronous(function: Any) -> bool:
    inner = innermost(function)
    call = getattr(type(inner), "__call__", None)  # noqa: B004 -- an object with an async __call__
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (inner, call)
    )


def _is_generator(function: Any) -> bool:
    inner = innermost(function)
    call = getattr(type(inner), "__call__", None)  # noqa: B004 -- see above
    return inspect.isgeneratorfunction(inner) or inspect.isgeneratorfunction(call)
