"""Checks of a once, before its intent is recorded; and the name that it is remembered by."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import msgspec

from cooee.core.app.app import App
from cooee.core.app.dialogue_verbs import OnceCall
from cooee.core.dialogue.argument_checks import check_key
from cooee.core.dialogue.journal import JournalEntry
from cooee.core.dialogue.value_codec import is_never_stored
from cooee.core.dialogue.waiting import RecordKey
from cooee.core.parsing.callables import innermost, lambda_name, qualified_name

_KEYED_BY_DEED = (App.send, App.start)


def once_name(function: Any) -> str:
    """Return the name of a once without a key (replay rule 3).

    A `functools.partial` has the name of its function. A lambda has none, so the names that it
    uses are added: two lambdas that call different functions are two deeds.
    """
    name = qualified_name(function)
    code = getattr(innermost(function), "__code__", None)
    if not name.endswith("<lambda>") or code is None:
        return name
    return name.removesuffix("<lambda>") + lambda_name(code)


def former_names(call: OnceCall) -> Sequence[Any]:
    """Return the names that `was` gives."""
    was: Any = call.was
    return tuple(was) if isinstance(was, tuple | list) else (was,) * (was is not None)


def former_once_name(function: Any) -> str:
    """Return the name that an older cooee gave to a once, for the journals that have it."""
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) and name else type(function).__qualname__


class NewOnce(msgspec.Struct, frozen=True):
    """A once without a record, and the names and texts in its dialogue's code."""

    key: RecordKey
    function: str
    keyed: bool
    names: AbstractSet[str]
    texts: AbstractSet[str]


def may_be_renamed(new: NewOnce, entry: JournalEntry) -> bool:
    """Return whether a once may be the deed of a record that this run has not met.

    The same function, now with a key, in a part or in a lambda, may be; so may another function,
    where the recorded one is found nowhere in today's code.
    """
    _, parts, words, _ = entry.key
    # The records of an older cooee do not tell a key from a function's name; nor do failures.
    recorded = entry.raw if entry.kind in {"started", "done"} else None
    function = recorded or words
    if function != words and _is_key_in_use(words, new.texts):
        return False  # it had a key, which is met later
    if _is_same_function(new, function):
        elsewhere = parts not in {(), new.key[1]} and set(parts) <= new.texts
        by_data = function != words and new.keyed and new.key[2] not in new.texts
        return not (elsewhere or by_data)  # met later, or the next of a loop with keys
    if new.keyed or _is_in_use(function, new.names):
        return False
    return recorded is not None or not _is_key_in_use(words, new.texts)


def _is_same_function(new: NewOnce, function: str) -> bool:
    called = new.function.partition("<lambda>(")[2].rstrip(")").split(", ")
    return function == new.function or function.rpartition(".")[2] in called


def _is_in_use(name: str, names: AbstractSet[str]) -> bool:
    """Return whether a function is used, and loaded under its whole name.

    After ``Desk.reserve`` has become ``FrontDesk.reserve``, the code still says ``reserve``.
    """
    _, is_inner, short_name = name.rpartition("<locals>.")
    found = _find_loaded(short_name)
    is_named = short_name in names or short_name.rpartition(".")[2] in names
    if is_named and (is_inner or short_name.startswith("<lambda>") or found is not None):
        return True
    # The objects of a class are called under names of their own.
    return isinstance(found, type) and any("__call__" in vars(cls) for cls in found.__mro__)


def _is_key_in_use(key: str, texts: AbstractSet[str]) -> bool:
    """Return whether a key, or a part of one, is used: "charge:" of f"charge:{i}"."""
    parts = [text for text in texts if len(text) > 1 and not text.isidentifier()]
    return key in texts or any(key.startswith(part) or key.endswith(part) for part in parts)


def _find_loaded(name: str) -> Any:
    """Return the function or class that a loaded module has under a qualified name, or None."""
    first, *others = name.split(".")
    for module in list(sys.modules.values()):
        found = getattr(module, "__dict__", {}).get(first)
        for part in others:
            found = getattr(found, part, None)
        if callable(found):
            return found
    return None


def check_once(call: OnceCall) -> str:
    """Return the mistake in a once and its remedy, or ""."""
    function: Any = call.function
    if not callable(function):
        if inspect.isawaitable(function):
            _close_awaitable(function)
            return "this was called already. Write chat.once(function, …), without calling it."
        shown = f"{function!r:.80}"
        return f"{shown} cannot be called. Write chat.once(function, …), with its arguments."
    if call.unknown not in {"again", "raise"}:
        return f'unknown={call.unknown!r:.80} means nothing. Write "again" or "raise".'
    given = {"key": call.key is not None, "was": call.was is not None}
    given["unknown"] = call.unknown != "again"
    return (
        check_key(call.key)
        or _check_own_names(function, [name for name in given if given[name]])
        or _check_call(function, call.args, call.kwargs)
        or _check_result(function)
    )


def _check_own_names(function: Callable[..., Any], given: Sequence[str]) -> str:
    signature = None if isinstance(function, partial) else _signature_of(function)
    # delivery rule 28: the key is the once's, and theirs comes from its token
    if getattr(function, "__func__", None) in _KEYED_BY_DEED:
        return ""
    for name in given:
        if signature is not None and name in signature.parameters:
            shown = qualified_name(function)
            return (
                f"once and {shown} both have a parameter {name!r}. Write functools.partial({shown},"
                f" {name}=…) for that of {shown}, or functools.partial({shown}) for that of once."
            )
    return ""


def _check_call(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    signature = _signature_of(function)
    if signature is None:
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        name = qualified_name(function)
        own = [each for each in ("key", "was", "unknown") if each in signature.parameters]
        hint = (
            f" For its own {own[0]!r}, write functools.partial({name}, {own[0]}=…)." if own else ""
        )
        return f"{name}{signature} cannot be called so: {error}.{hint}"
    return ""


def _check_result(function: Callable[..., Any]) -> str:
    """Return the mistake in the function's kind of result: known here, nothing is done in vain."""
    inner, name = innermost(function), qualified_name(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        return f"{name} has a `yield`, and what it yields cannot be kept. Return a list."
    signature = _signature_of(inner)
    returned = None if signature is None else signature.return_annotation
    if isinstance(returned, str):
        returned = getattr(inner, "__globals__", {}).get(returned)
    if not isinstance(returned, type) or returned is inspect.Signature.empty:
        return ""
    if not is_never_stored(returned):
        return ""
    return (
        f"{name} returns {returned.__name__} by its annotation, and that cannot be kept. Return"
        " plain data, such as an id, or a dataclass of it."
    )


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature of a function or method as it is written; None for other callables."""
    inner = innermost(function)
    if not isinstance(inner, FunctionType | MethodType | BuiltinFunctionType):
        return None
    if hasattr(inner, "__signature__"):  # a library's word, not Python's
        return None
    try:  # a decorator may hand over further arguments, so its own signature counts
        return inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):  # a built-in may have none
        return None


def _close_awaitable(awaitable: Any) -> None:
    """Close a coroutine that nobody will await, so that Python does not warn."""
    if hasattr(awaitable, "close"):
        awaitable.close()
