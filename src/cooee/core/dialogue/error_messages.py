"""Error messages of a dialogue: each names the line, the reason and the remedy."""

from __future__ import annotations

from cooee.core.app.question import Question
from cooee.core.error_text import error_text
from cooee.core.errors import DuplicateOnce


def duplicate_once_error(name: str, location: str) -> DuplicateOnce:
    """Return the error of a second once with the same key (replay rule 3)."""
    return DuplicateOnce(
        f"{location}: {name} is done once, and was done in this dialogue before, so it would never"
        ' be done again. Give each its own key, like key=f"charge:{i}".'
    )


def renamed_once_message(name: str, former: str) -> str:
    """Return the message for a new once that may be a recorded one (replay rule 3)."""
    return (
        f"{name} is new in this dialogue, and may be {former}, which was done for this person and"
        f" which the code does not come to any more. Where the two are one deed, write"
        f" was={former!r}, and it is not done again; where they are two, write was=()."
    )


def ambiguity_message(question: Question, location: str) -> str:
    """Return the message for one key that was reached through two call sites (replay rule 3)."""
    return (
        f"{location}: {question.key or question.prompt!r} is asked from two places of this"
        " dialogue, so that an edit could swap their answers. Give each its own key=, or call the"
        ' helper inside `with chat.part("…"):`.'
    )


def unawaited_message(verb: str, location: str) -> str:
    """Return the message for a verb without `await` (replay rule 13)."""
    return (
        f"{location}: chat.{verb}(…) before this was not awaited. Write `answer = await"
        f" chat.{verb}(…)`, one after the other: a dialogue waits for one thing at a time."
    )


def lost_restart_message(location: str) -> str:
    """Return the message for a restart without `return` (replay rule 13)."""
    return (
        f"{location}: the value of chat.restart() was not returned, so nothing restarts. Write"
        " `return chat.restart()`."
    )


def answer_bug_message(question: Question) -> str:
    """Return the note on an error of an answer's type that is no wrong answer."""
    return (
        f"The type of {question.prompt!r} failed. For a wrong answer, let it raise ValueError: the"
        " question is asked again."
    )


def text_alone_message(question: Question, location: str) -> str:
    """Return the warning about an answer whose value cannot be stored (replay rule 2)."""
    return (
        f"{location}: the answer to {question.prompt!r} cannot be stored, so its text is kept, and"
        " its type is called again in each replay. It has to return the same each time; better,"
        " let it return plain data."
    )


def foreign_await_message(awaited: str, location: str) -> str:
    """Return the message for an await that a replay cannot wait for (replay rule 5)."""
    return (
        f"{location}: a dialogue cannot await {awaited}: it is run again for each text, and nothing"
        " of it lives in between. Put it into a function, and `await chat.once(that_function, …)`."
    )


def endless_loop_message(location: str, limit: int) -> str:
    """Return the message for a run that made `limit` records without waiting."""
    return (
        f"{location}: this dialogue does {limit:,} things without waiting for an answer, so its"
        " loop may never end. Ask in every pass, or bound the loop."
    )


def failure_message(name: str, error: BaseException) -> str:
    """Return the words on a once that raised."""
    return f"{name} failed: {error_text(error)}"


def left_generator_message(location: str) -> str:
    """Return the message for an async generator that awaits in the `finally` of its end."""
    return (
        f"{location}: this async generator was left by `break` or `return`, and awaits something in"
        " its `finally`. Close it where it is left: `async with aclosing(questions(chat)) as"
        " answers:` around the loop (from contextlib)."
    )


def no_opening_message(location: str) -> str:
    """Return the message for `chat.text` before anybody has texted."""
    return (
        f"{location}: App.start began this dialogue, so before its first answer there is no"
        " chat.text and no chat.message. Give it what it needs: await app.start(book, to, table=4)."
    )
