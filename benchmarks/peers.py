"""cooee beside what else a person would pick: texts a second, CPU a text, latency.

    make bench-peers            # three rounds of eight seconds, also at 5 and 100 texts a second
    python benchmarks/peers.py --seconds 2 --rounds 1 --only cooee-answer,flask-dict --rates 5

Each server has core 0 to itself; the load program and the fake provider share the other core. The
peers take turns within a round, so that what else the machine does meets them all. Printed are
medians and, in brackets, the range; the first measure on a machine that does other work is the
CPU time a text, which counts the server and its children until the last reply has gone. `texts/s`
counts to that moment too; `acked/s` and `replied/s` only while texts come. Peers are
installed into benchmarks/.peers, pinned; one that does not start is reported with its reason.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from history import write_result
from peer_programs.environments import NotInstalled, python_of
from peer_programs.pinned import Pinned, cores
from peer_programs.postgres import postgres

PROGRAMS = Path(__file__).parent / "peer_programs"
ACCOUNT, TOKEN = f"AC{0:032x}", "12345678901234567890123456789012"
START_S = 60.0  # seconds that a server may take until it listens
ONCE = 20_000  # people who text once each: a reply in an answer then waits for no receipt
SLOW_PEOPLE = 200  # people of the workflow engines: 2,000 would take minutes to greet
CORES = cores()


@dataclass(frozen=True)
class Peer:
    """A server to measure.

    `command` has placeholders for the port and the programs' folder. `replies` are in the
    webhook's answer, or a call of the provider's API. `path` is empty where the server tells the
    provider its webhook itself. `asks`: a conversation is under way, so everybody said GO before.
    """

    name: str
    words: str
    environment: str
    command: tuple[str, ...]
    replies: str = "call"
    settings: tuple[tuple[str, str], ...] = ()
    form: str = "twilio"
    path: str = "/sms"
    people: int = 2_000
    receipts: bool = False
    asks: bool = False


def cooee(name: str, words: str, app: str, reply_by: str, **options: Any) -> Peer:
    return Peer(
        f"cooee-{name}",
        f"cooee, {words}",
        "cooee",
        ("-m", "cooee", "run", f"{{programs}}/{app}.py"),
        "answer" if reply_by == "webhook" else "call",
        (("TWILIO_REPLY_BY", reply_by), ("COOEE_PROVIDER", "twilio")),
        path="",
        **options,
    )


def flask(name: str, words: str, state: str, replies: str, **options: Any) -> Peer:
    return Peer(
        f"flask-{name}",
        f"Flask, {words}",
        "flask",
        (
            *("-m", "gunicorn", "--chdir", "{programs}", "--worker-class", "gthread"),
            *("--threads", "32", "--keep-alive", "60", "--bind", "127.0.0.1:{port}"),
            "flask_texts:app",
        ),
        replies,
        (("PEER_STATE", state), ("PEER_REPLIES", replies)),
        **options,
    )


def program(name: str, words: str, environment: str, file: str, **options: Any) -> Peer:
    command = (f"{{programs}}/{file}.py", "{port}")
    return Peer(name, words, environment, command, asks=True, **options)


PEERS = (
    cooee("answer", "reply in the answer, SQLite FULL", "cooee_texts", "webhook", people=ONCE),
    flask("dict", "reply in the answer, state in a dict", "dict", "answer", people=ONCE),
    flask("sqlite", "reply in the answer, SQLite FULL", "sqlite", "answer", people=ONCE),
    cooee("receipts", "reply in the answer, and receipts", "cooee_texts", "webhook", receipts=True),
    cooee("rest", "reply by REST, SQLite FULL", "cooee_texts", "rest"),
    flask("sdk", "reply by the vendor's SDK, SQLite FULL", "sqlite", "call"),
    cooee("dialogue", "a dialogue's next question, by REST", "cooee_dialogue", "rest", asks=True),
    program("aiogram", "aiogram, FSM in memory", "aiogram", "aiogram_dialogue", form="telegram"),
    program(
        "ptb", "python-telegram-bot, conversation in memory", "ptb", "ptb_dialogue", form="telegram"
    ),
    program(
        "dbos-sqlite", "DBOS on SQLite, the next question", "dbos", "dbos_dialogue",
        people=SLOW_PEOPLE,
    ),
    program(
        "dbos-postgres", "DBOS on PostgreSQL, the next question", "dbos", "dbos_dialogue",
        people=SLOW_PEOPLE,
    ),
    program(
        "temporal", "Temporal's dev server, the next question", "temporal", "temporal_dialogue",
        people=SLOW_PEOPLE,
    ),
)  # fmt: skip


class NotStarted(Exception):
    """A server does not start; the words say why."""


# One run


@contextmanager
def running(peer: Peer, folder: Path, delay_ms: float) -> Iterator[tuple[Pinned, str, str]]:
    """Start the fake provider and a server; yield the server, its URL and the provider's."""
    port, provider_port = free_port(), free_port()
    provider = f"http://127.0.0.1:{provider_port}"
    with ExitStack() as stack:
        command = [sys.executable, str(PROGRAMS / "fake_provider.py"), "--port", str(provider_port)]
        fake = Pinned([*command, "--delay-ms", str(delay_ms)], CORES[1], folder / "provider.log")
        stack.callback(fake.stop)
        settings = {**settings_of(peer, port, provider, folder), **dict(peer.settings)}
        database_pid = 0
        if peer.name == "dbos-postgres":
            url, database_pid = stack.enter_context(postgres(folder, CORES[0]))
            settings["PEER_DATABASE"] = url
        await_port(provider_port, fake, folder / "provider.log")
        words = [part.format(port=port, programs=PROGRAMS) for part in peer.command]
        log = folder / "server.log"
        server = Pinned(
            [python_of(peer.environment), *words], CORES[0], log, settings, database_pid
        )
        stack.callback(server.stop)
        await_port(port, server, log)
        path = f"http://127.0.0.1:{port}{peer.path}"
        yield server, path if peer.path else await_push_url(provider), provider


def settings_of(peer: Peer, port: int, provider: str, folder: Path) -> Mapping[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {
        "COOEE_DATABASE": f"sqlite:///{folder / 'cooee.db'}",
        "COOEE_PUBLIC_URL": url,
        "COOEE_PORT": str(port),
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_BASE_URL": provider,
        "PEER_PROVIDER": provider,
        "PEER_FOLDER": str(folder),
        "PEER_DATABASE": f"sqlite:///{folder / 'dbos.db'}",
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def await_port(port: int, server: Pinned, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    raise NotStarted(next((line for line in reversed(lines) if "Error" in line), "it hangs")[:200])


def await_push_url(provider: str) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with urlopen(f"{provider}/log") as response:
            url = json.load(response)["push_url"]
        if url:
            return str(url)
        time.sleep(0.05)
    raise NotStarted("it never told the provider its webhook")


def measure(peer: Peer, told: argparse.Namespace, rate: float) -> dict[str, Any]:
    """Run a peer once under load; return what the load program saw, and the CPU time a text."""
    with tempfile.TemporaryDirectory(dir=".", prefix="peers-") as name:
        folder = Path(name).absolute()
        with running(peer, folder, told.delay_ms) as (server, url, provider):
            options = {
                "url": url,
                "provider": provider,
                "form": peer.form,
                "replies": peer.replies,
                "people": min(peer.people, told.greeted) if peer.asks else peer.people,
                "greeted": min(peer.people, told.greeted),
                "receipts": int(peer.receipts),
                "seconds": told.seconds,
                "rate": rate,
            }
            words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
            command = [sys.executable, str(PROGRAMS / "load.py"), *words]
            load = Pinned(command, CORES[1], None)
            assert load.process.stdout is not None
            assert load.process.stderr is not None
            try:
                load.process.stdout.readline()  # everybody was greeted
                cpu_before = server.cpu_s()
                output, errors = load.process.communicate(timeout=told.seconds + 180)
                cpu_s = server.cpu_s() - cpu_before
            finally:
                load.stop()
            if load.process.returncode != 0:
                raise NotStarted(errors.strip().splitlines()[-1][:200])
            result = json.loads(output)
    return {**result, "cpu_ms_a_text": 1e3 * cpu_s / max(result["texts"], 1)}


# All runs, and the table


def rounds(
    told: argparse.Namespace,
) -> tuple[dict[str, list[Any]], dict[str, list[Any]], dict[str, str]]:
    """Run every peer in every round; return closed and open runs by peer, and the failures."""
    closed: dict[str, list[Any]] = {}
    opened: dict[str, list[Any]] = {}  # by "peer at rate/s"
    failed: dict[str, str] = {}
    names = told.only.split(",") if told.only else [peer.name for peer in PEERS]
    for number in range(told.rounds):
        for peer in (one for one in PEERS if one.name in names and one.name not in failed):
            print(f"round {number + 1}: {peer.name}", file=sys.stderr, flush=True)
            try:
                result = measure(peer, told, 0)
                closed.setdefault(peer.name, []).append(result)
                for rate in told.rates:
                    result = measure(peer, told, rate)
                    opened.setdefault(f"{peer.name} at {rate:g}/s", []).append(result)
            except (NotStarted, NotInstalled, subprocess.TimeoutExpired) as error:
                failed[peer.name] = str(error)
    return closed, opened, failed


def spread(runs: Sequence[Mapping[str, Any]], *keys: str) -> tuple[float, float, float]:
    values: list[float] = []
    for run in runs:
        value: Any = run
        for key in keys:
            value = value[key]
        values.append(value)
    return median(values), min(values), max(values)


def print_tables(closed: dict[str, list[Any]], opened: dict[str, list[Any]]) -> None:
    words = {peer.name: peer.words for peer in PEERS}
    heads = f"{'texts/s':>18}{'acked/s':>9}{'replied/s':>10}{'CPU ms a text':>20}"
    print(f"{'one core, 32 connections':<48}{heads}")
    for name, runs in closed.items():
        answered, cpu = spread(runs, "answered_per_s"), spread(runs, "cpu_ms_a_text")
        acked, replied = (spread(runs, key)[0] for key in ("acked_per_s", "replied_per_s"))
        cells = f"{bracketed(answered, 0):>18}{acked:>9,.0f}{replied:>10,.0f}"
        cells += f"{bracketed(cpu, 2):>20}"
        print(f"{words[name]:<48}{cells}")
    for name, runs in {**closed, **opened}.items():
        lost, refused = (sum(values) for values in zip(*map(unanswered, runs), strict=True))
        if lost or refused:
            print(f"{name}: {lost} texts without a reply, {refused} refused")
    if opened:
        print(f"\n{'at a rate, whatever happens':<48}{'p50 ms':>18}{'p99 ms':>20}")
    for name, runs in opened.items():
        middle, late = (spread(runs, "latency_ms", each) for each in ("p50", "p99"))
        print(f"{name:<48}{bracketed(middle, 1):>18}{bracketed(late, 1):>20}")


def unanswered(run: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many texts were acknowledged and never answered, and how many were refused."""
    return run["lost"], sum(run["refused"].values())


def bracketed(values: tuple[float, float, float], digits: int) -> str:
    middle, least, most = (f"{value:,.{digits}f}" for value in values)
    return middle if least == most else f"{middle} ({least}-{most})"


GOALS = (
    # of these two peers, the share of this number, and what it is to be
    ("reply in the answer / Flask's dict", "cooee-answer", "flask-dict", "answered_per_s", "≥ 2"),
    ("… / Flask's SQLite FULL", "cooee-answer", "flask-sqlite", "answered_per_s", "≥ 4"),
    ("reply by REST / Flask with the SDK", "cooee-rest", "flask-sdk", "answered_per_s", "≥ 4"),
    ("CPU a text by REST / Flask's", "cooee-rest", "flask-sdk", "cpu_ms_a_text", "≤ 0.25"),
    ("a dialogue's turn / a plain one", "cooee-dialogue", "cooee-rest", "answered_per_s", "≥ 0.8"),
    ("a dialogue's turn / DBOS", "cooee-dialogue", "dbos-sqlite", "answered_per_s", "≥ 20"),
)


ALONE, ALONE_PER_S = "one text alone / (4 fdatasync + 2 ms)", 5
GOAL_OF = {words: goal for words, *_, goal in GOALS} | {ALONE: "≤ 1"}


def rates(words: str) -> list[float]:
    return [float(word) for word in words.split(",")]


def fdatasync_ms() -> float:
    """Return what a commit costs here at least: the median of a page written and synced."""
    took = []
    with tempfile.NamedTemporaryFile(dir=".") as file:
        for _ in range(100):
            began = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(4_096), 0)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return 1e3 * median(took)


def ratios(closed: Mapping[str, Sequence[Any]]) -> dict[str, float]:
    """Return the goals' ratios: the median of those of each round, whose two runs lie together."""
    found = {}
    for words, ours, theirs, key, _ in GOALS:
        pairs = list(zip(closed.get(ours, ()), closed.get(theirs, ()), strict=False))
        if pairs and all(peer[key] for _, peer in pairs):
            found[words] = median(mine[key] / peer[key] for mine, peer in pairs)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rates", type=rates, default=[], help="also at these (5,100 texts/s)")
    parser.add_argument("--delay-ms", type=float, default=0, help="of each call to the provider")
    parser.add_argument("--greeted", type=int, default=2_000, help="people who texted before")
    parser.add_argument("--only", default="", help=", ".join(peer.name for peer in PEERS))
    parser.add_argument("--json", type=Path, default=Path("peers.json"))
    parser.add_argument("--result", type=Path, help="for benchmarks/history.py")
    told = parser.parse_args()
    closed, opened, failed = rounds(told)
    print_tables(closed, opened)
    sync_ms, alone = fdatasync_ms(), opened.get(f"cooee-rest at {ALONE_PER_S}/s")
    print(f"{'one fdatasync':<48}{sync_ms:>18.2f}")
    for name, reason in failed.items():
        print(f"{name}: not measured: {reason}")
    found = ratios(closed)
    if alone:
        found[ALONE] = spread(alone, "latency_ms", "p50")[0] / (4 * sync_ms + 2)
    for words, ratio in found.items():
        print(f"{words:<48}{ratio:>18.2f}   goal {GOAL_OF[words]}")
    about = {"at": datetime.now(UTC).isoformat(), "cores": CORES, "load": os.getloadavg()}
    everything = {**about, "closed": closed, "open": opened, "failed": failed, "ratios": found}
    told.json.write_text(json.dumps(everything, indent=1))
    costs = {words: one for words, one in found.items() if "≤" in GOAL_OF[words]}
    shares = {words: one for words, one in found.items() if words not in costs}
    write_result(told.result, shares=shares, costs=costs)


if __name__ == "__main__":
    main()
