"""Callables: their names, and fingerprints of their behaviour."""

from __future__ import annotations

import enum
import functools
import re
import sys
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

SCALARS = {type(None), bool, int, float, complex, str, bytes, type(...)}
_PLAIN_MODULES = {"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid", "zoneinfo"}
_MAX_DEPTH = 8
MAX_PARTS = 5_000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_Seen: TypeAlias = dict[Any, Any]
"""Objects by id, kept alive, so that no id is given out twice; and the number of parts so far."""


def innermost(function: Any) -> Any:
    """Return the innermost function of a `functools.partial`; any other callable unchanged."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def qualified_name(function: Any) -> str:
    """Return the name of a callable; the name of its class, where the callable has none."""
    function = innermost(function)
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) and name else type(function).__qualname__


def global_names(code: CodeType) -> set[str]:
    """Return every global name and attribute in a code, its inner functions included."""
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*map(global_names, inner))


def lambda_name(code: CodeType) -> str:
    """Return the names that a lambda uses, as its own name: ``<lambda>(charge, db)``."""
    return f"<lambda>({', '.join(sorted(global_names(code) | set(code.co_freevars)))})"


def fingerprint(function: Any) -> str:
    """Return a short hash, which changes with a callable's behaviour.

    It covers the code of the app's functions, and of those they call, with their defaults,
    closures and constants; the arguments of a `functools.partial`; the members of an Enum, the
    fields of a class, and the object of a bound method. The standard library and installed
    packages count by name. Line numbers, addresses and the hash seed do not matter.
    """
    try:
        known = _fingerprints.get(function)
    except TypeError:  # neither hashable nor weakly referenced
        return _hash(function)
    if known is None:
        known = _hash(function)
        if isinstance(function, type) or getattr(function, "__closure__", ()) is None:
            _fingerprints[function] = known
    return known


_fingerprints: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _hash(function: Any) -> str:
    try:
        described = repr(_describe(function, 0, {}))
    except Exception:  # a proxy among its parts, say, which is not bound to anything yet
        described = qualified_name(function)
    return blake2b(described.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _describe(value: Any, depth: int, seen: _Seen) -> Any:
    """Return a value as nested tuples of texts; each object once, down to the depth."""
    count = seen[_COUNT] = seen.get(_COUNT, 0) + 1
    if depth > _MAX_DEPTH or id(value) in seen or count > MAX_PARTS:
        return "…"
    if type(value) in SCALARS:
        return type(value).__name__, repr(value)
    if not isinstance(value, tuple | frozenset | CodeType):
        # Python shares equal tuples, or not, as it likes: those are described each time.
        seen[id(value)] = value
    parts = [_describe(part, depth + 1, seen) for part in islice(parts_of(value), MAX_PARTS)]
    if isinstance(value, set | frozenset):  # their order follows the hash seed
        parts.sort(key=repr)
    return _name(value), *parts


_COUNT = "count"


def _name(value: Any) -> str:
    """Return the name of a class or function, or of a value's class."""
    named = value if isinstance(value, type | FunctionType) else type(value)
    return f"{named.__module__}:{named.__qualname__}"


def parts_of(value: Any) -> Iterator[Any]:
    """Generate the parts of a value that decide its behaviour."""
    if isinstance(value, FunctionType):
        yield from _function_parts(value)
    elif isinstance(value, CodeType):
        yield from (value.co_code, value.co_consts, value.co_names, value.co_freevars)
    elif isinstance(value, type):
        yield from _class_parts(value)
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, tuple | list | set | frozenset):
        yield from value
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, re.Pattern):
        yield from (value.pattern, value.flags)
    elif isinstance(value, enum.Enum):
        yield value.name
    elif isinstance(value, staticmethod | classmethod) or "__wrapped__" in _vars(value):
        yield value.__wrapped__
    elif isinstance(value, property):
        yield value.fget
    else:
        yield from _object_parts(value)


def _function_parts(function: FunctionType) -> Iterator[Any]:
    if is_library(function.__module__):
        return
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # the name has no value yet
            yield None
    names = sorted(global_names(function.__code__))
    for name in names:
        found = function.__globals__.get(name)
        if isinstance(found, ModuleType) and not is_library(found.__name__):
            yield from (vars(found)[each] for each in names if each in vars(found))
        elif not isinstance(found, ModuleType):
            yield found


def _class_parts(cls: Any) -> Iterator[Any]:
    if is_library(cls.__module__):
        return
    if issubclass(cls, enum.Enum):
        yield from ((name, member.value) for name, member in cls.__members__.items())
    yield cls.__bases__
    for name, part in sorted(vars(cls).items()):
        if not name.startswith("_") or name in {"__init__", "__new__", "__call__", "__post_init__"}:
            yield from (name, part)
    for name in ("__annotations__", "__dataclass_fields__", "__pydantic_fields__"):
        yield _ADDRESS.sub("", repr(vars(cls).get(name)))


def _object_parts(value: Any) -> Iterator[Any]:
    cls = type(value)
    if cls.__module__.partition(".")[0] in _PLAIN_MODULES:
        yield repr(value)
    elif cls.__module__ in {"typing", "types"} or cls.__name__ == "TypeAdapter":
        yield _ADDRESS.sub("", repr(value))
        yield getattr(value, "_type", None)  # a TypeAdapter's
        yield from getattr(value, "__args__", ())
    elif not is_library(cls.__module__):
        yield cls
        yield from sorted(_vars(value).items(), key=lambda item: item[0])


def _vars(value: Any) -> dict[str, Any]:
    return getattr(value, "__dict__", {})


def is_library(module: str | None) -> bool:
    """Return whether a module is part of the standard library, an installed package or cooee."""
    if module is None:
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return module in sys.stdlib_module_names
    in_packages = "site-packages" in file or "dist-packages" in file
    return in_packages or module.partition(".")[0] == "cooee" or file.startswith(_STANDARD_LIBRARY)


_STANDARD_LIBRARY = str(PurePath(enum.__file__).parent)
