"""What is said about an app that cannot be loaded, and which app is meant where several could be."""

import sys

import pytest

from cooee import App, DefinitionError, SettingError
from cooee.cli.load_app import import_app


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Write files into the current folder; modules and paths are as before at the end."""
    monkeypatch.chdir(tmp_path)
    before, path, finders = set(sys.modules), list(sys.path), list(sys.meta_path)
    yield lambda name, code: (tmp_path / name).write_text(code)
    sys.path[:], sys.meta_path[:] = path, finders
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


APP_OF = "from cooee import App\n{}\napp = App()\n"
PACKAGE_LAYOUTS = {
    # what is typed: (where, files, the module's name)
    "a package": ("shop/app.py", {"shop/__init__.py": "", "shop/app.py": "from .words import W"}, "shop.app"),
    "its folder": ("shop/", {"shop/__init__.py": "from .words import W"}, "shop"),
    "its __init__": ("shop/__init__.py", {"shop/__init__.py": "from .words import W"}, "shop"),
    "a package of packages": (
        "a/b/app.py",
        {"a/__init__.py": "", "a/b/__init__.py": "", "a/b/app.py": "from ..words import W"},
        "a.b.app",
    ),
    "only the inner one is regular": (
        "a/b/app.py",
        {"a/b/__init__.py": "", "a/b/app.py": "from ..words import W"},
        "a.b.app",
    ),
    "none is regular": ("a/b/app.py", {"a/b/app.py": "from ..words import W"}, "a.b.app"),
    "a neighbour goes up": (
        "a/b/app.py",
        {"a/b/app.py": "from .near import W", "a/b/near.py": "from ..words import W"},
        "a.b.app",
    ),
    "none is regular, in src": ("src/a/b/app.py", {"src/a/b/app.py": "from .words import W"}, "a.b.app"),
    "by its whole name": ("a/b/app.py", {"a/b/app.py": "from a.b.words import W"}, "a.b.app"),
    "in src by its whole name": ("src/a/app.py", {"src/a/app.py": "import a.words"}, "a.app"),
    "a regular folder of scripts": (
        "a/app.py",
        {"a/__init__.py": "", "a/app.py": "from words import W"},
        "app",
    ),
    "a folder of scripts named like a library": ("cooee/app.py", {"cooee/app.py": "import words"}, "app"),
    "a folder that no package can be": ("my-shop/app.py", {"my-shop/__init__.py": "", "my-shop/app.py": "import words"}, "app"),
}  # fmt: skip


@pytest.mark.parametrize("layout", PACKAGE_LAYOUTS)
@pytest.mark.parametrize("from_here", [True, False])
def test_a_file_of_a_package_is_loaded_as_the_module_that_it_is(
    place, tmp_path, monkeypatch, layout, from_here
):
    typed, files, name = PACKAGE_LAYOUTS[layout]
    app_file = "shop/__init__.py" if layout.startswith("its") else typed
    for file, line in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        place(file, APP_OF.format(line) if file == app_file else line)
    above = any("from ..words" in line for line in files.values())
    words = (tmp_path / app_file).parents[above] / "words.py"
    words.write_text("W = 'a word'")
    if not from_here:
        monkeypatch.chdir("/")
        typed = str(tmp_path / typed)
    app = import_app(typed)
    assert sys.modules[name].app is app


@pytest.fixture
def shop(place, tmp_path, monkeypatch):
    """Write a package whose app can be imported by two names."""

    def write(style, other):
        (tmp_path / "shop").mkdir()
        place("shop/app.py", f"from cooee import App\napp = App()\n{style}\nspec = __spec__\n")
        place(
            "shop/words.py",
            f"W = 'a word'\ndef find():\n    import {other}\n    return {other}.app",
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.syspath_prepend(str(tmp_path / "shop"))

    return write


@pytest.mark.parametrize("other", ["app", "shop.app"])
@pytest.mark.parametrize("style", ["from .words import W", "import words"])
@pytest.mark.parametrize("folder", ["", "shop"])
def test_there_is_one_app_by_whatever_name_its_modules_import_it(  # noqa: PLR0917 -- parameters
    shop, tmp_path, monkeypatch, other, style, folder
):
    shop(style, other)
    monkeypatch.chdir(tmp_path / folder)
    app = import_app("app.py" if folder else "shop/app.py")
    words = sys.modules.get("shop.words") or sys.modules["words"]
    assert words.find() is app
    loaded = sys.modules[other]
    assert loaded.__spec__ is loaded.spec


def test_what_to_type_is_said_where_a_module_lies_above(place, tmp_path, monkeypatch):
    for folder in ("bots", "common", "elsewhere"):
        (tmp_path / folder).mkdir()
    place("bots/app.py", APP_OF.format("import common.words"))
    place("common/words.py", "")
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(DefinitionError) as raised:
        import_app("../bots/app.py")
    said = str(raised.value)
    assert "No module named 'common'" in said
    assert (
        f"common lies in {tmp_path}. Start there, with `cd {tmp_path}`, and name bots/app.py."
        in said
    )
    monkeypatch.chdir(tmp_path)
    assert import_app("bots/app.py")


def test_a_folder_that_can_be_no_package_is_named(place, tmp_path):
    (tmp_path / "shop.2").mkdir()
    place("shop.2/words.py", "")
    place("shop.2/app.py", APP_OF.format("from .words import __name__"))
    with pytest.raises(SettingError, match=r"shop\.2 is no name of one\. Rename the folder"):
        import_app("shop.2/app.py")
    place("shop.2/app.py", APP_OF.format("import words"))
    assert import_app("shop.2/app.py")


def test_a_file_whose_name_another_module_has_says_so(place, tmp_path):
    for folder in ("one/shop", "two/shop"):
        (tmp_path / folder).mkdir(parents=True)
        place(f"{folder}/words.py", "")
        place(f"{folder}/app.py", APP_OF.format("from .words import __name__"))
    assert import_app("one/shop/app.py:app") is import_app("one/shop/app.py")
