"""The phone's page as people meet it: `cooee phone` in a process, and a real browser."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
STOPWATCH = Path(__file__).parents[3] / "examples" / "stopwatch.py"


@pytest.fixture(scope="module")  # playwright holds an event loop, which async tests must not meet
def browser():
    """The system's Chromium; where there is none, its tests are skipped, if CI allows that."""
    required = os.environ.get("CI_BROWSER") == "required"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        assert not required, "CI_BROWSER=required, and playwright is not installed."
        pytest.skip("playwright is not installed: pip install playwright")
    if not Path(CHROMIUM).exists():
        assert not required, f"CI_BROWSER=required, and there is no {CHROMIUM}."
        pytest.skip(
            f"There is no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Opened:
    """A `cooee phone` at work on a file of its own."""

    def __init__(self, folder, *more, code=None, port=0):
        self.folder = folder
        self.app = folder / "app.py"
        if not self.app.exists():
            self.app.write_text(code or STOPWATCH.read_text())
        self.log = folder / "phone.log"
        command = [
            sys.executable,
            "-m",
            "cooee",
            "phone",
            "app.py",
            "--no-browser",
            f"--port={port}",
        ]
        self.began = time.monotonic()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *more], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
            )
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, f"It did not say where it is: {line}{self.log.read_text()}"
        self.url = found[0]

    def change(self, old, new):
        """Save the app with some words replaced."""
        code = self.app.read_text()
        assert old in code
        self.app.write_text(code.replace(old, new))

    def end(self):
        """Stop it as Ctrl-C does; its exit status."""
        self.process.terminate()
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status


@pytest.fixture
def open_phone(tmp_path):
    """Start `cooee phone`; it is stopped at the test's end."""
    running = []

    def start(*more, code=None, port=0):
        running.append(Opened(tmp_path, *more, code=code, port=port))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            assert one.end() == 0


@pytest.fixture
def visit(browser):
    """Open the page; whatever it logs as an error, or asks of another host, fails the test."""
    contexts, wrong = [], []

    def go(url, width=1440, height=900, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda asked: None if asked.url.startswith(url) else wrong.append(asked.url)
        )
        page.goto(url)
        return page

    go.wrong = wrong
    yield go
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def people():
    """What somebody at the page does and sees."""
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)

    def log(page, phone=1):
        return page.get_by_label(f"Conversation on phone {phone}")

    def last(page, phone=1):
        return log(page, phone).locator(".text").last

    def ready(page):
        expect(page.locator("#mood")).to_have_attribute("data-mood", "playing")

    def text(page, words, phone=1):
        box = page.get_by_label(f"Text message from phone {phone}")
        box.fill(words)
        box.press("Enter")

    def hold(page, words, reply, phone=1):
        text(page, words, phone)
        expect(last(page, phone)).to_contain_text(reply)

    return SimpleNamespace(expect=expect, log=log, last=last, ready=ready, text=text, hold=hold)
