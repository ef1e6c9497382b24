"""Several pages of one phone, pages that were left, and a phone that is not there."""

import pytest

pytestmark = pytest.mark.slow

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_two_pages_show_the_same_and_eight_do_not_use_up_the_connections(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    pages = [page]
    for _ in range(7):  # a browser has six connections to a server
        pages[-1].evaluate(HIDE, True)
        pages.append(page.context.new_page())
        pages[-1].goto(page.url)
        people.ready(pages[-1])
    people.hold(pages[-1], "START", "running")
    pages[0].evaluate(HIDE, False)
    people.expect(people.last(pages[0])).to_contain_text("running")
    people.hold(pages[0], "TIME", "still running")
    people.expect(people.last(pages[-1])).to_contain_text("still running")


def test_a_page_that_was_left_is_there_again_on_the_way_back(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    people.hold(page, "START", "running")
    page.goto("about:blank")
    visit.wrong.clear()
    page.go_back()
    people.ready(page)
    people.expect(people.log(page).locator(".text")).to_have_count(2)
    people.hold(page, "TIME", "still running")


def test_what_was_typed_is_lost_neither_offline_nor_over_a_new_start(open_phone, visit, people):
    first = open_phone()
    page = visit(first.url)
    people.ready(page)
    people.hold(page, "START", "running")
    problem, box = page.get_by_role("alert"), page.get_by_label("Text message from phone 1")
    page.context.set_offline(True)
    people.text(page, "TIME")
    people.expect(problem).to_contain_text("did not reach the app")
    people.expect(box).to_have_value("TIME")
    page.context.set_offline(False)
    box.press("Enter")
    people.expect(people.last(page)).to_contain_text("still running")
    people.expect(problem).to_be_hidden()
    people.expect(people.log(page).locator(".text")).to_have_count(4)

    page.get_by_label("Text message from phone 2").fill("half a sent")
    assert first.end() == 0
    people.expect(page.locator("#mood")).to_contain_text("is cooee phone still running?")
    open_phone(port=first.url.rsplit(":", 1)[1].strip("/"))
    people.ready(page)
    people.expect(page.get_by_label("Text message from phone 2")).to_have_value("half a sent")
    people.expect(people.log(page).locator(".text")).to_have_count(4)
    visit.wrong[:] = [words for words in visit.wrong if "ERR_" not in words]  # it was away


def test_who_reads_above_or_in_an_older_story_stays_there(open_phone, visit, people):
    page = visit(open_phone().url)
    people.ready(page)
    for n in range(6):
        people.text(page, f"hello {n}")
    people.expect(people.log(page).locator(".text")).to_have_count(12)
    log = people.log(page)
    people.expect(people.last(page)).to_be_in_viewport()
    log.evaluate("(log) => { log.scrollTop = 0; }")
    page.request.post(
        f"{page.url}texts", data={"phone": 1, "text": "more"}, headers={"origin": page.url[:-1]}
    )
    people.expect(log.locator(".text")).to_have_count(14)
    assert log.evaluate("(log) => log.scrollTop") == 0
    people.hold(page, "and more", "only understand")
    assert log.evaluate("(log) => log.scrollHeight - log.scrollTop - log.clientHeight") < 40

    first = page.locator(".story", has=page.locator(".said", has_text="hello 0"))
    first.locator("summary").first.click()
    page.get_by_label("Text message from phone 2").focus()
    people.hold(page, "START", "running", phone=2)
    people.expect(page.locator(".story[open] > summary .said")).to_have_text(["START", "hello 0"])
