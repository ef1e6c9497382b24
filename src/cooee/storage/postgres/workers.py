"""Workers: every process that claims or sends is a row, alive by the server's clock alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cooee.core.error_text import error_text
from cooee.core.errors import StorageError
from cooee.storage.columns import storable_text
from cooee.storage.postgres.database import Database
from cooee.storage.postgres.transaction import Transaction

logger = logging.getLogger("cooee")

BEAT_S = 1.0
LEASE = timedelta(seconds=5)  # a worker that is silent for so long is dead
ROLE_LEASE = timedelta(seconds=4)
_CLOCK_TOLERANCE_MS = 1000
_GRACE_AFTER_START = timedelta(seconds=10)  # of the server, for everybody to come back


class Worker:
    """The membership of this process: joined, kept alive by a heart-beat, left.

    A worker that was buried while it stood still joins anew, under a new number: what it had
    leased is another's by then (storage rule 20).

    Args:
        database: the database; its `worker` is the number.
        on_buried: is called when others died, and their work is free.
        correct_clock: is told how far the server's clock is ahead of ours, where that matters.
    """

    def __init__(
        self,
        database: Database,
        on_buried: Callable[[], None],
        correct_clock: Callable[[timedelta], None] | None,
    ) -> None:
        self._database, self._on_buried, self._correct_clock = database, on_buried, correct_clock
        self._task: asyncio.Task[None] | None = None
        self._code_version = ""
        self._began_at: datetime | None = None  # by the server's clock

    async def start(self) -> None:
        """Join the workers, and begin the heart-beat."""
        await self._database.write(self._join, is_urgent=True)
        self._task = asyncio.create_task(self._beat_for_ever())

    async def stop(self) -> None:
        """End the heart-beat and leave the workers; what is still leased is free at once."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        with contextlib.suppress(StorageError):  # the others bury this worker
            await self._database.write(leave, is_urgent=True)
        self._database.worker = 0

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        """Note the code version of this process; return those deployed after it."""
        self._code_version = storable_text(code_version)
        return await self._database.write(self._note_and_compare)

    async def _note_and_compare(self, transaction: Transaction) -> Sequence[str]:
        await transaction.execute("note_code_version", transaction.worker, self._code_version)
        rows = await transaction.fetch("newer_versions", self._code_version)
        return [version for (version,) in rows]

    async def beat(self) -> None:
        """Stay alive, and bury the dead."""
        try:
            buried = await self._database.write(self._beat_and_bury, durable=False, is_urgent=True)
        except Exception as error:  # whoever calls a verb hears of it; the heart beats on
            logger.warning("heart-beat-failed", extra={"fields": {"error": error_text(error)}})
            return
        if buried:
            logger.warning("workers-buried", extra={"fields": {"workers": list(buried)}})
            self._on_buried()

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self.beat()

    async def _beat_and_bury(self, transaction: Transaction) -> Sequence[int]:
        asked_at = self._database.read_clock()
        row = await transaction.fetch_row("beat", transaction.worker, LEASE)
        if row is not None:
            self._compare_clocks(asked_at, row[1])
        else:
            logger.warning("worker-was-buried", extra={"fields": {"worker": transaction.worker}})
            await self._join(transaction)
        return await bury(transaction)

    async def _join(self, transaction: Transaction) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        await transaction.execute("remove_old_commit_marks")
        asked_at = self._database.read_clock()
        # replay rule 19: a process that joins anew is no newer than before
        version = self._code_version, self._began_at
        row = await transaction.fetch_row("join_workers", name, LEASE, *version)
        assert row is not None
        self._database.worker, self._began_at = row[0], row[2]
        self._compare_clocks(asked_at, row[1])

    def _compare_clocks(self, asked_at: int, server_time: int) -> None:
        """Correct our clock where the server's is far from it; times in milliseconds since 1970."""
        if self._correct_clock is None:
            return
        # storage rule 26: the answer was written between the question and now.
        now = self._database.read_clock()
        ahead = max(server_time - now, 0) or min(server_time - asked_at, 0)
        if abs(ahead) >= _CLOCK_TOLERANCE_MS:
            logger.warning("clock-corrected", extra={"fields": {"by_s": ahead / 1000}})
            self._correct_clock(timedelta(milliseconds=ahead))


async def hold_role(transaction: Transaction, ours: str, role: str) -> float:
    """Hold a role of a number, or go on holding it; return for how many seconds."""
    row = await transaction.fetch_row("hold_role", ours, role, transaction.worker, ROLE_LEASE)
    return 0.0 if row is None else ROLE_LEASE.total_seconds()


async def release_role(transaction: Transaction, ours: str, role: str) -> None:
    """Let another worker hold a role of a number at once."""
    await transaction.execute("release_role", ours, role, transaction.worker)


async def bury(transaction: Transaction) -> Sequence[int]:
    """Remove the workers that are dead; free their conversations, and doubt their attempts."""
    dead = [id for (id,) in await transaction.fetch("bury_workers", _GRACE_AFTER_START)]
    await _end_work_of(transaction, dead, is_dead=True)
    return dead


async def leave(transaction: Transaction) -> None:
    """Remove this worker; free its conversations, and doubt its attempts."""
    await transaction.execute("leave_workers", transaction.worker)
    await _end_work_of(transaction, [transaction.worker], is_dead=False)


async def _end_work_of(transaction: Transaction, workers: Sequence[int], *, is_dead: bool) -> None:
    """End what workers had under way, by statements that see all that these ever committed."""
    if not workers:
        return
    # storage rule 2: conversations before the rest, in the order of their ids.
    await transaction.execute("free_conversations_of", workers, is_dead)
    await transaction.execute("free_roles_of", workers)
    await transaction.execute("add_interrupted_receipts", workers, transaction.now)
    await transaction.execute("mark_interrupted_unknown", workers, transaction.now)
    if is_dead:
        await transaction.execute("count_unclean_exit", len(workers))
