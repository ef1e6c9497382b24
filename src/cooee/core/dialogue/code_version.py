"""The code version of an app: a hash of the user's own code (replay rule 10)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any


def hash_parts(parts: Iterable[tuple[str, bytes]], versions: str = "") -> str:
    """Return the code version of these parts, in whatever order they come.

    Args:
        parts: each module's or dialogue's name, and its content.
        versions: the versions of other code that decides how a dialogue runs, such as cooee's.
    """
    hasher = blake2b(versions.encode(errors="surrogatepass"), digest_size=16)
    for name, content in sorted(parts):
        encoded = name.encode(errors="surrogatepass")
        hasher.update(b"%d:%b:%d:%b" % (len(encoded), encoded, len(content), content))
    return hasher.hexdigest()


def hash_source(source: str) -> bytes:
    """Return a hash of a source text, in which every line ends alike."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n")
    return hash_bytes(lines.encode(errors="surrogatepass"))


def hash_bytes(content: bytes) -> bytes:
    """Return a hash of a file's content."""
    return blake2b(content, digest_size=16).digest()


# Imports that a module makes later


_IMPORT = re.compile(
    r"(?P<before>^[ \t]*|[:;][ \t]*)"
    r"(?:from[ \t]+(?P<base>[.\w]+)[ \t]+)?import\b"
    r"(?P<names>[ \t]*\([^)]*\)|(?:\\\n|[^\n;#])*)",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#[^\n]*")


def imported_names(source: str, package: str, *, only_later: bool) -> Iterator[str]:
    """Yield the full names of all that a source text may import.

    The text is searched, not parsed, so a few names may come from its strings.

    Args:
        source: the text of a module.
        package: the package that its relative imports begin from.
        only_later: leave out the imports at the left margin, which a loaded module has made.
    """
    for found in _IMPORT.finditer(source):
        if only_later and not found["before"]:
            continue
        listed = _COMMENT.sub("", found["names"]).strip(" \t()").replace("\\\n", " ").split(",")
        names = [one.split()[0] for one in listed if one.strip()]
        if found["base"] is None:
            yield from names
        else:
            base = _absolute_name(found["base"], package)
            yield base
            yield from (f"{base}.{name}" for name in names)  # perhaps a module


def _absolute_name(name: str, package: str) -> str:
    module = name.lstrip(".")
    level = len(name) - len(module)
    if not level:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [module])])


# Code without a source


def hash_code(code: CodeType) -> bytes:
    """Return a hash of a code object: what it does at which line, wherever its file lies."""
    return hash_bytes(_describe_code(code).encode(errors="surrogatepass"))


def _describe_code(code: CodeType) -> str:
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    tables = (code.co_code, code.co_exceptiontable, code.co_firstlineno, code.co_linetable)
    return f"{code.co_name}{names}{counts}{tables}{_describe_constant(code.co_consts)}"


def _describe_constant(value: object) -> str:
    """Return a text for a constant that is the same in every process."""
    if isinstance(value, CodeType):
        return _describe_code(value)
    if isinstance(value, tuple):
        return f"({','.join(map(_describe_constant, value))})"
    if isinstance(value, frozenset):  # its order is another one in each process
        return f"{{{','.join(sorted(map(_describe_constant, value)))}}}"
    return repr(value)


def functions_of(namespace: Mapping[str, Any], module: str | None) -> Iterator[CodeType]:
    """Return the code of a module's functions, of its classes' too, and of all that they wrap.

    Values are looked at by their type alone, so that no lazy proxy is woken.
    """
    yield from _functions_of(namespace, module, set())


def _functions_of(
    namespace: Mapping[str, Any], module: str | None, seen: set[type]
) -> Iterator[CodeType]:
    for _, value in sorted(namespace.items(), key=_name_of_item):
        if not issubclass(type(value), type):
            yield from _code_inside(value, module)
        elif value not in seen and vars(value).get("__module__") == module:
            seen.add(value)
            yield from _functions_of(vars(value), module, seen)


def _name_of_item(item: tuple[object, object]) -> str:
    return str(item[0])


def _code_inside(value: Any, module: str | None) -> Iterator[CodeType]:
    kind = type(value)
    if kind is FunctionType:
        if value.__module__ == module:  # none that the module has only imported
            yield value.__code__
        yield from _code_inside(value.__dict__.get("__wrapped__"), module)
    elif issubclass(kind, staticmethod | classmethod):
        yield from _code_inside(value.__func__, module)
    elif issubclass(kind, property):
        for function in (value.fget, value.fset, value.fdel):
            yield from _code_inside(function, module)
    elif issubclass(kind, cached_property | partial):
        yield from _code_inside(value.func, module)
