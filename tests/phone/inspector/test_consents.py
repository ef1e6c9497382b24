"""What a person's text did to their consent: by a word of the provider's, or by one of cooee's."""

from datetime import UTC, datetime

import pytest

from cooee.core.app.opt_out import ProviderWords
from cooee.core.messages import Inbound
from cooee.phone.inspector.consents import Consents

ANNA = "+61491570156"
WORDS = ProviderWords(opt_out={"STOP", "CANCEL"}, opt_in={"START", "YES"}, help={"HELP"})


def text(words):
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return Inbound(sender=ANNA, recipient="+61491570006", text=words, received_at=at)


@pytest.fixture
def consents():
    return Consents("twilio", WORDS)


@pytest.mark.parametrize(
    ("words", "deed"),
    [
        ("CANCEL", "twilio takes this word: "),
        (" stop ", "twilio takes this word: "),
        ("please stop texting me", "This opts out: "),
        ("BAJA", "This opts out: "),
    ],
)
def test_an_opt_out_says_whose_word_it_is_and_that_no_handler_sees_it(consents, words, deed):
    said = consents.change(text(words), "out")
    assert said == f"{deed}no more texts to this person, and no handler sees it."
    assert consents.has_opted_out(ANNA)


def test_an_opt_in_is_told_where_there_was_an_opt_out_to_lift(consents):
    assert consents.change(text("START"), "in") == ""
    consents.set_opted_out([ANNA])
    assert consents.change(text("YES"), "in").startswith("This lifts the opt-out")
    assert not consents.has_opted_out(ANNA)


def test_a_word_that_the_provider_answers_is_told(consents):
    assert consents.describe_help(text("help ")) == (
        "twilio answers this word, and the app sees it too."
    )
    assert consents.describe_help(text("help me")) == ""
    assert Consents("simulated").describe_help(text("HELP")) == ""
