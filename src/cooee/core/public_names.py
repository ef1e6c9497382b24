"""Names the public module in the users' classes and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def publish_names(module: str, namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Set `__module__` of public classes and functions to a public module.

    Tracebacks, stored class paths and pickles then survive a move of the private module.
    A name keeps the first public module that it was given. msgspec reads string annotations in
    the scope of `__module__`, so a module with public Structs does without
    ``from __future__ import annotations``.

    Args:
        module: the public module, which has the names as attributes.
        namespace: its `globals()`.
        names: its `__all__`.
    """
    for name in names:
        item = namespace[name]
        if getattr(item, "__module__", "").startswith("cooee."):
            item.__module__ = module


def import_on_use(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a public module, some of whose names cost time to import.

    Args:
        module: the public module.
        homes: the private module of each name.
    """

    def import_name(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return import_name
