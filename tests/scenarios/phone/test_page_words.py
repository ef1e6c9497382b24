"""What is written on the phone's page can be read: days, lines, scripts, names, small screens."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.slow

MENU = """\
from cooee import App, hours

app = App()


@app.dialogue("PICK")
async def pick(chat):
    day = await chat.choose("Which day?", ["Friday", "Saturday"], remind=hours(1))
    return f"See you on {day}.\\nBring a hat."


@app.on("SHALOM")
def shalom(chat):
    return "שלום, 3 👩‍👩‍👧‍👦!"
"""


def days(page, people, phone=1):
    return people.log(page, phone).locator(".day")


def test_a_day_stands_above_its_texts_in_the_readers_zone_and_after_a_restart(
    open_phone, visit, people
):
    first = open_phone()
    page = visit(first.url, timezone_id="Pacific/Kiritimati")  # UTC+14, and no summer time
    people.ready(page)
    people.hold(page, "START", "running")
    page.get_by_role("button", name="Advance the clock by 1 day").click()
    people.hold(page, "TIME", "1 day")
    people.expect(days(page, people)).to_have_count(2)
    shown = days(page, people).evaluate_all("(all) => all.map((one) => one.dateTime)")
    texted = (
        people.log(page)
        .locator(".meta time")
        .evaluate_all("(all) => all.map((one) => one.dateTime)")
    )
    there = [datetime.fromisoformat(at) + timedelta(hours=14) for at in texted]
    assert shown == sorted({f"{at:%Y-%m-%d}" for at in there})
    order = people.log(page).evaluate("(log) => [...log.children].map((one) => one.className)")
    assert [name.split()[0] for name in order] == ["day", "text", "text"] * 2
    page.close()
    assert first.end() == 0
    page = visit(open_phone().url, timezone_id="Pacific/Kiritimati")
    people.expect(days(page, people)).to_have_count(2)
    people.expect(page.locator("#clock")).to_contain_text(f"{there[-1]:%a}, {there[-1].day}")
    people.hold(page, "TIME", "1 day")
    people.expect(days(page, people)).to_have_count(2)
    page = visit(page.url, timezone_id="Pacific/Pago_Pago")  # UTC-11
    ago = datetime.now(UTC) - timedelta(hours=11)
    people.expect(days(page, people).first).to_have_attribute("datetime", f"{ago:%Y-%m-%d}")


def test_a_menu_keeps_its_lines_and_every_script_its_direction(open_phone, visit, people):
    page = visit(open_phone(code=MENU).url)
    people.ready(page)
    people.hold(page, "PICK", "Which day?")
    reply = page.locator(".story").first.locator(".reply q")
    assert reply.inner_text().splitlines() == ["Which day?", "1. Friday", "2. Saturday"]
    people.hold(page, "2", "Bring a hat.")
    assert reply.inner_text().splitlines() == ["See you on Saturday.", "Bring a hat."]
    people.hold(page, "SHALOM", "שלום")
    for words in (people.last(page).locator(".words"), reply):
        assert words.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_an_error_stands_above_everything_on_a_small_screen(open_phone, visit, people):
    phone = open_phone()
    page = visit(phone.url, width=360, height=740)
    people.ready(page)
    phone.change("app = App(state=Stopwatch)", "app = App(state=Stopwatch")
    trouble = page.locator("#trouble .trouble")
    people.expect(trouble).to_contain_text("SyntaxError: '(' was never closed")
    box = trouble.bounding_box()
    assert box["y"] + box["height"] < 740
    assert box["y"] < page.locator(".phone").first.bounding_box()["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    phone.change("app = App(state=Stopwatch", "app = App(state=Stopwatch)")
    people.expect(trouble).to_have_count(0)
    top = page.locator(".phone").first.bounding_box()["y"]
    assert top < box["y"] + 40


WITHOUT_THEIR_WORDS = """() => [...document.querySelectorAll(
    "a, button, input, summary, [role=switch], [role=button], [tabindex]")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !one.matches("ol, pre, .log"))  // a part that scrolls has no words on it
  .map((one) => [one.getAttribute("aria-label"), one.placeholder ?? one.innerText])
  .filter(([label, words]) => !(label || words.trim()) || (label &&
     !label.toLowerCase().includes(words.trim().toLowerCase().replace(/\\s+/g, " "))))"""


def test_the_name_of_every_control_has_the_words_on_it(open_phone, visit, people):
    """WCAG 2.2, 2.5.3: who speaks to the machine says what stands on the button."""
    phone = open_phone(code=MENU)
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "PICK", "Which day?")
    people.expect(page.get_by_role("button", name="Skip ahead")).to_have_count(1)
    page.get_by_role("button", name="Add a phone").click()
    phone.change("app = App()", "app = Ap()")
    people.expect(page.locator("#trouble")).to_contain_text("NameError")
    for closed in page.locator("details").all():
        closed.evaluate("(one) => { one.open = true; }")
    assert page.evaluate(WITHOUT_THEIR_WORDS) == []
