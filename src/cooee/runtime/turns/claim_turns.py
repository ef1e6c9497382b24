"""A claim, turn by turn: its texts in order, or its timers. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from cooee.core.backoff import turn_backoff
from cooee.core.dialogue.call_sites import raise_location
from cooee.core.dialogue.outbox_keys import said_keys
from cooee.core.dialogue.refusals import REFUSAL_DIALOGUE
from cooee.core.error_text import error_text
from cooee.core.errors import DialogueError, JournalError, NotDeterministic, StorageError, TooLong
from cooee.core.messages import Priority, Reply
from cooee.runtime.app_call import as_exception
from cooee.runtime.events import HandlerRan
from cooee.runtime.turns.context import Turn, TurnContext
from cooee.runtime.turns.dialogue_turn import DialogueFailure, NeedsCommitFirst, run_dialogue
from cooee.runtime.turns.effects import ClaimFlow, LeaseLost, TurnFlow
from cooee.runtime.turns.open_dialogues import (
    OpenDialogue,
    OpenDialogues,
    load_dialogues,
    with_left_questions,
    withdrawn_questions,
)
from cooee.runtime.turns.progress import ClaimProgress, make_drafts
from cooee.runtime.turns.refusals import tell_of_refusal
from cooee.runtime.turns.routing import end_retired_dialogue, failure_reply, is_retired, route_text
from cooee.runtime.turns.timer_fits import fit_timers
from cooee.storage import Claim, ClaimResult, PendingText, SenderConsent, TurnFailure

_NEVER_RETRIED = (TooLong, DialogueError, JournalError)  # the next try would go the same way
_UNTIL_RESTART = ", until the next start"
MANY_ENTRIES = 10_000
"""Journal entries of one person's open dialogues from which on there is a warning."""
_REPLY_WINDOW = timedelta(minutes=10)  # after a person's last text, what we say is still a reply

TurnFunction: TypeAlias = Callable[[Turn, ClaimProgress], TurnFlow[ClaimProgress]]


def run_claim(context: TurnContext, claim: Claim) -> ClaimFlow:
    """Run a claim's texts in order or, where it has none, its due timers.

    A failure ends it, and what came before it stands. Dialogues with something to say before
    they can take a text (begun by the app, or back after another) come before the texts.
    """
    run = _ClaimRun(context, claim)
    try:
        yield from run.run()
    except NeedsCommitFirst:
        # delivery rule 7: this claim commits what it has; the next, due at once, runs the rest
        pass
    except LeaseLost:
        # delivery rule 12: nothing is committed, since whoever has the lease runs them again
        return None
    return run.finish()


def failed_claim_result(context: TurnContext, claim: Claim, error: Exception) -> ClaimResult:
    """Return the result of a claim that could not be run or committed: its failure alone.

    The failure is the first text's that a handler gets or, without a text, the first due
    dialogue's.
    """
    with_dialogues = any(map(_opts_back_in, claim.texts))  # to ask the question again
    return _ClaimRun(context, claim, with_dialogues=with_dialogues).fail(error)


class _ClaimRun:
    """The progress of one claim: state, dialogues, drafts, the first failure."""

    def __init__(self, context: TurnContext, claim: Claim, *, with_dialogues: bool = True) -> None:
        self._context, self._claim = context, claim
        dialogues = load_dialogues(claim, context.now()) if with_dialogues else OpenDialogues()
        self._loaded, self._progress = dialogues, ClaimProgress(claim.state, dialogues)
        self._last_turn_at = claim.last_turn_at
        self._handled_seq = claim.texts[0].seq - 1 if claim.texts else claim.handled_seq
        self._failure: TurnFailure | None = None
        self._has_uncommitted = False
        first = claim.texts[0].consent if claim.texts else SenderConsent.IN
        self._is_out = first is not SenderConsent.IN  # by the texts of this claim so far

    def run(self) -> TurnFlow[None]:
        """Run every turn, or those up to the first failure."""
        _warn_of_many_entries(self._context, self._claim)
        yield from self._run_ready_dialogues()
        for pending in self._claim.texts:
            if self._failure is not None:
                return
            self._is_out = not pending.reaches_handler or pending.consent is SenderConsent.OUT
            if pending.reaches_handler:
                yield from self._run_text(pending)
            else:
                self._handled_seq = pending.seq
            yield from self._run_ready_dialogues()
        if not self._claim.texts:
            yield from self._run_due_dialogues()
        if self._progress.dialogues.by_id:
            # replay rule 11: a deploy reaches those who sleep beside the one that this claim is for
            self._progress = yield from fit_timers(self._context, self._claim, self._progress)

    def finish(self) -> ClaimResult:
        """Return the result to commit."""
        claim, progress = self._claim, self._progress
        left = with_left_questions(self._loaded, progress.dialogues)
        asking = progress.dialogues.asking
        waiting = None if asking is None else asking.waiting
        return ClaimResult(
            claim=claim,
            handled_seq=self._handled_seq,
            last_turn_at=self._last_turn_at,
            state=None if progress.state == claim.state else progress.state,
            drafts=progress.drafts,
            failure=self._failure,
            is_asking=asking is not None if progress.dialogues.by_id else None,
            offered_words=() if waiting is None else waiting.offered,
            # replay rule 1: of a journal that fails a turn, not even the clocks are written
            dialogue_updates=progress.dialogues.updates(self._loaded if self._failure else None),
            withdrawn=withdrawn_questions(left, self._context.now()) if left else (),
            # delivery rule 25: the reply to a person's text must not overtake what was said before
            hurried_keys=self._said_by(left) if self._handled_seq > claim.handled_seq else (),
        )

    @staticmethod
    def _said_by(dialogues: Sequence[OpenDialogue]) -> Sequence[str]:
        found = [said_keys(live.journal) for live in dialogues if live.journal is not None]
        return [key for keys in found for key in keys]

    def fail(self, error: Exception) -> ClaimResult:
        """Return the result of a claim that comes to nothing but a failure."""
        claim, timers = self._claim, [one for one in self._claim.dialogues if one.due_at]
        error = DialogueFailure(error) if claim.dialogues else error
        for pending in claim.texts:
            if pending.reaches_handler:
                self._failure = self._make_failure(error, claim.attempt, seq=pending.seq)
                self._handled_seq = pending.seq - 1
                if self._failure.retry_at is None and self._context.app.sorry:
                    sorry, turn = Reply(self._context.app.sorry), self._make_turn(pending)
                    drafts = make_drafts(self._context, turn, sorry, capped=False)
                    self._progress = self._progress.with_drafts(drafts)
                if self._failure.retry_at is None and _opts_back_in(pending):
                    self._progress = self._progress.with_question_repeated(self._context.now())
                return self.finish()
            self._handled_seq = pending.seq
        if timers and not claim.texts:
            first = min(timers, key=lambda one: one.due_at or self._context.now())
            attempts = first.failed_attempts + 1
            self._failure = self._make_failure(error, attempts, dialogue=first.id)
        return self.finish()

    # Texts

    def _run_text(self, pending: PendingText) -> TurnFlow[None]:
        """Run the turn of a text; where it is set aside, say so to its person."""
        turn = self._make_turn(pending)
        is_first = pending is self._claim.texts[0]
        attempts = self._claim.attempt if is_first else 1

        def answer_text(turn: Turn, progress: ClaimProgress) -> TurnFlow[ClaimProgress]:
            # delivery rule 9: it may have ended the process, each time it was claimed
            if is_first and attempts > 1 and turn_backoff(attempts - 1) is None:
                raise _crash_error(attempts, "it answered this text")
            if pending.unreadable:
                raise _damage_error(pending)
            return (yield from route_text(self._context, turn, pending, progress))

        error = yield from self._run_turn(turn, answer_text)
        if error is not None:
            self._failure = self._make_failure(error, attempts, seq=pending.seq)
            if self._failure.retry_at is not None:
                return
            draft_count = len(self._progress.drafts)
            self._progress = yield from failure_reply(
                self._context, turn, self._progress, _app_error(error)
            )
            if self._is_out:
                self._progress = self._progress.with_cancelled(draft_count)
            if _opts_back_in(pending):  # texts rule 8: the question is asked again all the same
                self._progress = self._progress.with_question_repeated(turn.now)
        self._last_turn_at, self._handled_seq = turn.chat_time, pending.seq

    # Dialogues by themselves

    def _run_ready_dialogues(self) -> TurnFlow[None]:
        """Run each dialogue that speaks before it can take a text: begun by the app, or resumed."""
        tried: set[str] = set()
        while self._failure is None and self._progress.dialogues.by_id:
            ready = self._progress.dialogues.ready(self._context.now, tried)
            if ready is None:
                return
            tried.add(ready.id)
            yield from self._run_by_itself(ready)

    def _run_due_dialogues(self) -> TurnFlow[None]:
        """Run the dialogues whose timer is due."""
        for dialogue in self._progress.dialogues.due(self._context.now()):
            if self._failure is None and not self._progress.dialogues.by_id[dialogue.id].ended:
                yield from self._run_by_itself(self._progress.dialogues.by_id[dialogue.id])
        yield from self._run_ready_dialogues()

    def _run_by_itself(self, dialogue: OpenDialogue) -> TurnFlow[None]:
        attempts = self._claim.attempt
        is_suspect = (
            self._is_first_of_claim() and attempts > 1 and turn_backoff(attempts - 1) is None
        )

        def continue_dialogue(turn: Turn, progress: ClaimProgress) -> TurnFlow[ClaimProgress]:
            if is_suspect:
                raise _crash_error(attempts, f"{dialogue.handler} went on by itself")
            return (yield from self._run_or_defer(turn, progress, dialogue))

        error = yield from self._run_turn(self._make_turn(None), continue_dialogue)
        if error is not None:
            failed_attempts = attempts if is_suspect else dialogue.attempts + 1
            self._failure = self._make_failure(error, failed_attempts, dialogue=dialogue.id)

    def _is_first_of_claim(self) -> bool:
        """Tell whether this is the claim's first turn, and to blame if the process ended in it."""
        texts = self._claim.texts
        return not self._has_uncommitted and not (texts and self._handled_seq >= texts[0].seq)

    def _run_or_defer(
        self, turn: Turn, progress: ClaimProgress, dialogue: OpenDialogue
    ) -> TurnFlow[ClaimProgress]:
        if dialogue.handler == REFUSAL_DIALOGUE:
            return (yield from tell_of_refusal(self._context, turn, progress, dialogue))
        if is_retired(self._context, dialogue):
            return end_retired_dialogue(self._context, turn, progress, dialogue)
        asking, definition = (
            progress.dialogues.asking,
            self._context.app.routes.dialogue_named(dialogue.handler),
        )
        gives_way = definition is not None and definition.busy == "refuse"
        if gives_way and asking is not None and asking.id != dialogue.id:
            if dialogue.is_new:
                return _with_dialogues(
                    progress, progress.dialogues.with_ended(dialogue, "refused", turn.now)
                )
            if dialogue.waiting is not None:
                return _with_dialogues(progress, progress.dialogues.with_postponed(dialogue))
        progress, _ = yield from run_dialogue(self._context, turn, progress, dialogue, None)
        return progress

    # What both have in common

    def _make_turn(self, pending: PendingText | None) -> Turn:
        now = self._context.now()
        if pending is None:
            chat_time = now if self._last_turn_at is None else max(now, self._last_turn_at)
        else:
            sent_at = pending.inbound.sent_at or pending.inbound.received_at
            chat_time = sent_at if self._last_turn_at is None else max(sent_at, self._last_turn_at)
        in_conversation = (
            self._last_turn_at is not None and now - self._last_turn_at <= _REPLY_WINDOW
        )
        priority = Priority.REPLY if self._claim.texts or in_conversation else Priority.PROACTIVE
        last_seq = self._handled_seq if pending is None else pending.seq
        can_checkpoint, drafts = not self._has_uncommitted, self._progress.drafts
        claim = self._claim
        return Turn(claim, pending, now, chat_time, priority, can_checkpoint, last_seq, drafts)

    def _run_turn(self, turn: Turn, run: TurnFunction) -> TurnFlow[Exception | None]:
        """Run one turn, whole or not at all; return its exception."""
        # delivery rule 6: `self._progress` moves only once the turn is over, so one that raises
        # leaves no state, reply or dialogue behind
        progress, claim, pending = self._progress, self._claim, turn.pending
        try:
            self._progress = advanced = yield from run(turn, progress)
        except (NeedsCommitFirst, LeaseLost, GeneratorExit):
            raise
        # delivery rule 19: the turn fails, and those before it stand
        except BaseException as caught:
            error = as_exception("A turn", caught)
            cause = _app_error(error)
            unchanged = (progress.state, progress.state, cause, raise_location(cause))
            self._context.events.publish(HandlerRan(claim, pending, *unchanged))
            return error
        self._has_uncommitted = True
        if self._is_out:  # texts rule 8: what was said meanwhile is not sent by a START after it
            self._progress = advanced.with_cancelled(len(progress.drafts))
        reply_count = len(advanced.drafts) - len(progress.drafts)
        self._context.events.publish(
            HandlerRan(claim, pending, progress.state, advanced.state, reply_count=reply_count)
        )
        return None

    def _make_failure(
        self, error: Exception, attempts: int, *, seq: int = 0, dialogue: str = ""
    ) -> TurnFailure:
        cause = _app_error(error)
        # delivery rule 8: no pause sets it aside at once, since it would go the same way again
        pause = None if isinstance(cause, _NEVER_RETRIED) else turn_backoff(attempts)
        retry_at: datetime | None = None if pause is None else self._context.now() + pause
        in_dialogue = isinstance(error, DialogueFailure) or dialogue
        code_version = self._context.code_version() if in_dialogue and pause is None else ""
        if code_version and isinstance(cause, NotDeterministic):
            # replay rule 10: what a run did is no fault of the code alone, so the version of no
            # process: the next one to start tries again, with the same code too.
            code_version += _UNTIL_RESTART
        return TurnFailure(seq, _error_message(cause), retry_at, code_version, dialogue)


def _warn_of_many_entries(context: TurnContext, claim: Claim) -> None:
    count = sum(len(dialogue.entries) for dialogue in claim.dialogues)
    if count > MANY_ENTRIES:  # replay rule 15
        context.warn(
            f"A person has {len(claim.dialogues):,} open dialogues with over {MANY_ENTRIES:,}"
            " journal entries, and each of their turns reads them all. End the dialogues that are"
            " over, or let one dialogue sleep for all."
        )


def _app_error(error: Exception) -> Exception:
    """Return the exception of the app's own code."""
    return error.error if isinstance(error, DialogueFailure) else error


def _error_message(error: Exception) -> str:
    """Return an error's message, with the line of the app that raised it."""
    message, location = error_text(error), raise_location(error)
    return message if not location or location in message else f"{message} ({location})"


def _opts_back_in(pending: PendingText) -> bool:
    return pending.consent is SenderConsent.BACK_IN


def _with_dialogues(progress: ClaimProgress, dialogues: OpenDialogues) -> ClaimProgress:
    return replace(progress, dialogues=dialogues)


def _damage_error(pending: PendingText) -> StorageError:
    return StorageError(
        f"A stored text cannot be read ({pending.unreadable}). Restore a backup and retry it, or"
        " leave it set aside."
    )


def _crash_error(attempts: int, during: str) -> RuntimeError:
    return RuntimeError(f"The process ended {attempts - 1} times while {during}.")
