"""What an app is told of words that its provider takes."""

import pytest

from cooee import Chat, Routes
from cooee.core.app.opt_out import ProviderWords
from cooee.core.app.word_clashes import Offer, keyword_clashes, offer_clashes

TELSTRA_V3 = ProviderWords({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"})
TWILIO = ProviderWords({"STOP", "CANCEL", "END"}, {"START", "YES", "UNSTOP"}, {"HELP", "INFO"})


def routes(*specs, otherwise=False):
    made = Routes()
    for spec in specs:

        @made.on(*spec) if isinstance(spec, tuple) else made.on(spec)
        def answer(chat: Chat, **fields) -> None: ...

    if otherwise:

        @made.otherwise
        def explain(chat: Chat) -> None: ...

    return made


def test_a_keyword_that_the_provider_takes_is_named_with_what_to_do():
    [clash] = keyword_clashes(TELSTRA_V3, routes("START", "Stop", "TIME"))
    message = clash.message("telstra-v3")
    assert clash.is_serious
    assert "telstra-v3 itself acts on Stop" in message
    assert "answer" in message
    assert "test_word_clashes.py:" in message
    assert '@app.on("Stop", "HALT")' in message
    assert keyword_clashes(ProviderWords(), routes("STOP")) == []


def test_a_second_word_is_what_people_are_to_be_told():
    [clash] = keyword_clashes(
        TELSTRA_V3, routes(("STOP", "HALT", "quit", "END THE CLOCK"), otherwise=True)
    )[:1]
    assert list(clash.other_keywords) == ["HALT", "END THE CLOCK"]
    assert clash.message("twilio").endswith("tell people to text HALT or END THE CLOCK.")
    assert not clash.is_serious


def test_a_help_word_is_heard_by_both():
    [clash] = keyword_clashes(TWILIO, routes("Help", "YES", "START"))
    assert not clash.is_serious
    assert "twilio itself answers Help" in clash.message("twilio")


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (("Change", "Cancel"), [("CANCEL", "Cancel", True)]),
        (("Cancel my booking",), [("CANCEL", "Cancel my booking", False)]),
        (("Bus stop", "Weekend", "Baja"), []),
        (("stop!", "Help"), [("STOP", "stop!", True), ("HELP", "Help", False)]),
        ((), [("CANCEL", "", False)]),  # a no to a `confirm`
    ],
)
def test_an_answer_that_the_provider_takes_is_named(labels, found):
    clashes = list(offer_clashes(TWILIO, Offer("book", "app.py:7", labels)))
    assert [(clash.word, clash.label, clash.is_serious) for clash in clashes] == found
    for clash in clashes:
        message = clash.message("twilio")
        assert message.startswith("twilio itself ")
        assert clash.word in message
        assert "in book (app.py:7)" in message
        assert message.endswith((".", '."'))
    assert list(offer_clashes(ProviderWords(), Offer("book", "app.py:7", labels))) == []
