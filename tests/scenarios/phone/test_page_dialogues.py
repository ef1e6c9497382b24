"""A dialogue on the phone's page, in a real browser: where it waits, edits, and the time."""

import pytest

pytestmark = pytest.mark.slow

BOOKING = """\
from dataclasses import dataclass

from cooee import App, hours


@dataclass
class Guest:
    name: str = ""


app = App(state=Guest, no_reply="Never mind, then.")


def reserve(name, party):
    return "R1"


@app.dialogue("BOOK")
async def book(chat):
    name = await chat.ask("What's your name?")
    chat.state.name = name
    party = await chat.ask("For how many?", int, retry="A number?", remind=hours(1), timeout=hours(5))
    ref = await chat.once(reserve, name, party)
    chat.say(f"Booked: {ref}, {name}, {party}.")
    await chat.sleep(hours(24))
    return "See you!"


@app.otherwise
def other(chat):
    return "Text BOOK."
"""


def line_of(code, words):
    return next(n for n, line in enumerate(code.splitlines(), 1) if words in line)


@pytest.fixture
def booking(open_phone, visit, people):
    """The page of a booking, in whose middle Anna is asked for how many."""

    def begin(code=BOOKING, **more):
        phone = open_phone(code=code)
        page = visit(phone.url, **more)
        people.ready(page)
        people.hold(page, "BOOK", "What's your name?")
        people.hold(page, "Anna", "For how many?")
        return phone, page

    return begin


def test_the_panel_shows_who_waits_for_what_at_which_line_and_what_is_remembered(booking, people):
    phone, page = booking()
    waits = page.locator(".wait")
    people.expect(waits).to_have_count(1)
    people.expect(waits).to_contain_text("phone 1")
    people.expect(waits.locator(".stand")).to_have_text("waits for an answer")
    people.expect(waits.locator(".wait-words")).to_have_text("For how many?")
    line = line_of(BOOKING, "For how many?")
    people.expect(waits.locator(".place")).to_have_text(f"app.py:{line}")
    people.expect(waits.locator(".excerpt")).to_contain_text("party = await chat.ask(")
    people.expect(waits.locator(".noted li")).to_have_text(["What's your name?→Anna"])
    people.expect(waits.locator(".until")).to_contain_text("Reminds in 1 h")
    people.expect(waits.locator(".until")).to_contain_text("The time is up in 5 h")

    people.hold(page, "lots", "A number?")
    people.expect(waits.locator(".wait-words")).to_have_text("For how many?")
    people.hold(page, "4", "Booked: R1, Anna, 4.")
    people.expect(waits.locator(".stand")).to_have_text("sleeps")
    people.expect(waits.locator(".until")).to_contain_text("Wakes in 1 day")
    people.expect(waits.locator(".noted li").last).to_have_text("oncereserve→'R1'")
    story = page.locator(".story").first
    people.expect(story.locator(".by")).to_have_text("book()")
    people.expect(story.locator(".noted")).to_contain_text("oncereserve→'R1'")
    people.expect(story.locator(".committed")).to_contain_text("timer of book() set")

    page.reload()
    people.expect(waits.locator(".stand")).to_have_text("sleeps")
    page.get_by_role("button", name="Skip ahead").click()
    people.expect(people.last(page)).to_contain_text("See you!")
    people.expect(page.locator("#waiting")).to_be_hidden()
    people.expect(page.locator(".story .said.timer")).to_have_text("1 day later: woke up")
    assert phone.process.poll() is None


def test_an_edit_in_mid_conversation_shows_the_new_line_and_goes_on_at_the_right_place(
    booking, people
):
    phone, page = booking()
    waits = page.locator(".wait")
    phone.change(
        '    party = await chat.ask("For how many?", int,',
        '    phone = "none"\n    mail = await chat.ask("Your mail?")\n'
        '    party = await chat.ask("For how many people?", int, was="For how many?",',
    )
    people.expect(waits).to_contain_text("it asks “Your mail?” first")
    line = line_of(phone.app.read_text(), "Your mail?")
    people.expect(waits.locator(".place")).to_have_text(f"app.py:{line}")
    people.hold(page, "4", "Your mail?")
    people.expect(waits.locator(".wait-words")).to_have_text("Your mail?")
    people.expect(waits.locator(".aside")).to_have_count(0)
    phone.change('    phone = "none"\n', "")
    people.expect(waits.locator(".place")).to_have_text(f"app.py:{line - 1}")
    people.hold(page, "anna@example.org", "Booked: R1, Anna, 4.")
    people.expect(waits.locator(".noted li")).to_have_count(4)
    texts = people.log(page).locator(".text:not(.mine)")
    people.expect(texts).to_have_count(4)


def test_when_the_clock_is_advanced_the_reminder_comes_and_then_the_time_is_up(booking, people):
    _, page = booking()
    page.get_by_role("button", name="Advance the clock by 1 hour").click()
    people.expect(people.log(page).locator(".text:not(.mine)")).to_have_count(3)
    people.expect(people.last(page)).to_contain_text("For how many?")
    people.expect(page.locator(".story .said").first).to_have_text("1 h later: reminded")
    people.expect(page.locator(".story").first.locator(".reply q")).to_have_text("For how many?")
    people.expect(page.locator(".until")).not_to_contain_text("Reminds")
    page.get_by_role("button", name="Advance the clock by 1 day").click()
    people.expect(people.last(page)).to_contain_text("Never mind, then.")
    people.expect(page.locator(".story .said").first).to_have_text("1 day later: the time was up")
    people.expect(page.locator("#waiting")).to_be_hidden()
    people.hold(page, "4", "Text BOOK.")


def test_an_edit_that_breaks_it_shows_its_line_at_once_and_a_mend_answers_what_waited(
    booking, people
):
    phone, page = booking()
    waits = page.locator(".wait")
    phone.change(
        "    chat.state.name = name\n", "    chat.state.name = name\n    chat.ask('Hm?')\n"
    )
    people.expect(waits.locator(".trouble")).to_contain_text("NotAwaited")
    line = line_of(phone.app.read_text(), "For how many?")
    people.expect(waits.locator(".trouble-place")).to_contain_text(f"app.py, line {line}")
    people.text(page, "4")
    story = page.locator(".story").first
    people.expect(story.locator(".said")).to_have_text("4")
    people.expect(story.locator(".trouble")).to_contain_text("NotAwaited")
    people.expect(story.locator(".here")).to_contain_text("For how many?")
    people.expect(story.locator(".trouble-place")).to_contain_text("set aside until you save")
    phone.change("    chat.ask('Hm?')\n", "")
    people.expect(people.last(page)).to_contain_text("Booked: R1, Anna, 4.")
    people.expect(story.locator(".trouble")).to_have_count(0)
    people.expect(waits.locator(".trouble")).to_have_count(0)


TWO = """\
from cooee import App, hours

app = App()


@app.dialogue("PAY")
async def pay(chat):
    card = await chat.choose("Which card?", ["Blue", "Green"])
    await chat.sleep(hours(1))
    return str(1 / 0)


@app.dialogue("RATE")
async def rate(chat):
    stars = await chat.ask("How many stars?", int)
    return f"{stars}, thank you!"


@app.on("KICK", always=True)
async def kick(chat):
    await app.start(rate, chat.theirs)
"""


def test_of_two_dialogues_one_is_suspended_and_comes_back_and_a_timer_that_fails_is_mended(
    open_phone, visit, people
):
    phone = open_phone(code=TWO)
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "PAY", "Which card?")
    people.hold(page, "KICK", "How many stars?")
    waits, timers = page.locator(".wait"), page.locator(".story .said.timer")
    people.expect(waits.locator(".by")).to_have_text(["rate()", "pay()"])
    people.expect(waits.last.locator(".stand")).to_contain_text("suspended")
    people.expect(timers).to_have_text(["began"])
    people.hold(page, "5", "Which card?")
    people.expect(page.locator(".story .reply", has_text="5, thank you!")).to_have_count(1)
    people.expect(waits.locator(".stand")).to_have_text(["waits for an answer"])
    people.expect(timers.first).to_contain_text("came back to its question")
    people.text(page, "2")
    people.expect(waits.locator(".noted")).to_have_text("Which card?→Greenfrom “2”")
    page.get_by_role("button", name="Skip ahead").click()
    story = page.locator(".story", has=page.locator(".said.timer")).first
    people.expect(story.locator(".said")).to_have_text("1 h later: a timer was due")
    people.expect(story.locator(".here")).to_contain_text("1 / 0")
    people.expect(waits.locator(".trouble")).to_contain_text("ZeroDivisionError")
    phone.change("str(1 / 0)", "f'Paid, {card}.'")
    people.expect(people.last(page)).to_contain_text("Paid, Green.", timeout=60_000)
    people.expect(story.locator(".said")).to_have_text("1 h later: woke up")
    people.expect(page.locator(".trouble")).to_have_count(0)
    people.expect(page.locator("#waiting")).to_be_hidden()


CHANCE = """\
import random
from cooee import App
app = App()

@app.dialogue("ROLL")
async def roll(chat):
    await chat.ask(f"Is it {random.random()}?")
    return "Who knows?"
"""


def test_what_changes_from_run_to_run_is_found_at_once_with_its_line(open_phone, visit, people):
    phone = open_phone(code=CHANCE)
    page = visit(phone.url)
    people.ready(page)
    people.text(page, "ROLL")
    trouble = page.locator(".story .trouble")
    people.expect(trouble).to_contain_text("NotDeterministic")
    people.expect(trouble).to_contain_text("chat.once")
    people.expect(trouble.locator(".here")).to_contain_text("random.random()")
    phone.change("{random.random()}", "{chat.random.random()}")
    people.expect(people.last(page)).to_contain_text("Is it 0.")
    people.expect(page.locator(".wait-words")).to_contain_text("Is it 0.")


def test_two_people_wait_in_two_places_and_nothing_is_cut_off_at_360_pixels(booking, people):
    _, page = booking(BOOKING.replace("reserve(name", "reserve(n" + "_ame" * 20), width=360)
    people.hold(page, "BOOK", "What's your name?", phone=2)
    people.expect(page.locator(".wait")).to_have_count(2)
    people.expect(page.locator(".wait-words")).to_have_text(["For how many?", "What's your name?"])
    people.hold(page, "a-very-long-name" * 12, "For how many?", phone=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cut = page.evaluate(
        """[...document.querySelectorAll('.wait p, .wait time, .wait button, .wait b')].filter(
             (node) => node.offsetWidth && node.getBoundingClientRect().right > 360).length"""
    )
    assert cut == 0
