"""`cooee run --processes` on a PostgreSQL: real processes that share the work, die and restart."""

import os
import re
import signal
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ECHO = """
from cooee import App

app = App()


@app.otherwise
def echo(chat):
    return f"{chat.text}!"
"""
PATIENCE_S = 300  # until what has to come came: a machine may be busy


def person(number):
    return f"+6149158{number:04}"


@pytest.fixture
def app(written):
    return str(written(ECHO))


@pytest.fixture
def settings(simulator, postgres_url):
    return {**simulator.settings, "COOEE_DATABASE": postgres_url, "COOEE_FORGET_KEY": "ab" * 32}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def pushed():
    """Settings by which texts are pushed to a port of this machine."""
    port = free_port()
    return {"COOEE_PORT": str(port), "COOEE_PUBLIC_URL": f"http://127.0.0.1:{port}"}


def children(run):
    """The processes that a process has started."""
    path = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    return set(map(int, path.read_text().split()))


def wait_for(condition, seconds=PATIENCE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def turns_counted(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        found = re.search(r"^cooee_turns_total (\d+)", answer.read().decode(), re.MULTILINE)
    return int(found[1]) if found else 0


def text_all(simulator, people, words):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: simulator.text(person(one), words), people))


def test_processes_share_the_texts_and_one_that_dies_is_replaced(start, simulator, settings, app):
    metrics_port = free_port()
    metrics = {"COOEE_METRICS_PORT": str(metrics_port)}
    run = start("run", app, "--processes", "2", **settings, **metrics)
    run.until(r"processes +2\n", PATIENCE_S)
    assert "PostgreSQL" in run.said
    wait_for(lambda: run.log.read_text().count(" connected ") == 2)
    text_all(simulator, range(20), "one")
    for one in range(20):
        assert simulator.replies(person(one), 1, PATIENCE_S) == ["one!"]
    assert sum(turns_counted(metrics_port + more) for more in range(2)) == 20
    victim = min(children(run))
    os.kill(victim, signal.SIGKILL)
    text_all(simulator, range(20), "two")
    for one in range(20):
        assert simulator.replies(person(one), 2, PATIENCE_S) == ["one!", "two!"]
    wait_for(lambda: len(children(run) - {victim}) == 2)
    assert run.end()[0] == 0


def test_a_rolling_restart_under_load_loses_and_doubles_nothing(
    start, simulator, settings, pushed, app
):
    run = start("run", app, "--processes", "4", **settings, **pushed)
    run.until(r"processes +4\n", PATIENCE_S)
    wait_for(lambda: run.log.read_text().count(" connected ") == 4)
    before, rounds = children(run), 0
    run.process.send_signal(signal.SIGHUP)
    while children(run) & before:
        rounds += 1
        text_all(simulator, range(10), f"text {rounds}")
        expected = [f"text {number}!" for number in range(1, rounds + 1)]
        for one in range(10):
            assert simulator.replies(person(one), rounds, PATIENCE_S) == expected
    assert rounds > 4
    assert run.end()[0] == 0
    assert not re.search(" (error|critical) ", run.log.read_text())


def test_roles_in_processes_of_their_own(start, simulator, settings, pushed, app):
    roles = ["web", "worker", "sender,poller"]
    port = {"COOEE_PUBLIC_URL": pushed["COOEE_PUBLIC_URL"]}
    web = {**port, "COOEE_PORT": pushed["COOEE_PORT"]}
    runs = [
        start("run", app, "--only", only, **settings, **(web if only == "web" else port))
        for only in roles
    ]
    for run in runs:
        run.until("listening", PATIENCE_S)
    simulator.text(person(1), "hello")
    assert simulator.replies(person(1), 1, PATIENCE_S) == ["hello!"]


def test_a_parent_that_is_killed_takes_its_processes_with_it(start, simulator, settings, app):
    run = start("run", app, "--processes", "2", **settings)
    run.until(r"processes +2\n", PATIENCE_S)
    ids = children(run)
    run.process.kill()
    wait_for(lambda: not any(Path(f"/proc/{id}").exists() for id in ids))


TRACED = (
    """
import os

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor


def line(span):
    # a short line is appended whole, whichever process writes
    return f"{os.getpid()} {span.context.trace_id:032x} {span.name}\\n"


exporter = ConsoleSpanExporter(out=open("spans.log", "a"), formatter=line)
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""
    + ECHO
)


def test_spans_of_processes_make_one_trace_of_each_text(  # noqa: PLR0917 -- fixtures
    start, simulator, settings, pushed, written, tmp_path
):
    app = str(written(TRACED))
    port = {"COOEE_PUBLIC_URL": pushed["COOEE_PUBLIC_URL"], "COOEE_TRACING": "yes"}
    web = {**port, "COOEE_PORT": pushed["COOEE_PORT"]}
    for only in ("web", "worker", "sender,poller"):
        run = start("run", app, "--only", only, **settings, **(web if only == "web" else port))
        run.until("running", PATIENCE_S)
    people = range(10)
    text_all(simulator, people, "hello")
    for one in people:
        assert simulator.replies(person(one), 1, PATIENCE_S) == ["hello!"]

    def spans():
        return [one.split(" ", 2) for one in (tmp_path / "spans.log").read_text().splitlines()]

    wait_for(lambda: len(spans()) == 4 * len(people))
    by_trace, processes = {}, {}
    for process, trace, name in spans():
        by_trace.setdefault(trace, []).append(name)
        processes.setdefault(name, set()).add(process)
    steps = ["receipt", "send attempt", "text received", "turn"]
    assert [sorted(names) for names in by_trace.values()] == [steps] * len(people)
    assert len(set.union(*processes.values())) == 3
    assert len(processes["turn"]) == len(processes["send attempt"]) == 1
