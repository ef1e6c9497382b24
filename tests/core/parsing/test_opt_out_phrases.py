"""Plain words that ask for silence: a table both ways, and what no text can do to the matcher."""
# ruff: noqa: RUF001 -- apostrophes as phones write them

import re
import string
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee import App
from cooee.core.parsing import opt_out_phrases
from cooee.core.parsing.opt_out_phrases import opt_out_intent
from cooee.testing import Kit

TABLE = [
    (line.split(None, 1)[1], line.split(None, 1)[0])
    for line in Path(__file__)
    .with_name("opt_out_phrases.txt")
    .read_text(encoding="utf-8")
    .splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_it_is_sure_where_people_are_and_asks_where_they_may_be(text, expected):
    assert (opt_out_intent(text) or "no") == expected


def test_the_table_is_long_enough_to_mean_something():
    verdicts = [verdict for _, verdict in TABLE]
    assert len({text for text, _ in TABLE}) == len(TABLE) >= 300
    assert min(verdicts.count(one) for one in ("sure", "unsure", "no")) >= 60


@pytest.mark.parametrize("text", [text for text, verdict in TABLE if verdict == "sure"])
def test_it_does_not_matter_how_it_is_written(text):
    for other in (text.upper(), f"  {text}\n", text.replace(" ", "  "), f"{text.rstrip('.!?')}!!!"):
        assert opt_out_intent(other) == "sure"


@pytest.mark.parametrize("text", [text for text, verdict in TABLE if verdict == "sure"])
def test_whoever_says_more_than_that_is_asked(text):
    assert opt_out_intent(f"{text}. The blue one is on the second shelf") == "unsure"
    assert opt_out_intent(f"My cat is ill. {text}") == "unsure"


def test_a_long_text_is_never_sure():
    assert opt_out_intent("please " * 10 + "stop texting me") == "sure"
    assert opt_out_intent("please " * 30 + "stop texting me") == "unsure"


PATTERNS = (*opt_out_phrases._DEMANDS, *opt_out_phrases._HINTS)
VOCABULARY = sorted({word for one in PATTERNS for word in re.findall("[a-z]+", one)})
GAPS = (" ", "  ", ", ", "_", "-", "'", ". ")


def intent_without_filter(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opt_out_phrases, "_MENTION", re.compile(""))
        return opt_out_phrases._intent_of.__wrapped__(text, may_be_sure=True)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_first_look_lets_every_phrase_through(pattern):
    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(pattern, alphabet=string.ascii_lowercase + " ", fullmatch=True))
    def lets_through(phrase):
        assert opt_out_phrases._MENTION.search(phrase)

    lets_through()


@given(st.lists(st.tuples(st.sampled_from(VOCABULARY), st.sampled_from(GAPS)), max_size=12))
def test_the_first_look_changes_no_verdict(words):
    text = "".join(word + gap for word, gap in words)
    assert opt_out_intent(text) == intent_without_filter(text)


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_the_first_look_changes_no_verdict_of_the_table(text, expected):
    assert (intent_without_filter(text) or "no") == expected


@given(st.text(max_size=300))
def test_no_text_upsets_it(text):
    assert opt_out_intent(text) in {"sure", "unsure", ""}


@pytest.mark.parametrize(
    "piece",
    [
        "stop ",
        "please ",
        "stop all ",
        "dont want ",
        "text ",
        "me ",
        "and ",
        "to be off ",
        "- ",
        "’s",
    ],
)
def test_hostile_lengths_take_no_time(piece):
    began = time.process_time()
    opt_out_intent(piece * 5_000)
    opt_out_intent("stop " + piece * 5_000 + "texts")
    opt_out_intent("i do not want to " + piece * 5_000)
    assert time.process_time() - began < 10


async def test_a_text_is_read_once_from_the_webhook_to_its_handler(monkeypatch):
    app, read = App(), []

    @app.otherwise
    def answer(chat):
        return "Fine."

    fold = opt_out_phrases._fold_words
    monkeypatch.setattr(
        opt_out_phrases, "_fold_words", lambda text: read.append(text) or fold(text)
    )
    async with Kit(app) as kit:
        text = "Tuesday at seven, as I said on the phone to Mrs Nguyen"
        assert await kit.phone().text(text) == ["Fine."]
    assert read.count(text) == 1
