"""What is said about an app that cannot be loaded, and which app is meant where several could be."""

import sys

import pytest

from cooee import App, DefinitionError, SettingError
from cooee.cli.load_app import import_app


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Write files into the current folder; modules and paths are as before at the end."""
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    yield lambda name, code: (tmp_path / name).write_text(code)
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


ONE = "from cooee import App\napp = App()\n"
TWO = "from cooee import App\nday = App()\nnight = App()\n"


@pytest.mark.parametrize("words", ["one.py", "./one.py", "one.py:app", "one", "one:app"])
def test_an_app_is_a_file_or_a_module_with_or_without_its_name(place, words):
    place("one.py", ONE)
    assert isinstance(import_app(words), App)


def test_an_app_imports_its_neighbours(place):
    place("neighbour.py", "word = 'START'")
    place("one.py", f"import neighbour\n{ONE}")
    assert import_app("one.py")


def test_a_file_named_like_a_library_does_not_take_its_place(place):
    place("json.py", ONE)
    import json

    assert import_app("json.py")
    assert sys.modules["json"] is json


def test_one_app_under_two_names_is_one_app(place):
    place("one.py", ONE + "application = app\n")
    assert import_app("one.py")


def test_several_apps_are_listed_to_choose_from(place):
    place("two.py", TWO)
    with pytest.raises(DefinitionError, match=r"2 apps(.|\n)*two\.py:day(.|\n)*two\.py:night"):
        import_app("two.py")
    assert import_app("two:night") is sys.modules["two"].night


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("nope.py", SettingError, "nope.py is no such file"),
        ("folder.py", SettingError, "folder.py is a folder"),
        (".", SettingError, r"\. is a folder .*Name a file"),
        ("needs.py", DefinitionError, r"named 'nothere'\n.* -m pip install …\), or mend"),
        ("nope", SettingError, "There is no module 'nope'"),
        ("nope.deep:app", SettingError, "There is no module 'nope'"),
        (":app", SettingError, "names no app"),
        ("", SettingError, "names no app"),
        ("none.py", DefinitionError, r"no App in none.py. Write one: app = App\(\)"),
        (
            "one.py:other",
            DefinitionError,
            r"There is no other in one.py. Name an app of it:\n  one.py:app",
        ),
        (
            "none.py:word",
            DefinitionError,
            r"word in none.py is a str, not an App. Write an app: app = App\(\)",
        ),
    ],
)
def test_what_cannot_be_found_is_said_in_words(place, tmp_path, words, error, message):
    place("one.py", ONE)
    place("none.py", "word = 'START'\n")
    place("needs.py", "import nothere\n")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(error, match=message):
        import_app(words)


@pytest.mark.parametrize("words", ["bad.py", "bad"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rate = 1 / 0", "ZeroDivisionError: division by zero"),
        ("import nowhere", "No module named 'nowhere'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("int('x')", "ValueError"),
    ],
)
def test_an_exception_is_shown_with_the_line_that_raised_it(place, words, line, message):
    place("bad.py", f"from cooee import App\n\n{line}\n")
    with pytest.raises(DefinitionError) as raised:
        import_app(words)
    said = str(raised.value)
    assert "bad.py, line 3" in said
    assert line in said
    assert message in said


def test_a_syntax_error_is_shown_with_its_line(place):
    place("bad.py", "from cooee import App\napp = App(\n")
    with pytest.raises(DefinitionError, match=r"bad\.py(.|\n)*line 2(.|\n)*never closed"):
        import_app("bad.py")


def test_a_contradiction_in_the_app_is_shown_whole_and_with_its_line(place):
    place(
        "bad.py",
        ONE + "@app.on('ADD {n:d}')\ndef add(chat, count):\n    pass\n",
    )
    with pytest.raises(DefinitionError) as raised:
        import_app("bad.py")
    said = str(raised.value)
    assert "def add(chat, n: int)" in said
    assert "bad.py, line 3" in said
