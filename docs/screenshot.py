"""Takes the README's picture: the stopwatch, two phones and the panel, in a real browser.

    python docs/screenshot.py docs/picture.png

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
from collections.abc import Iterator
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
EXAMPLE = Path(__file__).parents[1] / "examples" / "stopwatch.py"


@contextmanager
def phone(folder: Path, *more: str) -> Iterator[str]:
    """The address of the page, with the stopwatch behind it."""
    command = [sys.executable, "-m", "cooee", "phone", str(EXAMPLE), "--no-browser", "--port", "0"]
    command += ["--database", str(folder / "stopwatch.db"), *more]
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


def converse(page: Page) -> None:
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
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)


def take(browser: Browser, url: str, place: Path, width: int, height: int, *, dark: bool) -> None:
    """Hold the conversation and take the picture, of the whole page where it is narrow."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        device_scale_factor=2,
        locale="en-AU",
    )
    page = context.new_page()
    page.goto(url)
    converse(page)
    page.screenshot(path=place, full_page=width < 1000, animations="disabled", caret="hide")
    context.close()


def main() -> None:
    """Take one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, nargs="?", default=Path("docs/picture.png"))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=860)
    parser.add_argument("--provider", default="simulated")
    told = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        phone(Path(folder), "--provider", told.provider) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        take(browser, url, told.place, told.width, told.height, dark=told.dark)
        browser.close()


if __name__ == "__main__":
    main()
