"""`cooee run`, as an operator sees it."""

import gc
import json
import re
import signal
import socket
import sqlite3
import time
import urllib.request
from pathlib import Path

import pytest

from cooee.cli.commands.run import _settle_collector

pytestmark = pytest.mark.slow
STOPWATCH = str(Path(__file__).parents[3] / "examples" / "stopwatch.py")
ANNA = "+61491570156"


def secret(folder):
    database = sqlite3.connect(folder / "cooee.db")
    try:
        return database.execute("select value from secrets").fetchone()[0]
    finally:
        database.close()


def test_a_run_says_what_is_connected(start, simulator, tmp_path):
    run = start("run", STOPWATCH, **simulator.settings)
    run.until("listening")
    for words in (
        r"number +\+61491570006\n",
        r"provider +telstra-v2\n",
        r"texts +read, every 0.1 s",
        rf"database +{tmp_path}/cooee.db\n",
        r"handlers +START +start\n +STOP, HALT +stop\n +TIME +time\n +HELP, anything else +explain\n",
    ):
        assert re.search(words, run.said), (words, run.said)


def test_health_says_that_reading_sending_and_the_database_work(start, simulator):
    run = start("run", STOPWATCH, **simulator.settings)
    url = run.until(r"listening +(http://127.0.0.1:\d+/health)")[1]
    with urllib.request.urlopen(url) as answer:
        health = json.load(answer)
    assert (health["polling"], health["sending"], health["database"]) == ("ok", "ok", "ok")


def test_a_text_is_answered_and_remembered_over_a_restart(start, simulator):
    first = start("run", STOPWATCH, **simulator.settings)
    first.until("listening")
    simulator.text(ANNA, "START")
    assert simulator.replies(ANNA, 1) == ["The timer is running!"]
    assert first.end()[0] == 0
    simulator.text(ANNA, "START")
    start("run", STOPWATCH, **simulator.settings)
    assert simulator.replies(ANNA, 2)[1] == "The timer has been reset to zero and restarted!"


def test_with_a_public_url_texts_are_pushed_and_its_path_word_stays_secret(
    start, simulator, tmp_path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    run = start("run", STOPWATCH, COOEE_PUBLIC_URL=url, COOEE_PORT=str(port), **simulator.settings)
    run.until("listening")
    assert f"pushed to {url}/telstra-v2/…\n" in run.said
    simulator.text(ANNA, "START")
    assert simulator.replies(ANNA, 1) == ["The timer is running!"]
    assert run.end()[0] == 0
    word = secret(tmp_path)
    assert word not in run.said + run.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_with_0(start, simulator, number):
    run = start("run", STOPWATCH, **simulator.settings)
    run.until("listening")
    status, seconds = run.end(number)
    assert status == 0
    assert seconds < 60


def test_a_turn_under_way_is_finished_first(start, simulator, written, cooee):
    app = written("""
import time
from cooee import App
app = App()

@app.otherwise
def slow(chat):
    print("begun", flush=True)
    time.sleep(2)
    return "done"
""")
    run = start("run", app, **simulator.settings)
    run.until("listening")
    simulator.text(ANNA, "go")
    run.until("begun")
    status, seconds = run.end()
    assert (status, seconds < 60) == (0, True)
    told, answer = json.loads(cooee("show", ANNA, "--json").stdout)
    assert (told["status"], answer["text"]) == ("handled", "done")


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_handler_that_never_ends_holds_up_nothing_and_its_text_is_kept(
    start, simulator, written, cooee, kind
):
    app = written(f"""
import time
from cooee import App
app = App()

@app.otherwise
{kind} stuck(chat):
    print("begun", flush=True)
    time.sleep(600)
""")
    run = start("run", app, **simulator.settings)
    run.until("listening")
    simulator.text(ANNA, "go")
    run.until("begun")
    status, seconds = run.end()
    assert (status, seconds < 60) == (0, True)
    (text,) = json.loads(cooee("show", ANNA, "--json").stdout)
    assert text["status"] == "pending"


def test_a_signal_ends_a_run_whose_company_never_answers(start):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = start(
            "run",
            STOPWATCH,
            TELSTRA_CLIENT_ID="any",
            TELSTRA_CLIENT_SECRET="any",
            TELSTRA_BASE_URL=base,
        )
        with silent.accept()[0]:
            status, seconds = run.end()
    assert (status, seconds < 60) == (0, True)


def test_a_company_that_cannot_be_reached_is_tried_again_and_the_start_says_what_to_mend(
    start, simulator, written
):
    nowhere = {**simulator.settings, "TELSTRA_BASE_URL": "http://127.0.0.1:9/v2"}
    app = written("from cooee import App\napp = App()\n")
    run = start("run", app, **nowhere, COOEE_PORTS="8000")
    run.until("listening")
    assert "not connected, still trying (cooee check says why)" in run.said
    assert "write one below @app.otherwise" in run.said
    assert "COOEE_PORTS is no setting, so it is ignored. Did you mean COOEE_PORT?" in run.said
    run.until_logged("not-connected.*nothing listens there")
    assert run.end()[0] == 0


def test_a_second_run_on_the_same_file_is_refused_in_words(start, simulator, cooee):
    start("run", STOPWATCH, **simulator.settings).until("listening")
    second = cooee("run", STOPWATCH, **simulator.settings)
    assert second.returncode == 1
    assert "Another cooee" in second.stderr
    assert "COOEE_DATABASE" in second.stderr
    assert "Traceback" not in second.stderr


def test_wrong_keys_end_a_run_with_1_and_words(start, cooee):
    simulator = start("simulator", "--port", "0", "--client-id", "me", "--client-secret", "word")
    base = simulator.until(r"telstra-v2 +(http://\S+)/\n")[1]
    run = cooee(
        "run",
        STOPWATCH,
        TELSTRA_BASE_URL=base,
        TELSTRA_CLIENT_ID="me",
        TELSTRA_CLIENT_SECRET="wrong-word",
    )
    assert run.returncode == 1
    assert "TELSTRA_CLIENT_ID" in run.stderr
    assert "wrong-word" not in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["export TELSTRA_CLIENT_ID=", "export TELSTRA_CLIENT_SECRET="]),
        ({"COOEE_PROVIDER": "pigeon"}, ["no provider 'pigeon'", "telstra-v2"]),
        ({"COOEE_PROVIDER": "simulated", "COOEE_PORT": "many"}, ["COOEE_PORT='many'", "65535"]),
        ({"COOEE_PROVIDER": "simulated", "COOEE_DATABASE": "db"}, ["sqlite:///cooee.db"]),
        ({"TELSTRA_CLIENT_ID": "x", "TELSTRA_CLIENT_ID_FILE": "y"}, ["Unset one"]),
    ],
)
def test_a_wrong_setting_ends_a_run_with_2_and_the_line_to_type(cooee, settings, words):
    run = cooee("run", STOPWATCH, **settings)
    assert run.returncode == 2
    assert all(word in run.stderr for word in words), run.stderr
    assert "Traceback" not in run.stderr


def test_secrets_are_read_from_files(start, simulator, tmp_path):
    (tmp_path / "secret").write_text("word\n")
    settings = {**simulator.settings, "TELSTRA_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    del settings["TELSTRA_CLIENT_SECRET"]
    start("run", STOPWATCH, **settings).until("listening")


def test_a_taken_port_is_said_in_words(cooee, simulator):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = cooee("run", STOPWATCH, **{**simulator.settings, "COOEE_PORT": port})
    assert run.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in run.stderr


def test_a_text_from_another_process_goes_out_at_once(start, simulator, cooee):
    start("run", STOPWATCH, **simulator.settings).until("listening")
    simulator.text(ANNA, "TIME")
    simulator.replies(ANNA, 1)
    sent = cooee("send", "0491 570 157", "Hello from us")
    assert sent.returncode == 0, sent.stderr
    assert simulator.replies("+61491570157", 1) == ["Hello from us"]


@pytest.mark.parametrize("deed", ["removed", "replaced"])
def test_a_run_whose_database_is_lost_ends_with_what_to_do(start, simulator, tmp_path, deed):
    run = start("run", STOPWATCH, **simulator.settings)
    run.until("listening")
    simulator.text(ANNA, "START")
    assert simulator.replies(ANNA, 1) == ["The timer is running!"]
    path = tmp_path / "cooee.db"
    if deed == "removed":
        path.unlink()
    else:
        (tmp_path / "other.db").write_bytes(b"")
        (tmp_path / "other.db").rename(path)
    assert run.process.wait(timeout=20) == 1
    log = run.log.read_text()
    assert "database-lost" in log
    assert f"cooee: {path} was {deed} while cooee ran on it." in log
    assert "Traceback" not in log
    again = start("run", STOPWATCH, **simulator.settings)
    assert again.process.wait(timeout=20) == 1  # and it makes no empty database
    (tmp_path / "cooee.db.rescued").rename(path)
    third = start("run", STOPWATCH, **simulator.settings)
    third.until("listening")
    simulator.text(ANNA, "START")
    assert simulator.replies(ANNA, 2)[1] == "The timer has been reset to zero and restarted!"


START_FAILS = """
import asyncio
from cooee import App

app = App()


@app.on_start
async def announce():
    await asyncio.sleep({seconds})
    raise ValueError("no printer")
"""


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_a_start_hook_that_raises_ends_a_run_with_1_and_its_words(
    start, simulator, written, seconds
):
    run = start("run", written(START_FAILS.format(seconds=seconds)), **simulator.settings)
    assert run.process.wait(timeout=20) == 1
    log = run.log.read_text()
    assert "cooee: announce, below @app.on_start, raised ValueError: no printer" in log
    assert "app.py:11)" in log
    assert "Traceback" not in log
    assert ("listening" in run.said) == bool(seconds)


TELLING = """
import os, signal
from pathlib import Path
from cooee import App

app = App()


async def tell(who):
    await app.send(who, "Hello, friend.")
    if not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)


@app.dialogue("TELL")
async def book(chat):
    who = await chat.ask("Whom?")
    await chat.once(tell, who)
    await chat.once(app.send, who, "Bye, friend.", key="bye")
    return "Told."
"""


def test_a_dialogue_killed_after_it_wrote_to_somebody_else_writes_no_double(
    start, simulator, written
):
    code, ben = written(TELLING), "+61491570157"
    first = start("run", code, **simulator.settings)
    first.until("listening")
    simulator.text(ANNA, "TELL")
    assert simulator.replies(ANNA, 1) == ["Whom?"]
    simulator.text(ANNA, ben)
    assert first.process.wait(timeout=30) == -signal.SIGKILL
    start("run", code, **simulator.settings).until("listening")
    assert simulator.replies(ANNA, 2) == ["Whom?", "Told."]
    # The attempt to send the first may have died with the process: then it is in doubt, and held.
    while "Bye, friend." not in (heard := simulator.replies(ben, 1)):
        time.sleep(0.05)
    assert heard in (["Hello, friend.", "Bye, friend."], ["Bye, friend."])


@pytest.mark.parametrize("options", [["--processes", "2"], ["--only", "web,worker"]])
def test_several_processes_are_refused_on_a_file(cooee, simulator, options):
    refused = cooee("run", STOPWATCH, *options, **simulator.settings)
    assert refused.returncode == 2
    assert "Several processes share a PostgreSQL" in refused.stderr


def test_a_role_that_is_none_is_refused(cooee, simulator):
    refused = cooee("run", STOPWATCH, "--only", "sneder", **simulator.settings)
    assert refused.returncode == 2
    assert "'sneder' is no role" in refused.stderr


@pytest.mark.parametrize(("chosen", "kept"), [(700, 5_000), (0, 0), (20_000, 20_000)])
def test_the_collector_rests_unless_the_app_has_chosen(chosen, kept):
    before = gc.get_threshold()
    try:
        gc.set_threshold(chosen, 10, 10)
        _settle_collector()
        assert gc.get_threshold()[0] == kept
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
