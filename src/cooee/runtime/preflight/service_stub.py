"""Stands in for `chat.services` where no lifespan runs: a stub can be passed on, not used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cooee.runtime.preflight.audit_hook import IOGuard

_REFUSED_USES = {
    "called": ("__call__",),
    "awaited": ("__await__",),
    "entered": ("__enter__", "__exit__", "__aenter__", "__aexit__"),
    "gone through": ("__iter__", "__aiter__", "__next__", "__anext__", "__reversed__"),
    "looked into": ("__getitem__", "__contains__", "__len__"),
    "changed": ("__setattr__", "__delattr__", "__setitem__", "__delitem__"),
    "asked for yes or no": ("__bool__",),
    "compared": ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    "shown": ("__str__", "__format__"),
    "counted with": (
        *(f"__{name}__" for name in ("int", "float", "index", "round", "neg", "abs")),
        *(f"__{name}__" for name in ("add", "radd", "sub", "rsub", "mul", "rmul", "mod", "rmod")),
        *(f"__{name}__" for name in ("truediv", "rtruediv", "floordiv", "rfloordiv")),
    ),
}


class OnceNames:
    """The names of a dialogue's recorded onces, for the stubs of their functions.

    A once without a key is known by its function's name, such as ``Desk.reserve``, and of the
    stand-in at ``chat.services.desk.reserve`` only the last part can be known.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._unmatched = list(names)
        self._names_by_path: dict[str, str] = {}

    def name_of(self, path: str) -> str:
        """Return the recorded name of the function at a path, or the path itself."""
        if path not in self._names_by_path:
            last = path.rpartition(".")[2]
            match = next((one for one in self._unmatched if one.rpartition(".")[2] == last), None)
            if match is not None:
                self._unmatched.remove(match)
            self._names_by_path[path] = match or path
        return self._names_by_path[path]


class ServiceStub:
    """A service, or an attribute of one. Every use is refused with its reason."""

    __slots__ = ("_io_guard", "_once_names", "_path")

    def __init__(
        self, io_guard: IOGuard, once_names: OnceNames, path: str = "chat.services"
    ) -> None:
        for name, value in (("_io_guard", io_guard), ("_once_names", once_names), ("_path", path)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name == "__qualname__":
            return self._once_names.name_of(self._path)
        if name.startswith("__"):
            raise AttributeError(name)
        return ServiceStub(self._io_guard, self._once_names, f"{self._path}.{name}")

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{self._path}, which is not there>"


def _make_refusal(use: str) -> Callable[..., Any]:
    def refuse(self: ServiceStub, *_: object, **__: object) -> Any:
        io_guard, path = self._io_guard, self._path
        raise io_guard.refuse(
            f"{path} is {use} outside of a once, and here there are no services, since the app's"
            " lifespan is not run"
        )

    return refuse


for _use, _names in _REFUSED_USES.items():
    for _name in _names:
        setattr(ServiceStub, _name, _make_refusal(_use))
