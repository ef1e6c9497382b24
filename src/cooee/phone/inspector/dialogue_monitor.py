"""Reports where each person's dialogues are: at the start, and after each of their turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal, Waiting
from cooee.core.dialogue.replay import TurnOutcome
from cooee.core.errors import JournalError, StoreUnavailable
from cooee.phone.inspector.app_error import describe_error, locate_message
from cooee.phone.inspector.dry_run import replay_current_code
from cooee.phone.inspector.journal_view import list_journal_steps
from cooee.phone.inspector.source_lines import SourceFiles
from cooee.phone.ipc_messages import AppError, DialogueState, DialogueStates
from cooee.runtime.events import CheckpointWritten, Event, TurnsCommitted
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.thread_call import ThreadCall, dialogue_timeout_error
from cooee.storage import Store, StoredDialogue

_MAX_DIALOGUES = 200  # dialogues looked at when an app begins to play
_MAX_PER_PERSON = 8  # of one person
_DRY_RUN_TIMEOUT_S = 2.0  # seconds after which a look is given up
_DISPLAY_ORDER = ("asks", "listens", "begins", "parked", "sleeps")


class DialogueMonitor:
    """Reads the journals of a running app; writes nothing and sends nothing.

    A journal that another code version wrote is replayed in today's code, at the moment of its
    last suspension, so that the waiting line is always a line of today's code.

    Args:
        send_message: takes each report; called in the event loop's thread alone.
        folder: the folder of the app's own files.
        source_files: the app's own files.
    """

    def __init__(
        self,
        send_message: Callable[[DialogueStates], None],
        folder: Path,
        source_files: SourceFiles,
    ) -> None:
        self._send_message, self._folder, self._source_files = send_message, folder, source_files
        self._loop, self._wake_up = asyncio.get_running_loop(), asyncio.Event()
        self._changed: dict[bytes, None] = {}
        self._shown_people: dict[bytes, str] = {}

    def on_event(self, event: Event) -> None:
        """Have the dialogues of a conversation reported again once its turns are on disk."""
        match event:
            case TurnsCommitted(finish):
                conversation = finish.claim.conversation
            case CheckpointWritten(checkpoint):
                conversation = checkpoint.claim.conversation
            case _:
                return
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._mark_changed, conversation)

    async def run(self, store: Store, context: TurnContext) -> None:
        """Report every person's dialogues, and then those of each person who had a turn."""
        for dialogues in _group_by_person(await store.dialogues(limit=_MAX_DIALOGUES)):
            await self._send_states(context, dialogues)
        while True:
            await self._wake_up.wait()
            self._wake_up.clear()
            changed, self._changed = self._changed, {}
            for conversation in changed:
                with suppress(StoreUnavailable):  # the next move is looked at again
                    await self._recheck(store, context, conversation)

    def _mark_changed(self, conversation: bytes) -> None:
        self._changed[conversation] = None
        self._wake_up.set()

    async def _recheck(self, store: Store, context: TurnContext, conversation: bytes) -> None:
        found = await store.dialogues(after=(conversation, ""), limit=_MAX_PER_PERSON)
        dialogues = [stored for stored in found if stored.conversation == conversation]
        if dialogues:
            await self._send_states(context, dialogues)
        elif conversation in self._shown_people:
            self._send_message(DialogueStates(self._shown_people.pop(conversation), ()))

    async def _send_states(self, context: TurnContext, dialogues: Sequence[StoredDialogue]) -> None:
        first = dialogues[0]
        self._shown_people[first.conversation] = first.theirs
        states = [await self._dialogue_state(context, stored) for stored in dialogues]
        self._send_message(
            DialogueStates(
                first.theirs, sorted(states, key=lambda one: _DISPLAY_ORDER.index(one.status))
            )
        )

    # One dialogue

    async def _dialogue_state(
        self, context: TurnContext, stored_dialogue: StoredDialogue
    ) -> DialogueState:
        dialogue = stored_dialogue.dialogue
        last_error = (
            locate_message(dialogue.error, self._folder) if dialogue.failed_attempts else None
        )
        try:
            journal = journals.decode_journal(dialogue.head, dialogue.entries)
        except JournalError as error:
            return DialogueState(
                id=dialogue.id,
                handler=dialogue.handler,
                status="asks",
                since=stored_dialogue.started_at,
                error=AppError(str(error)),
            )
        waiting = journal.waiting
        state = DialogueState(
            id=dialogue.id,
            handler=dialogue.handler,
            status=_state_name(waiting),
            prompt="" if waiting is None else waiting.prompt,
            since=journal.started_at if waiting is None else waiting.asked_at,
            due_at=dialogue.due_at,
            deadline=None if waiting is None else waiting.deadline,
            journal_steps=list_journal_steps(journal),
            error=last_error,
        )
        if waiting is None:
            return state
        if journal.code_version == context.code_version():
            return self._with_statement(state, waiting.location)
        return await self._state_in_current_code(context, stored_dialogue, journal, state)

    async def _state_in_current_code(
        self, context: TurnContext, stored: StoredDialogue, journal: Journal, state: DialogueState
    ) -> DialogueState:
        """Return a dialogue's state in today's code, or the error that its replay there raises."""
        dialogue = context.app.routes.dialogue_named(stored.dialogue.handler)
        if dialogue is None:
            message = f"The code has no dialogue {stored.dialogue.handler} any more."
            return replace(state, error=AppError(message))
        dry_run = ThreadCall(replay_current_code, context, dialogue, stored, journal)
        running = asyncio.wrap_future(dry_run.future)
        await asyncio.wait({running}, timeout=_DRY_RUN_TIMEOUT_S)
        if not running.done():
            late = dry_run.late_call(dialogue.name, _DRY_RUN_TIMEOUT_S)
            error: BaseException | None = dialogue_timeout_error(
                late.handler, late.timeout_s, late.stack
            )
            running.add_done_callback(_ignore_result)
        else:
            error = running.exception()  # whatever a handler may raise
        if error is not None:
            return replace(state, error=describe_error(error, self._folder))
        return self._with_dry_run(state, journal, running.result())

    def _with_dry_run(
        self, state: DialogueState, journal: Journal, outcome: TurnOutcome | None
    ) -> DialogueState:
        if outcome is None or outcome.journal.waiting is None:
            does = "does something once" if outcome is None else "ends"
            return replace(state, divergence=does)
        now, before = outcome.journal.waiting, journal.waiting
        if before is None or now.key == before.key:
            return self._with_statement(replace(state, deadline=now.deadline), now.location)
        divergence = f"asks “{now.prompt}”" if now.expects_text else "sleeps"
        return self._with_statement(replace(state, divergence=divergence), now.location)

    def _with_statement(self, state: DialogueState, location: str) -> DialogueState:
        file, _, line = location.rpartition(":")
        number = int(line) if line.isdecimal() else 0
        code = self._source_files.statement_at(file, number)
        return replace(state, file=file, line=number, code=code)


def _ignore_result(dry_run: asyncio.Future[TurnOutcome | None]) -> None:
    """Drop the exception of a dry run that took too long."""
    if not dry_run.cancelled():
        dry_run.exception()


def _group_by_person(dialogues: Sequence[StoredDialogue]) -> Iterator[Sequence[StoredDialogue]]:
    for _, group in groupby(dialogues, key=lambda stored: stored.conversation):
        yield list(group)


def _state_name(waiting: Waiting | None) -> str:
    if waiting is None:
        return "begins"
    if waiting.paused:
        return "parked"
    if waiting.burst:
        return "listens"
    return "asks" if waiting.expects_text else "sleeps"
