"""`cooee new`: writes a folder with a small app and its test."""

from __future__ import annotations

import json
import re
import shlex
from importlib.metadata import distribution
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from cooee.core.errors import SettingError

# What is written, and from which file beside this one: there they are data, and not code of ours.
_TEMPLATES = {
    "app.py": "app.txt",
    "test_app.py": "test_app.txt",
    "README.md": "readme.txt",
    "pyproject.toml": "pyproject.txt",
    "requirements.txt": "requirements.txt",
    ".gitignore": "gitignore.txt",
}
_NAME_PATTERN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")
_RESERVED_NAMES = frozenset({"cooee", "test", "tests"})


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A new folder, or an empty one.")
    ],
) -> None:
    """Write a small app and its test into a new folder.

    Both work at once: text with the app by cooee phone FOLDER/app.py, test it by pytest FOLDER.
    """
    name = _app_name(folder)
    _check_empty(folder)
    substitutions = {"name": name, "requirement": _requirement()}
    texts = {
        file: _read_template(source).substitute(substitutions)
        for file, source in _TEMPLATES.items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{folder} cannot be written: {error.strerror}.") from error
    print(_next_steps(folder))


def _app_name(folder: Path) -> str:
    """Return the app's name: the name of the folder."""
    name = folder.absolute().resolve().name
    if name in _RESERVED_NAMES or not _NAME_PATTERN.fullmatch(name):
        raise SettingError(
            f"{name!r} is no name for an app. Take letters, digits, - and _, beginning with a"
            " letter, and none of "
            + ", ".join(sorted(_RESERVED_NAMES))
            + ". Type: cooee new my-app"
        )
    return name


def _requirement() -> str:
    """Return the line of requirements.txt that installs this cooee again, from where it came.

    PEP 610: an installer notes a folder, an archive or a repository; a release of an index it does
    not.
    """
    installed = distribution("cooee")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if not origin:
        return f"cooee[testing]>={installed.version}"
    url, repository = origin["url"], origin.get("vcs_info")
    if repository is None:
        return f"cooee[testing] @ {url}"
    return f"cooee[testing] @ {repository['vcs']}+{url}@{repository['commit_id']}"


def _check_empty(folder: Path) -> None:
    try:
        file_names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise SettingError(f"{folder} cannot be used: {error.strerror}. Name another.") from error
    if file_names:
        raise SettingError(
            f"{folder} is not empty: {file_names[0]} is in it. Nothing was written."
            " Name another folder."
        )


def _read_template(source: str) -> Template:
    return Template(files(__name__).joinpath("written", source).read_text(encoding="utf-8"))


def _next_steps(folder: Path) -> str:
    """Return the commands to type next."""
    is_current = folder.resolve() == Path.cwd()
    inside = Path() if is_current else folder
    lines = {f"cooee phone {shlex.quote(str(inside / 'app.py'))}": "a phone, to text with it"}
    if any(find_spec(name) is None for name in ("pytest", "pytest_asyncio")):
        requirements = shlex.quote(str(inside / "requirements.txt"))
        lines[f"pip install -r {requirements}"] = "what its test needs"
    lines["pytest" if is_current else f"pytest {shlex.quote(str(folder))}"] = "its test"
    width = max(map(len, lines))
    steps = [f"  {line:<{width}}  # {what}" for line, what in lines.items()]
    return "\n".join([f"{folder} holds an app, a shopping list by text. Go on with:", *steps])
