"""The stored inputs of a dialogue, fitted to the parameters that its handler has today."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from cooee.core.dialogue.call_sites import definition_location
from cooee.core.errors import DialogueError

_Parameters: TypeAlias = tuple[frozenset[str], frozenset[str] | None]


def fit_inputs(
    function: Callable[..., Any], name: str, inputs: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str]:
    """Return the inputs that a handler takes today, and a warning about those it lost, or "".

    A parameter that was removed is left out; a new parameter has its default (replay rule 3).

    Raises:
        DialogueError: a new parameter has no default; set the text aside until the code changes.
    """
    required, accepted = _parameters(function)
    missing = [each for each in required if each not in inputs]
    lost = [] if accepted is None else [each for each in inputs if each not in accepted]
    if missing:
        raise DialogueError(_missing_message(function, name, missing[0], lost))
    if not lost:
        return inputs, ""
    warning = (
        f"{definition_location(function)}: {name} was begun with {lost[0]}={inputs[lost[0]]!r:.80},"
        f" and has no parameter {lost[0]!r} any more, so the value is left out. Where the parameter"
        f" has a new name, keep {lost[0]}=None beside it for those who are in the middle."
    )
    return {each: inputs[each] for each in inputs if each not in lost}, warning


def describe_retyped_input(
    function: Callable[..., Any], name: str, inputs: Mapping[str, Any]
) -> str:
    """Return a message about an input of another class than its parameter has today, or ""."""
    try:
        hints = get_type_hints(function)
    except Exception:  # names that exist only for the type checker
        return ""
    for each, value in inputs.items():
        if each in hints and not _may_hold(hints[each], value):
            shown = getattr(hints[each], "__name__", str(hints[each]))
            return (
                f"{definition_location(function)}: {name} takes {each} as {shown}, and this one was"
                f" begun with {each}={value!r:.80}. Take both, like {each}: {shown} |"
                f" {type(value).__name__}, until those who are in the middle have ended."
            )
    return ""


def _parameters(function: Callable[..., Any]) -> _Parameters:
    """Return the inputs that a handler needs, and those that it accepts; None: any."""
    try:
        return _read_parameters(function)
    except TypeError:  # an object without a hash
        return _read_parameters.__wrapped__(function)


@lru_cache(maxsize=1_000)
def _read_parameters(function: Callable[..., Any]) -> _Parameters:
    try:
        _, *parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return frozenset(), None
    named = [each for each in parameters if each.kind in _BY_NAME]
    required = frozenset(each.name for each in named if each.default is each.empty)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return required, None if takes_any else frozenset(each.name for each in named)


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _missing_message(function: Any, name: str, missing: str, lost: list[str]) -> str:
    renamed = (
        f" Where it is the new name of {lost[0]!r}, write {lost[0]}=None too, and take that."
        if lost
        else ""
    )
    return (
        f"{definition_location(function)}: {name} needs {missing!r} today, and this one was begun"
        f" without. Give it a default, like {missing}=None.{renamed}"
    )


def _may_hold(hint: Any, value: Any) -> bool:
    """Return whether an annotation allows a value, as far as its classes tell."""
    if get_origin(hint) in {Union, UnionType}:
        return any(_may_hold(part, value) for part in get_args(hint))
    cls = get_origin(hint) or hint
    if not isinstance(cls, type):
        return True
    try:
        is_number = cls in {float, complex} and isinstance(value, int)
        return is_number or isinstance(value, cls)
    except TypeError:  # a Protocol, or a TypedDict
        return True
