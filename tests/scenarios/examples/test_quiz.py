"""The quiz, texted by people: rounds, scores, second thoughts."""

from __future__ import annotations

import pytest


async def play(kit, phone, answers, *, restless=False):
    """Answer one question after another, wherever they lead; what was asked."""
    asked = []
    while phone.inbox[-1] in answers:
        asked.append(phone.inbox[-1])
        await phone.text(answers[asked[-1]])
        if restless:
            await kit.restart()
    return asked


@pytest.mark.parametrize("restless", [False, True])
async def test_who_knows_everything_has_every_point_whatever_restarts(
    kit, phone, example, restless
):
    await phone.text("quiz")
    asked = await play(kit, phone, example.ANSWERS, restless=restless)
    assert sorted(asked) == sorted(example.ANSWERS)
    assert phone.inbox[-1] == "4 of 4. Another round?"
    assert phone.inbox.count("Right!") == 4
    assert await phone.text("no") == ["Thanks for playing! Your best is 4."]
    assert await phone.text("no") == ["Text QUIZ to play."]


async def test_there_is_a_second_thought_and_no_third(phone, example):
    [question] = await phone.text("QUIZ")
    answer = example.ANSWERS[question]
    assert await phone.text("Perth?") == ["Not quite. One more try?"]
    [verdict, question] = await phone.text("A swan")
    assert verdict == f"No, it is {answer}."
    assert await phone.text("Perth?") == ["Not quite. One more try?"]
    verdict, _ = await phone.text(f"I see: a {example.ANSWERS[question].upper()}!")
    assert verdict == "Right!"
    assert await phone.text("score") == ["You have 1. Your best is 0."]


async def test_another_round_begins_at_zero_in_another_order_and_keeps_the_best(
    kit, phone, example
):
    await phone.text("QUIZ")
    first = await play(kit, phone, example.ANSWERS)
    rounds = [first]
    for _ in range(3):
        await phone.text("yes")
        assert await phone.text("SCORE") == ["You have 0. Your best is 4."]
        await kit.restart()
        await phone.text("wrong")
        phone.read()
        rounds.append(await asked_from_here(kit, phone, example.ANSWERS))
    assert len({tuple(each[1:]) for each in rounds}) > 1
    assert await phone.text("nope") == ["Thanks for playing! Your best is 4."]


async def asked_from_here(kit, phone, answers):
    """The round whose first question has had one wrong answer."""
    last = next(text for text in reversed(phone.inbox) if text in answers)
    await phone.text(answers[last])
    return [last, *await play(kit, phone, answers)]


async def test_the_score_is_told_in_the_middle_and_the_question_stays(kit, phone, example):
    [question] = await phone.text("QUIZ")
    assert await phone.text("SCORE") == ["You have 0. Your best is 0."]
    await kit.restart()
    assert (await phone.text(example.ANSWERS[question]))[0] == "Right!"
    assert await phone.text("SCORE") == ["You have 1. Your best is 0."]


async def test_who_has_enough_may_go_and_come_back_next_week(phone):
    assert await phone.text("enough") == ["Text QUIZ to play."]
    await phone.text("QUIZ")
    await phone.follow("""
        > enough
        < Till next time!
        ... 1 week
        > lake
        < Text QUIZ to play.
        > QUIZ
        < *
    """)


async def test_stop_in_the_middle_is_heard_and_the_question_stays(phone, example):
    [question] = await phone.text("QUIZ")
    assert await phone.text("STOP") == []
    assert await phone.text("SCORE") == []
    await phone.text("START")
    assert (await phone.text(example.ANSWERS[question]))[0] == "Right!"


async def test_two_play_at_once_each_in_an_order_of_their_own(kit, example):
    phones = [kit.phone() for _ in range(6)]
    for phone in phones:
        kit.send(phone, "QUIZ")
    await kit.quiet()
    while any(phone.inbox[-1] in example.ANSWERS for phone in phones):
        for phone in phones:
            kit.send(phone, example.ANSWERS[phone.inbox[-1]])
        await kit.quiet()
    asked = {tuple(text for text in phone.inbox if text in example.ANSWERS) for phone in phones}
    assert len(asked) > 1
    assert {phone.inbox[-1] for phone in phones} == {"4 of 4. Another round?"}
