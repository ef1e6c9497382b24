"""The examples, as people text them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def example(request, tmp_path, monkeypatch):
    """The example that a test module is about, loaded anew as `cooee run` loads it."""
    name = request.module.__name__.rpartition("test_")[2]
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def app(example):
    return example.app


@pytest.fixture(params=[False, True], ids=["", "restarted after every text"])
def told(request, kit, phone):
    """Hold a whole conversation, once as it is and once with a restart after every text."""

    async def tell(script):
        for part in _parts(script) if request.param else [script]:
            await phone.follow(part)
            if request.param:
                await kit.restart()

    return tell


def _parts(script):
    """A script, cut before each thing that the person does."""
    parts = [""]
    for line in script.splitlines():
        if line.strip().startswith((">", "...")):
            parts.append("")
        parts[-1] += f"{line}\n"
    return [part for part in parts if part.strip()]
