"""Kit and Phone for tests of apps; suites that every provider and every store must pass."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cooee.testing.kit import Kit, Phone

__all__ = ["Kit", "Phone"]

_HOMES = {"Kit": "cooee.testing.kit", "Phone": "cooee.testing.kit"}


def __getattr__(name: str) -> Any:
    """Import Kit or Phone on first use; every pytest with cooee installed imports this package."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
