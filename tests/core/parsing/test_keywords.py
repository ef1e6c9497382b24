from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import DefinitionError
from cooee.core.folding import MAX_MATCH_CHARS, fold_text, visible_text
from cooee.core.parsing.keywords import (
    Keyword,
    Pattern,
    Regex,
    make_matcher,
)

# Folding


@pytest.mark.parametrize(
    "written",
    [
        "stop",
        "STOP",
        " Stop ",
        "stop!",
        "“STOP”.",
        "¡Stop!",
        "\uff33\uff34\uff2f\uff30",
        "stop\u00a0",
        "*stop*",
        "STOP 🙂",
        "stop\u200b",
        "\ufeffstop",
        "stop\n",
        "stop…",
        "stop™",
    ],
)
def test_a_word_is_the_same_however_it_is_written(written: str) -> None:
    assert fold_text(written) == "stop"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("opt  out", "OPT\nOUT!"),
        ("Straße", "STRASSE"),
        ("café", "CAFE\u0301"),
        ("👍", "👍\ufe0f"),
        ("👍", "👍!"),
        ("ﬁn", "FIN"),
        ("ΣΑΣ", "σας"),
    ],
)
def test_two_ways_to_write_one_thing_fold_alike(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stop", "stop it"),
        ("stop", "st op"),
        ("👍", "👎"),
        ("cafe", "café"),
        ("?", "!"),
        ("1", "2"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert fold_text(one) != fold_text(other)


@pytest.mark.parametrize("lone", ["👍", "?", "...", "+", "❤️"])
def test_what_is_only_punctuation_or_an_emoji_stays_matchable(lone: str) -> None:
    assert fold_text(lone)
    assert Keyword(lone).match(f" {lone} ") == {}


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"])),
    st.sampled_from(["", " ", "!", " …", "”"]),
)
def test_what_stands_around_a_word_does_not_count(word: str, around: str) -> None:
    word = "a" + word + "z"
    assert fold_text(around + word + around) == fold_text(word)


@given(st.text(st.characters(codec="ascii")))
def test_case_does_not_count(text: str) -> None:
    assert fold_text(text.upper()) == fold_text(text.lower()) == fold_text(text)


@given(st.text())
def test_decomposed_letters_fold_like_composed_ones(text: str) -> None:
    if len(unicodedata.normalize("NFD", text)) <= MAX_MATCH_CHARS:
        assert fold_text("a" + unicodedata.normalize("NFD", text) + "z") == fold_text(
            "a" + text + "z"
        )


# Keywords


def test_a_keyword_matches_whole_texts_only() -> None:
    start = Keyword("Opt  out")
    assert start.match(" OPT OUT! ") == {}
    assert start.match("opt out please") is None
    assert start.match("") is None
    assert (str(start), dict(start.fields), start.folded) == ("Opt  out", {}, "opt out")


@pytest.mark.parametrize("empty", ["", "  ", "\n\u00a0"])
def test_a_keyword_without_words_is_refused(empty: str) -> None:
    with pytest.raises(DefinitionError, match=r"needs at least one word.*otherwise"):
        Keyword(empty)


# Patterns


@pytest.mark.parametrize(
    ("spec", "text", "fields"),
    [
        ("ADD {n:d}", "add 3", {"n": 3}),
        ("ADD {n:d}", " “Add  3!” ", {"n": 3}),
        ("ADD {n:d}", "add 3 !", {"n": 3}),
        ("ADD {n:d}", "add 3 🙂", {"n": 3}),
        ("ADD {n:d}", "add -3", {"n": -3}),
        ("ADD {n:d}", "add \u22123", {"n": -3}),
        ("ADD {n:d}", "add +3.", {"n": 3}),
        ("ADD {n:d}", "add $3", {"n": 3}),
        ("ADD {n:d}", "add \uff13", {"n": 3}),
        ("ADD {n:d}", "add ٣", {"n": 3}),
        ("ADD {n:d}", "add 999999999999999999", {"n": 10**18 - 1}),
        ("ADD {n:d}", "add 9999999999999999999", None),
        ("ADD {n:d}", "add three", None),
        ("ADD {n:d}", "add 3.5", None),
        ("ADD {n:d}", "add .5", None),
        ("ADD {n:d}", "add ,5", None),
        ("ADD {n:d}", "add 3²", None),
        ("ADD {n:d}", "add 1_000", None),
        ("ADD {n:d}", "add 0x10", None),
        ("ADD {n:d}", "add", None),
        ("ADD {n:d}", "add 3 4", None),
        ("ADD {n:d}", "", None),
        ("PAY {sum:f}", "pay 3.50!", {"sum": 3.5}),
        ("PAY {sum:f}", "pay $.5", {"sum": 0.5}),
        ("PAY {sum:f}", "pay -3", {"sum": -3.0}),
        ("PAY {sum:f}", "pay 3.", {"sum": 3.0}),
        ("PAY {sum:f}", "pay 3,50", None),
        ("PAY {sum:f}", "pay nan", None),
        ("PAY {sum:f}", "pay inf", None),
        ("PAY {sum:f}", "pay 1e5", None),
        ("PAY {sum:f}", "pay 1.2.3", None),
        ("BUY {n:d} {what} now", "buy 2 C++ NOW!", {"n": 2, "what": "C++"}),
        ("{n:d} please", "-2 Please", {"n": -2}),
        ("NOTE {words:rest}", "note  Milk,\n 2  l! ", {"words": "Milk,\n 2  l!"}),
        ("NOTE {words:rest}", "note !", {"words": "!"}),
        ("NOTE {words:rest}", "note ", None),
        ("NOTE {words:rest}", "noted that", None),
        ("NOTE {to} {words:rest}", "NOTE ann call me", {"to": "ann", "words": "call me"}),
        ("call {name:w}", "Call Zoë", {"name": "Zoë"}),
    ],
)
def test_a_pattern_reads_its_fields(spec: str, text: str, fields: dict[str, Any] | None) -> None:
    assert Pattern(spec).match(text) == fields


def test_a_pattern_says_what_its_fields_are() -> None:
    pattern = Pattern("BUY {n:d} {what} {price:f} {note:rest}")
    assert pattern.fields == {"n": int, "what": str, "price": float, "note": str}
    assert str(pattern) == "BUY {n:d} {what} {price:f} {note:rest}"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("ADD {n:x}", "\n    ADD {n:x}\n        ^^^^^\nThere is no type 'x'"),
        ("ADD {n:}", "There is no type ''"),
        ("ADD {n:d} {n}", "\n    ADD {n:d} {n}\n              ^^^\nn is there twice"),
        ("ADD {n", "    ADD {n\n        ^^\nA field is written {name}"),
        ("ADD n}", "A field is written {name}"),
        ("ADD{n}", "alone between spaces"),
        ("ADD {n }", "A field is written {name}"),
        ("ADD {{n}}", "A field is written {name}"),
        ("ADD {}", "'' cannot be a parameter's name"),
        ("ADD {1n:d}", "'1n' cannot be a parameter's name"),
        ("ADD {class}", "'class' cannot be a parameter's name"),
        ("ADD {a-b}", "'a-b' cannot be a parameter's name"),
        (
            "ADD {r:rest} {n:d}",
            "    ADD {r:rest} {n:d}\n        ^^^^^^^^\nThe rest of a text can only come last",
        ),
        ("{n:d}", "no word of its own"),
        ("", "no word of its own"),
        ("ADD\t{n:x}", "\n    ADD {n:x}\n        ^^^^^\n"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_shown_with_what_to_write(spec: str, words: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Pattern(spec)
    assert words in str(refused.value)


def test_a_field_is_named_as_python_names_the_parameter() -> None:
    def handler(chat: None, ﬁle: str) -> str:  # noqa: PLC2401 -- Python reads it as file
        return ﬁle

    found = Pattern("GET {ﬁle}").match("get a")
    assert found is not None
    assert handler(None, **found) == "a"


plain_words = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=6)
gaps = st.text(st.sampled_from(" \t\n\u00a0"), min_size=1, max_size=3)


@given(plain_words, st.integers(-(10**18) + 1, 10**18 - 1), gaps, gaps)
def test_every_whole_number_is_read_as_it_was_written(
    word: str, n: int, before: str, gap: str
) -> None:
    pattern = Pattern("ADD {what} {n:d}")
    assert pattern.match(f"{before}add{gap}{word}{gap}{n}{before}") == {"what": word, "n": n}


@given(st.floats(-1e15, 1e15))
def test_every_decimal_is_read_as_it_was_written(number: float) -> None:
    written = f"{number:.6f}"
    assert Pattern("PAY {sum:f}").match(f"pay {written}.") == {"sum": float(written)}


@given(st.text(), gaps)
def test_the_rest_is_kept_as_typed(words: str, gap: str) -> None:
    found = Pattern("NOTE {words:rest}").match(f"note{gap}{words}")
    visible = visible_text(f"x{words}")[1:].strip()  # without what nobody sees, at its end
    assert found == ({"words": visible} if visible else None)


@given(
    st.text(), st.sampled_from(["ADD {n:d}", "PAY {a:f} {b}", "NOTE {a:rest}", "{a} to {b:d} x"])
)
def test_no_text_raises_anything(text: str, spec: str) -> None:
    for each in (text, f"add {text}", f"pay {text} x", f"note {text}"):
        Pattern(spec).match(each)
        Keyword("stop").match(each)


HOSTILE = {
    "punctuation": "!" * 100_000,
    "spaces": " " * 100_000,
    "digits": "add " + "1" * 100_000,
    "almost a number": "add " + "1" * 99_999 + "x",
    "signs": "add " + "-" * 100_000,
    "points": "pay 1" + "." * 100_000,
    "junk around": "add " + "$" * 50_000 + "x" + "!" * 50_000,
    "many words": "add " * 25_000,
    "accents that sort slowly": "a" + "\u0301\u0327" * 50_000,
    "accents in reverse": "a" + "\u0301" * 50_000 + "\u0327" * 50_000,
    "ligatures that grow": "\ufdfa" * 100_000,
    "spaced accents": "\u0301 " * 50_000,
    "invisible": "\u200b" * 100_000,
}
SPECS = ["ADD {n:d}", "PAY {n:f}", "{a} {b} x", "NOTE {r:rest}", "{n:d} x", "{r} y {n:f}"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_linear_time(name: str) -> None:
    patterns, keyword = [Pattern(spec) for spec in SPECS], Keyword("stop")
    start = time.process_time()
    for pattern in patterns:
        pattern.match(HOSTILE[name])
    keyword.match(HOSTILE[name])
    assert time.process_time() - start < 10  # quadratic time is minutes


# Regular expressions


def test_a_regular_expression_hands_its_named_groups_on() -> None:
    regex = Regex(re.compile(r"(?i)book (?P<day>\w+)(?: for (?P<n>\d+))?"))
    assert regex.match("BOOK friday for 3 please") == {"day": "friday", "n": "3"}
    assert regex.match("book friday") == {"day": "friday", "n": None}
    assert regex.match("please book friday") is None
    assert regex.fields == {"day": str, "n": str}
    assert str(regex).startswith("(?i)book")


def test_a_regular_expression_sees_a_text_of_ten_segments_and_no_more() -> None:
    longest = Regex(re.compile(r"(?P<all>.*)")).match("x" * 5_000)
    assert longest == {"all": "x" * MAX_MATCH_CHARS}


def test_a_group_without_a_name_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"has a group without a name.*\(\?P<name>…\)"):
        Regex(re.compile(r"(a)(?P<b>b)"))


def test_an_expression_over_bytes_is_refused() -> None:
    with pytest.raises(DefinitionError, match="matches bytes"):
        Regex(re.compile(rb"a"))  # type: ignore[arg-type]


def test_braces_make_a_pattern_and_nothing_else_does() -> None:
    assert isinstance(make_matcher("ADD {n:d}"), Pattern)
    assert isinstance(make_matcher("ADD"), Keyword)
    assert isinstance(make_matcher(re.compile("ADD")), Regex)
    with pytest.raises(DefinitionError, match="A field is written"):
        make_matcher("ADD n:d}")
