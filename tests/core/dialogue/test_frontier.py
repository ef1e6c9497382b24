"""The state while an edit moved the frontier: nothing is rolled back, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialogue_driver import HOUR, Talk

from cooee.core.app.state_codec import StateCodec
from cooee.core.errors import Ended


def scoring(*steps):
    """A dialogue of questions and changes: "A?" asks and adds the answer, 5 adds 5, a sleep sleeps."""

    async def handler(chat):
        for step in steps:
            if isinstance(step, int):
                chat.state.n += step
            elif isinstance(step, timedelta):
                await chat.sleep(step)
            elif step[0] == "=":
                chat.state.mail = step[1:]
            else:
                answer = await chat.ask(step, int)
                chat.state.n += answer
        raise Ended

    return handler


def saved_after(before, texts, after, *, answers, wait=timedelta()):
    talk = Talk(scoring(*before))
    talk.start()
    for text in texts:
        talk.text(text)
    talk.edit(scoring(*after))
    return [_saved(talk, talk.wait(wait))] + [_saved(talk, talk.text(each)) for each in answers]


def _saved(talk, _):
    return talk.saved.n


GONE = {
    "reworded": (("A?", 1, "B?", "C?", "D?"), ("A?", 1, "B2?", "C?", "D?"), ["7", "30", "5"]),
    "reworded, as its change before it is": (
        ("A?", 1, "B?", "C?"),
        ("A?", 3, "B2?", "C?", "D?"),
        ["7", "30"],
    ),
    "reworded, with less before it": (("A?", 9, "B?"), ("A?", 1, "B2?", "C?"), ["30", "5"]),
    "removed": (("A?", 1, "B?", "C?"), ("A?", 1, "C?", "D?", "E?"), ["30", "5"]),
    "removed, with what is behind it": (
        ("A?", 1, "B?", 5, "C?"),
        ("A?", 1, 5, "C?", "D?"),
        ["30"],
    ),
    "another sleep": (("A?", 1, HOUR, "C?"), ("A?", 1, 2 * HOUR, "C?", "D?"), ["30"]),
}


@pytest.mark.parametrize("case", GONE)
def test_a_frontier_that_is_gone_does_not_keep_the_answers_from_the_state(case):
    before, after, answers = GONE[case]
    wait = 3 * HOUR if case == "another sleep" else timedelta()
    talk = Talk(scoring(*before))
    talk.start()
    talk.text("10")
    talk.edit(scoring(*after))
    talk.wait(timedelta())
    if wait:
        talk.wait(wait)
    for answer in answers:
        talk.text(answer)
    given = sum(map(int, answers)) + 10
    changes = [step for step in _reached(after, len(answers) + 1) if isinstance(step, int)]
    assert talk.saved.n == given + sum(changes)


def _reached(steps, answered):
    """The steps before the first question without an answer."""
    reached = []
    for step in steps:
        if isinstance(step, str) and (answered := answered - 1) < 0:
            return reached
        reached.append(step)
    return reached


INSERTED = {
    "one": (("A?", 1, "B?"), ("A?", "X?", 1, "B?"), ["0", "4"], [11, 11, 15]),
    "two": (("A?", 1, "B?"), ("A?", "X?", "Y?", 1, "B?"), ["0", "0", "4"], [11, 11, 11, 15]),
    "in front of all": (("A?", 1, "B?"), ("X?", "A?", 1, "B?"), ["0", "4"], [11, 11, 15]),
    "between two changes": (
        ("A?", 1, 1, "B?"),
        ("A?", "X?", 1, "Y?", 1, "B?"),
        ["0", "0", "4"],
        [12, 12, 12, 16],
    ),
    "with an answer that counts": (
        ("A?", 5, "B?"),
        ("A?", "X?", "Y?", 5, "B?"),
        ["20", "3", "4"],
        [15, 30, 38, 42],
    ),
}


@pytest.mark.parametrize("case", INSERTED)
def test_an_inserted_question_rolls_nothing_back(case):
    before, after, answers, expected = INSERTED[case]
    assert saved_after(before, ["10"], after, answers=answers) == expected


def test_what_today_s_code_has_not_said_yet_is_not_taken_back():
    talk = Talk(scoring("A?", "=one", "B?", "=two", "C?"))
    talk.start()
    talk.text("1")
    talk.text("2")
    talk.edit(scoring("A?", "=one", "B?", "X?", "=two", "C?", "D?"))
    talk.wait(timedelta())
    assert talk.saved.mail == "two"
    talk.text("0")
    assert talk.saved.mail == "two"


def test_what_an_answer_sets_is_saved_though_the_frontier_is_gone():
    talk = Talk(scoring("A?", "=one", "B?"))
    talk.start()
    talk.text("1")
    talk.edit(scoring("A?", "=uno", "B2?", "=two", "C?"))
    talk.wait(timedelta())
    talk.text("2")
    assert talk.saved.mail == "two"


def test_others_change_the_state_while_an_inserted_question_waits():
    talk = Talk(scoring("A?", 1, "B?"))
    talk.start()
    talk.text("10")
    talk.edit(scoring("A?", "X?", "Y?", 1, "B?"))
    talk.wait(timedelta())
    for answer, expected in (("0", 111), ("0", 211), ("4", 315)):
        talk.other(lambda state: setattr(state, "n", state.n + 100))
        talk.text(answer)
        assert talk.saved.n == expected


def test_going_back_rolls_the_state_back_to_the_answer():
    talk = Talk(scoring("A?", 1, "B?", "C?"))
    talk.start()
    talk.text("10")
    talk.text("5")
    talk.edit(scoring("A?", 1, "B?", "C2?"))
    talk.wait(timedelta())
    talk.back()
    assert talk.saved.n == 11


steps = st.lists(
    st.one_of(st.integers(1, 9), st.sampled_from(["A?", "B?", "C?", "D?"])), unique=True, max_size=7
)


@given(steps, steps, st.lists(st.integers(0, 9), max_size=4))
def test_the_state_never_shrinks_and_is_never_behind_today_s_code(before, after, answers):
    """For counts that only grow: at least what was saved, and what today's code makes."""
    talk = Talk(scoring(*before, "Last?", "More?"))
    talk.start()
    for answer in answers:
        if not talk.ended:
            talk.text(str(answer))
    talk.edit(scoring(*after, "End?"))
    for answer in ("", "3", "4", "5"):
        stored = talk.saved.n
        if talk.ended:
            return
        talk.text(answer) if answer else talk.wait(timedelta())
        if not talk.ended and talk.journal.replayed_state is not None:
            assert talk.saved.n >= stored


# The order of what several handlers write


@dataclass
class Notes:
    lines: list[str] = field(default_factory=list)
    last: str = ""


NOTES = StateCodec(Notes)


def noting(*questions):
    async def handler(chat):
        for question in questions:
            answer = await chat.ask(question)
            chat.state.lines.append(answer)
            chat.state.last = answer
        raise Ended

    return handler


def note(line):
    def change(state):
        state.lines.append(line)
        state.last = line

    return change


EDITS = {
    "none": ("A?", "B?", "C?", "D?"),
    "one in front": ("X?", "A?", "B?", "C?", "D?"),
    "one in the middle": ("A?", "X?", "B?", "C?", "D?"),
    "one before the open one": ("A?", "B?", "X?", "C?", "D?"),
    "two, apart": ("X?", "A?", "Y?", "B?", "C?", "D?"),
    "two": ("X?", "Y?", "A?", "B?", "C?", "D?"),
    "the open one reworded": ("A?", "B?", "C2?", "D?"),
    "the open one removed": ("A?", "B?", "D?", "E?"),
    "an answered one removed": ("B?", "C?", "D?"),
    "the last answered one removed": ("A?", "C?", "D?"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_others_add_comes_where_it_was_added(edit):
    talk = Talk(noting(*EDITS["none"]), codec=NOTES)
    talk.start()
    talk.text("a")
    talk.other(note("first"))
    talk.text("b")
    talk.other(note("second"))
    before = talk.saved.lines
    assert before == ["a", "first", "b", "second"]
    talk.edit(noting(*EDITS[edit]))
    talk.wait(timedelta())
    asked = 0
    while talk.journal.waiting.key[2] in {"X?", "Y?"}:
        assert talk.saved.last == ("second", "other 0")[asked]
        talk.other(note(f"other {asked}"))
        asked += 1
        talk.text(f"x{asked}")
    others = ["first", "second", *(f"other {n}" for n in range(asked))]
    talk.text("c")
    known = [line for line in talk.saved.lines if line[0] != "x"]
    removed = {"an answered one removed": "a", "the last answered one removed": "b"}.get(edit)
    kept = [each for each in before if each != removed]
    assert known == [*kept, *others[2:], "c"]
    assert talk.saved.last == "c"
    talk.other(note("third"))
    talk.text("d")
    assert talk.saved.lines[-3:] == ["c", "third", "d"]
    assert sorted(talk.saved.lines) == sorted(
        [*kept, *others[2:], *(f"x{n + 1}" for n in range(asked)), "c", "third", "d"]
    )


def test_two_deploys_in_a_row_roll_nothing_back():
    talk = Talk(scoring("A?", 1, 5, "B?"))
    talk.start()
    talk.text("10")
    talk.edit(scoring("A?", 1, "X?", 5, "B?"))
    talk.wait(timedelta())
    assert talk.saved.n == 16
    talk.edit(scoring("A?", "Y?", 1, "X?", 5, "B?"))
    talk.wait(timedelta())
    assert talk.saved.n == 16
    for answer in ("0", "0", "4"):
        talk.text(answer)
    assert talk.saved.n == 20
