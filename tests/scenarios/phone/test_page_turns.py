"""A turn on the phone's page: while it runs, when it is tried again, and its HTTP after a save."""

import re

import pytest

pytestmark = pytest.mark.slow

WAITS_FOR_A_FILE = """\
import time
from pathlib import Path

from cooee import App

app = App()


def until_done(chat=None):
    while not Path("done").exists():
        time.sleep(0.02)
    return "done"


app.on("LONG")(until_done)


@app.dialogue("ONCE")
async def once(chat):
    await chat.ask("Ready?")
    return await chat.once(until_done)
"""


def test_a_handler_or_a_once_at_work_is_running(open_phone, visit, people):
    phone = open_phone(code=WAITS_FOR_A_FILE)
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "ONCE", "Ready?")
    people.expect(page.locator(".stand")).to_have_text("waits for an answer")
    people.text(page, "yes")
    people.expect(page.locator(".stand")).to_have_text("running")
    people.text(page, "LONG", phone=2)
    for _ in range(2):
        people.expect(page.locator(".story .total")).to_have_text(
            ["running", "running", re.compile(r"\d m?s")]
        )
        page.reload()
    people.expect(page.locator(".stand")).to_have_text("running")
    (phone.folder / "done").touch()
    for n in (1, 2):
        people.expect(people.last(page, n)).to_contain_text("done")
    people.expect(page.locator(".wait")).to_have_count(0)
    people.expect(page.locator(".story .total", has_text="running")).to_have_count(0)


FAILS = """\
from cooee import App

app = App()


@app.on("OOPS")
def oops(chat):
    return 1 / 0


@app.otherwise
def other(chat):
    return "fine"
"""


def test_a_failed_text_says_when_it_is_tried_again_and_what_waits_for_it(open_phone, visit, people):
    page = visit(open_phone(code=FAILS).url)
    people.ready(page)
    people.text(page, "OOPS")
    failed = page.locator(".story", has=page.get_by_text("OOPS", exact=True)).first
    people.expect(failed.locator(".until")).to_contain_text("It is tried again in")
    people.text(page, "hello")
    behind = page.locator(".story").first
    people.expect(behind).to_contain_text("It waits for “OOPS”, which failed")
    people.expect(behind.get_by_role("button", name="Skip ahead")).to_have_count(1)
    while people.log(page).locator(".text:not(.mine)").count() == 0:
        page.evaluate("document.querySelector('.behind button')?.click()")
        page.wait_for_timeout(100)
    people.expect(people.last(page)).to_contain_text("fine")
    people.expect(failed).to_contain_text("It was set aside.")


def test_each_version_of_an_app_shows_its_texts_their_own_http(open_phone, visit, people):
    phone = open_phone("--provider", "telstra-v2")
    page = visit(phone.url)
    people.ready(page)
    for version, (old, new) in enumerate([("Sorry!", "So sorry!"), ("So sorry!", "Sorry!")], 2):
        phone.change(old, new)
        people.expect(page.locator("#mood")).to_contain_text(f"version {version}")
        people.hold(page, f"what {version}", new)
        people.expect(people.last(page)).to_have_attribute("data-status", re.compile("sent|del"))
    for _ in range(2):
        for words, other in (("what 2", "what 3"), ("what 3", "what 2")):
            story = page.locator(".story", has=page.locator(".said", has_text=words))
            people.expect(story.locator(".call")).to_have_count(2)
            wires = " ".join(story.locator(".wire").all_text_contents())
            assert words in wires
            assert other not in wires
        page.reload()


def test_it_says_how_long_replies_took(open_phone, visit, people):
    phone = open_phone()
    page = visit(phone.url)
    people.ready(page)
    people.expect(page.locator("#reply-times")).to_be_hidden()
    for count in (1, 2):
        people.text(page, "TIME")
        said = re.compile(
            rf"^From a text to its reply: half within .+ m?s, 99% within .+ m?s, of {count}\.$"
        )
        people.expect(page.locator("#reply-times")).to_have_text(said)
        reply = page.locator(".story").first.get_by_text("Its reply left")
        people.expect(reply).to_have_text(
            re.compile(r"^Its reply left [\d.]+ m?s after the text\.$")
        )
    page.reload()
    people.expect(page.locator("#reply-times")).to_have_text(said)
