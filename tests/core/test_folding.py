"""Texts without their invisible, typographic and decorative characters."""
# ruff: noqa: RUF001 -- characters as phones write them

from __future__ import annotations

import time
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.app.opt_out import ProviderWords, opt_out_words
from cooee.core.app.routes import Routes
from cooee.core.folding import fold_text, plain_text, unaccented, visible_text
from cooee.core.parsing.answers import (
    Email,
    NotUnderstood,
    ParseContext,
    PhoneNumber,
    parse_answer,
    parser_for,
)
from cooee.core.parsing.choices import match_option
from cooee.core.parsing.keywords import Keyword, make_matcher
from cooee.core.parsing.yes_no import yes_or_no

HERE = ParseContext(datetime(2026, 11, 25, 10, tzinfo=UTC), lambda: UTC, "+61491570006")
FAMILY, SCOTLAND = "👨‍👩‍👧", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
INVISIBLE = [
    *map(chr, range(0x200B, 0x2010)), *map(chr, range(0x202A, 0x202F)),
    *map(chr, (*range(0x2060, 0x2065), *range(0x2066, 0x2070), 0xFEFF, 0xAD, 0x34F, 0x61C, 0x180E, 0xE0001, 0xE0041)),
]  # fmt: skip
BLANK = ["\ufffc", "\u3164", "\u2800", "\u115f", "\u1160", "\uffa0"]


def answer(kind: Any, text: str) -> Any:
    return parse_answer(parser_for(kind), text, HERE)


@pytest.mark.parametrize("hidden", INVISIBLE, ids=ascii)
def test_no_invisible_character_changes_a_reading(hidden: str) -> None:
    def hide(text: str) -> str:
        return hidden + hidden.join(text) + hidden

    assert answer(int, hide("42")) == 42
    assert answer(PhoneNumber, hide("0491 570 156")) == "+61491570156"
    assert answer(Email, hide("ann@example.com")) == "ann@example.com"
    assert answer(Literal["small", "large"], hide("large")) == "large"
    assert answer(bool, hide("yes")) is True
    assert answer(lambda text: text, hidden + "2000" + hidden) == "2000"
    assert Keyword("START").match(hide("start")) == {}
    assert make_matcher("ADD {n:d}").match(hide("ADD") + " " + hide("5")) == {"n": 5}
    assert opt_out_words(ProviderWords(), Routes()).consent_of(hide("STOP")) == "out"
    assert match_option(hide("Friday"), ["Thursday", "Friday"]) == 1
    assert yes_or_no(hide("no")) is False


@pytest.mark.parametrize("unseen", [*INVISIBLE, *BLANK, "\ufe0f", " "], ids=ascii)
def test_a_text_of_nothing_visible_is_empty(unseen: str) -> None:
    for text in (unseen, unseen * 3, f" {unseen}\n{unseen} "):
        assert visible_text(text) == plain_text(text) == fold_text(text) == ""
        with pytest.raises(NotUnderstood):
            answer(str, text)


def test_words_stay_as_they_were_typed() -> None:
    assert answer(str, "\u2068Zoë O’Brien\u2069 – “Zo” …") == "Zoë O’Brien – “Zo” …"
    assert answer(str, "An\u200bn\u00ade") == "Anne"
    for whole in (FAMILY, SCOTLAND, "👍🏽", "❤️", "4️⃣", "می\u200cخواهم", "क्\u200dष", "½ m²"):
        assert answer(str, whole) == answer(str, f" \u200b{whole}\u200b ") == whole


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("DON’T KNOW", "don't know"), ("don‘t know", "DON'T KNOW"), ("don´t know", "don't know"),
        ("opt–out", "OPT-OUT"), ("opt‑out", "opt-out"), ("“STOP”", "stop"), ("«stop»", "stop"),
        ("STOP…", "stop"), ("TİME", "time"), ("tıme", "TIME"), ("👍🏽", "👍"), ("👍🏿!", "👍"),
        ("❤️", "❤"), ("4️⃣", "4"), ("2⃣", "2"), ("#️⃣", "#"), ("🔟", "10"), ("②", "2"), ("❷", "2"),
        ("٢", "2"), ("२", "2"), ("２", "2"), ("𝐒𝐓𝐎𝐏", "stop"), ("ＳＴＯＰ", "stop"), ("ok\u00a0ok", "ok ok"),
        ("ﬁne", "fine"), (f"{FAMILY}\u200b", FAMILY), ("a\u3164b", "a b"), ("✌🏼️", "✌"),
    ],
)  # fmt: skip
def test_two_ways_to_write_one_thing_fold_alike(typed: str, meant: str) -> None:
    assert fold_text(typed) == fold_text(meant)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FAMILY, "👨👩👧"), (FAMILY, "👨‍👩‍👦"), (SCOTLAND, "🏴"), ("👍", "👎"), ("-5", "+5"), ("cafe", "café"),
    ],
)  # fmt: skip
def test_different_things_fold_differently(one: str, other: str) -> None:
    assert fold_text(f"a {one} b") != fold_text(f"a {other} b")


def test_accents_can_be_left_out_and_other_scripts_keep_their_marks() -> None:
    words = ["café", "sí", "arrêt", "köln", "øl", "łódź", "ναί", "ёлка"]
    assert [unaccented(fold_text(word)) for word in words] == [
        "cafe", "si", "arret", "koln", "ol", "lodz", "ναι", "елка",
    ]  # fmt: skip
    for word in ("мой", "हिन्दी", "가방", "שָׁלוֹם", "ไทย"):
        assert unaccented(fold_text(word)) == fold_text(word)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (int, "“4”", 4), (int, "(4)", 4), (int, "4,", 4), (int, '"4,"', 4), (int, "4 👍", 4), (int, "4️⃣", 4),
        (int, "[4]", 4), (int, "*4*", 4), (int, "4 👍🏽!", 4), (int, "4, please", 4), (int, "4 thanks.", 4),
        (int, "–5", -5), (int, "—5", -5), (int, "−5", -5), (int, "➖5", -5), (int, "(–5)", -5), (int, "$–5", -5),
        (int, "-$5", -5), (int, "+5", 5), (int, "１２", 12), (int, "٤٢", 42), (int, "🔟", 10), (int, "“four”", 4),
        (float, "“4.5”", 4.5), (float, "–.5", -0.5), (float, "٤٫٥", 4.5), (float, "€4", 4.0), (float, "4 €", 4.0),
        (Email, "Mailto:ann@example.com", "ann@example.com"), (Email, "ann@example.com.", "ann@example.com"),
        (Email, "o’brien@example.com", "o'brien@example.com"), (Email, "“ann@example.com”,", "ann@example.com"),
        (Email, "(ann@example.com)", "ann@example.com"), (Email, "ann＠example.com", "ann@example.com"),
        (Email, "Ann <ann@example.com>", "ann@example.com"), (Email, "ann@example.com 🙂", "ann@example.com"),
        (Email, "ann–lee@example.com", "ann-lee@example.com"), (Email, "_ann@example.com", "_ann@example.com"),
        (Email, "ann@example.com thanks!", "ann@example.com"), (Email, "mailto:a@b.org?subject=Hi", "a@b.org"),
        (PhoneNumber, "0491 570 156,", "+61491570156"), (PhoneNumber, "“0491–570–156”", "+61491570156"),
        (PhoneNumber, "(0491) 570 156 👍", "+61491570156"), (PhoneNumber, "tel:0491570156", "+61491570156"),
        (PhoneNumber, "٠٤٩١ ٥٧٠ ١٥٦", "+61491570156"), (PhoneNumber, "0491 570 156 thanks", "+61491570156"),
        (Literal["small", "large"], "“Large”, please", "large"), (Literal[5, 10], "🔟", 10),
    ],
)  # fmt: skip
def test_an_answer_is_read_as_phones_write_it(kind: Any, typed: str, value: Any) -> None:
    assert answer(kind, typed) == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (int, "5²"), (int, "4½"), (int, "½"), (int, "±4"), (int, "≤4"), (int, "4%"), (int, "4/5"), (int, "4–5"),
        (int, "~4"), (int, "4+"), (int, "–"), (int, "👍"), (int, "4, 5"), (int, "please"), (int, "4°"), (int, "- - 4"),
        (float, "4,5"), (Email, "ann@@example.com"), (Email, "@"), (PhoneNumber, "0491 570 156 7"),
        (PhoneNumber, "+61 491 570 156 7"), (PhoneNumber, "+61 491 570 15"), (PhoneNumber, "+6149157015678"),
        (PhoneNumber, "0491 570 156 / 0491 570 157"),
    ],
)  # fmt: skip
def test_what_may_mean_another_thing_is_asked_again(kind: Any, typed: str) -> None:
    with pytest.raises(NotUnderstood):
        answer(kind, typed)


@pytest.mark.parametrize(
    ("spec", "typed", "fields"),
    [
        ("ADD {n:d}", "ADD –5", {"n": -5}), ("ADD {n:d}", "add “5”", {"n": 5}), ("ADD {n:d}", "ADD 5, 👍", {"n": 5}),
        ("ADD {n:d}", "ADD 5️⃣", {"n": 5}), ("ADD {n:d}", "ADD 5²", None), ("ADD {n:d}", "ADD ≤5", None),
        ("ADD {n:f}", "ADD –.5", {"n": -0.5}), ("CODE {word}", "CODE \u200bAB\u200b12", {"word": "AB12"}),
        ("DON'T {rest:rest}", "Don’t say “no” – ever", {"rest": "say “no” – ever"}),
        ("SAY {word}", f"say {FAMILY}", {"word": FAMILY}), ("SAY {word}", "say \ufffc", None),
    ],
)  # fmt: skip
def test_a_pattern_reads_figures_plainly_and_keeps_words(
    spec: str, typed: str, fields: Any
) -> None:
    assert make_matcher(spec).match(typed) == fields


def test_a_keyword_is_heard_without_its_accents_where_it_is_the_only_one() -> None:
    routes = Routes()
    for word in ("CAFÉ", "año", "ano", "TIME"):
        routes.on(word)(lambda chat: None)
    heard = {
        text: routes.find_route(text)
        for text in ("cafe", "Café", "AÑO", "ano", "añó", "TİME", "tíme", "cafes")
    }
    words = {text: str(found[0].matcher) if found else None for text, found in heard.items()}
    assert words == {
        "cafe": "CAFÉ",
        "Café": "CAFÉ",
        "AÑO": "año",
        "ano": "ano",
        "añó": None,
        "TİME": "TIME",
        "tíme": "TIME",
        "cafes": None,
    }


@given(st.text())
def test_each_step_changes_nothing_a_second_time(text: str) -> None:
    for step in (visible_text, plain_text, fold_text, lambda it: unaccented(fold_text(it))):
        assert step(step(text)) == step(text)


@given(
    st.text(),
    st.lists(st.sampled_from(["\u200b", "\u200e", "\u2060", "\ufeff", "\u00ad"]), max_size=4),
)
def test_hidden_characters_anywhere_change_no_fold(text: str, hidden: list[str]) -> None:
    mixed = "".join(a + b for a, b in zip(text, [*hidden, *[""] * len(text)], strict=False))
    assert fold_text("".join(hidden) + mixed) == fold_text(text)


def test_hostile_texts_take_no_time() -> None:
    began = time.process_time()
    for piece in (
        "\u200b",
        "\u200d",
        "👍🏽",
        "\u0301",
        "please ",
        "٤",
        "–",
        "\ufffc",
        "1\u20e3",
        " ",
    ):
        for step in (visible_text, plain_text, fold_text):
            step(piece * 20_000)
        for kind in (int, Email, PhoneNumber, bool):
            with suppress(NotUnderstood):
                answer(kind, piece * (1_600 // len(piece)))
    assert time.process_time() - began < 5


def test_every_format_character_is_known() -> None:
    """A new version of Unicode may bring more: then the list grows."""
    visible = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    formats = {n for n in range(0xE0100) if unicodedata.category(chr(n)) == "Cf"} - visible
    assert [hex(n) for n in formats if visible_text(chr(n))] == []
