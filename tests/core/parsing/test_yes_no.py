"""Yes and no, as people text them."""
# ruff: noqa: RUF001 -- apostrophes and letters as phones write them

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.parsing.yes_no import yes_or_no

YES = """
y|Yes|yep|YEAH|yess|yeeees|yup!|ok|Okay.|sure|of course|👍|👍🏽|👍👍|✅|nah yeah|that’s right|1|Si|Sí|SÍ!|sì
yes, please|yes please|Yes please!|yes yes|yes, yes, yes|yeahh|yeahhh|yesss|okk|yupp|suree|Yes, that's right
Yes, that’s right.|yes that is... ok|“yes”|(yes)|yes 👍|👍 yes|yes 😀|yes!!!|Ok, thanks|ok thank you|sure mate|yes sir
yes, of course|Yes I do|yes, I am|please|please do|yes, sorry|Yep, no worries|no problem|no worries|oui|ja|JA!|okay great
Yes that works|yes, that’s ok|yes I will|yes, we can|sounds great|vale|d’accord|Yes thankyou|yes.|y e s|уes|uh-huh|yes x|ok, sounds good|yes, go ahead please|absolutely yes|👌🏾|✔️|☑️
"""
NO = """
n|No|nope|nah|noooo|NO!|no thanks|No way|👎|👎🏿|❌|yeah nah|don't|don’t|nup|cancel|No, thanks|no, thank you|no no|noo
No, thanks!|no no no|No sorry|sorry, no|nopee|nahh|no, not today|no, I don’t|“No”|no 👎|🙅‍♀️|🙅🏽‍♂️|non|nein|não|please don't
that's wrong|that’s not right|no, that's wrong|No, cheers|not yet|no. never.|No, I can’t|I can’t|cannot|definitely not|no, of course not|no that doesn’t work|no I won’t|0|no mate|✖️
"""
NEITHER = """
maybe|yes but not friday|no idea||?|2|hello|not sure|😀|yesterday|nobody|okra|sorry?|yes no|no yes|yes, no|yes/no|y/n
wrong number|no that's right|yes 👎|👍👎|noon|non stop|11|00|-1|+1 more|10|thanks|thank you|yes and no|never mind|I don't know
no smoking|yes if it rains|is it yes|ok so what|not ok|not yes|no ok|I can’t wait, yes|yes I can’t|not definitely|will|work|right now|good morning|y2k
"""
_SPELLED_OUT = {"y e s", "уes", "yes that is... ok"}  # nobody has to guess these


def lines(table: str) -> list[str]:
    return [text for line in table.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", [one for one in lines(YES) if one not in _SPELLED_OUT])
def test_a_yes(text: str) -> None:
    assert yes_or_no(text) is True


@pytest.mark.parametrize("text", lines(NO))
def test_a_no(text: str) -> None:
    assert yes_or_no(text) is False


@pytest.mark.parametrize("text", [*lines(NEITHER), *sorted(_SPELLED_OUT)])
def test_neither(text: str) -> None:
    assert yes_or_no(text) is None


POLITE = st.sampled_from(["please", "thanks", "Thank you", "mate", "😀", "cheers", "🙏🏽"])
SAYS_YES, SAYS_NO = (
    st.sampled_from(one)
    for one in (["yes", "Yep", "ok", "sure", "👍🏽"], ["no", "Nope", "nah", "not now", "👎"])
)
BETWEEN = st.sampled_from([" ", ", ", ". ", "! ", " – "])


@given(st.data())
def test_politeness_changes_nothing_and_contradictions_are_neither(data: st.DataObject) -> None:
    words = data.draw(
        st.lists(
            st.tuples(st.just(True), SAYS_YES) | st.tuples(st.just(False), SAYS_NO),
            min_size=1,
            max_size=3,
        )
    )
    said = {each for each, _ in words}
    spoken = [word for _, word in words]
    if any(pair in {("nah", "Yep"), ("nah", "sure")} for pair in itertools.pairwise(spoken)):
        return
    text = data.draw(BETWEEN).join([data.draw(POLITE), *spoken, data.draw(POLITE)])
    assert yes_or_no(text) is (said.pop() if len(said) == 1 else None)


@given(st.text())
def test_a_text_with_a_word_of_neither_is_neither(text: str) -> None:
    assert yes_or_no(f"yes {text} qwertz") is None
