"""Real projects in real processes: a question is inserted anywhere in the user's code, and deployed."""

from __future__ import annotations

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
import types
made = types.ModuleType("made")
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
