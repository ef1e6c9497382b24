"""Reserved words that a question offers as answers."""

from enum import Enum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.app.offered_words import (
    RESERVED_WORDS,
    offered_words,
    plain_word,
    words_of_labels,
)
from cooee.core.app.opt_out import ALWAYS_MEANT
from cooee.core.app.question import Question


class Plan(Enum):
    KEEP = "keep"
    CANCEL_IT = "end"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question("ask", "?"), ()),
        (Question("receive", ""), ()),
        (Question("ask", "?", int), ()),
        (Question("ask", "?", lambda text: text), ()),
        (Question("ask", "?", bool), ("cancel",)),
        (Question("ask", "?", Literal["stop", "go", 3]), ("stop",)),
        (Question("ask", "?", Plan), ("cancel", "end")),
        (Question("ask", "?", options=["Cancel!", "Arrêt", "HELP"]), ("arret", "cancel", "help")),
        (Question("ask", "?", options=["Cancel my booking", "Bus stop"]), ("cancel",)),
        (Question("ask", "?", options=["Opt out", "opt  OUT.", "Stop all of it"]), ("opt out",)),
        (Question("ask", "?", options=["Endive", "Weekend", "Removal"]), ()),
    ],
)
def test_a_question_offers_its_own_words(question, words):
    assert offered_words(question) == words


WORDS = st.sampled_from([*RESERVED_WORDS, "bus", "my booking", "it", "Ünd", "3"])


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), max_size=5))
def test_what_always_means_an_opt_out_is_offered_only_by_its_name(labels):
    found = words_of_labels(labels, RESERVED_WORDS)
    names = {plain_word(label) for label in labels}
    assert set(found) <= RESERVED_WORDS
    assert names & RESERVED_WORDS <= set(found)
    assert ALWAYS_MEANT.intersection(found) <= names


def test_the_providers_words_count_too():
    question = Question("ask", "?", options=["Salir", "Entrar"])
    assert offered_words(question, RESERVED_WORDS | {"salir"}) == ("salir",)
