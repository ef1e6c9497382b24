"""`cooee run` beside many people who wait: its start, its memory, an answer, and idleness."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from crowd import copy_person
from peer_programs.load import CALLBACK, OURS, signed_form, twilio_form
from peer_programs.pinned import Pinned, cores
from peers import ACCOUNT, PROGRAMS, TOKEN, await_port, await_push_url, free_port

ANSWERS = 50
MODEL = 0  # the person whose conversation everybody has
CORES = cores()


@dataclass(frozen=True)
class Waiting:
    """What was measured of one process."""

    start_s: float
    start_cpu_s: float
    crashed_start_s: float
    deployed_start_s: float
    retired_start_s: float
    rss_mb: float
    idle_percent: float
    idle_rss_mb: float
    health_ms: float
    answer_p50_ms: float
    answer_p98_ms: float
    swept_p50_ms: float

    @staticmethod
    def rows() -> Iterator[tuple[str, str]]:
        words = (
            "start, until /health answers: s",
            "… CPU s",
            "… after a crash: s",
            "… with new code: s",
            "… with the dialogue retired: s",
            "memory after the start: MB",
            "idle: % of a core",
            "memory after it: MB",
            "/health: ms",
            "an answer and the next question, p50: ms",
            "… p98: ms",
            "… while timers are fitted to new code: ms",
        )
        yield from zip([field.name for field in fields(Waiting)], words, strict=True)


class Server:
    """A `cooee run`, and its provider."""

    def __init__(
        self, folder: Path, provider: str, app: Path, *, reply_by: str = "webhook"
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._provider = provider
        settings = {
            "COOEE_DATABASE": f"sqlite:///{folder / 'cooee.db'}",
            "COOEE_PROVIDER": "twilio",
            "COOEE_PUBLIC_URL": self.url,
            "COOEE_PORT": str(self.port),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_BASE_URL": provider,
            "TWILIO_REPLY_BY": reply_by,
        }
        command = [sys.executable, "-m", "cooee", "run", str(app)]
        began = time.perf_counter()
        self.program = Pinned(command, CORES[0], folder / "server.log", settings)
        while self.program.process.poll() is None and not self._is_there():
            time.sleep(0.005)
        self.start_s = time.perf_counter() - began
        self.webhook = ""

    def _is_there(self) -> bool:
        try:
            with urlopen(f"{self.url}/health"):
                return True
        except URLError as error:
            return getattr(error, "code", None) is not None  # 503 is an answer, too

    def connect(self) -> None:
        """Wait until the provider knows where to push texts."""
        url = await_push_url(self._provider)
        while urlsplit(url).port != self.port:  # of the process before
            time.sleep(0.02)
            url = await_push_url(self._provider)
        self.webhook = url
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def text(self, person: int, words: str, number: int) -> tuple[str, float]:
        """Text as a person; return the reply in the answer, and the milliseconds it took."""
        body, headers = twilio_form(person, words, number, self.webhook)
        began = time.perf_counter()
        answer = self._post(self.webhook, headers, body)
        took_ms = 1e3 * (time.perf_counter() - began)
        callback = CALLBACK.search(answer)
        if callback is not None:
            self._report_delivered(callback[1].decode(), number)
        return answer.decode(), took_ms

    def _report_delivered(self, url: str, number: int) -> None:
        status = dict.fromkeys(("SmsStatus", "MessageStatus"), "delivered")
        ids = dict.fromkeys(("SmsSid", "MessageSid"), f"SM{number:032x}")
        form = {**ids, **status, "From": OURS, "To": OURS, "AccountSid": ACCOUNT}
        body, headers = signed_form(form, url)
        self._post(url, headers, body)

    def _post(self, url: str, headers: str, body: bytes) -> bytes:
        pairs = dict(line.split(": ", 1) for line in headers.splitlines())
        self._connection.request("POST", urlsplit(url).path, body, pairs)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status < 300, content
        return content

    def health_ms(self) -> float:
        took = []
        for _ in range(20):
            began = time.perf_counter()
            self._is_there()
            took.append(time.perf_counter() - began)
        return 1e3 * median(took)

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.program.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1e3

    def cpu_s(self) -> float:
        """Return what its threads have computed; the kernel knows it to the nanosecond."""
        tasks = Path(f"/proc/{self.program.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def crash(self) -> None:
        os.killpg(self.program.process.pid, signal.SIGKILL)
        self.program.process.wait()


@contextmanager
def fake_provider(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, str(PROGRAMS / "fake_provider.py"), "--port", str(port)]
    provider = Pinned(command, CORES[1], folder / "provider.log")
    try:
        await_port(port, provider, folder / "provider.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        provider.stop()


def measure_waiting(folder: Path, count: int, idle_s: float) -> Waiting:
    """Let one person begin a dialogue, copy the conversation to many, and measure the app."""
    app = folder / "app.py"
    app.write_text((PROGRAMS / "cooee_waiting.py").read_text())
    with fake_provider(folder) as provider:
        server = Server(folder, provider, app)
        server.connect()
        for number, words in enumerate(("BOOK", "Anna")):
            reply, _ = server.text(MODEL, words, number)
        assert "For how many, Anna?" in reply
        server.program.stop()
        copy_person(
            folder / "cooee.db", OURS, f"+6149{MODEL:07}", (f"+6149{n:07}" for n in range(1, count))
        )
        found = measure_process(folder, provider, app, count, idle_s)
    for file in folder.iterdir():
        file.unlink()
    return found


def measure_process(folder: Path, provider: str, app: Path, count: int, idle_s: float) -> Waiting:
    server = Server(folder, provider, app)
    cpu_s = server.cpu_s()
    server.connect()
    rss_mb = server.rss_mb()
    before = server.cpu_s()
    time.sleep(idle_s)
    idle = 100 * (server.cpu_s() - before) / idle_s
    idle_rss_mb, health_ms = server.rss_mb(), server.health_ms()
    people = [n * count // ANSWERS for n in range(ANSWERS)]
    answers = sorted(server.text(n, "4", 1_000 + n)[1] for n in people)
    server.crash()
    crashed = Server(folder, provider, app)
    crashed.program.stop()
    app.write_text(app.read_text().replace("Anything else?", "Anything else to note?"))
    deployed = Server(folder, provider, app)
    deployed.connect()
    swept = sorted(deployed.text(n, "Friday", 2_000_000 + n)[1] for n in people)
    deployed.program.stop()
    app.write_text("from cooee import App\n\napp = App()\napp.retire('book')\n")
    retired = Server(folder, provider, app)
    retired.program.stop()
    return Waiting(
        start_s=server.start_s,
        start_cpu_s=cpu_s,
        crashed_start_s=crashed.start_s,
        deployed_start_s=deployed.start_s,
        retired_start_s=retired.start_s,
        rss_mb=rss_mb,
        idle_percent=idle,
        idle_rss_mb=idle_rss_mb,
        health_ms=health_ms,
        answer_p50_ms=percentile(answers, 50),
        answer_p98_ms=percentile(answers, 98),
        swept_p50_ms=percentile(swept, 50),
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
