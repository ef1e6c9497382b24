"""The reminder, which writes first: the day before, and then on the day."""

from __future__ import annotations

import pytest

from cooee.testing import Kit

ANNA, BEN = "+61491570156", "+61491570157"  # the kit's first phones

THE_DAY_BEFORE = """
    # it is 11 am in Sydney
    ... 2 days 23 hours
    < You see Dr Lee on Monday at 3:30pm. Will you come? YES or NO
"""


@pytest.fixture(autouse=True)
def appointments(monkeypatch):
    monkeypatch.setenv("APPOINTMENTS", f"{ANNA}@2026-01-05T15:30")


async def test_it_asks_the_day_before_and_reminds_on_the_day(told):
    await told(f"""
        {THE_DAY_BEFORE}
        > yes
        < See you then! When shall we remind you?\\n1. 1 hour before\\n2. 2 hours before\\n3. Not at all
        > 2
        < We will, 2 hours before.
        ... 1 day
        ... 3 hours 29 minutes
        ... 1 minute
        < Dr Lee sees you at 3:30pm.
        ... 4 weeks
        > thanks
        < This is Dr Lee's surgery. Please call 03 5550 0000.
    """)


async def test_it_chases_who_does_not_answer_and_then_keeps_the_time(told):
    await told(f"""
        {THE_DAY_BEFORE}
        ... 3 hours 59 minutes
        ... 1 minute
        < You see Dr Lee on Monday at 3:30pm. Will you come? YES or NO
        ... 4 hours
        < Last call: will you come on Monday at 3:30pm?
        ... 2 hours
        < We keep your time. If you cannot come, please call 03 5550 0000.
        ... 4 weeks
    """)


async def test_an_answer_to_the_chase_is_an_answer(told):
    await told(f"""
        {THE_DAY_BEFORE}
        ... 4 hours
        < You see Dr Lee on Monday at 3:30pm. Will you come? YES or NO
        > can't say yet
        < Please answer yes or no. You see Dr Lee on Monday at 3:30pm. Will you come? YES or NO
        > nope
        < Thanks for telling us. Call 03 5550 0000 for another time.
        ... 4 weeks
    """)


async def test_an_hour_before_is_what_who_does_not_say_gets(told):
    await told(f"""
        {THE_DAY_BEFORE}
        > yep
        < See you then!*
        ... 2 hours
        < We will, 1 hour before.
        ... 1 day
        ... 2 hours 30 minutes
        < Dr Lee sees you at 3:30pm.
    """)


async def test_nobody_is_reminded_who_does_not_want_it(told):
    await told(f"""
        {THE_DAY_BEFORE}
        > yes
        < See you then!*
        > not
        < Until then.
        ... 4 weeks
    """)


async def test_stop_in_the_middle_is_heard(phone):
    await phone.follow(f"""
        {THE_DAY_BEFORE}
        > STOP
        ... 4 weeks
    """)


async def test_each_appointment_is_begun_once_and_a_second_one_beside_the_first(kit, monkeypatch):
    anna, ben = kit.phone(), kit.phone()
    more = f"{ANNA}@2026-01-05T15:30 {ANNA}@2026-02-05T09:00 {BEN}@2026-01-05T16:00"
    monkeypatch.setenv("APPOINTMENTS", more)
    await kit.restart()
    await kit.restart()
    await kit.wait(3 * 86_400 - 3_600)
    assert anna.read() == ["You see Dr Lee on Monday at 3:30pm. Will you come? YES or NO"]
    assert ben.read() == ["You see Dr Lee on Monday at 4:00pm. Will you come? YES or NO"]
    kit.send(anna, "no")
    kit.send(ben, "yes")
    await kit.quiet()
    assert anna.read() == ["Thanks for telling us. Call 03 5550 0000 for another time."]
    assert ben.read()[0].startswith("See you then!")
    await kit.wait(31 * 86_400)
    assert anna.read() == ["You see Dr Lee on Thursday at 9:00am. Will you come? YES or NO"]


async def test_after_an_outage_the_last_chase_goes_out_alone(kit, phone):
    await phone.follow(THE_DAY_BEFORE)
    await kit.stop()
    await kit.wait(9 * 3_600)
    await kit.start()
    assert phone.read() == ["Last call: will you come on Monday at 3:30pm?"]


async def test_who_opted_out_before_is_not_asked_and_the_others_are(kit, monkeypatch):
    anna, ben = kit.phone(), kit.phone()
    await ben.text("STOP")
    monkeypatch.setenv("APPOINTMENTS", f"{BEN}@2026-01-05T16:00 {ANNA}@2026-01-06T16:00")
    await kit.restart()
    await kit.wait(8 * 86_400)
    assert ben.inbox == []
    assert "You see Dr Lee on Tuesday at 4:00pm. Will you come? YES or NO" in anna.inbox


@pytest.mark.parametrize(
    ("when", "asked"),
    [("2026-01-01T10:30", False), ("2025-12-24T15:30", False), ("2026-01-01T17:00", True)],
)
async def test_who_is_told_of_too_late_is_asked_at_once_and_never_afterwards(
    app, monkeypatch, when, asked
):
    monkeypatch.setenv("APPOINTMENTS", f"{ANNA}@{when}")
    async with Kit(app) as kit:  # it is 11 am in Sydney
        assert bool(kit.phone().read()) == asked


async def test_after_too_long_an_outage_nobody_is_asked_about_the_past(kit, phone):
    await kit.stop()
    await kit.wait(6 * 86_400)
    await kit.start()
    assert phone.read() == []
    assert await phone.text("hi") == ["This is Dr Lee's surgery. Please call 03 5550 0000."]
