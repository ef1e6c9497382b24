"""The public API as type checkers see it: an app that uses all of it has no error."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cooee
from cooee import App, Chat, Routes

ROOT = Path(__file__).parents[1]
WHOLE_API = ROOT / "tests" / "support" / "whole_api.py"
NEVER_SHOWN = {"find_route"}  # cooee's own, though without an underscore


def run(*args, **more):
    command = [sys.executable, "-m", *args]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, **more)


@pytest.mark.slow
def test_mypy_finds_no_error_in_an_app_that_uses_the_whole_api():
    checked = run("mypy", "--strict", "--no-error-summary", str(WHOLE_API))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_mypy_finds_each_mistake_that_the_types_can_tell(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    checked = run("mypy", "--strict", str(wrong))
    found = {int(line) for line in re.findall(r"wrong\.py:(\d+): error", checked.stdout)}
    wanted = {n for n, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")}
    assert found == wanted, checked.stdout


@pytest.mark.slow
def test_pyright_finds_no_error_in_it_either(tmp_path):
    if importlib.util.find_spec("basedpyright") is None:
        if "CI" in os.environ:
            pytest.fail("basedpyright is not installed: pip install -e '.[dev]'")
        pytest.skip("basedpyright is not installed")
    settings = {"include": [str(WHOLE_API)], "extraPaths": [str(ROOT / "src")]}
    settings |= {"typeCheckingMode": "strict", "reportDeprecated": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    checked = run(
        "basedpyright",
        "--level",
        "error",
        "--pythonpath",
        sys.executable,
        "--project",
        str(tmp_path),
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_app_uses_every_public_name_but_the_errors():
    source = WHOLE_API.read_text()
    names = {
        name
        for name in cooee.__all__
        if not (isinstance(one := getattr(cooee, name), type) and issubclass(one, BaseException))
    }
    for kind in (App, Chat, Routes):
        names |= {name for name in vars(kind) if not name.startswith("_")} - NEVER_SHOWN
    names -= {"dialogues", "dialogue_named", "dialogues_of"}
    unused = [name for name in names if not re.search(rf"\b{name}\b", source)]
    assert unused == []


WRONG = """\
from cooee import App, Chat

app = App()


async def fetch(x: int) -> str:
    return str(x)


@app.dialogue()
async def ask(chat: Chat) -> None:
    x: int = await chat.once(fetch, 1)  # wrong
    await chat.once(fetch, 1, key=5)  # wrong
    await chat.once(fetch, 1, unknown="perhaps")  # wrong
    await chat.ask("Name?", settle=5)  # wrong
    await chat.ask("Name?", key=5)  # wrong
    await chat.ask("Name?", timeout=5)  # wrong
    await chat.choose("Tea?", 5)  # wrong
    await chat.confirm("Sure?", default_=True)  # wrong
    await chat.receive(retry="?")  # wrong
    await chat.sleep(5)  # wrong
    chat.say(5)  # wrong
    await app.send("+61491570156", 5)  # wrong
    await app.send("+61491570156", "Hello", unknown=5)  # wrong
    app.on("A", alway=True)  # wrong
    chat.end(5)  # wrong
"""
