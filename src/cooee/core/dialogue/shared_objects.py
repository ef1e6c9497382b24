"""The objects that the function of a once shares with the handler that calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any


def shared_objects(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the arguments of a once, and the handler's variables in its function, by name.

    A replay does not call the function again, and has these objects at hand all the same: where the
    function put one into the state, the replay puts the handler's own object there.
    """
    if isinstance(function, partial):
        return shared_objects(
            function.func, (*function.args, *args), {**function.keywords, **kwargs}
        )
    found = {f"argument {at}": each for at, each in enumerate(args)}
    found |= {f"argument {name}": each for name, each in kwargs.items()}
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        with suppress(ValueError):  # the variable has no value yet
            found[f"variable {name}"] = cell.cell_contents
    return {name: each for name, each in found.items() if not isinstance(each, _NEVER_SHARED)}


_NEVER_SHARED = (str, bytes, int, float, type(None), type)
