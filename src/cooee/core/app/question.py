"""Question, AskOptions and Reminder: what a handler asks, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias, TypedDict

import msgspec
from msgspec import UNSET

from cooee.core.built_in_values import (
    built_in_length,
    built_in_names,
    built_in_options,
    built_in_reminders,
    built_in_text,
    required_text,
)
from cooee.core.parsing.answers import AnswerParser, parser_for
from cooee.core.parsing.choices import match_option, render_menu

_MAX_SETTLE_S = 1e9

Reminder: TypeAlias = timedelta | tuple[timedelta, str]
"""The time from the question to its reminder, and the reminder's text (else the prompt again)."""


class AskOptions(TypedDict, total=False):
    """The common options of `Chat.ask`, `Chat.choose` and `Chat.confirm`.

    A helper that asks hands them on: ``async def ask_name(chat, **options: Unpack[AskOptions])``.

    Attributes:
        key: the identity of the answer, in place of the prompt's words.
        was: the prompt, or key, from before a rewording, or several: an answer to former words
            counts.
        retry: the reply to an answer that was not understood.
        attempts: how many answers there may be; after the last, `TooManyAttempts` is raised.
        timeout: how long to wait for the answer; after it, `NoReply` is raised, or `default` is
            the answer.
        remind: when to ask again, and in which words; one reminder or several.
        fresh: ignore texts that were sent or received before the question went out.
    """

    key: str | None
    was: str | Sequence[str] | None
    retry: str | None
    attempts: int | None
    timeout: timedelta | None
    remind: Reminder | Sequence[Reminder] | None
    fresh: bool


class Question(msgspec.Struct, gc=False):
    """A question as the handler's code puts it today.

    `options` makes it a choice. `default` UNSET means none. `fresh` ignores texts that were sent
    or received before the question went out. `settle` waits so long for the rest of a burst.
    """

    kind: str
    prompt: str
    type: Any = str
    options: Sequence[str] | None = None
    key: str | None = None
    was: str | Sequence[str] | None = None
    retry: str | None = None
    attempts: int | None = None
    timeout: timedelta | None = None
    remind: Reminder | Sequence[Reminder] | None = None
    default: Any = UNSET
    fresh: bool = False
    settle: timedelta | None = None

    @property
    def parser(self) -> AnswerParser:
        """Return the parser of its answers."""
        options = self.options
        if options is None:
            return parser_for(self.type)
        hint = "Sorry, I did not understand that."
        return AnswerParser("choose", lambda text, _: options[match_option(text, options)], hint)

    def render_prompt(self, page: int = 0) -> str:
        """Return the prompt, with a page of the menu where the question is a choice."""
        if self.options is None:
            return self.prompt
        return render_menu(self.prompt, self.options, page)


def make_question(
    prompt: str, type_: Any, menu: Sequence[str] | None, default: Any, options: AskOptions
) -> Question:
    """Build the question of `Chat.ask`, `choose` or `confirm`.

    Raises:
        TypeError: the prompt is no `str`, or an option is misspelt or belongs to another verb.
    """
    # delivery rule 22: each text and length is an exact built-in one from here on
    if type(prompt) is not str:
        prompt = required_text(prompt, "A prompt")
    if menu is not None:
        menu = built_in_options(menu)
    if not options or options.keys() == _KEY_ALONE:
        # the short way: every replay runs these lines for every answer
        key = built_in_text(options["key"]) if options else None
        return Question("ask", prompt, type_, menu, key, None, None, None, None, None, default)
    unknown = options.keys() - AskOptions.__optional_keys__
    if unknown:
        misplaced = " It is one of chat.receive()." if min(unknown) == "settle" else ""
        raise TypeError(
            f"A question has no option {min(unknown)!r}.{misplaced} Its options are"
            f" {', '.join(AskOptions.__annotations__)} and default."
        )
    exact = {name: _BUILT_IN.get(name, _unchanged)(value) for name, value in options.items()}
    return Question("ask", prompt, type_, menu, default=default, **exact)


_KEY_ALONE = {"key"}


def make_receive(
    key: str | None,
    timeout: timedelta | None,
    remind: Reminder | Sequence[Reminder] | None,
    default: Any,
    settle: timedelta | float | None,
) -> Question:
    """Build the question of `Chat.receive`, which has no words."""
    pause: Any = settle  # a number that is no length of time is refused later, at this line
    if isinstance(settle, int | float) and abs(settle) < _MAX_SETTLE_S:
        pause = timedelta(seconds=settle)
    return Question(
        "receive",
        "",
        key=built_in_text(key),
        timeout=built_in_length(timeout),
        remind=built_in_reminders(remind),
        default=default,
        settle=built_in_length(pause),
    )


def _unchanged(value: Any) -> Any:
    return value


_BUILT_IN: Mapping[str, Callable[[Any], Any]] = {
    "key": built_in_text,
    "was": built_in_names,
    "retry": built_in_text,
    "timeout": built_in_length,
    "remind": built_in_reminders,
}
