"""What holds for the project as a whole."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def test_importing_cooee_loads_nothing_heavy():
    heavy = {"aiohttp", "uvicorn", "uvloop", "phonenumbers", "sqlite3", "typer", "rich"}
    heavy |= {"asyncio", "email", "importlib.metadata", "json", "logging", "ssl", "subprocess"}
    code = (
        "import sys, cooee\n"
        "beyond = ('cooee.runtime', 'cooee.net', 'cooee.storage', 'cooee.core.dialogue')\n"
        "ours = {name for name in sys.modules if name.startswith(beyond)}\n"
        f"sys.exit(', '.join({heavy!r} & set(sys.modules) | ours) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_every_rule_that_is_left_out_has_its_reason_beside_it():
    section = re.search(r"\[tool\.ruff\.lint\]\n.*?ignore = \[\n(.*?)\n\]", PYPROJECT, re.DOTALL)
    lines = section[1].splitlines()
    assert len(lines) > 10
    assert [line for line in lines if not re.search(r'",\s+# \S.{8,}', line)] == []


def test_every_rule_that_is_left_out_somewhere_has_its_reason_beside_it():
    section = re.search(r"\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)\n\n", PYPROJECT, re.DOTALL)
    entries = re.findall(r'^"[^"]+" = \[.*?\].*?$', section[1], re.DOTALL | re.MULTILINE)
    assert len(entries) >= 4
    assert [entry for entry in entries if "#" not in entry] == []


@pytest.mark.parametrize("marker", ["noqa", "type: ignore"])
def test_every_exception_in_the_code_names_its_rule_and_its_reason(marker):
    unreasoned = re.compile(rf"# {marker}(?!(: |\[)[A-Za-z0-9, -]+\]?\s+(-- |# )\S)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if unreasoned.search(line)
    ]
    assert found == []


def test_every_module_has_a_caption_of_one_line():
    captions = {path: ast.get_docstring(ast.parse(path.read_text())) or "" for path in SOURCES}
    lacking = [str(path.relative_to(ROOT)) for path, words in captions.items() if not words]
    assert lacking == []
    assert [str(path) for path, words in captions.items() if len(words.splitlines()[0]) > 100] == []


def test_no_function_is_over_60_lines():
    long = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_what_is_not_python_is_installed_too():
    package = ROOT / "src" / "cooee"
    others = [
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    ]
    assert {path.suffix for path in others} >= {".sql", ".typed"}
    installed = resources.files("cooee")
    assert [str(path) for path in others if not installed.joinpath(*path.parts).is_file()] == []


def test_every_command_of_the_readme_is_there():
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", readme, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    from cooee.cli.main import COMMANDS

    known = set(COMMANDS)
    used = set(re.findall(r"^(?:\$ )?cooee (\w+)", readme, re.MULTILINE))
    assert used
    assert used <= known


def test_the_changelog_knows_the_version_or_what_comes_next():
    version = tomllib.loads(PYPROJECT)["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog or f"## [{version}]" in changelog
