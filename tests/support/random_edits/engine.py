"""The replay engine as it is, or with one rule broken: its modules, loaded apart."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import cooee.core

Engine: TypeAlias = Any  # its modules by name, such as engine.replay

_SOURCES = Path(cooee.core.__file__).parent
_ORDER = {
    "value_codec": "dialogue.value_codec",
    "list_diff": "dialogue.list_diff",
    "state_diff": "dialogue.state_diff",
    "state_merge": "dialogue.state_merge",
    "shared_objects": "dialogue.shared_objects",
    "state_snapshot": "dialogue.state_snapshot",
    "waiting": "dialogue.waiting",
    "journal": "dialogue.journal",
    "outbox_keys": "dialogue.outbox_keys",
    "choices": "parsing.choices",
    "answers": "parsing.answers",
    "question": "app.question",
    "question_texts": "dialogue.question_texts",
    "answer_records": "dialogue.answer_records",
    "questions": "dialogue.questions",
    "call_sites": "dialogue.call_sites",
    "dialogue_verbs": "app.dialogue_verbs",
    "chat": "app.chat",
    "said_texts": "dialogue.said_texts",
    "divergence": "dialogue.divergence",
    "error_messages": "dialogue.error_messages",
    "dialogue_context": "dialogue.dialogue_context",
    "step_keys": "dialogue.step_keys",
    "replayed_state": "dialogue.replayed_state",
    "run": "dialogue.run",
    "argument_checks": "dialogue.argument_checks",
    "rewordings": "dialogue.rewordings",
    "engine_requests": "dialogue.engine_requests",
    "once_checks": "dialogue.once_checks",
    "onces": "dialogue.onces",
    "verbs": "dialogue.verbs",
    "sandbox": "dialogue.sandbox",
    "frontier": "dialogue.frontier",
    "outcome": "dialogue.outcome",
    "once_effects": "dialogue.once_effects",
    "replay": "dialogue.replay",
}


def whole() -> Engine:
    """Return the modules of the replay engine as they are."""
    names = {**_ORDER, "errors": "errors"}
    return SimpleNamespace(
        **{name: import_module(f"cooee.core.{path}") for name, path in names.items()}
    )


def broken(*patches: tuple[str, str, str]) -> Engine:
    """Return the modules with patches applied: (module, text found once, its replacement)."""
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
