"""The inputs of a dialogue that another process starts, as the types of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from cooee.core.app.dialogue_start import check_inputs
from cooee.core.app.routes import Dialogue
from cooee.core.errors import DefinitionError

_ISO_TYPES: tuple[type[date | time], ...] = (datetime, date, time)
_YES_NO = {"yes": True, "no": False}


def read_inputs(dialogue: Dialogue, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return inputs, given as text or JSON, as the types of a dialogue's parameters.

    A parameter without an annotation takes its input as it is. A text is read as the type wants
    it: 4, 2026-03-04T15:30, yes, or JSON for lists and objects.

    Raises:
        DefinitionError: an input is missing, is no parameter, or is not of its parameter's type.
    """
    check_inputs(dialogue, given)
    annotations = _annotations(dialogue)
    return {
        name: _read_input(dialogue, name, value, annotations.get(name, Any))
        for name, value in given.items()
    }


def _annotations(dialogue: Dialogue) -> Mapping[str, Any]:
    """Return each parameter's annotation; none where a name exists for the type checker only."""
    try:
        signature = inspect.signature(dialogue.handler.function, eval_str=True)
    except Exception:  # an annotation is the user's code
        return {}
    return {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if parameter.annotation is not parameter.empty
    }


def _read_input(dialogue: Dialogue, name: str, value: Any, annotation: Any) -> Any:
    if isinstance(value, str):
        members = _members(annotation)
        if bool in members and value.lower() in _YES_NO:
            return _YES_NO[value.lower()]
        for kind in _ISO_TYPES:
            if kind in members:
                with suppress(ValueError):  # msgspec wants the seconds, people leave them out
                    return kind.fromisoformat(value)
    try:
        return msgspec.convert(value, annotation, strict=False)
    except TypeError:  # msgspec does not know the type: the value is the dialogue's affair
        return value
    except Exception as error:  # a class of the user's checks its fields itself
        with suppress(Exception):
            return msgspec.json.decode(value, type=annotation, strict=False)
        wanted = getattr(annotation, "__name__", str(annotation))
        raise DefinitionError(
            f"{dialogue.name} takes {name} as {wanted}, and {value!r:.80} is none: {error}."
        ) from error


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union, or the only type."""
    is_union = get_origin(annotation) in {Union, UnionType}
    return get_args(annotation) if is_union else (annotation,)
