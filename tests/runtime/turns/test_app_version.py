"""The code version of an app, computed from its loaded files."""

import importlib
import shutil
import subprocess
import sys
import zipfile
from types import ModuleType

import pytest

from cooee import App
from cooee.runtime.turns.app_version import CodeVersion, code_version_of

APP = """
from cooee import App
from words import HELLO

app = App()

@app.dialogue("BOOK")
async def book(chat):
    await chat.ask(HELLO)
"""
WORDS = "HELLO = 'Hello?'"
SAY = "import sys; sys.path.insert(0, sys.argv[1]); import {module}; {more}print(__import__('cooee.runtime.turns.app_version', fromlist=['x']).code_version_of({module}.app))"


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "app"
    home.mkdir()
    (home / "main.py").write_text(APP)
    (home / "words.py").write_text(WORDS)
    (home / "unused.py").write_text("")
    return home


def told(place, module="main", more=""):
    """Return the code version as a fresh process computes it."""
    code = SAY.format(module=module, more=more)
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code, str(place)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_apps_without_dialogues_have_one_code_version():
    app = App()

    @app.on("HELLO")
    def hello(chat):
        return "Hello!"

    bare = code_version_of(App())
    assert bare == code_version_of(app) != ""

    @app.dialogue("BOOK")
    async def book(chat):
        return await chat.ask("Name?")

    assert code_version_of(app) != bare


def test_the_same_release_in_another_folder_has_the_same_code_version(folder, tmp_path):
    first = told(folder)
    assert len(first) == 32
    shutil.copytree(folder, tmp_path / "next")
    assert told(tmp_path / "next") == first


def test_an_edit_in_any_loaded_file_is_another_code_version_and_in_an_unused_one_is_none(folder):
    first = told(folder)
    (folder / "unused.py").write_text("x = 1")
    assert told(folder) == first
    (folder / "words.py").write_text("HELLO = 'Good day?'")
    second = told(folder)
    (folder / "main.py").write_text(APP + "\nx = 1\n")
    assert len({first, second, told(folder)}) == 3


def test_a_dialogue_more_is_another_code_version_though_its_file_is_the_same(folder):
    another = "main.app.dialogue(name='other')(main.book); "
    assert told(folder, more=another) != told(folder)


def test_a_new_version_of_cooee_is_another_code_version(folder, monkeypatch):
    sys.path.insert(0, str(folder))
    try:
        app = importlib.import_module("main").app
        first = code_version_of(app)
        monkeypatch.setattr("cooee.runtime.turns.app_version.version", lambda _: "99.0")
        assert code_version_of(app) != first
    finally:
        sys.path.remove(str(folder))
        for name in ("main", "words"):
            sys.modules.pop(name, None)


def test_an_edit_inside_an_archive_is_another_code_version(folder, tmp_path):
    def packed():
        with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
            for file in folder.glob("*.py"):
                archive.write(file, file.name)
        return told(tmp_path / "app.zip")

    first = packed()
    (folder / "words.py").write_text("HELLO = 'Good day?'")
    assert packed() != first


def test_line_ends_and_compiled_files_do_not_count(folder):
    first = told(folder)
    words = folder / "words.py"
    words.write_bytes(words.read_bytes() + b"# end\n")
    second = told(folder)
    words.write_bytes(words.read_bytes().replace(b"\n", b"\r\n"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    assert first != second == told(folder)


def test_a_script_has_the_version_that_it_has_as_a_module(folder):
    end = "\nif __name__ == '__main__':\n    from cooee.runtime.turns.app_version import code_version_of\n    print(code_version_of(app))\n"
    (folder / "main.py").write_text(APP + end)
    ended = subprocess.run(
        [sys.executable, str(folder / "main.py")], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == told(folder)


def test_a_plug_in_that_is_loaded_later_is_another_version_from_then_on(monkeypatch):
    app = App()

    @app.dialogue("BOOK")
    async def book(chat):
        await chat.ask("Name?")

    version = CodeVersion(app)
    first = version()
    assert version() == first
    plug_in = ModuleType("own_plug_in")
    exec("def f(): return 1", vars(plug_in))
    monkeypatch.setitem(sys.modules, "own_plug_in", plug_in)
    assert version() == code_version_of(app) != first


def test_another_version_of_the_app_is_another_code_version():
    def with_version(version):
        app = App(version=version)

        @app.dialogue()
        async def book(chat):
            await chat.ask("Hello?")

        return code_version_of(app)

    assert with_version("1") == with_version("1") != with_version("2")


def test_a_dialogue_of_no_module_has_a_code_version_too():
    def version_with(question):
        known = {}
        exec(
            "async def book(chat):\n    await name(chat)\n"
            f"async def name(chat):\n    await chat.ask({question!r})\n",
            known,
        )
        app = App()
        app.dialogue("BOOK")(known["book"])
        return code_version_of(app)

    assert version_with("Name?") == version_with("Name?") != version_with("Your name?")
