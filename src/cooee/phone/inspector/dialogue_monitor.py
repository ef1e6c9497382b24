"""Tells where each person's dialogues stand: at the start, and whenever one has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal, Waiting
from cooee.core.dialogue.replay import Outcome
from cooee.core.errors import JournalError, StoreUnavailable
from cooee.phone.inspector.app_error import located, trouble
from cooee.phone.inspector.dry_run import run
from cooee.phone.inspector.journal_view import remembered
from cooee.phone.inspector.source_lines import Source
from cooee.phone.ipc_messages import Stand, Stands, Trouble
from cooee.runtime.turns.context import Surroundings
from cooee.runtime.turns.thread_interrupt import Stretch, too_long
from cooee.storage import Store, Talk
from cooee.storage.sqlite.change_feed import Change

_MOST = 200  # dialogues looked at when an app begins to play
_OF_ONE = 8  # of one person
_STUCK = 2.0  # seconds after which a look is given up
_ORDER = ("asks", "listens", "begins", "parked", "sleeps")
_TABLES = frozenset({"dialogues", "answers"})


class Lookout:
    """Looks into the journals of one app at work; it writes nothing and sends nothing.

    Where a journal was last written by other code, its dialogue is run on the code as it is now,
    at the moment in which it last stood still: so the line that waits is always today's.

    Args:
        tell: where reports go; called in the event loop's thread alone.
        folder: where the app's own files are.
        source: those files.
    """

    def __init__(self, tell: Callable[[Stands], None], folder: Path, source: Source) -> None:
        self._tell, self._folder, self._source = tell, folder, source
        self._loop, self._bell = asyncio.get_running_loop(), asyncio.Event()
        self._moved: dict[str, None] = {}
        self._people: dict[bytes, str] = {}

    def wrote(self, changes: Sequence[Change]) -> None:
        """Observe a commit; see `storage.sqlite_watch.Watch`."""
        sides = [change.after or change.before or {} for change in changes if _concerns(change)]
        moved = dict.fromkeys(str(side["conversation"]) for side in sides)
        if moved and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, moved)

    async def watch(self, store: Store, around: Surroundings) -> None:
        """Tell of everybody, and then of each who has moved."""
        for talks in _by_person(await store.dialogues(limit=_MOST)):
            await self._report(around, talks)
        while True:
            await self._bell.wait()
            self._bell.clear()
            moved, self._moved = self._moved, {}
            for conversation in moved:
                with suppress(StoreUnavailable):  # the next move is looked at again
                    await self._look(store, around, bytes.fromhex(conversation))

    def _note(self, moved: Mapping[str, None]) -> None:
        self._moved |= moved
        self._bell.set()

    async def _look(self, store: Store, around: Surroundings, conversation: bytes) -> None:
        found = await store.dialogues(after=(conversation, ""), limit=_OF_ONE)
        talks = [talk for talk in found if talk.conversation == conversation]
        if talks:
            await self._report(around, talks)
        elif conversation in self._people:
            self._tell(Stands(self._people.pop(conversation), ()))

    async def _report(self, around: Surroundings, talks: Sequence[Talk]) -> None:
        first = talks[0]
        self._people[first.conversation] = first.theirs
        stands = [await self._stand(around, talk) for talk in talks]
        self._tell(Stands(first.theirs, sorted(stands, key=lambda one: _ORDER.index(one.how))))

    # One dialogue

    async def _stand(self, around: Surroundings, talk: Talk) -> Stand:
        stored = talk.dialogue
        wrong = located(stored.error, self._folder) if stored.attempts else None
        try:
            journal = journals.read(stored.head, stored.entries)
        except JournalError as error:
            return Stand(
                id=stored.id,
                handler=stored.handler,
                how="asks",
                since=talk.started_at,
                trouble=Trouble(str(error)),
            )
        waiting = journal.waiting
        stand = Stand(
            id=stored.id,
            handler=stored.handler,
            how=_how(waiting),
            prompt="" if waiting is None else waiting.prompt,
            since=journal.started_at if waiting is None else waiting.asked_at,
            due_at=stored.due_at,
            deadline=None if waiting is None else waiting.deadline,
            noted=remembered(journal),
            trouble=wrong,
        )
        if waiting is None:
            return stand
        if journal.program == around.program:
            return self._placed(stand, waiting.line)
        return await self._today(around, talk, journal, stand)

    async def _today(
        self, around: Surroundings, talk: Talk, journal: Journal, stand: Stand
    ) -> Stand:
        """Where it stands in the code as it is now, or why it cannot be run on that."""
        dialogue = around.app.routes.named(talk.dialogue.handler)
        if dialogue is None:
            words = f"The code has no dialogue {talk.dialogue.handler} any more."
            return replace(stand, trouble=Trouble(words))
        look = Stretch(partial(run, around, dialogue, talk, journal))
        running = self._loop.run_in_executor(None, look)
        await asyncio.wait({running}, timeout=_STUCK)
        if not running.done():
            error: BaseException | None = too_long(dialogue.name, _STUCK, look.line)
            running.add_done_callback(_end_unheard)
            look.end()
        else:
            error = running.exception()  # whatever a handler may raise
        if error is not None:
            return replace(stand, trouble=trouble(error, self._folder))
        return self._moved_to(stand, journal, running.result())

    def _moved_to(self, stand: Stand, journal: Journal, outcome: Outcome | None) -> Stand:
        if outcome is None or outcome.journal.waiting is None:
            does = "does something once" if outcome is None else "ends"
            return replace(stand, instead=does)
        now, before = outcome.journal.waiting, journal.waiting
        if before is None or now.key == before.key:
            return self._placed(replace(stand, deadline=now.deadline), now.line)
        instead = f"asks “{now.prompt}”" if now.asks else "sleeps"
        return self._placed(replace(stand, instead=instead), now.line)

    def _placed(self, stand: Stand, where: str) -> Stand:
        file, _, line = where.rpartition(":")
        number = int(line) if line.isdecimal() else 0
        code = self._source.statement(file, number)
        return replace(stand, file=file, line=number, code=code)


def _end_unheard(look: asyncio.Future[Outcome | None]) -> None:
    """Whatever a run that was given up raises, nobody waits for it any more."""
    if not look.cancelled():
        look.exception()


def _concerns(change: Change) -> bool:
    return change.table in _TABLES


def _by_person(talks: Sequence[Talk]) -> Iterator[Sequence[Talk]]:
    for _, theirs in groupby(talks, key=lambda talk: talk.conversation):
        yield list(theirs)


def _how(waiting: Waiting | None) -> str:
    if waiting is None:
        return "begins"
    if waiting.parked:
        return "parked"
    if waiting.burst:
        return "listens"
    return "asks" if waiting.asks else "sleeps"
