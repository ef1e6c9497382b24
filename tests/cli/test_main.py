"""Every command's help, and what an error looks like."""

import inspect
import re
import subprocess
import sys

import pytest

from cooee.cli.main import COMMANDS, load_command


def test_every_command_that_was_promised_is_there():
    promised = "new run phone send conversations show retry forget prune backup simulator providers segments check"
    assert set(promised.split()) <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_is_for(cooee, command):
    said = cooee(command, "--help")
    assert said.returncode == 0
    assert "Usage: cooee" in said.stdout
    first_line = inspect.getdoc(load_command(command)).splitlines()[0]
    assert COMMANDS[command][1] == first_line
    assert first_line in " ".join(said.stdout.split())


def test_help_loads_nothing_that_it_does_not_need():
    heavy = "aiohttp asyncio uvicorn uvloop sqlite3 ssl phonenumbers rich importlib.metadata"
    code = (
        "import sys; from cooee.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "rings = [n for n in sys.modules if n.startswith(('cooee.runtime', 'cooee.storage'))]\n"
        "commands = [n for n in sys.modules if n.startswith('cooee.cli.commands')]\n"
        f"sys.exit(', '.join({{*'{heavy}'.split()}} & {{*sys.modules}} | {{*rings, *commands}}) or 0)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


def test_the_version_is_told(cooee):
    said = cooee("--version")
    assert re.fullmatch(r"cooee \d+\.\d+\S*, Python 3\.\d+\.\S+\n", said.stdout)


def test_a_database_may_be_named_for_one_call(cooee, kept, tmp_path):
    kept(lambda store: store.add_our_number("+61491570006"))
    (tmp_path / "cooee.db").rename(tmp_path / "shop.db")
    for named in ("shop.db", "sqlite:///shop.db", str(tmp_path / "shop.db")):
        said = cooee("send", "+61491570156", "Hello", "--database", named, "--key", "k")
        assert said.stdout.startswith("Queued from +61491570006"), said.stderr
    said = cooee("conversations", "--database", "shop.db", COOEE_DATABASE_FILE="nowhere")
    assert "+61491570156" in said.stdout
    assert cooee("conversations", "--database", "other.db").returncode == 2
    assert cooee("providers", "--database", "shop.db").returncode == 2
    assert not (tmp_path / "cooee.db").exists()


def test_without_a_command_help_is_shown(cooee):
    said = cooee()
    assert "conversations" in said.stdout + said.stderr


def test_an_error_is_words_and_no_traceback(cooee):
    said = cooee("run", "nope.py", COOEE_PROVIDER="simulated")
    assert said.returncode == 2
    assert said.stderr.startswith("cooee: nope.py is no such file")
    assert "Traceback" not in said.stderr


def test_words_that_no_terminal_of_old_can_show_break_nothing(cooee, written):
    app = written("from cooee import App\napp = App()\nraise ValueError('héllo ✓')\n")
    said = cooee("run", app, COOEE_PROVIDER="simulated", PYTHONIOENCODING="ascii")
    assert said.returncode == 2
    assert "ValueError: h?llo ?" in said.stderr
