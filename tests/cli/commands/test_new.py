"""What `cooee new` writes works at once, and it overwrites nothing."""

import json
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cooee.cli.commands.new import _requirement

TOOLS = Path(sys.executable).parent


@pytest.fixture
def my_app(cooee, tmp_path):
    written = cooee("new", "my-app")
    assert written.returncode == 0, written.stderr
    return tmp_path / "my-app"


@pytest.fixture
def call(tmp_path, env):
    """Run a tool of the virtual environment; all that it said, once it has succeeded."""

    def run(tool, *args, stdin="", cwd=tmp_path):
        path = f"{TOOLS}:{env['PATH']}"
        done = subprocess.run(
            [TOOLS / tool, *args],
            check=False,
            cwd=cwd,
            env={**env, "PATH": path},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_it_writes_an_app_a_test_and_what_belongs_to_them(my_app):
    assert sorted(path.name for path in my_app.iterdir()) == [
        ".gitignore",
        "README.md",
        "app.py",
        "pyproject.toml",
        "requirements.txt",
        "test_app.py",
    ]
    assert (my_app / "README.md").read_text().startswith("# my-app\n")
    assert not [path for path in my_app.iterdir() if "$" in path.read_text()]


def test_the_app_answers_a_phone_at_once(my_app, call):
    said = call("cooee", "phone", "my-app/app.py", "--terminal", stdin="ADD milk\nlist\nhello\n")
    assert "phone 1 ← milk is on your list, as number 1." in said
    assert "phone 1 ← 1. milk" in said
    assert "phone 1 ← I keep your shopping list." in said


def test_the_app_opens_a_phone_in_the_browser(my_app, start):
    phone = start("phone", "my-app/app.py", "--no-browser", "--port", "0")
    url = phone.until(r"The phone is at (\S+)")[1]
    with urllib.request.urlopen(url, timeout=60) as page:
        assert b"<html" in page.read()


@pytest.mark.slow
def test_its_test_passes_from_outside_and_inside_the_folder(my_app, call):
    assert "2 passed" in call("pytest", "-W", "error", "my-app")
    assert "2 passed" in call("pytest", "-W", "error", cwd=my_app)


def test_its_test_fails_where_the_app_is_broken(my_app, call):
    app = (my_app / "app.py").read_text()
    (my_app / "app.py").write_text(app.replace("pop(n - 1)", "pop(n - 2)"))
    with pytest.raises(AssertionError, match="another text came"):
        call("pytest", "my-app")


@pytest.mark.parametrize("inside", [False, True])
def test_what_it_writes_is_in_good_style(my_app, call, inside):
    where = {"cwd": my_app} if inside else {}
    call("ruff", "check", "--no-cache", "." if inside else "my-app", **where)
    call("ruff", "format", "--no-cache", "--check", "." if inside else "my-app", **where)


@pytest.mark.slow
def test_what_it_writes_is_typed(my_app, call):
    call("mypy", "--strict", "--cache-dir", "/dev/null", ".", cwd=my_app)


def requirement_of(folder):
    """The one line of its requirements that is no comment."""
    lines = (folder / "requirements.txt").read_text().splitlines()
    (line,) = [line for line in lines if not line.startswith("#")]
    return Requirement(line)


def test_its_requirement_brings_the_test_too(my_app):
    requirement = requirement_of(my_app)
    assert requirement.name == "cooee"
    assert requirement.extras <= set(metadata("cooee").get_all("Provides-Extra"))


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, "cooee[testing]>=0.1.0"),
        ({"url": "file:///srv/cooee", "dir_info": {}}, "cooee[testing] @ file:///srv/cooee"),
        (
            {"url": "file:///srv/cooee", "dir_info": {"editable": True}},
            "cooee[testing] @ file:///srv/cooee",
        ),
        (
            {"url": "https://x.test/c.git", "vcs_info": {"vcs": "git", "commit_id": "0f9a"}},
            "cooee[testing] @ git+https://x.test/c.git@0f9a",
        ),
    ],
)
def test_its_requirement_comes_from_where_this_cooee_came(monkeypatch, origin, line):
    class Installed:
        version = "0.1.0"

        def read_text(self, name):
            assert name == "direct_url.json"
            return origin and json.dumps(origin)

    monkeypatch.setattr("cooee.cli.commands.new.distribution", lambda name: Installed())
    assert _requirement() == line
    Requirement(line)


def test_it_keeps_conversations_out_of_git(my_app, call):
    call("cooee", "phone", "app.py", "--terminal", stdin="hello\n", cwd=my_app)
    subprocess.run(["git", "init", "-q", my_app], check=True)
    told = subprocess.run(
        ["git", "-C", my_app, "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    assert (my_app / "app-phone.db").exists()
    assert ".db" not in told.stdout
    assert "test_app.py" in told.stdout


def test_it_tells_what_to_type_next(cooee, call, tmp_path):
    said = cooee("new", "apps/our shop/my_app2").stdout
    assert re.search(r"^  cooee phone 'apps/our shop/my_app2/app.py' ", said, re.MULTILINE)
    assert re.search(r"^  pytest 'apps/our shop/my_app2' ", said, re.MULTILINE)
    assert "2 passed" in call("pytest", "apps/our shop/my_app2")


def test_it_fills_the_empty_folder_one_is_in(env, call, tmp_path):
    (tmp_path / "mine").mkdir()
    said = call("cooee", "new", ".", cwd=tmp_path / "mine")
    assert "  cooee phone app.py " in said
    assert (tmp_path / "mine" / "README.md").read_text().startswith("# mine\n")


@pytest.mark.parametrize("name", ["1st", "my app", "-x", "_x", "x-", "é", "a.b", "x" * 65, "$x"])
def test_a_name_that_would_be_trouble_is_refused(cooee, tmp_path, name):
    said = cooee("new", "--", name)
    assert said.returncode == 2
    assert "is no name for an app" in said.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cooee", "tests"])
def test_a_name_that_hides_another_package_is_refused(cooee, name):
    assert "is no name for an app" in cooee("new", name).stderr


def test_a_folder_with_anything_in_it_is_left_alone(cooee, tmp_path):
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "app.py").write_text("mine")
    said = cooee("new", "my-app")
    assert (said.returncode, said.stdout) == (2, "")
    assert "my-app is not empty: app.py is in it" in said.stderr
    assert [path.name for path in (tmp_path / "my-app").iterdir()] == ["app.py"]
    assert (tmp_path / "my-app" / "app.py").read_text() == "mine"


def test_a_file_of_that_name_is_left_alone(cooee, tmp_path):
    (tmp_path / "my-app").write_text("mine")
    said = cooee("new", "my-app")
    assert said.returncode == 2
    assert "cannot be used: Not a directory" in said.stderr
    assert (tmp_path / "my-app").read_text() == "mine"
