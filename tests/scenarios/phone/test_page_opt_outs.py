"""Words that the provider takes, and people who opted out, on the phone's page."""

import pytest

pytestmark = pytest.mark.slow


def test_a_word_that_the_provider_takes_is_named_and_its_text_says_what_it_did(
    open_phone, visit, people
):
    phone = open_phone("--provider", "twilio")
    page = visit(phone.url, width=360)
    people.ready(page)
    remarks = page.get_by_role("list", name="Remarks on the app").locator("li")
    taken = remarks.filter(has_text="twilio itself acts on STOP")
    people.expect(taken).to_contain_text("app.py:")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    people.hold(page, "START", "running")
    people.hold(page, "STOP", "successfully been unsubscribed")
    mine = people.log(page).locator(".text.mine")
    people.expect(mine.last.locator(".note")).to_contain_text("twilio takes this word")
    people.expect(page.locator(".story").first).to_contain_text("no handler sees it")
    people.text(page, "TIME")
    people.expect(people.last(page)).to_have_attribute("data-status", "cancelled")
    people.expect(people.last(page)).to_contain_text("not sent")
    people.expect(people.last(page).locator(".note")).to_have_text("This person has opted out.")
    people.hold(page, "START", "restarted")
    people.expect(mine.last.locator(".note")).to_contain_text("lifts the opt-out")
    people.hold(page, "TIME", "still running")
    people.expect(people.log(page).locator("[data-status=cancelled].text")).to_have_count(1)
    order = people.log(page).locator(".words").all_inner_texts()
    assert "The timer stands" in order[5]
    phone.change('@app.on("STOP", "HALT")', '@app.on("HALT")')
    people.expect(taken).to_have_count(0)
