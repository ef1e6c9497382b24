"""The commands work on a server as on a file, and never show its password."""

import re
from urllib.parse import urlsplit, urlunsplit

import pytest

pytestmark = pytest.mark.slow

APP = """
from cooee import App

app = App()


@app.dialogue("BOOK")
async def book(chat):
    name = await chat.ask("What's your name?")
    return f"Thanks, {name}."


@app.otherwise
def echo(chat):
    return f"{chat.text}!"
"""
ANNA = "+61491570156"


@pytest.fixture
def app(written):
    return str(written(APP))


@pytest.fixture
def settings(simulator, postgres_url):
    parts = urlsplit(postgres_url)
    user, _, hosts = parts.netloc.rpartition("@")
    with_password = parts._replace(netloc=f"{user or 'cooee'}:s3cret@{hosts}")
    return {
        **simulator.settings,
        "COOEE_DATABASE": urlunsplit(with_password),
        "COOEE_FORGET_KEY": "ab" * 32,
    }


def test_every_command_works_on_a_server(cooee, start, simulator, settings, app):
    def done(*args, status=0):
        ran = cooee(*args, **settings)
        said = ran.stdout + ran.stderr
        assert "s3cret" not in said
        assert ran.returncode == status, said
        return said

    run = start("run", app, **settings)
    run.until("listening")
    assert re.search(r"database +PostgreSQL cooee_test_\w+ at ", run.said)
    simulator.text(ANNA, "BOOK")
    assert simulator.replies(ANNA, 1) == ["What's your name?"]
    assert "is written to" in done("check", app)
    assert "What's your name?" in done("waiting", app)
    assert ANNA in done("conversations")
    done("send", ANNA, "Hello from another process")
    assert simulator.replies(ANNA, 2)[1] == "Hello from another process"
    assert "Hello from another process" in done("show", ANNA)
    simulator.text(ANNA, "Anna")
    assert simulator.replies(ANNA, 3)[2] == "Thanks, Anna."
    assert "pg_dump" in done("backup", "copy.db", status=1)
    done("forget", ANNA, "--yes")
    assert ANNA not in done("conversations")
    assert "s3cret" not in run.said + run.log.read_text()


def test_a_server_that_is_away_is_a_sentence(cooee, simulator, app):
    nowhere = {
        **simulator.settings,
        "COOEE_DATABASE": "postgresql://me:s3cret@127.0.0.1:1/texts",
        "COOEE_FORGET_KEY": "ab" * 32,
    }
    for command in (["run", app], ["conversations"]):
        ran = cooee(*command, **nowhere)
        assert ran.returncode == 1
        assert "No PostgreSQL answers at 127.0.0.1:1" in ran.stderr
        assert "s3cret" not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
    checked = cooee("check", app, **nowhere)
    assert checked.returncode == 1
    assert "PostgreSQL texts at 127.0.0.1:1" in checked.stdout
    assert "s3cret" not in checked.stdout
