"""What people see and do on the phone's page, in a real browser."""

import os
import re
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HEADING = "Inside the app"


def test_two_people_hold_a_conversation_each_and_see_how_the_app_came_to_it(
    open_phone, visit, people
):
    page = visit(open_phone().url)
    people.ready(page)
    people.hold(page, "START", "The timer is running!")
    page.get_by_role("button", name="Advance the clock by 1 minute").click()
    people.hold(page, "TIME", "1 minute")
    people.hold(page, "TIME", "Text START first.", phone=2)
    people.hold(page, "STOP", "has stopped")
    people.expect(people.last(page)).to_have_attribute("data-status", "delivered")
    people.expect(people.last(page)).to_contain_text("1 segment")
    assert people.log(page, 1).locator(".text.mine").count() == 3
    assert people.log(page, 2).locator(".text.mine").count() == 1

    story = page.locator(".story").first
    people.expect(story.locator(".said")).to_have_text("STOP")
    people.expect(story.locator(".by")).to_have_text("stop()")
    people.expect(story.locator("tr.changed")).to_contain_text("stopped")
    assert story.locator("tr:not(.changed) td").first.inner_text() == "started"
    for step in ("Received", "Claimed", "Handler", "Committed", "Sent"):
        people.expect(story.locator(".took")).to_contain_text(step)
    people.expect(story.locator(".committed")).to_have_text(
        "In one commit: text 3 handled, state saved, 1 reply queued."
    )
    page.locator(".story").nth(1).locator("summary").first.click()
    people.expect(page.locator(".story").nth(1).locator(".inside")).to_be_visible()


def test_a_third_phone_is_taken_out_on_demand_and_has_the_keyboard(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    page.get_by_role("button", name="Add a phone").click()
    people.expect(page.get_by_label("Text message from phone 3")).to_be_focused()
    page.keyboard.type("START")
    page.keyboard.press("Enter")
    people.expect(people.last(page, 3)).to_contain_text("running")


def test_saving_the_file_goes_on_with_the_new_version_and_every_conversation(
    open_phone, visit, people
):
    phone = open_phone()
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "START", "The timer is running!")
    phone.change("The final time is", "All in all:")
    phone.change("Text START first.", "Say START, please.")
    # The first change may be seen before the second, and is a version then.
    people.expect(page.locator("#mood")).to_contain_text(re.compile("version [23]"))
    people.hold(page, "STOP", "has stopped. It ran for")
    people.hold(page, "TIME", "All in all:")
    people.hold(page, "TIME", "Say START, please.", phone=2)
    assert people.log(page, 1).locator(".text").count() == 6


def test_texts_that_come_while_versions_change_wait_and_none_is_lost_or_doubled(
    open_phone, visit, people
):
    phone = open_phone()
    page = visit(phone.url)
    people.ready(page)
    for n in range(30):
        people.text(page, f"hello {n}", phone=1 + n % 2)
        if n == 5:
            phone.change("Sorry!", "So sorry!")
        if n == 15:
            phone.change("So sorry!", "Sorry!")
    for n in (1, 2):
        people.expect(people.log(page, n).locator(".text")).to_have_count(30)
        people.expect(people.log(page, n).locator(".text:not(.mine)")).to_have_count(15)


def test_a_text_that_jumped_to_ucs_2_is_marked(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    people.hold(page, "hello 👍", "Sorry!")
    mine, reply = page.locator(".text.mine").last, page.locator(".text:not(.mine)").last
    people.expect(mine.locator(".wide")).to_have_text("UCS-2")
    people.expect(reply.locator(".wide")).to_have_count(0)


PICTURES = """
from cooee import Reply

app = App()


@app.on("PIC")
def pic(chat):
    return Reply("", media=["https://example.org/cat.png"])


@app.on("ADD {n:d}")
@app.otherwise
def any(chat, n=0):
    return "more"
"""


def test_a_text_without_a_handler_says_what_to_write(open_phone, visit, people):
    phone = open_phone(
        "--provider", "twilio", "--push", code="from cooee import App\napp = App()\n"
    )
    page = visit(phone.url)
    people.ready(page)
    known = page.locator("#knows")
    people.expect(known).to_contain_text("The app has no handler yet: write a function below")
    people.text(page, "HELLO")
    story = page.locator(".story").first
    people.expect(story).to_contain_text("Write one below @app.on(…), or one below @app.otherwise")
    phone.change("app = App()\n", PICTURES)
    people.expect(known).to_have_text("The app answers “PIC”, “ADD {n:d}” and every other text.")
    people.hold(page, "PIC", "Picture: https://example.org/cat.png")
    people.expect(page.locator(".story").first.locator("q")).to_contain_text("cat.png")


def test_an_error_is_shown_with_its_line_the_last_good_version_goes_on_and_a_mend_is_enough(
    open_phone, visit, people
):
    phone = open_phone()
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "START", "The timer is running!")
    phone.change("app = App(state=Stopwatch)", "app = App(state=Stopwach)")
    trouble = page.locator("#trouble")
    people.expect(trouble).to_contain_text("NameError: name 'Stopwach' is not defined")
    lines = (ROOT / "examples" / "stopwatch.py").read_text().splitlines()
    line = lines.index("app = App(state=Stopwatch)") + 1
    people.expect(trouble).to_contain_text(f"app.py, line {line}")
    people.expect(trouble.locator(".here")).to_contain_text("app = App(state=Stopwach)")
    people.hold(page, "TIME", "is still running")
    phone.change("app = App(state=Stopwach)", "app = App(state=Stopwatch")
    people.expect(trouble).to_contain_text("SyntaxError")
    people.hold(page, "TIME", "is still running")
    phone.change("app = App(state=Stopwatch", "app = App(state=Stopwatch)")
    people.expect(page.locator("#mood")).to_contain_text("version 2")
    people.expect(trouble).to_be_empty()
    people.hold(page, "STOP", "has stopped")


LIFESPAN = """
from contextlib import asynccontextmanager
from cooee import App

@asynccontextmanager
async def services():
    yield "db"

app = App(lifespan=services)

@app.otherwise
def answer(chat):
    return "from " + chat.services
"""


def test_a_version_that_loads_and_cannot_start_leaves_the_last_one_answering(
    open_phone, visit, people
):
    phone = open_phone(code=LIFESPAN)
    page = visit(phone.url)
    people.ready(page)
    people.hold(page, "hi", "from db")
    phone.change('    yield "db"', '    raise ValueError("no database there")\n    yield "db"')
    people.expect(page.locator("#trouble")).to_contain_text("no database there")
    people.expect(page.locator("#trouble .here")).to_contain_text("raise ValueError")
    people.hold(page, "still there?", "from db")


START_HOOK = """
import asyncio
from cooee import App

app = App()

@app.on_start
async def announce():
    await asyncio.sleep(0)
    "announced"

@app.otherwise
def answer(chat):
    return "there"
"""


@pytest.mark.parametrize("seconds", ["0", "1.5"])
def test_a_start_hook_that_raises_shows_its_words_and_its_line(open_phone, visit, people, seconds):
    phone = open_phone(code=START_HOOK)
    page = visit(phone.url)
    people.ready(page)
    phone.change(
        'sleep(0)\n    "announced"', f'sleep({seconds})\n    raise ValueError("no printer")'
    )
    people.expect(page.locator("#trouble")).to_contain_text("no printer", timeout=30_000)
    people.expect(page.locator("#trouble .here")).to_contain_text("raise ValueError")
    people.hold(page, "still there?", "there")


def test_an_app_that_is_broken_from_the_beginning_says_so_and_is_mended_by_a_save(
    open_phone, visit, people
):
    phone = open_phone(code="from cooee import App\napp = Ap()\n")
    page = visit(phone.url)
    people.expect(page.locator("#trouble")).to_contain_text("app.py, line 2")
    people.expect(page.get_by_label("Text message from phone 1")).to_have_attribute("readonly", "")
    phone.change("Ap()", "App()\n@app.otherwise\ndef any(chat):\n    return 'there'")
    people.ready(page)
    people.hold(page, "hello?", "there")


def test_a_handler_that_raises_shows_its_line_and_is_tried_again_once_it_is_mended(
    open_phone, visit, people
):
    phone = open_phone(
        code="from cooee import App\napp = App()\n@app.otherwise\ndef any(chat):\n    return 1 / 0\n"
    )
    page = visit(phone.url)
    people.ready(page)
    people.text(page, "divide")
    story = page.locator(".story").first
    people.expect(story.locator(".trouble")).to_contain_text("ZeroDivisionError")
    people.expect(story.locator(".here")).to_contain_text("return 1 / 0")
    phone.change("1 / 0", "'mended'")
    people.expect(page.locator("#mood")).to_contain_text("version 2")
    while people.log(page).locator(".text:not(.mine)").count() == 0:  # the pauses grow
        page.evaluate("document.querySelector('.trouble .until button')?.click()")
        page.wait_for_timeout(100)
    people.expect(people.last(page)).to_contain_text("mended")


def test_an_app_whose_process_ends_is_started_again(open_phone, visit, people):
    code = "import os\nfrom cooee import App\napp = App()\n@app.on('DIE')\ndef die(chat):\n    os._exit(1)\n@app.otherwise\ndef any(chat):\n    return 'alive'\n"
    page = visit(open_phone(code=code).url)
    people.ready(page)
    people.text(page, "DIE")
    people.text(page, "hello", phone=2)
    people.expect(people.last(page, 2)).to_contain_text("alive", timeout=60_000)


def test_with_the_provider_down_a_reply_waits_and_arrives_once_when_it_is_back(
    open_phone, visit, people
):
    page = visit(open_phone().url)
    people.ready(page)
    switch = page.get_by_role("switch", name="Provider down")
    switch.click()
    people.expect(switch).to_have_attribute("aria-checked", "true")
    people.text(page, "START")
    people.expect(people.last(page)).to_have_attribute("data-status", "queued")
    people.expect(people.last(page)).to_contain_text("Attempt")
    people.expect(page.locator(".story .code.wrong").first).to_have_text("503")
    switch.click()
    page.get_by_role("button", name="Advance the clock by 1 hour").click()
    people.expect(people.last(page)).to_have_attribute("data-status", "delivered")
    people.expect(people.log(page).locator(".text")).to_have_count(2)


def test_a_reply_whose_answer_is_lost_is_settled_and_comes_once(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    page.get_by_role("switch", name="Lose the answer").click()
    people.hold(page, "START", "running")
    people.expect(people.last(page)).to_have_attribute("data-status", "delivered")
    page.get_by_role("button", name="Advance the clock by 1 day").click()
    people.hold(page, "TIME", "1 day")
    people.expect(people.log(page).locator(".text")).to_have_count(4)


def test_a_text_delivered_twice_is_answered_once(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    page.get_by_role("switch", name="Deliver twice").click()
    people.hold(page, "START", "running")
    people.expect(page.locator(".story").first).to_contain_text(
        "It came 2 times, and was answered once."
    )
    people.expect(people.log(page).locator(".text")).to_have_count(2)


def test_over_a_slow_network_a_text_is_queued_then_sent_then_delivered(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    page.get_by_role("switch", name="Slow network").click()
    people.text(page, "START")
    mine = people.log(page).locator(".text.mine")
    people.expect(mine).to_have_attribute("data-status", "queued")
    people.expect(mine).to_have_attribute("data-status", "delivered")
    people.expect(people.last(page)).to_contain_text("on its way")
    people.expect(people.last(page)).to_have_attribute("data-status", "delivered")


def test_telstra_is_spoken_to_over_http_and_its_secrets_are_covered(open_phone, visit, people):
    page = visit(open_phone("--provider", "telstra-v2").url)
    people.ready(page)
    people.hold(page, "START", "The timer is running!")
    calls = page.locator(".story").first.locator(".call")
    people.expect(calls.nth(1)).to_contain_text("POST /telstra/v2/messages/sms")
    people.expect(calls.nth(0)).to_contain_text("GET /telstra/v2/messages/sms")
    calls.nth(1).locator("summary").click()
    people.expect(calls.nth(1).locator(".wire")).to_contain_text("authorization: Bearer ••••••")
    page.get_by_text("Other calls to the provider").click()
    token = page.locator("#traffic .call").filter(has_text="/oauth/token")
    token.locator("summary").click()
    people.expect(token.locator(".wire")).to_contain_text("client_secret=••••••")
    people.expect(token.locator(".wire")).to_contain_text('"access_token": "••••••"')
    people.expect(page.get_by_role("switch", name="Deliver twice")).to_be_disabled()


def test_everything_can_be_done_with_the_keyboard_alone(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    people.expect(page.get_by_label("Text message from phone 1")).to_be_focused()
    page.keyboard.type("START")
    page.keyboard.press("Enter")
    people.expect(people.last(page)).to_contain_text("running")
    people.expect(page.get_by_label("Text message from phone 1")).to_have_value("")
    page.keyboard.press("Shift+Tab")
    people.expect(people.log(page)).to_be_focused()
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
            )
        )
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (
            ring != "none"
            or seen[-1] == ""
            or page.evaluate("document.activeElement === document.body")
        ), seen
        if seen[-1] == "Provider down":
            page.keyboard.press("Space")
            break
    order = [
        seen.index(what)
        for what in (
            "Send from phone 1",
            "Text message from phone 2",
            "Add a phone",
            "Provider down",
        )
    ]
    assert order == sorted(order)
    people.expect(page.get_by_role("switch", name="Provider down")).to_have_attribute(
        "aria-checked", "true"
    )


def test_a_screen_reader_is_told_of_texts_and_of_trouble(open_phone, visit, people):
    phone = open_phone()
    page = visit(phone.url)
    people.ready(page)
    log = page.get_by_role("log", name="Conversation on phone 1")
    people.hold(page, "START", "running")
    people.expect(log).to_contain_text("The app: The timer is running!")
    people.expect(log).to_contain_text("delivered")
    page.get_by_role("button", name="Advance the clock by 1 hour").click()
    people.expect(page.get_by_role("status")).to_have_text("The clock is 1 hour further.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_screen_of_360_pixels_nothing_is_cut_off(open_phone, visit, people, scheme):
    phone = open_phone()
    page = visit(phone.url, width=360, height=740, color_scheme=scheme)
    people.ready(page)
    people.hold(page, "START", "running")
    people.hold(page, "a-very-long-word" * 20, "only understand")
    phone.change("app = App(state=Stopwatch)", "app = App(state=Stopwach" + "_long" * 40 + ")")
    people.expect(page.locator("#trouble")).to_contain_text("NameError")
    page.locator(".story .call summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cut = page.evaluate(
        """[...document.querySelectorAll('.words, button, td, dd, .reply q')].filter(
             (node) => node.offsetWidth && node.getBoundingClientRect().right > 360).length"""
    )
    assert cut == 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, ground[4:-1].split(", "))) > 380
    assert light == (scheme == "light")


def test_who_asks_for_no_motion_gets_none_and_others_little(open_phone, visit, people):
    url = open_phone().url
    times = "[...document.querySelectorAll('*')].map((one) => parseFloat(getComputedStyle(one).transitionDuration))"
    page = visit(url)
    people.ready(page)
    assert 0 < max(page.evaluate(times)) <= 0.15
    page = visit(url, reduced_motion="reduce")
    people.ready(page)
    assert max(page.evaluate(times)) == 0


def test_what_was_said_is_there_after_a_restart_and_time_does_not_go_back(
    open_phone, visit, people
):
    first = open_phone()
    page = visit(first.url)
    people.ready(page)
    people.hold(page, "START", "running")
    page.get_by_role("button", name="Advance the clock by 1 hour").click()
    people.hold(page, "TIME", "1 hour")
    page.close()
    assert first.end() == 0
    page = visit(open_phone().url)
    people.ready(page)
    people.expect(people.log(page).locator(".text")).to_have_count(4)
    people.hold(page, "TIME", "1 hour")


def test_the_page_comes_back_by_itself_when_the_phone_is_started_again(open_phone, visit, people):
    first = open_phone()
    page = visit(first.url)
    people.ready(page)
    people.hold(page, "START", "running")
    assert first.end() == 0
    people.expect(page.locator("#mood")).to_contain_text("is cooee phone still running?")
    second = open_phone(port=first.url.rsplit(":", 1)[1].strip("/"))
    assert second.url == first.url
    people.ready(page)
    people.hold(page, "TIME", "still running")
    visit.wrong[:] = [words for words in visit.wrong if "ERR_" not in words]  # it was away


def test_texts_that_are_answered_in_one_go_have_each_their_own_story(open_phone, visit, people):
    code = (
        "import time\nfrom cooee import App\napp = App()\n@app.otherwise\n"
        "def slow(chat):\n    time.sleep(0.3)\n    return chat.text * 2\n"
    )
    page = visit(open_phone(code=code).url)
    people.ready(page)
    for n in range(5):
        people.text(page, f"{n}")
    people.expect(people.log(page).locator(".text")).to_have_count(10)
    people.expect(page.locator(".story .total", has_text="s")).to_have_count(5)
    for n in range(5):
        story = page.locator(".story", has=page.locator(".said", has_text=f"{n}"))
        people.expect(story.locator(".took")).to_contain_text("Sent")
        people.expect(story.locator(".reply q")).to_have_text(f"{n}{n}")


def test_what_people_write_is_only_ever_text(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    people.text(page, "<img src=x onerror=document.title='!'><b>bold</b>")
    people.expect(people.last(page)).to_contain_text("only understand")
    people.expect(people.log(page).locator(".words").first).to_have_text(
        "<img src=x onerror=document.title='!'><b>bold</b>"
    )
    assert page.locator(".log img, .log b, .story img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_phone, visit, people, scheme):
    source = os.environ.get("AXE_CORE", "")
    if not source:
        pytest.skip("AXE_CORE names no axe.min.js: npm pack axe-core")
    phone = open_phone()
    page = visit(phone.url, color_scheme=scheme, bypass_csp=True)
    people.ready(page)
    people.hold(page, "START", "running")
    page.get_by_role("switch", name="Slow network").click()
    phone.change("app = App(state=Stopwatch)", "app = App(state=Stopwach)")
    people.expect(page.locator("#trouble")).to_contain_text("NameError")
    page.locator(".story .call summary").first.click()
    page.evaluate(Path(source).read_text())
    found = page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then((all) => all.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))"
    )
    assert found == []


def test_it_is_ready_with_four_files_and_the_first_text_takes_one_request(
    open_phone, visit, people, capsys
):
    visit("data:text/html,warm")  # the browser's own start is not ours
    visit.wrong.clear()
    phone = open_phone()
    page = visit(phone.url)
    page.wait_for_selector("#mood[data-mood=playing]")
    ready = time.monotonic() - phone.began
    first = page.evaluate(
        """() => new Promise((resolve) => {
             const log = document.querySelector('.log');
             const began = performance.now();
             new MutationObserver(() => log.querySelector('.text:not(.mine)') && resolve(performance.now() - began))
               .observe(log, { childList: true, subtree: true });
             document.querySelector('input[data-phone="1"]').value = 'START';
             document.querySelector('.compose').requestSubmit();
           })"""
    )
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
    )
    with capsys.disabled():  # how long it took depends on what else the machine does
        print(
            f"\nready after {ready:.2f} s; the first text answered, on the screen, after {first:.0f} ms"
        )
    assert set(asked) <= {"/style.css", "/script.js", "/icon.svg", "/events", "/texts"}
    assert asked.count("/texts") == 1
