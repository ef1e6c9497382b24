"""The driver as it is, or with one rule broken: its modules, loaded apart."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import cooee.core

Engine: TypeAlias = Any  # its modules by name, such as engine.dialogue

_SOURCES = Path(cooee.core.__file__).parent
_ORDER = (
    "values",
    "changes",
    "journal",
    "menus",
    "answers",
    "questions",
    "places",
    "verbs",
    "chat",
    "told",
    "run",
    "alone",
    "dialogue",
)


def whole() -> Engine:
    """The driver as it is."""
    names = (*_ORDER, "errors")
    return SimpleNamespace(**{name: import_module(f"cooee.core.{name}") for name in names})


def broken(*patches: tuple[str, str, str]) -> Engine:
    """The driver with patches (module, what is there once, what is put there instead)."""
    found = {name: (_SOURCES / f"{name}.py").read_text() for name in _ORDER}
    for module, there, instead in patches:
        assert found[module].count(there) == 1, f"{module} no longer says {there!r} once"
        found[module] = found[module].replace(there, instead)
    engine = SimpleNamespace(errors=import_module("cooee.core.errors"))
    kept = {name: sys.modules.get(f"cooee.core.{name}") for name in _ORDER}
    try:
        for name, source in found.items():
            module = ModuleType(f"cooee.core.{name}")
            module.__file__ = str(_SOURCES / f"{name}.py")
            sys.modules[module.__name__] = module
            exec(compile(source, module.__file__, "exec"), module.__dict__)
            setattr(engine, name, module)
    finally:
        for name, module in kept.items():
            if module is not None:
                sys.modules[f"cooee.core.{name}"] = module
    return engine
