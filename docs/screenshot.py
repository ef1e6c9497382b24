"""Takes the pictures: an example, two phones and the panel, in a real browser.

    python docs/screenshot.py docs/picture.png
    python docs/screenshot.py docs/waiting.png --example booking

It needs playwright and a Chromium that is installed already (CHROMIUM names another than
/usr/bin/chromium). Further words choose what is taken: ``--dark``, ``--width 360``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
FRIENDS = "+61491570156 +61491570157"
EXAMPLES = Path(__file__).parents[1] / "examples"


@contextmanager
def phone(folder: Path, example: str, *more: str) -> Iterator[str]:
    """The address of the page, with an example behind it."""
    app = str(EXAMPLES / f"{example}.py")
    command = [sys.executable, "-m", "cooee", "phone", app, "--no-browser", "--port", "0"]
    command += ["--database", str(folder / "example.db"), *more]
    known = {**os.environ, "STOPWATCH_FRIENDS": FRIENDS}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env=known
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "cooee phone did not say where it is."
            yield found[0]
        finally:
            process.terminate()


def say(page: Page, phone: int, words: str, reply: str) -> None:
    """Text from a phone, and wait for what comes back."""
    box = page.get_by_label(f"Text message from phone {phone}")
    box.fill(words)
    box.press("Enter")
    log = page.get_by_label(f"Conversation on phone {phone}")
    expect(log.locator(".text").last).to_contain_text(reply)
    expect(log.locator(".text").last).to_have_attribute("data-status", re.compile("sent|delivered"))


def time_themselves(page: Page) -> None:
    """Two people with a stopwatch each."""
    for phone in ("Conversation on phone 1", "Conversation on phone 2"):
        expect(page.get_by_label(phone)).to_contain_text("Stopwatch app online!")
    minute = page.get_by_role("button", name="Advance the clock by 1 minute")
    say(page, 1, "START", "is running")
    minute.click()
    say(page, 2, "START", "is running")
    minute.click()
    say(page, 1, "TIME", "still running")
    minute.click()
    say(page, 2, "STOP", "has stopped")
    say(page, 1, "STOP", "has stopped")
    expect(page.locator(".story").first).to_contain_text("Sent")


def book(page: Page) -> None:
    """One has booked a table, and another is asked for how many."""
    say(page, 1, "BOOK", "name")
    for words, reply in (("Anna", "how many"), ("4", "Which day"), ("sat", "Saturday")):
        say(page, 1, words, reply)
    say(page, 1, "yep", "booked")
    say(page, 2, "BOOK", "name")
    say(page, 2, "Ben", "how many")
    expect(page.locator(".wait")).to_have_count(2)


CONVERSATIONS: dict[str, Callable[[Page], None]] = {"stopwatch": time_themselves, "booking": book}


def take(browser: Browser, url: str, told: argparse.Namespace) -> None:
    """Hold the conversation and take the picture, of the whole page where it is narrow."""
    context = browser.new_context(
        viewport={"width": told.width, "height": told.height},
        color_scheme="dark" if told.dark else "light",
        device_scale_factor=2,
        locale="en-AU",
    )
    page = context.new_page()
    page.goto(url)
    CONVERSATIONS[told.example](page)
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    whole = told.width < 1000
    page.screenshot(path=told.place, full_page=whole, animations="disabled", caret="hide")
    context.close()


def main() -> None:
    """Take one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, nargs="?", default=Path("docs/picture.png"))
    parser.add_argument("--example", choices=CONVERSATIONS, default="stopwatch")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=860)
    parser.add_argument("--provider", default="simulated")
    told = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        phone(Path(folder), told.example, "--provider", told.provider) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        take(browser, url, told)
        browser.close()


if __name__ == "__main__":
    main()
