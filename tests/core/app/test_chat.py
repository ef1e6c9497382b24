"""What a chat refuses without a type checker."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cooee import Chat
from cooee.core.errors import NoDialogue


class Verbs:
    """A dialogue that hands back the question that it is asked."""

    def question(self, question):
        return question


def chat(dialogue):
    return Chat(
        state=None,
        services=None,
        now=datetime(2026, 3, 2, tzinfo=UTC),
        message=None,
        ours="+61491570006",
        theirs="+61491570156",
        token="t",
        read_history=None,
        dialogue=dialogue,
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda chat, **how: chat.ask("Name?", **how),
        lambda chat, **how: chat.choose("Day?", ["Friday"], **how),
        lambda chat, **how: chat.confirm("Sure?", **how),
    ],
)
def test_an_option_that_no_question_has_is_refused_by_name(ask):
    with pytest.raises(TypeError, match=r"no option 'kee'\. Its options are key, .* and default"):
        ask(chat(Verbs()), kee="name")
    with pytest.raises(TypeError, match="settle"):
        ask(chat(Verbs()), settle=5)
    assert ask(chat(Verbs()), key="name").key == "name"


def test_an_old_yes_is_no_confirmation_unless_the_handler_says_so():
    assert chat(Verbs()).confirm("Sure?").fresh
    assert not chat(Verbs()).confirm("Sure?", fresh=False).fresh
    assert not chat(Verbs()).ask("Sure?").fresh


def test_asking_needs_a_dialogue():
    with pytest.raises(NoDialogue, match=r"chat\.ask is for dialogues"):
        chat(None).ask("Name?")
