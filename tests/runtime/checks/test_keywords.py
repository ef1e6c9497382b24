"""The app's keywords, held against the company's words."""

from cooee import App, Chat
from cooee.core.app.opt_out import OPT_OUT_WORDS
from cooee.providers import find_provider
from cooee.runtime.checks.keywords import check_keywords

TWILIO = find_provider("twilio")(
    {"TWILIO_ACCOUNT_SID": f"AC{0:032x}", "TWILIO_AUTH_TOKEN": "x" * 32}
)
SIMULATED = find_provider("simulated")({})


def app(*words):
    made = App()

    @made.on(*words)
    def stop(chat: Chat) -> None: ...

    return made


def test_a_word_that_the_company_takes_is_wrong_unless_there_is_another():
    [found] = check_keywords(app("STOP"), TWILIO)
    assert found.verdict == "wrong"
    assert 'like @app.on("STOP", "HALT")' in found.words
    [found] = check_keywords(app("STOP", "HALT"), TWILIO)
    assert found.verdict == "note"
    [found] = check_keywords(app("STOP"), SIMULATED)
    assert (found.verdict, found.words) == ("ok", "People end all texts with UNSUBSCRIBE.")


def test_an_app_that_leaves_no_way_out_is_wrong():
    [found] = check_keywords(app(*OPT_OUT_WORDS), SIMULATED)
    assert (found.verdict, "nobody could" in found.words) == ("wrong", True)


def test_an_answer_that_the_company_takes_is_named_with_its_dialogue_and_line():
    made = App()

    @made.dialogue("CHANGE")
    async def change(chat: Chat) -> None:
        await chat.choose("Which?", ["Move it", "Cancel"])
        await chat.confirm("Sure?")

    answer, no = check_keywords(made, TWILIO)
    line = change.__code__.co_firstlineno + 2
    assert (answer.verdict, no.verdict) == ("wrong", "note")
    assert f"acts on CANCEL, which answers 'Cancel' in change ({__file__}:{line})" in answer.words
    assert f"acts on CANCEL, which says no in change ({__file__}:{line + 1})" in no.words
    [found] = check_keywords(made, SIMULATED)
    assert found.verdict == "ok"
