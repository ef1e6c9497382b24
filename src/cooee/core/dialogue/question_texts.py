"""QuestionText: the text that asks a question, and what its fate means for the question."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from cooee.core.app.question import Question
from cooee.core.dialogue.waiting import Waiting
from cooee.core.messages import Status

_STAMP_LENGTH = timedelta(seconds=1)  # a carrier's stamp of whole seconds stands for all of its one
# Whether a text that is due this very moment goes out would depend on which thread is quicker.
_ABOUT_TO_GO_OUT = timedelta(seconds=1)
_CLOCK_TOLERANCE = timedelta(seconds=1)  # a timer that is off by less is not worth another turn


class QuestionText(msgspec.Struct, frozen=True):
    """A text in the outbox that asks a question.

    `accepted_at` is when the provider took it; None: not known to have. While the text may still go
    out, there are its words and, of a queued one, the time of its next attempt (`due_at`); of one
    in an attempt, or of unknown outcome, the time of that attempt (`attempted_at`). Where a long
    text was split, this is its last part, and `part_keys` may be the keys of the others.
    """

    outbound_id: str
    status: Status
    accepted_at: datetime | None = None
    text: str = ""
    due_at: datetime | None = None
    attempted_at: datetime | None = None
    part_keys: tuple[str, ...] = ()

    @property
    def went_out(self) -> bool:
        """Tell whether the provider has had the text, as far as that is known."""
        return Status.ACCEPTED <= self.status <= Status.UNDELIVERED

    def may_be_withdrawn(self, now: datetime) -> bool:
        """Tell whether the text may still go out, and is not just about to."""
        if self.status > Status.UNKNOWN:
            return False
        if self.status is not Status.QUEUED or self.due_at is None:
            return True
        return not timedelta() <= now - self.due_at < _ABOUT_TO_GO_OUT


def with_question_text(waiting: Waiting, text: QuestionText | None, now: datetime) -> Waiting:
    """Return a question as the fate of its text has it by now.

    The clocks of a question start when its text goes out: until then, `asked_at` is the earliest
    moment at which that can be.
    """
    # replay rule 16: what is known to have gone out stays so, whatever a later text of it comes to
    if not waiting.text_key or waiting.went_out == "yes":
        return waiting
    if text is None:  # the outbox keeps texts as long as dialogues
        return replace(waiting, went_out="yes", clocks_run=True)
    if text.status > Status.DELIVERED:
        at = text.accepted_at or waiting.asked_at
        return _with_clocks_from(at, replace(waiting, went_out="never"))
    if text.accepted_at is not None:
        out = replace(waiting, went_out="yes", shown_at=text.accepted_at)
        return replace(_with_clocks_from(text.accepted_at, out), clocks_run=True)
    if text.status is Status.QUEUED:
        at = max(now, text.due_at or now)
        return _with_clocks_from(at, replace(waiting, went_out="not yet"))
    at = text.attempted_at or waiting.asked_at
    return _with_clocks_from(at, replace(waiting, went_out="in doubt", shown_at=at))


def _with_clocks_from(moment: datetime, waiting: Waiting) -> Waiting:
    """Move a question's time, and those of its timers, to a moment, unless they run already."""
    shift = moment - waiting.asked_at
    is_near = abs(shift) < _CLOCK_TOLERANCE and waiting.went_out != "not yet"
    if waiting.clocks_run or waiting.burst or is_near:
        return waiting
    due_at, deadline = waiting.due_at, waiting.deadline
    return replace(
        waiting,
        asked_at=moment,
        due_at=None if due_at is None else due_at + shift,
        deadline=None if deadline is None else deadline + shift,
    )


def asked_by(waiting: Waiting, key: str, now: datetime, *, is_asked_anew: bool) -> Waiting:
    """Return a question with the text, by its key in the outbox, that asks it from now on.

    A text that repeats a question which went out (a reminder, say) is not one that has to go out,
    unless the question `is_asked_anew`.
    """
    if waiting.went_out == "yes" and not is_asked_anew:
        return replace(waiting, text_key=key)
    return replace(waiting, text_key=key, went_out="queued", shown_at=None, queued_at=now)


def is_lost(question: Question, waiting: Waiting) -> bool:
    """Tell whether a question has to be asked again before a person can answer it."""
    if not question.prompt:
        return False
    return waiting.went_out == "never" or (question.fresh and waiting.went_out == "in doubt")


def came_ahead(waiting: Waiting, received_at: datetime) -> bool:
    """Tell whether a text came in before anybody can have read a question."""
    is_in_doubt = waiting.went_out == "in doubt" and waiting.shown_at is not None
    shown_at = waiting.shown_at if is_in_doubt else None
    return received_at <= (shown_at or waiting.asked_at)


def had_gone_out(waiting: Waiting, received_at: datetime, stamp: datetime | None) -> bool:
    """Tell whether a question had gone out before a text was sent, by its stamp, and came in."""
    if waiting.went_out != "yes":
        return False
    shown_at = waiting.shown_at or waiting.asked_at
    return received_at >= shown_at and not _is_stamped_before(stamp, shown_at)


def came_in_between(waiting: Waiting, received_at: datetime, stamp: datetime | None) -> bool:
    """Tell whether a text came after a question was asked, and before it is known to be out.

    Where an attempt was lost, the provider may have had it before, and the text be an answer.
    """
    asked_at = waiting.queued_at
    if waiting.went_out != "yes" or asked_at is None:
        return False
    return received_at > asked_at and not _is_stamped_before(stamp, asked_at)


def _is_stamped_before(stamp: datetime | None, moment: datetime) -> bool:
    length = timedelta() if stamp is None or stamp.microsecond else _STAMP_LENGTH
    return stamp is not None and stamp + length <= moment and stamp < moment
