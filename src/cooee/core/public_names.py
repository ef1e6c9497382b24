"""Names the public module in the classes and functions that users import."""

from __future__ import annotations

from collections.abc import Iterable
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
