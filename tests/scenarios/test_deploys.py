"""Real projects in real processes: a question is inserted anywhere in the user's code, and deployed."""

from __future__ import annotations

import zipfile

import pytest
from support.deploys import Deploys


@pytest.fixture(scope="module")
def deploys():
    deploys = Deploys()
    yield deploys
    deploys.close()


APP = """
from cooee import App
{imports}

app = App({arguments})


@app.dialogue("BOOK")
async def book(chat):
    {lazy}
    name = await ask_name(chat)
    many = await chat.ask("How many?", int)
    return f"{{name}}, {{many}}."
"""
QUESTIONS = """
async def ask_name(chat):
    return await chat.ask("Name?")
"""
EDITED = """
async def ask_name(chat):
    name = await chat.ask("Name?")
    mail = await chat.ask("Mail?")
    return f"{name} {mail}"
"""
ROUTES = """
from cooee import Routes
from common.questions import ask_name

routes = Routes()


@routes.dialogue("BOOK")
async def book(chat):
    name = await ask_name(chat)
    many = await chat.ask("How many?", int)
    return f"{name}, {many}."
"""
INCLUDING = (
    "from cooee import App\nfrom bots.book import routes\napp = App()\napp.include(routes)\n"
)
EXECUTED = """
import sys, types
sys.modules["made"] = made = types.ModuleType("made")
exec(open("questions.txt").read(), vars(made))
ask_name = made.ask_name
"""
PLUG_IN = "from importlib import import_module; ask_name = import_module('plug_' + 'in').ask_name"


def app(imports="", lazy="pass", arguments=""):
    return APP.format(imports=imports, lazy=lazy, arguments=arguments)


PACKAGE = dict.fromkeys(("project/__init__.py", "project/bots/__init__.py"), "")
FROM_ROOT = "from project.questions import ask_name"
LAYOUTS = {
    "a neighbour": ("app.py", {"app.py": app("from questions import ask_name")}, "questions.py"),
    "a neighbour, imported by the function": (
        "app.py",
        {"app.py": app(lazy="from questions import ask_name")},
        "questions.py",
    ),
    "a neighbour's neighbour, imported by two functions": (
        "app.py",
        {
            "app.py": app(lazy="from words import load; ask_name = load()"),
            "words.py": "def load():\n    import deep.questions as q\n    return q.ask_name\n",
        },
        "deep/questions.py",
    ),
    "a plug-in, named by nothing": ("app.py", {"app.py": app(lazy=PLUG_IN)}, "plug_in.py"),
    "a package above": (
        "project/bots/app.py",
        {**PACKAGE, "project/bots/app.py": app("from ..questions import ask_name")},
        "project/questions.py",
    ),
    "a package above, by its whole name": (
        "project/bots/app.py",
        {**PACKAGE, "project/bots/app.py": app(FROM_ROOT)},
        "project/questions.py",
    ),
    "a package above, the app named as a module": (
        "project.bots.app",
        {**PACKAGE, "project/bots/app.py": app("from ..questions import ask_name")},
        "project/questions.py",
    ),
    "a namespace package above": (
        "project/bots/app.py",
        {"project/bots/app.py": app("from ..questions import ask_name")},
        "project/questions.py",
    ),
    "a namespace package above, by its whole name": (
        "project/bots/app.py:app",
        {"project/bots/app.py": app(FROM_ROOT)},
        "project/questions.py",
    ),
    "a package beside": (
        "bots/app.py",
        {"bots/app.py": app("from common.questions import ask_name")},
        "common/questions.py",
    ),
    "a package beside, used by routes": (
        "bots/app.py",
        {"bots/app.py": INCLUDING, "bots/book.py": ROUTES},
        "common/questions.py",
    ),
    "a package in src": (
        "src/shop/app.py",
        {"src/shop/__init__.py": "", "src/shop/app.py": app("from .questions import ask_name")},
        "src/shop/questions.py",
    ),
    "a package in src, the app named as a module": (
        "shop.app:app",
        {
            "src/shop/__init__.py": "",
            "src/shop/app.py": app("from shop.questions import ask_name"),
        },
        "src/shop/questions.py",
    ),
    "a namespace package in src": (
        "src/shop/app.py",
        {"src/shop/app.py": app("from .questions import ask_name", "import shop.questions")},
        "src/shop/questions.py",
    ),
    "a method of a class": (
        "app.py",
        {
            "app.py": app("from form import ask_name"),
            "form.py": "import questions\nask_name = questions.Form().ask_name\n",
        },
        "questions.py",
    ),
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def as_method(text):
    """The same functions as methods of a class."""
    lines = text.strip().replace("(chat)", "(self, chat)").splitlines()
    return "class Form:\n" + "".join(f"    {line}\n" for line in lines)


def deploy_twice(deploys, folder, reference, edit, **more):
    """Begin, deploy the same code, insert a question, deploy, and go on to the end."""
    first = deploys.run(folder, reference, ["BOOK", "Anna"], **more)
    assert first.get("replies") == ["Name?", "How many?"], first
    same = deploys.run(folder, reference, **more)
    edit()
    second = deploys.run(folder, reference, ["4", "a@example.com"], **more)
    assert second.get("replies") == ["Mail?", "Anna a@example.com, 4."], second
    assert first["troubles"] == second["troubles"] == second["warnings"] == []
    assert len(second["module"]) == 1, "It is loaded once."
    return first, same, second


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_question_inserted_anywhere_in_a_project_strands_nobody(deploys, tmp_path, layout):
    reference, files, edited = LAYOUTS[layout]
    change = as_method if layout == "a method of a class" else str
    write(tmp_path, {**files, edited: change(QUESTIONS)})
    first, same, second = deploy_twice(
        deploys, tmp_path, reference, lambda: write(tmp_path, {edited: change(EDITED)})
    )
    if layout != "a plug-in, named by nothing":
        assert first["version"] == same["version"]
    assert first["version"] != second["version"]


DICE = """
from cooee import App
from random import randint

app = App()


@app.dialogue("DICE")
async def dice(chat):
    await chat.ask("Ready?")
    thrown = randint(1, 1_000_000)
    await chat.ask(f"You threw {thrown}. Again?")
    return "Bye."
"""


def test_a_text_of_what_is_not_deterministic_is_tried_again_at_each_start(deploys, tmp_path):
    write(tmp_path, {"app.py": DICE})
    first = deploys.run(tmp_path, "app.py", ["DICE", "yes"])
    assert first["replies"][0] == "Ready?"
    assert "NotDeterministic" in first["troubles"][0]
    assert len(first["replies"]) == 2, "One apology."
    again = deploys.run(tmp_path, "app.py")
    assert "NotDeterministic" in again["troubles"][0]
    assert again["replies"] == [], "The person is not told a second time."
    assert again["version"] == first["version"]


OUTSIDE = {
    "a library": "from library import MAIL",
    "a file of data": "MAIL = open('mail.txt').read() == 'yes'",
    "an environment variable": "import os; MAIL = 'MAIL' in os.environ",
}
SETTING = """
from cooee import App
{}

app = App()


@app.dialogue("BOOK")
async def book(chat):
    name = await chat.ask("Name?")
    mail = await chat.ask("Mail?") if MAIL else ""
    many = await chat.ask("How many?", int)
    return f"{{name}} {{mail}}, {{many}}."
"""


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_changes_outside_of_the_code_strands_nobody(deploys, tmp_path, what):
    installed = tmp_path / "lib/python3.11/site-packages"
    write(
        tmp_path,
        {
            "app.py": SETTING.format(OUTSIDE[what]),
            "lib/python3.11/site-packages/library.py": "MAIL = False",
            "mail.txt": "no",
        },
    )
    path = [str(installed)]
    first = deploys.run(tmp_path, "app.py", ["BOOK", "Anna"], path=path)
    assert first["replies"] == ["Name?", "How many?"]
    write(tmp_path, {"lib/python3.11/site-packages/library.py": "MAIL = True", "mail.txt": "yes"})
    before = "import os; os.environ['MAIL'] = 'yes'"
    second = deploys.run(tmp_path, "app.py", ["4", "a@example.com"], path=path, before=before)
    assert second["replies"] == ["Mail?", "Anna a@example.com, 4."]
    assert second["version"] == first["version"]
    assert len(second["warnings"]) == 1
    assert "lies outside of the code" in second["warnings"][0]


def test_a_hash_of_a_file_in_the_apps_version_makes_its_change_an_edit(deploys, tmp_path):
    setting = SETTING.format(OUTSIDE["a file of data"])
    write(
        tmp_path,
        {"app.py": setting.replace("App()", "App(version=str(MAIL))"), "mail.txt": "no"},
    )
    first = deploys.run(tmp_path, "app.py", ["BOOK", "Anna"])
    write(tmp_path, {"mail.txt": "yes"})
    second = deploys.run(tmp_path, "app.py", ["4", "a@example.com"])
    assert second["replies"] == ["Mail?", "Anna a@example.com, 4."]
    assert second["version"] != first["version"]
    assert second["warnings"] == []


def test_an_editable_install_is_the_users_own(deploys, tmp_path):
    installed = tmp_path / "venv/lib/python3.11/site-packages"
    files = {
        "work/shop/__init__.py": "",
        "work/shop/app.py": app("from .questions import ask_name"),
    }
    write(tmp_path, {**files, "work/shop/questions.py": QUESTIONS})
    write(installed, {"shop.pth": str(tmp_path / "work")})
    before = f"import site; site.addsitedir({str(installed)!r})"
    edit = {"work/shop/questions.py": EDITED}
    deploy_twice(deploys, tmp_path, "shop.app", lambda: write(tmp_path, edit), before=before)


def test_an_app_that_is_installed_with_a_second_package_is_the_users_own(deploys, tmp_path):
    installed = tmp_path / "venv/lib/python3.11/site-packages"
    write(
        installed,
        {
            "shop/__init__.py": "",
            "shop/app.py": app("from common.questions import ask_name"),
            "common/__init__.py": "",
            "common/questions.py": QUESTIONS,
            "shop-1.0.dist-info/METADATA": "Name: shop\nVersion: 1.0\n",
            "shop-1.0.dist-info/top_level.txt": "shop\ncommon\n",
        },
    )
    edit = {"common/questions.py": EDITED}
    path = [str(installed)]
    deploy_twice(deploys, tmp_path, "shop.app", lambda: write(installed, edit), path=path)


def test_an_app_in_an_archive_is_the_users_own(deploys, tmp_path):
    def pack(questions):
        with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
            archive.writestr("shop.py", app(lazy="from questions import ask_name"))
            archive.writestr("questions.py", questions)

    pack(QUESTIONS)
    path = [str(tmp_path / "app.pyz")]
    deploy_twice(deploys, tmp_path, "shop:app", lambda: pack(EDITED), path=path)


def test_code_without_a_file_is_known_by_its_functions(deploys, tmp_path):
    write(tmp_path, {"app.py": app(EXECUTED), "questions.txt": QUESTIONS})
    edit = {"questions.txt": EDITED}
    deploy_twice(deploys, tmp_path, "app.py", lambda: write(tmp_path, edit))


def test_code_that_nothing_can_read_is_known_by_the_apps_version(deploys, tmp_path):
    """As in a program whose functions are compiled to machine code."""
    hidden = EXECUTED.replace("vars(made)", "made").replace('sys.modules["made"] = ', "")
    hidden = hidden.replace('types.ModuleType("made")', "{}")
    hidden = hidden.replace("made.ask_name", "made['ask_name']")
    version = {"arguments": "version=open('version.txt').read()"}
    write(tmp_path, {"app.py": app(hidden, **version), "questions.txt": QUESTIONS})
    write(tmp_path, {"version.txt": "1"})
    edit = {"questions.txt": EDITED, "version.txt": "2"}
    first, _, second = deploy_twice(deploys, tmp_path, "app.py", lambda: write(tmp_path, edit))
    assert first["version"] != second["version"]


def test_a_library_is_not_the_users_own_and_its_upgrade_strands_nobody(deploys, tmp_path):
    installed = tmp_path / "venv/lib/python3.11/site-packages"
    write(tmp_path, {"app.py": app("from library import ask_name")})
    write(installed, {"library.py": QUESTIONS})
    path = [str(installed)]
    first = deploys.run(tmp_path, "app.py", ["BOOK", "Anna"], path=path)
    write(installed, {"library.py": EDITED})
    second = deploys.run(tmp_path, "app.py", ["4", "a@example.com"], path=path)
    assert second["replies"] == ["Mail?", "Anna a@example.com, 4."]
    assert first["version"] == second["version"]
    assert len(second["warnings"]) == 1


def test_a_file_that_is_replaced_while_the_process_runs_is_the_next_ones(deploys, tmp_path):
    """The running process goes on with what it has loaded; the next one has the edit."""
    write(tmp_path, {"app.py": app("from questions import ask_name"), "questions.py": QUESTIONS})
    replace = f"open('questions.py', 'w').write({EDITED!r})"
    first = deploys.run(tmp_path, "app.py", ["BOOK", "Anna"], after=replace)
    assert first["replies"] == ["Name?", "How many?"]
    second = deploys.run(tmp_path, "app.py", ["4", "a@example.com"])
    assert second["replies"] == ["Mail?", "Anna a@example.com, 4."]
    assert second["version"] != first["version"]
    assert second["warnings"] == []


def test_a_file_that_is_replaced_before_it_is_read_strands_nobody(deploys, tmp_path):
    """The version is that of the file, and the process runs what it had imported."""
    replace = f"import questions; open('questions.py', 'w').write({EDITED!r})"
    write(tmp_path, {"app.py": app("from questions import ask_name"), "questions.py": QUESTIONS})
    more = {"before": replace, "path": [str(tmp_path)]}
    first = deploys.run(tmp_path, "app.py", ["BOOK", "Anna"], **more)
    assert first["replies"] == ["Name?", "How many?"]
    second = deploys.run(tmp_path, "app.py", ["4", "a@example.com"])
    assert second["replies"] == ["Mail?", "Anna a@example.com, 4."]
    assert second["version"] == first["version"]
    assert len(second["warnings"]) == 1
