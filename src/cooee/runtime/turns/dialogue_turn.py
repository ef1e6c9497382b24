"""One turn of a dialogue, with its checkpoints and its calls of a once."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from msgspec.structs import replace

from cooee.core.app.chat import Chat
from cooee.core.app.routes import Dialogue, handler_of
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue import replay as driver
from cooee.core.dialogue.journal import Journal, derive_id
from cooee.core.dialogue.questions import IncomingText
from cooee.core.dialogue.replay import CallOnce, CallResult, TurnOutcome
from cooee.core.dialogue.state_diff import StateDiff, diff_states
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply
from cooee.runtime.events import HandlerStarted
from cooee.runtime.turns.context import (
    Turn,
    TurnContext,
    make_chat,
    make_dialogue_context,
)
from cooee.runtime.turns.effects import HandlerCall, LeaseLost, TurnFlow
from cooee.runtime.turns.open_dialogues import OpenDialogue, new_dialogue, unsaved_entries
from cooee.runtime.turns.progress import ClaimProgress, make_drafts
from cooee.storage import Checkpoint, DialogueUpdate, NewOutbound, PendingText


class NeedsCommitFirst(Exception):
    """The turns before this one have to be committed before its checkpoint."""


class DialogueFailure(Exception):
    """A dialogue's turn failed: it is tried again too when the app's code is another."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def mark_dialogue_failures() -> Iterator[None]:
    """Turn every exception of the block into a `DialogueFailure`."""
    try:
        yield
    except (NeedsCommitFirst, LeaseLost, DialogueFailure):
        raise
    except Exception as error:
        raise DialogueFailure(error) from error


def start_dialogue(
    context: TurnContext,
    turn: Turn,
    progress: ClaimProgress,
    dialogue: Dialogue,
    fields: Mapping[str, Any],
) -> TurnFlow[ClaimProgress]:
    """Begin a dialogue by a text, unless it gives way to one that asks."""
    asking = progress.dialogues.asking
    if asking is not None and dialogue.busy == "refuse":
        return replace(
            progress, dialogues=progress.dialogues.with_question_repeated(asking, turn.now)
        )
    with mark_dialogue_failures():
        id = derive_id(turn.id, dialogue.name)
        open_dialogue = progress.dialogues.by_id.get(id)  # an earlier attempt may have begun it
        if open_dialogue is None:
            inputs, state = dict(fields), progress.state
            opening = None if turn.pending is None else as_dialogue_text(turn, turn.pending)
            open_dialogue = new_dialogue(
                driver.new_journal(
                    id, dialogue.name, inputs, state, turn.chat_time, opening=opening
                )
            )
    progress, _ = yield from run_dialogue(context, turn, progress, open_dialogue, None)
    return progress


def run_dialogue(
    context: TurnContext,
    turn: Turn,
    progress: ClaimProgress,
    open_dialogue: OpenDialogue,
    text: IncomingText | None,
) -> TurnFlow[tuple[ClaimProgress, TurnOutcome]]:
    """Run a dialogue once, for a text of its own or because it is time.

    Raises:
        CommitFirst: it has to write something down, and turns before it are not committed.
        InDialogue: it failed.
        LeaseLost: the conversation is somebody else's.
    """
    with mark_dialogue_failures():
        dialogue, journal = (
            _find_definition(context, open_dialogue),
            _journal_to_run(turn, progress, open_dialogue),
        )
        context.events.publish(HandlerStarted(turn.claim, turn.pending, dialogue.handler))
        open_dialogue, outcome = yield from _run_effects(
            context, turn, progress, open_dialogue, journal, dialogue, text
        )
        outcome = _with_code_version(outcome, context.code_version())
        for warning in outcome.warnings:
            context.warn(warning)
        if outcome.journal.waiting is not None:
            context.on_question(dialogue.name, outcome.journal.waiting)
        drafts = _make_drafts(context, turn, outcome)
    state = progress.state if outcome.state is None else outcome.state
    dialogues = progress.dialogues.with_outcome(open_dialogue, outcome, dialogue.busy, turn.now)
    dialogues = dialogues.with_state_change(
        partial(_find_state_change, outcome, progress.state, state), turn.now, {open_dialogue.id}
    )
    return replace(progress, state=state, dialogues=dialogues).with_drafts(drafts), outcome


def _with_code_version(outcome: TurnOutcome, code_version: str) -> TurnOutcome:
    """Return the outcome with the code version after the turn, which may have loaded a plug-in."""
    journal = outcome.journal
    if journal.code_version == code_version and not journal.timer_version:
        return outcome
    journal = replace(journal, code_version=code_version, timer_version="")
    return replace(outcome, journal=journal)


def as_dialogue_text(turn: Turn, pending: PendingText) -> IncomingText:
    """Return a text as the replay takes it."""
    inbound = pending.inbound
    media = tuple(replace(one, content=b"") for one in inbound.media)
    times = (turn.chat_time, inbound.received_at)
    text_id, stamped_at = pending.id.hex(), inbound.sent_at
    return IncomingText(inbound.text, text_id, *times, media, stamped_at=stamped_at)


def _find_definition(context: TurnContext, open_dialogue: OpenDialogue) -> Dialogue:
    if open_dialogue.read_error is not None:
        raise open_dialogue.read_error
    definition = context.app.routes.dialogue_named(open_dialogue.handler)
    if definition is None:
        raise DialogueError(
            f"The app has no dialogue {open_dialogue.handler!r} any more, and somebody is in the"
            f" middle of it. Where it has a new name, write was={open_dialogue.handler!r} there;"
            f" where it is gone, app.retire({open_dialogue.handler!r}, say=…)."
        )
    return definition


def _journal_to_run(turn: Turn, progress: ClaimProgress, open_dialogue: OpenDialogue) -> Journal:
    """Return a dialogue's journal; before its first turn, with the person's current state."""
    assert open_dialogue.journal is not None
    if not open_dialogue.is_new:
        return open_dialogue.journal
    return replace(open_dialogue.journal, initial_state=progress.state, started_at=turn.chat_time)


def _run_effects(  # noqa: PLR0917 -- all that a run needs, once
    context: TurnContext,
    turn: Turn,
    progress: ClaimProgress,
    open_dialogue: OpenDialogue,
    journal: Journal,
    dialogue: Dialogue,
    text: IncomingText | None,
) -> TurnFlow[tuple[OpenDialogue, TurnOutcome]]:
    """Run a dialogue from one effect to the next, and carry out each."""
    recall, strict = context.history_reader(turn), context.strict
    dialogue_context = make_dialogue_context(
        context,
        dialogue,
        turn.claim,
        recall,
        strict=strict,
        others_are_open=bool(progress.dialogues.others({open_dialogue.id})),
    )
    flow, result, handler = (
        driver.run_turn(dialogue_context, journal, text, turn.now, progress.state),
        None,
        dialogue.handler,
    )
    handler_chat = _chat_for_middleware(context, turn, progress)
    try:
        while True:
            advance = partial(_advance_flow, flow, result)
            step = yield HandlerCall(
                handler, turn.id, handler_chat, advance, True, context.dialogue_timeout_s
            )
            if isinstance(step, TurnOutcome):
                break
            if not isinstance(step, CallOnce | driver.AppendEntries):
                raise DialogueError(_MIDDLEWARE_MESSAGE)
            if not turn.can_checkpoint:
                raise NeedsCommitFirst
            open_dialogue = yield from _write_checkpoint(turn, open_dialogue, journal, step.entries)
            result = None
            if isinstance(step, CallOnce):
                result = yield from _run_once(turn, handler_chat, step)
    finally:
        with suppress(ValueError):  # a thread that never came back is still inside
            flow.close()
    if strict:
        check = partial(driver.check_replay, dialogue_context, step, turn.now)
        yield HandlerCall(handler, turn.id, handler_chat, check, sync=True)
    return open_dialogue, step


def _chat_for_middleware(
    context: TurnContext, turn: Turn, progress: ClaimProgress
) -> Chat[Any, Any] | None:
    """Return the chat that middleware sees around a dialogue; None where the app has none."""
    if not context.app.middleware:
        return None
    return make_chat(context, turn, context.app.state_codec.decode(progress.state)[0])


def _find_state_change(
    outcome: TurnOutcome, before: bytes | None, after: bytes | None
) -> StateDiff:
    """Return what a turn changed in the state: by its objects where the run knows them."""
    known = outcome.state_change
    return diff_states(before, after) if known is None else known


def _advance_flow(flow: driver.ReplayFlow, result: CallResult | None) -> Any:
    try:
        return flow.send(result)
    except StopIteration as stop:
        return stop.value


def _write_checkpoint(
    turn: Turn,
    open_dialogue: OpenDialogue,
    journal: Journal,
    new_entries: Sequence[journals.JournalEntry],
) -> TurnFlow[OpenDialogue]:
    """Store journal entries now; the text stays unhandled."""
    unsaved = unsaved_entries(open_dialogue, new_entries)
    head = journals.encode_head(journal)
    update = DialogueUpdate(
        id=open_dialogue.id,
        handler=open_dialogue.handler,
        stored_count=open_dialogue.stored_count,
        entries=unsaved,
        head=head,
    )
    if not (yield Checkpoint(turn.claim, update)):
        raise LeaseLost
    return replace(open_dialogue, stored_count=open_dialogue.stored_count + len(unsaved))


def _run_once(
    turn: Turn, handler_chat: Chat[Any, Any] | None, call_once: CallOnce
) -> TurnFlow[CallResult]:
    """Call a once, in a thread or on the event loop, as its function is written."""
    handler = handler_of(call_once.function)
    run = partial(call_once.function, *call_once.args, **call_once.kwargs)
    try:
        call = HandlerCall(handler, turn.id, handler_chat, run, handler.sync, deed=call_once.token)
        value = yield call
        if inspect.isawaitable(value):  # a plain function that returned something to await
            awaitable = value
            value = yield replace(call, run=lambda: awaitable, sync=False)
    except Exception as error:
        return CallResult(error=error)
    return CallResult(value)


def _make_drafts(context: TurnContext, turn: Turn, outcome: TurnOutcome) -> Sequence[NewOutbound]:
    drafts = [
        draft
        for said in outcome.texts
        for draft in make_drafts(context, turn, said.reply, said.key)
    ]
    attribute = _CLOSING_TEXT_OF.get(outcome.ended)
    text = None if attribute is None else getattr(context.app, attribute)
    if text:
        key = derive_id(outcome.journal.id, outcome.ended)
        drafts += make_drafts(context, turn, Reply(text), key, capped=False)
    return drafts


_CLOSING_TEXT_OF = {"no reply": "no_reply", "too many attempts": "too_many"}
_MIDDLEWARE_MESSAGE = (
    "A middleware (@app.around) did not hand on what its handler came to. End it with"
    " `return await proceed()`, or with the value that proceed() returned."
)
