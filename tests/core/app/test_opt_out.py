"""Which words opt out, for which app at which company."""

import re

import pytest

from cooee import Chat, DefinitionError, Routes
from cooee.core.app import opt_out
from cooee.core.app.opt_out import (
    OPT_IN_WORDS,
    OPT_OUT_WORDS,
    ProviderWords,
    fallback_routes,
    opt_out_words,
)
from cooee.core.folding import fold_text, unaccented

TELSTRA_V3 = ProviderWords({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"})
TWILIO = ProviderWords({"STOP", "CANCEL"}, {"START", "YES", "UNSTOP"}, {"HELP", "INFO"})
NO_WORDS = ProviderWords()


def routes(*specs, otherwise=False):
    made = Routes()
    for spec in specs:

        @made.on(*spec) if isinstance(spec, tuple) else made.on(spec)
        def answer(chat: Chat, **fields) -> None: ...

    if otherwise:

        @made.otherwise
        def explain(chat: Chat) -> None: ...

    return made


@pytest.mark.parametrize("company", [NO_WORDS, TELSTRA_V3])
@pytest.mark.parametrize("word", OPT_OUT_WORDS)
def test_every_standard_word_opts_out(company, word):
    plain = opt_out_words(company, routes(otherwise=True))
    for written in (word, word.lower(), f" {word.title()} ", f"{word}!", f"“{word}.”"):
        assert plain.consent_of(written) == "out"


@pytest.mark.parametrize("word", OPT_IN_WORDS)
def test_opt_in_words_opt_in(word):
    assert opt_out_words(NO_WORDS, routes()).consent_of(word.lower()) == "in"


@pytest.mark.parametrize(
    "text", ["", "bus stop", "dont stop", "STOPWATCH", "stop 5", "YES", "restart", "x" * 5000]
)
def test_other_texts_do_nothing(text):
    assert opt_out_words(NO_WORDS, routes()).consent_of(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Stop. Thank you", "STOP STOP", "stop it", "UNSUB", "STOP-ALL", "STOP\nSent from my iPhone", "please stop",
        "Stop please!", "stop stop stop", "STOP it now", "Stop, thanks", "stoppp", "S.T.O.P", "S T O P", "STOP 🛑", "🛑 stop",
        "“Stop”, please.", "STOP.\n\nSent from my Galaxy", "STOP Sent from my iPhone", "unsubscribe please", "Quit. Thanks!",
        "ok stop", "sorry, stop", "stop all", "Stop\u2013all", "opt out please", "STOP\nGet Outlook for iOS", "Hi, stop pls",
        "stop\u200b thanks", "Stop!!! Thank you so much", "can you stop", "just stop", "STOP\n\nEnvoyé de mon iPhone",
        "STOP\nVon meinem iPhone gesendet", "Stop. Enviado desde mi iPhone", "STOP\n--\nSent from Yahoo Mail on Android",
         "stop everything", "stop this", "unsub thx", "arret", "Arrêt", "desabonner", "please STOP ALL, thank you",
    ],
)  # fmt: skip
def test_a_word_with_courtesies_or_a_signature_opts_out(text):
    assert opt_out_words(NO_WORDS, routes()).consent_of(text) == "out"


@pytest.mark.parametrize(
    "text", ["cancel please", "End. Thanks", "remove, please", "baja por favor"]
)
def test_a_word_with_other_meanings_and_a_courtesy_is_a_wish_at_most(text):
    assert opt_out_words(NO_WORDS, routes()).consent_of(text) in {"wish", ""}


@pytest.mark.parametrize(
    "text",
    [
        "don't stop", "never stop", "stop by at 5", "bus stop please", "stop the clock", "Liked “Reply STOP to opt out”",
        "👍 to “STOP”", 'Loved "Stop. Thank you"', "Removed a like from “Please stop texting me”", "thank you", "please",
        "Sent from my iPhone", "stop or go", "it", "stop 5 please", "unstoppable",
    ],
)  # fmt: skip
def test_a_quote_or_another_word_opts_nobody_out(text):
    assert opt_out_words(NO_WORDS, routes()).consent_of(text) == ""


def test_the_apps_own_stop_takes_its_courtesies_too():
    words = opt_out_words(NO_WORDS, routes("STOP"))
    assert words.consent_of("stop please") == words.consent_of("stop it") == ""
    assert words.consent_of("UNSUBSCRIBE, thanks") == "out"
    assert words.consent_of("START, please") == "in"


@pytest.mark.parametrize(
    ("text", "consent", "is_at_provider"),
    [
        ("YES", "in", True),
        (" yes\n", "in", True),
        ("Yes!", "", False),  # Twilio acts on the word alone
        ("yes please", "", False),
        ("START", "in", False),  # ours too: whatever the opt-out, it is lifted
        ("Start!", "in", False),
        ("unstop", "in", False),
        ("stop", "out", True),
        ("Stop.", "out", False),
        ("ARRET", "out", False),
    ],
)
def test_the_providers_own_words_do_here_what_they_do_there(text, consent, is_at_provider):
    at_twilio = opt_out_words(TWILIO, routes(otherwise=True))
    assert at_twilio.consent_of(text) == consent
    assert at_twilio.is_at_provider(text) is is_at_provider
    elsewhere = opt_out_words(NO_WORDS, routes(otherwise=True))
    assert elsewhere.consent_of(text) == ("" if "yes" in text.casefold() else consent)
    assert not elsewhere.is_at_provider(text)


def test_an_apps_own_keyword_is_the_apps_where_the_company_does_not_act_on_it():
    own = routes("START", "Stop", "TIME")
    at_v2 = opt_out_words(NO_WORDS, own)
    assert (
        at_v2.consent_of("STOP"),
        at_v2.consent_of("stop!"),
        at_v2.consent_of("UNSUBSCRIBE"),
    ) == ("", "", "out")
    assert opt_out_words(TELSTRA_V3, own).consent_of("STOP") == "out"


@pytest.mark.parametrize("word", OPT_OUT_WORDS)
def test_an_apps_own_word_is_the_apps_with_and_without_its_accents(word):
    spellings = {word, unaccented(fold_text(word)), word.title()}
    for keyword in spellings:
        own = opt_out_words(NO_WORDS, routes(keyword))
        assert {own.consent_of(text) for text in (*spellings, f"{keyword}!")} == {""}
        assert not any(map(own.might_opt_out, spellings))
        assert fold_text(own.advertised()) != fold_text(keyword)
        assert own.consent_of(own.advertised()) == "out"


def test_start_opts_in_and_is_the_apps_as_well():
    assert opt_out_words(NO_WORDS, routes("START")).consent_of("START") == "in"


def test_no_pattern_takes_a_way_out_from_people():
    greedy = routes(re.compile(".*", re.DOTALL), "STOP {what:rest}", otherwise=True)
    assert opt_out_words(NO_WORDS, greedy).consent_of("STOP") == "out"


def test_whoever_takes_every_word_is_told_to_leave_one():
    with pytest.raises(DefinitionError, match="Leave one of STOP, UNSUBSCRIBE"):
        opt_out_words(NO_WORDS, routes(tuple(OPT_OUT_WORDS)))
    assert (
        opt_out_words(ProviderWords({"SALIR"}), routes(tuple(OPT_OUT_WORDS))).consent_of("salir")
        == "out"
    )


@pytest.mark.parametrize(
    ("company", "own", "named"),
    [
        (NO_WORDS, (), "STOP"),
        (NO_WORDS, ("STOP",), "UNSUBSCRIBE"),
        (NO_WORDS, ("STOP", "UNSUBSCRIBE"), "OPTOUT"),
        (TELSTRA_V3, ("STOP",), "STOP"),
        (TELSTRA_V3, ("HALT",), "STOP"),
        (
            ProviderWords({"UNSUBSCRIBE"}),
            (),
            "UNSUBSCRIBE",
        ),  # so that the company's own list is right as well
        (ProviderWords({"SALIR"}), (), "SALIR"),
    ],
)
def test_people_are_told_a_word_that_works(company, own, named):
    found = opt_out_words(company, routes(*own))
    assert found.advertised() == named
    assert found.consent_of(named) == "out"
    assert found.opt_out_prompt() == f"Do you want no more texts from us? Reply {named}."
    helped, _ = fallback_routes(found, "Text {word}.")
    assert (helped[0]("Help!"), helped[0]("help me"), helped[1].handler.function(None)) == (
        True,
        False,
        f"Text {named}.",
    )
    assert len(fallback_routes(found, None)) == 1


def test_people_are_told_no_word_that_the_waiting_question_offers():
    found = opt_out_words(NO_WORDS, routes("UNSUBSCRIBE"))
    assert found.advertised(["cancel"]) == "STOP"
    assert found.advertised(["stop"]) == "OPTOUT"
    assert found.opt_out_prompt(["stop"]).endswith("Reply OPTOUT.")
    everything = [unaccented(fold_text(word)) for word in OPT_OUT_WORDS]
    assert found.advertised(everything) == "STOP"
    assert opt_out_words(TWILIO, routes()).advertised(["stop"]) == "STOP"  # Twilio acts on it


def test_plain_words_are_a_wish_unless_the_app_answers_them():
    assert (
        opt_out_words(NO_WORDS, routes(otherwise=True)).consent_of("please stop texting me")
        == "wish"
    )
    assert opt_out_words(NO_WORDS, routes("leave me alone")).consent_of("Leave me alone!") == ""
    assert (
        opt_out_words(NO_WORDS, routes("leave me alone")).consent_of("take me off your list")
        == "wish"
    )


def test_in_doubt_people_are_asked():
    plain = opt_out_words(NO_WORDS, routes())
    assert [plain.might_opt_out(text) for text in ("please stop", "unsubscribe me", "hello")] == [
        True,
        True,
        False,
    ]


def test_the_words_are_all_different_and_all_keywords():
    folded = [fold_text(word) for word in (*OPT_OUT_WORDS, *OPT_IN_WORDS)]
    assert len(set(folded)) >= len(folded) - 1  # OPT-OUT may fold as one of the others
    assert all(folded)


def test_a_text_is_read_once_for_all_who_ask(monkeypatch):
    """Its receiver asks, and its turn does: the dialogue, and whoever answers it."""
    read = []
    monkeypatch.setattr(opt_out, "plain_words", lambda text: read.append(text) or ())
    words = opt_out_words(TWILIO, routes())
    for _ in range(3):
        assert words.consent_of("See you at 7") == ""
        assert not words.might_opt_out("See you at 7")
    assert read == ["See you at 7"]


def test_the_last_readings_are_kept_and_no_more():
    words = opt_out_words(TWILIO, routes())
    for n in range(3_000):
        assert words.consent_of(f"See you at {n}") == ""
    assert words.consent_of("x" * 10_000) == ""
    assert words.consent_of("stop") == "out"
    assert len(words._readings) <= 1_024
