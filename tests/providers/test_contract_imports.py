"""An adapter is written with `cooee.providers`, msgspec and the standard library alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import cooee.providers

HOUSE = Path(cooee.providers.__file__).parent
ADAPTERS = sorted(file.parent for file in HOUSE.glob("*/adapter.py"))


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_an_adapter_imports_nothing_that_another_package_could_not(folder):
    own = f"cooee.providers.{folder.name}"
    public = {"cooee.providers", "cooee.providers.json_fields"}
    for file in set(folder.glob("*.py")) - {folder / "__init__.py"}:  # which names its class
        for module, name in imported(file):
            top = module.partition(".")[0]
            assert (
                top == "msgspec"
                or top in sys.stdlib_module_names
                or module in public
                or module.startswith(own)
            ), f"{file.name} imports {module}"
            if module == "cooee.providers":
                assert name in cooee.providers.__all__, f"{file.name} imports {name}"


def test_there_are_adapters():
    assert len(ADAPTERS) >= 4
