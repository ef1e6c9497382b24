"""Choices, as people text them."""
# ruff: noqa: RUF001 -- apostrophes and figures as phones write them

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.folding import visible_text
from cooee.core.parsing.choices import (
    OPTIONS_PER_PAGE,
    match_option,
    render_menu,
    requested_page,
    shows_numbers,
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


PEOPLE, TIMES = ["2 people", "3 people", "4 people"], ["10am", "11am", "2pm"]
DRINKS = ["Café au lait", "Tea", "Piña colada", "Green tea"]


@pytest.mark.parametrize(
    ("options", "words", "meant"),
    [
        # Options that begin with figures are meant by these, and show no numbers.
        (PEOPLE, "3", "3 people"), (PEOPLE, "2", "2 people"), (PEOPLE, "4", "4 people"), (PEOPLE, "1", None), (["1 hour", "2 hours", "Never"], "3", "Never"), (["1 hour", "2 hours", "Never"], "2", "2 hours"),
        (PEOPLE, "three", "3 people"), (PEOPLE, "3 please", "3 people"), (PEOPLE, "5", None), (PEOPLE, "people", None),
        (TIMES, "10", "10am"), (TIMES, "11", "11am"), (TIMES, "2", "2pm"), (TIMES, "3", None), (TIMES, "1", None),
        (TIMES, "10 am", "10am"), (TIMES, "2pm!", "2pm"),
        (["10am", "10.30am", "10:30"], "10", None), (["1 l", "1.5 l", "10 l"], "1", "1 l"), (["2.5 l", "1.5 l"], "1", None),
        (["100", "1000"], "10", None), (["2,250", "1,250"], "2", None), (["$5", "$10"], "5", "$5"), (["€5", "€10"], "10", "€10"),
        (["Table 2", "Table 1"], "1", "Table 1"), (["Table 1", "Table 2", "Table 12"], "12", "Table 12"),
        (["Mon 2pm", "Tue 3pm"], "2", "Mon 2pm"), (["Ground floor", "First floor"], "1", "Ground floor"), (["Ground floor", "First floor"], "first", "First floor"),
        (["Two people", "Three people"], "2", "Two people"), (["Daily", "First time"], "1", "Daily"), (["Daily", "First time"], "first", "First time"), (["Red one", "Blue one"], "one", None),
        (["Ground", "1st", "2nd"], "first", "1st"), (PEOPLE, "third", None), (PEOPLE, "the 3rd", None), (TIMES, "second", None), (["24 Dec", "25 Dec", "1 Jan"], "24th", "24 Dec"), (["24 Dec", "25 Dec", "1 Jan"], "1st", None), (["Two", "Three"], "2", "Two"), (["2 adults", "2 adults 1 child"], "2", None),
        (["2 adults", "2 adults 1 child"], "2 adults", "2 adults"),
        # A number, in every way people give it.
        (DAYS, "two", "Tuesday"), (DAYS, "second", "Tuesday"), (DAYS, "the second one", "Tuesday"), (DAYS, "2nd", "Tuesday"),
        (DAYS, "2 please", "Tuesday"), (DAYS, "2, thanks!", "Tuesday"), (DAYS, "No. 2", "Tuesday"), (DAYS, "option two", "Tuesday"),
        (DAYS, "2️⃣", "Tuesday"), (DAYS, "“2”", "Tuesday"), (DAYS, "(2)", "Tuesday"), (DAYS, "2)", "Tuesday"), (DAYS, "٢", "Tuesday"),
        (DAYS, "6. Saturday", "Saturday"), (DAYS, "6 saturday", "Saturday"), (DAYS, "6) sat", "Saturday"),
        (DAYS, "Saturday (6)", "Saturday"), (DAYS, "saturday 6", "Saturday"), (DAYS, "option 6: saturday", "Saturday"),
        (DAYS, "2. Saturday", None), (DAYS, "Saturday (2)", None), (DAYS, "2 or 3", None), (DAYS, "2, 3", None), (DAYS, "2 3", None),
        (DAYS, "2.5", None), (DAYS, "2 and saturday", None), (DAYS, "22", None), (DAYS, "please", None), (DAYS, "not 2", None),
        (DAYS, "Saturday please", "Saturday"), (DAYS, "sat thx", "Saturday"), (DAYS, "please, Satuday", "Saturday"),
        # Accents, emoji, signs.
        (DRINKS, "cafe", "Café au lait"), (DRINKS, "CAFÉ AU LAIT", "Café au lait"), (DRINKS, "pina colada", "Piña colada"),
        (DRINKS, "tea", "Tea"), (DRINKS, "green", "Green tea"), (["año", "ano"], "ano", "ano"), (["año", "ano"], "AÑO", "año"),
        (["Tea pot", "Green tea"], "tea", None), (["C", "C++", "C#"], "c++", "C++"), (["C", "C++", "C#"], "C", "C"),
        (["C", "C++"], "c.", None), (["👍 Good", "👎 Bad"], "👎🏽", "👎 Bad"), (["👍", "👎"], "👍🏿", "👍"),
        (["Thanks", "No thanks"], "no thanks", "No thanks"), (["Thanks", "Please"], "thanks", "Thanks"),
        (["Don't know", "Know"], "DON’T KNOW", "Don't know"), (["a", "a"], "a", "a"), (["Zero", "One"], "1", "One"),
    ],
)  # fmt: skip
def test_two_possible_readings_are_asked_again_and_never_guessed(options, words, meant):
    if meant is None:
        with pytest.raises(ValueError):
            match_option(words, options)
    else:
        assert options[match_option(words, options)] == meant


def test_a_menu_of_figures_shows_no_numbers():
    assert render_menu("Who?", PEOPLE) == "Who?\n2 people\n3 people\n4 people"
    assert render_menu("Who?", ["Ann", "Ben"]) == "Who?\n1. Ann\n2. Ben"
    assert shows_numbers(["Table 1", "Table 2"]) and not shows_numbers(["Table 2", "Table 1"])
    assert shows_numbers(["Room 101", "Room 102"]) and not shows_numbers(["A", "C", "Second"])


WORDS = st.sampled_from(
    [
        "1",
        "2",
        "3",
        "4",
        "10",
        "2nd",
        "first",
        "two",
        "10am",
        "2pm",
        "1.5",
        "table",
        "room",
        "people",
        "sat",
        "a",
        "b",
        "é",
        "👍",
        "no.",
        "#",
        "one",
        "２",
        "(",
        "-",
        "please",
    ]
)
LABELS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join) | st.text(min_size=1, max_size=6)


@given(st.lists(LABELS.filter(visible_text), min_size=1, max_size=5))
def test_a_label_and_a_number_that_was_shown_always_give_their_option(options):
    for option in options:
        assert visible_text(options[match_option(option, options)]) == visible_text(option)
    if shows_numbers(options):
        for place, option in enumerate(options):
            assert options[match_option(str(place + 1), options)] == option


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True),
    st.integers(0, 12),
    st.sampled_from(["{} people", "table {}", "{}pm"]),
)
def test_a_figure_never_gives_an_option_with_another_figure(figures, typed, form):
    options = [form.format(figure) for figure in figures]
    try:
        assert match_option(str(typed), options) == figures.index(typed)
    except ValueError:
        # Asked again: nobody has this figure, and no number of the menu says another one.
        assert typed not in figures
