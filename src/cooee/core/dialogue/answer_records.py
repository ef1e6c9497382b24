"""Answers in the journal: how they are stored, read, and adapted to changed code."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cooee.core.app.question import Question
from cooee.core.dialogue.call_sites import user_location
from cooee.core.dialogue.journal import JournalEntry
from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.errors import DialogueError, Unstorable
from cooee.core.parsing.answer_types import answer_type_problem
from cooee.core.parsing.answers import AnswerParser, NotUnderstood, ParseContext, parse_answer


def adapt_recorded_answer(
    entry: JournalEntry, question: Question, context: ParseContext
) -> JournalEntry | None:
    """Return a record as changed code accepts it: unchanged, parsed again, or None: ask again.

    A chosen option must still be on the menu. Where the code asks for another type now, the
    person's own text is parsed as of its own time (replay rule 2).

    Raises:
        DialogueError: no text can become an answer of the type that the code asks for now.
    """
    if entry.kind != "answer":
        return entry  # replay rule 11: a recorded outcome stays, whatever the deadline is today
    if question.kind == "receive":
        return entry
    parser = question.parser
    if _same_meaning(parser, entry.tag):
        option_removed = question.options is not None and entry.value not in question.options
        return None if option_removed else entry
    problem = "" if question.options is not None else answer_type_problem(question.type)
    if problem:
        raise DialogueError(f"{user_location()}: {problem}")
    try:
        value = stored_value(parse_answer(parser, entry.raw or "", replace(context, at=entry.at)))
    except NotUnderstood:
        return None
    return replace(entry, value=value, tag=parser.type_tag, sent_ids=())


def _same_meaning(parser: AnswerParser, tag: str) -> bool:
    """Return whether a recorded answer was parsed by a type that means the same today."""
    name, has_fingerprint, _ = parser.type_tag.partition("#")
    # An older cooee wrote the name alone.
    return tag == parser.type_tag or (has_fingerprint != "" and tag == name)


_TEXT_ALONE = {"$": "text"}
"""The value of an answer that cannot be stored: its record keeps the person's text alone."""


def stored_value(value: Any) -> Any:
    """Return an answer as the journal holds it; `_TEXT_ALONE` where it cannot be stored."""
    try:
        return encode_value(value)
    except Unstorable:
        return _TEXT_ALONE


def keeps_text_alone(entry: JournalEntry) -> bool:
    """Return whether a record keeps the person's text alone, since its value cannot be stored."""
    return bool(entry.value == _TEXT_ALONE)


def recorded_answer(entry: JournalEntry, question: Question, context: ParseContext) -> Any:
    """Return the value of a recorded answer.

    Raises:
        Unstorable: the value's class has gone, or its type no longer accepts the person's text.
    """
    if not keeps_text_alone(entry):
        return decode_value(entry.value)
    # replay rule 2: a value that cannot be stored is parsed in each replay, as of its own time.
    if question.kind == "receive":
        return entry.raw
    try:
        return parse_answer(question.parser, entry.raw or "", replace(context, at=entry.at))
    except NotUnderstood as error:
        raise Unstorable(
            f"{question.parser.type_tag.partition('#')[0]} no longer accepts an answer that it"
            " accepted before. What it returns cannot be stored, so it is called in each replay,"
            " and has to return the same each time. Let it return plain data."
        ) from error
