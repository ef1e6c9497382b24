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
_ORDER = {
    "values": "dialogue.value_codec",
    "changes": "dialogue.state_diff",
    "journal": "dialogue.journal",
    "menus": "parsing.choices",
    "answers": "parsing.answers",
    "question": "app.question",
    "questions": "dialogue.questions",
    "places": "dialogue.call_sites",
    "chat": "app.chat",
    "told": "dialogue.said_texts",
    "run": "dialogue.run",
    "verbs": "dialogue.verbs",
    "alone": "dialogue.sandbox",
    "dialogue": "dialogue.replay",
}


def whole() -> Engine:
    """The driver as it is."""
    names = {**_ORDER, "errors": "errors"}
    return SimpleNamespace(
        **{name: import_module(f"cooee.core.{path}") for name, path in names.items()}
    )


def broken(*patches: tuple[str, str, str]) -> Engine:
    """The driver with patches (module, what is there once, what is put there instead)."""
    files = {name: _SOURCES / f"{path.replace('.', '/')}.py" for name, path in _ORDER.items()}
    found = {name: file.read_text() for name, file in files.items()}
    for module, there, instead in patches:
        assert found[module].count(there) == 1, f"{module} no longer says {there!r} once"
        found[module] = found[module].replace(there, instead)
    engine = SimpleNamespace(errors=import_module("cooee.core.errors"))
    kept = {name: sys.modules.get(f"cooee.core.{path}") for name, path in _ORDER.items()}
    try:
        for name, source in found.items():
            module = ModuleType(f"cooee.core.{_ORDER[name]}")
            module.__file__ = str(files[name])
            sys.modules[module.__name__] = module
            exec(compile(source, module.__file__, "exec"), module.__dict__)
            setattr(engine, name, module)
    finally:
        for name, module in kept.items():
            if module is not None:
                sys.modules[f"cooee.core.{_ORDER[name]}"] = module
    return engine
