"""Reports where each person's dialogues are: at the start, and after each of their turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal
from cooee.core.dialogue.replay import TurnOutcome
from cooee.core.dialogue.waiting import Waiting
from cooee.core.errors import JournalError, StoreUnavailable
from cooee.phone.inspector.app_error import describe_error, locate_message
from cooee.phone.inspector.dry_run import replay_in_thread
from cooee.phone.inspector.journal_view import list_journal_steps
from cooee.phone.inspector.source_lines import SourceFiles
from cooee.phone.ipc_messages import AppError, DialogueState, DialogueStates
from cooee.runtime.events import CheckpointWritten, Event, TurnsCommitted
from cooee.runtime.turns.context import TurnContext
from cooee.storage import Store, StoredDialogue

_MAX_DIALOGUES = 200  # dialogues looked at when an app begins to play
_MAX_PER_PERSON = 8  # of one person
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
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Queue[tuple[bytes, str]]()  # conversations, with their people

    def on_event(self, event: Event) -> None:
        """Have the dialogues of a conversation reported again once its turns are on disk."""
        match event:
            case TurnsCommitted(result) if result.claim.dialogues or result.dialogue_updates:
                claim = result.claim
            case CheckpointWritten(checkpoint):
                claim = checkpoint.claim
            case _:
                return
        if not self._loop.is_closed():
            changed = (claim.conversation, claim.theirs)
            self._loop.call_soon_threadsafe(self._changed.put_nowait, changed)

    async def run(self, store: Store, context: TurnContext) -> None:
        """Report every person's dialogues, and then those of each person who had a turn."""
        found = await store.dialogues(limit=_MAX_DIALOGUES)
        for conversation, theirs in {one.conversation: one.theirs for one in found}.items():
            self._changed.put_nowait((conversation, theirs))
        while True:
            with suppress(StoreUnavailable):  # the next turn is looked at again
                await self._report(store, context, *await self._changed.get())

    async def _report(
        self, store: Store, context: TurnContext, conversation: bytes, theirs: str
    ) -> None:
        found = await store.dialogues(after=(conversation, ""), limit=_MAX_PER_PERSON)
        own = [stored for stored in found if stored.conversation == conversation]
        states = [await self._dialogue_state(context, stored) for stored in own]
        states.sort(key=lambda state: _DISPLAY_ORDER.index(state.status))
        self._send_message(DialogueStates(theirs, states))

    async def _dialogue_state(self, context: TurnContext, stored: StoredDialogue) -> DialogueState:
        dialogue = stored.dialogue
        state = DialogueState(
            id=dialogue.id, handler=dialogue.handler, status="asks", since=stored.started_at
        )
        try:
            journal = journals.decode_journal(dialogue.head, dialogue.entries)
        except JournalError as error:
            return replace(state, error=AppError(str(error)))
        waiting = journal.waiting
        if dialogue.failed_attempts:
            state = replace(state, error=locate_message(dialogue.error, self._folder))
        state = replace(
            state,
            status=_state_name(waiting),
            due_at=dialogue.due_at,
            journal_steps=list_journal_steps(journal),
        )
        if waiting is None:
            return replace(state, since=journal.started_at)
        state = replace(
            state, prompt=waiting.prompt, since=waiting.asked_at, deadline=waiting.deadline
        )
        if journal.code_version == context.code_version():
            return self._with_statement(state, waiting.location)
        return await self._state_in_current_code(context, stored, journal, state)

    async def _state_in_current_code(
        self, context: TurnContext, stored: StoredDialogue, journal: Journal, state: DialogueState
    ) -> DialogueState:
        """Return a dialogue's state in today's code, or the error that its replay there raises."""
        dialogue = context.app.routes.dialogue_named(stored.dialogue.handler)
        if dialogue is None:
            message = f"The code has no dialogue {stored.dialogue.handler} any more."
            return replace(state, error=AppError(message))
        try:
            outcome = await replay_in_thread(context, dialogue, stored, journal)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                raise
            return replace(state, error=describe_error(error, self._folder))
        return self._with_dry_run(state, journal, outcome)

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


def _state_name(waiting: Waiting | None) -> str:
    if waiting is None:
        return "begins"
    if waiting.paused:
        return "parked"
    if waiting.burst:
        return "listens"
    return "asks" if waiting.expects_text else "sleeps"
