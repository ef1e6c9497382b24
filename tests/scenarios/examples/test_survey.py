"""The survey, texted by people."""

from __future__ import annotations

import pytest


async def test_five_questions_and_thanks(told):
    await told("""
        > hi
        < Text SURVEY to tell us how it was.
        > Survey.
        < Thanks for coming by! Five quick questions; your answers go to us alone.
        < 1/5 What did you have?\\n1. Coffee\\n2. Lunch\\n3. Cake
        > 1
        < 2/5 How was it, from 1 to 5?
        > 5
        < 3/5 Did you wait long?
        > nah
        < 4/5 How often do you come by?\\n1. Every day\\n2. Every week\\n3. Now and then\\n4. First time
        > first
        < 5/5 Anything else?
        > Great cups. 😀
        < Thank you! That helps us a lot.
        > SURVEY
        < You have told us already. Thank you!
    """)


async def test_wrong_answers_and_typos(told):
    await told("""
        > SURVEY
        < Thanks for coming by!*
        < 1/5 *
        > cofee
        < 2/5 *
        > six
        < A number from 1 to 5, please.
        > 11
        < A number from 1 to 5, please.
        > where
        < 2/5 How was it, from 1 to 5?
        > 3
        < 3/5 Did you wait long?
        > hard to say
        < Please answer yes or no. 3/5 Did you wait long?
        > YES!
        < 4/5 *
        > every
        < Sorry, I did not understand that. 4/5 *
        > every week
        < 5/5 *
        > No
        < Thank you. We will do better.
    """)


async def test_a_day_later_it_asks_once_more(told):
    await told("""
        > SURVEY
        < Thanks for coming by!*
        < 1/5 *
        > cake
        < 2/5 How was it, from 1 to 5?
        ... 1 day
        < 2/5 How was it, from 1 to 5?
        ... 3 weeks
        > 4
        < 3/5 Did you wait long?
    """)


async def test_the_last_question_may_stay_unanswered(told):
    await told("""
        > SURVEY
        < Thanks for coming by!*
        < 1/5 *
        > cake
        < 2/5 *
        > 4
        < 3/5 *
        > no
        < 4/5 *
        > 1
        < 5/5 *
        ... 12 hours
        < Thank you! That helps us a lot.
        > where
        < Nowhere: text SURVEY to begin.
    """)


@pytest.mark.parametrize("words", ["STOP", "Unsubscribe"])
async def test_stop_in_the_middle_is_heard_and_nobody_is_reminded(phone, words):
    await phone.follow(f"""
        > SURVEY
        < Thanks for coming by!*
        < 1/5 *
        > cake
        < 2/5 *
        > {words}
        ... 4 weeks
        > 5
    """)


async def test_two_at_once_keep_their_answers_apart(kit):
    glad, sad = kit.phone(), kit.phone()
    for words in [("SURVEY",) * 2, ("1", "2"), ("5", "1"), ("no", "yes"), ("1", "4"), ("-", "-")]:
        for phone, each in zip((glad, sad), words, strict=True):
            kit.send(phone, each)
        await kit.quiet()
    assert glad.inbox[-1] == "Thank you! That helps us a lot."
    assert sad.inbox[-1] == "Thank you. We will do better."
