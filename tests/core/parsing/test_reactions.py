"""Reactions as iPhones and Android phones write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.parsing.reactions import Reaction, read_reaction

OURS = "See you on Friday at 3! Reply STOP to opt out"


@pytest.mark.parametrize(
    ("text", "emoji", "removed"),
    [
        (f"Liked “{OURS}”", "👍", False), (f"Loved “{OURS}”", "❤️", False), (f"Disliked “{OURS}”", "👎", False),
        (f"Laughed at “{OURS}”", "😂", False), (f"Emphasized “{OURS}”", "‼️", False), (f"Emphasised “{OURS}”", "‼️", False),
        (f"Questioned “{OURS}”", "❓", False), (f'Liked "{OURS}"', "👍", False), (f"Liked “ {OURS} ”", "👍", False),
        (f"Reacted 👍 to “{OURS}”", "👍", False), (f"Reacted 👍🏽 to “{OURS}”", "👍", False), (f"Reacted ❤️ to “{OURS}”", "❤", False),
        (f"Removed a like from “{OURS}”", "👍", True), (f"Removed a heart from “{OURS}”", "❤️", True),
        (f"Removed an exclamation from “{OURS}”", "‼️", True), (f"Removed a question mark from “{OURS}”", "❓", True),
        (f"Removed 👍 from “{OURS}”", "👍", True), (f"Removed a 👍 reaction from “{OURS}”", "👍", True),
        (f"\u200a\u200b👍\u200b to “\u200a{OURS}\u200a”\u200a", "👍", False), (f"👍 to “ {OURS} ”", "👍", False),
        (f'👍 to "{OURS}"', "👍", False), (f"\u200a\u200b👍\u200b removed from “\u200a{OURS}\u200a”\u200a", "👍", True),
        (f"Reagierte mit 👍 auf „{OURS}“", "👍", False), (f"A réagi avec 👍 à « {OURS} »", "👍", False),
        (f"Le gustó “{OURS}”", "👍", False), (f"A adoré « {OURS} »", "❤️", False),
        (f"Liked “{OURS[:20]}…”", "👍", False), (f"Liked “{OURS[:24]}”", "👍", False), (f"liked “{OURS.lower()}”", "👍", False),
        ("Liked an image", "👍", False), ("Loved a photo", "❤️", False), ("Removed a heart from an image", "❤️", True),
        (f"Liked “{OURS[:7]}\n{OURS[8:]}”", "👍", False),
    ],
)  # fmt: skip
def test_a_reaction_to_a_text_of_ours(text: str, emoji: str, removed: bool) -> None:
    reaction = read_reaction(text)
    assert reaction is not None
    assert (reaction.emoji, reaction.removed) == (emoji, removed)
    assert reaction.quotes_one_of(["Hello!", OURS])


@pytest.mark.parametrize(
    "text",
    ["Liked it", "I liked “See you”", "Loved", "Liked", "👍", "yes 👍", "“STOP”", "Removed", "Reacted", "Liked “” ",
     f"What does “{OURS}” mean?", f"“{OURS}”", f"No to “{OURS}”", "Loved you", "", "Reacted badly to “nuts”"],
)  # fmt: skip
def test_no_reaction(text: str) -> None:
    assert read_reaction(text) is None


@pytest.mark.parametrize("quote", ["The Matrix", "See", "See you on…later", "Friday at 3!", "..."])
def test_a_quote_of_somebody_else_is_none_of_our_texts(quote: str) -> None:
    reaction = read_reaction(f"Loved “{quote}”")
    assert reaction is not None
    assert not reaction.quotes_one_of([OURS, "Which film?"])


@given(
    st.text(min_size=1).filter(lambda text: text.strip()),
    st.sampled_from(["Liked “{}”", "👍 to “\u200a{}\u200a”"]),
)
def test_a_whole_quote_is_known_whatever_it_says(ours: str, form: str) -> None:
    reaction = read_reaction(form.format(ours))
    assert reaction is None or reaction.quotes_one_of([ours])


@given(st.text())
def test_no_text_upsets_it(text: str) -> None:
    for each in (text, f"Liked “{text}”", f"Removed {text} from “{text}”"):
        assert isinstance(read_reaction(each), Reaction | None)
