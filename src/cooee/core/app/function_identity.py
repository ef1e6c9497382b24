"""The identity of a function in whatever form it comes: bound, decorated, partial, an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType, MethodType
from typing import Any

import msgspec


class FunctionIdentity(msgspec.Struct, frozen=True):
    """The innermost function of a callable, the object it is bound to, and bound arguments."""

    function: Any
    owner: Any = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}

    def is_same(self, other: FunctionIdentity) -> bool:
        """Return whether both call the same function of the same object, with equal arguments."""
        return (
            self.function is other.function
            and self.owner is other.owner
            and self.args == other.args
            and self.kwargs == other.kwargs
        )

    @property
    def name(self) -> str:
        """Return the function's qualified name; of an object that is called, its class's."""
        function = self.function
        return str(getattr(function, "__qualname__", type(function).__qualname__))

    @property
    def code(self) -> CodeType | None:
        """Return the function's code; None where it is not written in Python."""
        function = self.function
        if not hasattr(function, "__code__"):
            function = getattr(type(function), "__call__", None)  # noqa: B004 -- to be read
        found = getattr(function, "__code__", None)
        return found if isinstance(found, CodeType) else None


def identify_function(function: Callable[..., Any]) -> FunctionIdentity:
    """Return the identity of a function: without decorators, partials and bindings."""
    owner: Any = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    found: Any = function
    while True:
        if isinstance(found, partial):
            args, kwargs, found = (*found.args, *args), {**found.keywords, **kwargs}, found.func
        elif isinstance(found, MethodType):
            owner, found = found.__self__, found.__func__
        elif hasattr(found, "__wrapped__"):
            found = found.__wrapped__
        else:
            return FunctionIdentity(found, owner, args, kwargs)
