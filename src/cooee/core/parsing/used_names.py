"""The names and texts in a function's code, and in the app's code that it uses."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FunctionType, MethodType
from typing import Any

from cooee.core.parsing.callables import MAX_PARTS, SCALARS, is_library, lambda_name, parts_of


def used_names(function: Any) -> tuple[set[str], set[str]]:
    """Return each name, and each text, in a function's code and in the app's code that it uses.

    The names include attributes, and the qualified names of the functions. Of a class, the methods
    count whose names are used.
    """
    names: set[str] = set()
    texts: set[str] = set()
    classes: list[type] = []
    seen: dict[int, Any] = {}
    unseen = [function]
    while unseen and len(seen) < MAX_PARTS:
        value = unseen.pop()
        if type(value) is str:
            texts.add(value)
        elif type(value) not in SCALARS and id(value) not in seen:
            seen[id(value)] = value
            unseen.extend(_used_parts(value, names, classes))
        if not unseen:
            methods = (part for cls in classes for name, part in vars(cls).items() if name in names)
            unseen.extend(part for part in methods if id(part) not in seen)
    return names, texts


def _used_parts(value: Any, names: set[str], classes: list[type]) -> Iterator[Any]:
    if isinstance(value, CodeType):
        names.update(value.co_names, value.co_freevars, value.co_varnames, value.co_cellvars)
        names.update((value.co_name, lambda_name(value), "__init__", "__call__"))
        yield from value.co_consts
    elif isinstance(value, type):
        names.add(value.__qualname__)
        classes.extend(cls for cls in value.__mro__ if not is_library(cls.__module__))
    elif isinstance(value, _CALLABLES) or "__wrapped__" in getattr(value, "__dict__", {}):
        if isinstance(value, FunctionType):
            names.add(value.__qualname__)
        yield from parts_of(value)
    elif isinstance(value, tuple | list | dict | set | frozenset):
        yield from islice(parts_of(value), MAX_PARTS)
    else:
        yield type(value)


_CALLABLES = (FunctionType, MethodType, functools.partial, staticmethod, classmethod, property)
