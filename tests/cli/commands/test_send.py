"""`cooee send`, into the database of a running app."""

import json
from datetime import UTC, datetime

import pytest

from cooee.core.messages import Inbound
from cooee.storage import NewInbound

OURS, ANNA, BEN = "+61491570006", "+61491570156", "+61491570157"


@pytest.fixture
def conversation(kept):
    """Anna has texted once, so that our number is known."""
    hello = Inbound(sender=ANNA, recipient=OURS, text="hi", received_at=datetime.now(UTC))
    kept(lambda store: store.receive([NewInbound(hello)]))


def sent(cooee, theirs):
    entries = json.loads(cooee("show", theirs, "--json").stdout)
    return [entry for entry in entries if entry["direction"] == "out"]


def test_a_text_is_queued_from_the_only_number_that_is_ours(cooee, conversation):
    said = cooee("send", "0491570157", "Hello")
    assert said.stdout.startswith(f"Queued from {OURS} to {BEN}: ")
    (text,) = sent(cooee, BEN)
    assert (text["text"], text["status"], text["ours"]) == ("Hello", "queued", OURS)


def test_a_key_makes_it_one_text(cooee, conversation):
    first = cooee("send", ANNA, "Hello", "--key", "monday")
    assert cooee("send", ANNA, "Hello", "--key", "monday").stdout == first.stdout
    assert cooee("send", ANNA, "Hello", "--key", "tuesday").stdout != first.stdout
    assert len(sent(cooee, ANNA)) == 2


def test_a_time_has_its_offset(cooee, conversation):
    assert cooee("send", ANNA, "Hello", "--at", "2100-01-31T09:00+10:00").returncode == 0
    for wrong, words in [("2100-01-31T09:00", "Add the offset"), ("tomorrow", "is no time")]:
        said = cooee("send", ANNA, "Hello", "--at", wrong)
        assert said.returncode == 2
        assert words in said.stderr
    assert len(sent(cooee, ANNA)) == 1


def test_which_of_our_numbers_has_to_be_said_where_it_is_not_known(cooee, kept):
    kept(lambda store: store.counts())
    said = cooee("send", BEN, "Hello")
    assert said.returncode == 2
    assert "--from" in said.stderr
    assert cooee("send", BEN, "Hello", "--from", OURS).returncode == 0


@pytest.mark.parametrize("words", ["", "  "])
def test_a_text_has_words(cooee, conversation, words):
    said = cooee("send", ANNA, words)
    assert said.returncode == 2
    assert "no words" in said.stderr


def test_a_short_code_is_not_a_person(cooee, conversation):
    assert cooee("send", "12345", "Hello").returncode == 2
