"""Questions in other words: `was=`, once or several times, kept or dropped."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dialogue_driver import Talk

from cooee.core.errors import AmbiguousQuestion, DialogueError

A, B, C = "Name?", "Your name?", "What's your name?"


def form(words, **how):
    """A dialogue that asks for a name in these words, and then for much more."""

    async def handler(chat):
        name = await chat.ask(words, **how)
        for n in range(9):
            await chat.ask(f"{n}, {name}?")
        return name

    return handler


def answered(*versions, turns=()):
    """Answer by the first version, have a turn in those of `turns`, and one in the last."""
    talk = Talk(form(*versions[0:1]))
    talk.start()
    talk.text("Anna")
    for number, (words, how) in enumerate(versions[1:], 1):
        talk.edit(form(words, **how))
        if number in turns or number == len(versions) - 1:
            texts = talk.text("ok")
    return texts


GOES_ON = {
    "one": [(B, {"was": A})],
    "a tuple": [(B, {"was": (A,)})],
    "a list": [(B, {"was": [A, "Who?"]})],
    "twice, naming both": [(B, {"was": A}), (C, {"was": (B, A)})],
    "twice, naming both, the oldest first": [(B, {"was": A}), (C, {"was": [A, B]})],
    "back to the first": [(B, {"was": A}), (A, {"was": B})],
    "to a key": [("Who are you?", {"key": "name", "was": A})],
}
WITH_A_TURN = {
    "twice, naming the last": [(B, {"was": A}), (C, {"was": B})],
    "dropped after a turn": [(B, {"was": A}), (B, {})],
    "dropped, then named": [(B, {"was": A}), (B, {}), (C, {"was": B})],
}


@pytest.mark.parametrize("edits", GOES_ON.values(), ids=GOES_ON)
def test_an_answer_counts_for_the_question_in_other_words(edits):
    assert answered(A, *edits) in (["0, Anna?"], ["1, Anna?"])


@pytest.mark.parametrize("edits", WITH_A_TURN.values(), ids=WITH_A_TURN)
def test_what_a_turn_has_met_need_not_be_named_again(edits):
    *_, (last, _) = edits
    assert answered(A, *edits) == [last], "Without a turn in between, nobody knows."
    texts = answered(A, *edits, turns=(1, 2))
    assert texts[0].endswith(", Anna?")


def test_a_question_that_is_reworded_while_it_waits_takes_the_answer():
    talk = Talk(form(A))
    talk.start()
    talk.edit(form(B, was=A))
    assert talk.text("Anna") == ["0, Anna?"]
    talk.edit(form(C, was=B))
    assert talk.text("ok") == ["1, Anna?"]


def test_back_goes_back_over_a_reworded_question():
    talk = Talk(form(A))
    talk.start()
    talk.text("Anna")
    talk.edit(form(B, was=A))
    talk.text("ok")
    assert talk.back() == ["0, Anna?"]
    assert talk.back() == [B]
    assert talk.text("Ben") == ["0, Ben?"]


def test_an_old_worker_still_knows_the_answer():
    talk = Talk(form(A))
    talk.start()
    talk.text("Anna")
    talk.edit(form(B, was=A)).text("ok")
    assert talk.edit(form(A)).text("ok") == ["2, Anna?"]
    assert talk.edit(form(B, was=A)).text("ok") == ["3, Anna?"]


@pytest.mark.parametrize("new_first", [True, False])
def test_the_old_words_may_become_another_question(new_first):
    async def handler(chat):
        if new_first:
            guest = await chat.ask(A)
            name = await chat.ask(B, was=A)
        else:
            name = await chat.ask(B, was=A)
            guest = await chat.ask(A)
        return f"{name} and {guest}, {await chat.ask('Sure?')}"

    talk = Talk(form(A), strict=False)
    talk.start()
    talk.text("Anna")
    talk.edit(handler)
    if new_first:  # nothing tells these words from those before, so the new question has the answer
        assert talk.text("ok") == [B]
        return
    assert talk.text("ok") == [A], "Anna is the name, and the guest is asked for."
    assert talk.text("Ben") == ["Sure?"]
    assert talk.text("yes") == ["Anna and Ben, yes"]


@pytest.mark.parametrize("was", [0, "", [""], ["Name?", 3], [None], b"x"])
def test_former_words_are_texts(was):
    with pytest.raises(DialogueError, match=r"was=.*no text"):
        Talk(form(A, was=was)).start()


def test_two_places_that_ask_the_same_stay_ambiguous():
    async def handler(chat):
        await chat.ask(B, was=A)
        await chat.ask(B, was=A)

    talk = Talk(handler)
    talk.start()
    with pytest.raises(AmbiguousQuestion):
        talk.text("Anna")


WORDS = [f"Words {n}?" for n in range(4)]
versions = st.lists(
    st.tuples(st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), max_size=3), st.booleans()),
    max_size=6,
)


@settings(max_examples=150)
@given(versions)
def test_an_answer_is_known_by_all_words_that_its_turns_have_met(versions):
    """The model: a set of words, to which each turn adds those of its version."""
    talk = Talk(form(WORDS[0]))
    talk.start()
    talk.text("Anna")
    known = {WORDS[0]}
    for words, was, has_turn in versions:
        talk.edit(form(words, was=tuple(was)))
        if not has_turn:
            continue
        texts = talk.text("ok")
        is_known = bool(known & {words, *was})
        assert texts[0].endswith(", Anna?") is is_known
        if not is_known:
            return
        known.add(words)
