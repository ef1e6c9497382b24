"""Choices and yes or no, as people text them."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.parsing.choices import (
    OPTIONS_PER_PAGE,
    match_option,
    render_menu,
    requested_page,
    yes_or_no,
)

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
LISTS = [
    DAYS,
    ["January", "February", "March", "April", "May", "June", "July", "August", "September",
     "October", "November", "December"],
    ["Small", "Medium", "Large", "Extra large"],
    ["Margherita", "Marinara", "Capricciosa", "Hawaiian", "Napoletana", "Quattro formaggi"],
    ["Sydney", "Melbourne", "Brisbane", "Perth", "Adelaide", "Hobart", "Darwin", "Canberra"],
    ["Table 1", "Table 2", "Table 12"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("5", "Friday"), ("5.", "Friday"), ("#5", "Friday"), ("5th", "Friday"),
        ("friday", "Friday"), (" FRIDAY! ", "Friday"), ("fri", "Friday"), ("f", "Friday"),
        ("Firday", "Friday"), ("fridy", "Friday"), ("satuday", "Saturday"), ("wensday", None),
        ("wedensday", "Wednesday"), ("thursdya", "Thursday"), ("s", None), ("t", None),
        ("tu", "Tuesday"), ("0", None), ("8", None), ("99999", None), ("day", None), ("", None),
        ("not friday", None), ("friday or saturday", None),
    ],
)  # fmt: skip
def test_a_number_a_word_a_beginning_or_a_likely_typo(words, meant):
    if meant is None:
        with pytest.raises(ValueError):
            match_option(words, DAYS)
    else:
        assert DAYS[match_option(words, DAYS)] == meant


def test_no_option_is_a_typo_of_another():
    for options in LISTS:
        for one in options:
            others = [option for option in options if option != one]
            if any(one.casefold() in other.casefold() for other in others):
                continue  # "Table 1" begins "Table 12", and "Extra large" has "Large" in it
            with pytest.raises(ValueError):
                match_option(one, others)


@pytest.mark.parametrize("options", LISTS[:5])
def test_one_slip_of_the_thumb_in_a_longer_word_is_forgiven_or_asked_again(options):
    forgiven = []
    for place, word in enumerate(options):
        if len(word) < 6:
            continue
        for at in range(1, len(word) - 1):
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            dropped = word[:at] + word[at + 1 :]
            for slip in (swapped, dropped):
                try:
                    assert match_option(slip, options) == place, slip
                except ValueError:  # "Tursday" may be two of them
                    forgiven.append(False)
                else:
                    forgiven.append(True)
    assert sum(forgiven) > 0.95 * len(forgiven)


def test_an_exact_option_comes_before_its_number():
    assert match_option("2", ["1", "2", "3"]) == 1
    assert match_option("3", ["5", "3", "1"]) == 1


def test_a_menu_has_pages_and_more_is_a_page_unless_it_is_an_option():
    towns = [f"Town {n}" for n in range(2 * OPTIONS_PER_PAGE + 1)]
    assert render_menu("Where?", towns[:OPTIONS_PER_PAGE]).count("\n") == OPTIONS_PER_PAGE
    assert requested_page("MORE!", towns, 0) == 1
    assert requested_page("next", towns, 2) == 0
    assert requested_page("more", towns[:OPTIONS_PER_PAGE], 0) is None
    assert requested_page("more", [*towns, "More"], 0) is None


@given(st.text(max_size=40), st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_no_text_and_no_menu_raise_anything_but_a_wrong_answer(words, options):
    with suppress(ValueError):
        assert 0 <= match_option(words, options) < len(options)


YES = "y,Yes,yep,YEAH,yess,yeeees,yup!,ok,Okay.,sure,of course,👍,👍🏽,👍👍,✅,nah yeah,that\u2019s right,1,Si"
NO = "n,No,nope,nah,noooo,NO!,no thanks,No way,👎,👎🏿,❌,yeah nah,don't,nup,cancel"
NEITHER = "maybe,yes but not friday,no idea,,?,2,hello,not sure,😀,yesterday,nobody,okra,sorry?"


def test_yes_and_no_as_people_text_them():
    assert {word: yes_or_no(word) for word in YES.split(",")} == dict.fromkeys(YES.split(","), True)
    assert {word: yes_or_no(word) for word in NO.split(",")} == dict.fromkeys(NO.split(","), False)
    neither = NEITHER.split(",")
    assert {word: yes_or_no(word) for word in neither} == dict.fromkeys(neither)


def test_no_word_says_both():
    for words in itertools.permutations(["yes", "no"]):
        assert yes_or_no(" ".join(words)) is None
