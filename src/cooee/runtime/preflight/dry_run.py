"""Replays one stored dialogue against the code on disk: its next turn, without a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from msgspec.structs import replace

from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.dialogue_context import DialogueContext
from cooee.core.dialogue.journal import Journal, JournalIndex
from cooee.core.dialogue.replay import CallOnce, ReplayEffect, TurnOutcome, run_turn
from cooee.core.dialogue.timer_fit import time_of_last_turn
from cooee.core.errors import JournalError, TooLong
from cooee.runtime.preflight import DryRunResult
from cooee.runtime.preflight.app_frames import AppFrame, frames_of_error
from cooee.runtime.preflight.audit_hook import IOGuard
from cooee.runtime.preflight.service_stub import OnceNames, ServiceStub
from cooee.runtime.preflight.time_limit import TimedOut, TimeLimit
from cooee.runtime.turns.app_version import code_version_of
from cooee.storage import StoredDialogue

_MAX_TIMEOUTS = 3
"""Time-outs of one handler at one question after which its other dialogues are not run."""


class DryRun:
    """Replays dialogues one after the other, with I/O refused; nothing is written."""

    def __init__(
        self, app: App[Any, Any], io_guard: IOGuard, time_limit: TimeLimit | None = None
    ) -> None:
        self._app, self._io_guard = app, io_guard
        self._time_limit = time_limit or TimeLimit()
        self._code_version = code_version_of(app)
        self._timeouts = Counter[tuple[str, str]]()

    def run(self, stored: StoredDialogue) -> DryRunResult:
        """Return the result of a stored dialogue's next turn in the code on disk."""
        name = stored.dialogue.handler
        if name in self._app.retired_dialogues:
            return DryRunResult(outcome="retired", handler=name)
        dialogue = self._app.routes.dialogue_named(name)
        if dialogue is None:
            return DryRunResult(outcome="unknown", handler=name)
        try:
            journal = _with_start_time(
                stored, journals.decode_journal(stored.dialogue.head, stored.dialogue.entries)
            )
            now = time_of_last_turn(journal)
        except (JournalError, LookupError) as error:  # records may contradict each other
            kind = type(error).__name__
            return DryRunResult(outcome="unreadable", handler=name, what=kind, words=str(error))
        return self._run_limited(dialogue, stored, journal, now)

    def close(self) -> None:
        """Stop the time limit: no more dialogues will be replayed."""
        self._time_limit.cancel()

    def _run_limited(
        self, dialogue: Dialogue, stored: StoredDialogue, journal: Journal, now: datetime
    ) -> DryRunResult:
        question = (dialogue.name, _prompt_before(journal))
        if self._timeouts[question] >= _MAX_TIMEOUTS:
            return _timeout_result(
                dialogue, "Not run: others that wait for the same took too long."
            )
        context = self._make_context(dialogue, stored, journal)
        try:
            result = self._run_turn(context, journal, now)
        except TimedOut as error:
            self._time_limit.stop()
            self._timeouts[question] += 1
            problem = (
                f"It ran for {self._time_limit.seconds:g} seconds and neither asked nor ended."
            )
            return _timeout_result(dialogue, problem, error.frames)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, say: a handler may raise what it likes
            return _error_result(dialogue, self._io_guard.first_refusal or error)
        if self._io_guard.first_refusal is not None:  # the handler caught the refusal, and went on
            return _error_result(dialogue, self._io_guard.first_refusal)
        try:
            return _result_of(self._app, dialogue, journal, result)
        except TooLong as error:
            return _error_result(dialogue, error)

    def _run_turn(
        self, context: DialogueContext, journal: Journal, now: datetime
    ) -> TurnOutcome | ReplayEffect:
        flow = run_turn(context, journal, None, now)
        try:
            with self._io_guard:
                self._time_limit.start()
                try:
                    effect = next(flow)
                except StopIteration as done:
                    outcome: TurnOutcome = done.value
                    return outcome
                flow.close()
                return effect
        finally:
            self._time_limit.stop()

    def _make_context(
        self, dialogue: Dialogue, stored: StoredDialogue, journal: Journal
    ) -> DialogueContext:
        once_names = OnceNames(entry.key[2] for entry in journal.entries if entry.key[0] == "once")
        services = (
            None if self._app.services_lifespan is None else ServiceStub(self._io_guard, once_names)
        )
        return DialogueContext(
            function=dialogue.handler.function,
            codec=self._app.state_codec,
            services=services,
            ours=stored.ours,
            theirs=stored.theirs,
            find_zone=partial(self._app.time_zone_of, stored.theirs),
            code_version=self._code_version,
            read_history=_no_history,
            strict=True,
        )


def _with_start_time(stored: StoredDialogue, journal: Journal) -> Journal:
    """Return the journal; before its first turn, with that turn's time and the person's state."""
    if journal.turn_count:
        return journal
    due = stored.dialogue.due_at or journal.started_at
    return replace(journal, initial_state=stored.state, started_at=max(due, journal.started_at))


async def _no_history(_: int) -> NoReturn:
    raise AssertionError("Only a once may recall, and none is carried out.")


# Results


def _result_of(
    app: App[Any, Any], dialogue: Dialogue, journal: Journal, result: TurnOutcome | ReplayEffect
) -> DryRunResult:
    name, before = dialogue.name, _prompt_before(journal)
    if not isinstance(result, TurnOutcome):
        what = result.name if isinstance(result, CallOnce) else ""
        return DryRunResult(outcome="does", handler=name, what=what, before=before)
    texts = [part.text for one in result.texts for part in app.text_policy.apply(one.reply)]
    if result.ended:
        fixed_text = {"no reply": app.no_reply, "too many attempts": app.too_many}.get(result.ended)
        text = fixed_text or (texts[-1] if texts else "")
        return DryRunResult(
            outcome="ends", handler=name, what=result.ended, words=text, before=before
        )
    waiting = result.journal.waiting
    assert waiting is not None
    where, text = waiting.location, waiting.prompt
    if not journal.turn_count:
        return DryRunResult(outcome="begins", handler=name, where=where, words=text)
    if _is_unmoved(journal, result):
        return DryRunResult(outcome="continues", handler=name)
    what = "asks" if waiting.expects_text else "sleeps"
    return DryRunResult(
        outcome="asks", handler=name, where=where, what=what, words=text, before=before
    )


def _is_unmoved(journal: Journal, result: TurnOutcome) -> bool:
    """Return whether the dialogue waits at the same key, or a killed turn has passed it."""
    waiting, now_waiting = journal.waiting, result.journal.waiting
    assert now_waiting is not None
    key_before = journal.frontier if waiting is None else waiting.key
    return now_waiting.key == key_before or key_before in JournalIndex(journal.entries).records


def _prompt_before(journal: Journal) -> str:
    waiting = journal.waiting
    return "" if waiting is None else waiting.prompt


def _error_result(dialogue: Dialogue, error: BaseException) -> DryRunResult:
    frames = getattr(error, "frames", None) or frames_of_error(error)
    return DryRunResult(
        outcome="breaks",
        handler=dialogue.name,
        where=frames[-1].location if frames else dialogue.handler.location,
        what=type(error).__name__,
        words=str(error),
        trace=tuple(map(str, frames)),
    )


def _timeout_result(
    dialogue: Dialogue, problem: str, frames: Sequence[AppFrame] = ()
) -> DryRunResult:
    return DryRunResult(
        outcome="breaks",
        handler=dialogue.name,
        where=frames[-1].location if frames else dialogue.handler.location,
        what="TimedOut",
        words=problem,
        trace=tuple(map(str, frames)),
    )
