"""A question, as a handler asks it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from cooee.core.parsing.answers import AnswerParser, parser_for
from cooee.core.parsing.choices import match_option, render_menu

Reminder: TypeAlias = timedelta | tuple[timedelta, str]
"""How long after the question, and in which words; without words the question is repeated."""


class Question(msgspec.Struct, gc=False):
    """What a handler wants to know, as its code says it today.

    `options` makes it a choice. `default` UNSET means none. `fresh` takes no text that was
    received before the question went out. `settle` waits so long for the rest of a burst.
    """

    kind: str
    prompt: str
    type: Any = str
    options: Sequence[str] | None = None
    key: str | None = None
    was: str | None = None
    retry: str | None = None
    attempts: int | None = None
    timeout: timedelta | None = None
    remind: Reminder | Sequence[Reminder] | None = None
    default: Any = UNSET
    fresh: bool = False
    settle: timedelta | None = None

    @property
    def parser(self) -> AnswerParser:
        """How an answer is read."""
        options = self.options
        if options is None:
            return parser_for(self.type)
        hint = "Sorry, I did not understand that."
        return AnswerParser("choose", lambda text, _: options[match_option(text, options)], hint)

    def render_prompt(self, page: int = 0) -> str:
        """The text that asks."""
        if self.options is None:
            return self.prompt
        return render_menu(self.prompt, self.options, page)
