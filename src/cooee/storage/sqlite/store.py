"""The store in one file of SQLite: one thread writes, many requests a commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from cooee.core.errors import StorageError
from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage import (
    Alarms,
    Arrival,
    Census,
    Claim,
    Entry,
    Finish,
    Jot,
    Letter,
    Outcome,
    Pending,
    Silence,
    Start,
    Taken,
    Talk,
    Thread,
)
from cooee.storage.sql_file import load
from cooee.storage.sqlite import change_feed as sqlite_watch
from cooee.storage.sqlite import database_file as sqlite_file
from cooee.storage.sqlite import dialogues as _dialogues
from cooee.storage.sqlite import media as _media
from cooee.storage.sqlite import numbers as _numbers
from cooee.storage.sqlite import operators as _people
from cooee.storage.sqlite import outbox as _outbox
from cooee.storage.sqlite import retries as _again
from cooee.storage.sqlite import schedule as _alarms
from cooee.storage.sqlite import turns as _turns
from cooee.storage.sqlite.change_feed import Watch
from cooee.storage.sqlite.columns import stamp
from cooee.storage.sqlite.database_file import Connection, Ownership
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.writer_thread import SQLiteThread

T = TypeVar("T")

_SQL = load("sqlite")

logger = logging.getLogger("cooee")


class SQLite:
    """A `Store` in a file. One process owns it; others may write to it, and claim nothing.

    Made by `open`, ended by `close`.
    """

    def __init__(
        self,
        path: Path,
        thread: SQLiteThread,
        leases: Leases,
        now: Callable[[], datetime],
        ownership: Ownership | None,
    ) -> None:
        self.path = path
        self._thread, self._leases, self._clock = thread, leases, now
        self._ownership = ownership
        self._takes = 0

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        now: Callable[[], datetime],
        owner: bool = True,
        busy_timeout: float = 5.0,
        watch: Watch | None = None,
    ) -> SQLite:
        """Open a database, made where there is none and brought up to date where it is old.

        Args:
            path: the file; beside it lie ``-wal``, ``-shm`` and ``.lock``.
            now: the clock, in UTC.
            owner: whether this process is the one that answers and sends. Only one can be.
            busy_timeout: seconds to wait while another process writes.
            watch: told of every row that this store writes, once it is committed.

        Raises:
            DatabaseInUse: another process owns it.
            SchemaTooNew: a newer cooee wrote it.
            StorageError: it cannot be opened, or is no database.
        """
        path = _prepared(path)
        ownership = Ownership(path) if owner else None
        leases = Leases()
        connect = partial(
            _connect, path, busy_timeout, leases, stamp(now()), owner=owner, watch=watch
        )
        thread = SQLiteThread(connect, leases)
        try:
            await thread.open()
        except BaseException:
            if ownership is not None:
                ownership.close()
            raise
        return cls(path, thread, leases, now, ownership)

    # Turns

    async def receive(self, arrivals: Sequence[Arrival]) -> Sequence[bool]:
        return await self._thread.ask(partial(_turns.receive, arrivals=arrivals, now=self._now()))

    async def claim(self, limit: int) -> Sequence[Claim]:
        self._owned()
        now = self._now()
        asked = self._thread.ask(lambda db: _turns.claim(db, self._leases, limit, now))
        return await self._or_back(asked, lambda db, back: _turns.release(db, self._leases, back))

    async def finish(self, finishes: Sequence[Finish]) -> Sequence[bool]:
        now = self._now()
        return await self._thread.ask(lambda db: _turns.finish(db, self._leases, finishes, now))

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._thread.ask(lambda db: _turns.release(db, self._leases, claims))

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        due = stamp(until)
        await self._thread.ask(lambda db: _media.postpone(db, self._leases, claims, due))

    # Dialogues

    async def jot(self, jots: Sequence[Jot]) -> Sequence[bool]:
        now = self._now()
        return await self._thread.ask(lambda db: _dialogues.jot(db, self._leases, jots, now))

    async def start(self, starts: Sequence[Start]) -> Sequence[bool]:
        return await self._thread.ask(partial(_dialogues.start, starts=starts, now=self._now()))

    async def renew(self, program: str, retired: Sequence[str]) -> int:
        now = self._now()
        return await self._thread.ask(lambda db: _again.renew(db, program, retired, now))

    async def dialogues(
        self,
        *,
        handler: str = "",
        over: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[Talk]:
        work = partial(_dialogues.talks, handler=handler, after=after, limit=limit, over=over)
        return await self._thread.ask(work, writes=False)

    async def handlers(self) -> Mapping[str, int]:
        return await self._thread.ask(_dialogues.handlers, writes=False)

    # Pictures that came with texts

    async def keep_media(self, claim: Claim, text: Pending, media: Sequence[Media]) -> bool:
        now = self._now()
        return await self._thread.ask(lambda db: _media.keep_media(db, claim, text, media, now))

    async def discarded(self) -> Sequence[str]:
        return await self._thread.ask(_media.discarded, writes=False)

    async def erased(self, paths: Sequence[str]) -> None:
        await self._thread.ask(partial(_media.erased, paths=paths))

    # Outbound

    async def enqueue(self, letters: Sequence[Letter]) -> Sequence[str]:
        return await self._thread.ask(partial(_outbox.enqueue, letters=letters, now=self._now()))

    async def take(self, ours: str, limit: int) -> Sequence[Taken]:
        self._owned()
        now, bulk = self._now(), self._bulk(limit)
        asked = self._thread.ask(lambda db: _outbox.take(db, ours, limit, now, bulk=bulk))
        return await self._or_back(asked, lambda db, back: _outbox.put_back(db, back, now))

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[Taken]:
        self._owned()
        now = self._now()
        asked = self._thread.ask(lambda db: _outbox.take_replies(db, ours, theirs, limit, now))
        return await self._or_back(asked, lambda db, back: _outbox.put_back(db, back, now))

    async def defer(self, taken: Sequence[tuple[Outbound, datetime]]) -> None:
        await self._thread.ask(partial(_outbox.defer, taken=taken))

    async def record(self, outcomes: Sequence[Outcome]) -> None:
        await self._thread.ask(partial(_outbox.record, outcomes=outcomes, now=self._now()))

    async def settle(self, receipts: Sequence[Receipt]) -> Sequence[tuple[Outbound, Status]]:
        return await self._thread.ask(partial(_outbox.settle, receipts=receipts, now=self._now()))

    async def doubtful(self, ours: str, limit: int) -> Sequence[Taken]:
        self._owned()
        now = self._now()
        return await self._thread.ask(lambda db: _outbox.doubtful(db, ours, limit, now))

    async def unreported(self, ours: str, limit: int) -> Sequence[Taken]:
        self._owned()
        now = self._now()
        return await self._thread.ask(lambda db: _outbox.unreported(db, ours, limit, now))

    # Our numbers

    async def numbers(self) -> Sequence[str]:
        return await self._thread.ask(_numbers.numbers, writes=False)

    async def keep_number(self, ours: str) -> None:
        await self._thread.ask(partial(_numbers.keep_number, ours=ours))

    async def our_numbers(self) -> Sequence[str]:
        return await self._thread.ask(_numbers.our_numbers, writes=False)

    async def cursor(self, ours: str) -> str:
        return await self._thread.ask(partial(_numbers.cursor, ours=ours), writes=False)

    async def advance(self, ours: str, cursor: str) -> None:
        await self._thread.ask(partial(_numbers.advance, ours=ours, cursor=cursor))

    async def doubt_read(self, ours: str) -> None:
        await self._thread.ask(partial(_numbers.doubt_read, ours=ours))

    async def secret(self, name: str) -> str:
        return (await self.secrets(name))[0]

    async def secrets(self, name: str) -> Sequence[str]:
        return await self._thread.ask(partial(_numbers.secrets, name=name, word=_word()))

    async def renew_secret(self, name: str) -> bool:
        return await self._thread.ask(partial(_numbers.renew_secret, name=name, word=_word()))

    async def retire_secret(self, name: str) -> bool:
        return await self._thread.ask(partial(_numbers.retire_secret, name=name))

    # Time and others

    async def alarms(self) -> Alarms:
        now = self._now()
        return await self._thread.ask(
            lambda db: _alarms.alarms(db, self._leases, now), writes=False
        )

    async def changed(self) -> bool:
        return await self._thread.ask(lambda db: _alarms.changed(db, self._leases), writes=False)

    async def prune(self, before: datetime) -> int:
        gone = 0
        while count := await self._thread.ask(partial(_alarms.prune, before=stamp(before))):
            gone += count
        return gone

    async def close(self) -> None:
        if self._ownership is not None and not self._thread.closed:
            with contextlib.suppress(StorageError):  # the next owner counts an unclean exit
                await self._thread.ask(_end_clean)
        await self._thread.close()
        if self._ownership is not None:
            self._ownership.close()

    # For people

    async def census(self) -> Census:
        return await self._thread.ask(_people.census, writes=False)

    async def threads(self, *, trouble: bool = False, limit: int = 100) -> Sequence[Thread]:
        work = partial(_people.threads, limit=limit, trouble=trouble)
        return await self._thread.ask(work, writes=False)

    async def history(self, ours: str, theirs: str, limit: int) -> Sequence[Entry]:
        work = partial(_people.history, ours=ours, theirs=theirs, limit=limit)
        return await self._thread.ask(work, writes=False)

    async def silence(self, ours: str, people: Sequence[str]) -> int:
        work = partial(_people.silence, ours=ours, people=people, now=self._now())
        return await self._thread.ask(work)

    async def silences(self, ours: str, theirs: str) -> Sequence[Silence]:
        work = partial(_people.silences, ours=ours, theirs=theirs)
        return await self._thread.ask(work, writes=False)

    async def retry(self, theirs: str | None = None) -> int:
        return await self._thread.ask(partial(_again.retry, theirs=theirs, now=self._now()))

    async def resend(self, theirs: str | None = None) -> int:
        return await self._thread.ask(partial(_again.resend, theirs=theirs, now=self._now()))

    async def forget(self, theirs: str) -> bool:
        known = await self._thread.ask(partial(_people.forget, theirs=theirs))
        if known:  # what was erased must not stand in the log either
            await asyncio.to_thread(sqlite_file.empty_log, self.path)
        return known

    async def backup(self, path: str) -> None:
        await asyncio.to_thread(sqlite_file.copy, self.path, Path(path))

    def _now(self) -> int:
        return stamp(self._clock())

    def _owned(self) -> None:
        if self._ownership is None:
            raise StorageError("Only the process that owns the database answers and sends.")

    def _bulk(self, limit: int) -> int:
        """How many of the next attempts are for bulk: a tenth at least, over ten calls if small."""
        self._takes = (self._takes + 1) % 10
        return max(limit // 10, 1) if limit > 1 else int(self._takes == 0)

    async def _or_back(
        self, asked: asyncio.Future[list[T]], put_back: Callable[[Connection, list[T]], None]
    ) -> Sequence[T]:
        """What was asked for; put back where the caller is cancelled and never gets it."""

        def give_back(done: asyncio.Future[list[T]]) -> None:
            if not done.cancelled() and done.exception() is None and not self._thread.closed:
                self._thread.ask(lambda db: put_back(db, done.result()))

        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(give_back)
            raise


def _word() -> str:
    return secrets.token_urlsafe(32)


def _prepared(path: str | Path) -> Path:
    """The file's absolute path, once it exists."""
    path = Path(path).absolute()
    sqlite_file.create(path)
    kind = sqlite_file.network_file_system(path.resolve(), sqlite_file.mounts())
    if kind:
        logger.warning("database-on-network", extra={"fields": {"file_system": kind}})
    return path


def _connect(
    path: Path,
    busy_timeout: float,
    leases: Leases,
    now: int,
    *,
    owner: bool,
    watch: Watch | None,
) -> Connection:
    connection = sqlite_file.connect(path, busy_timeout)
    try:
        if owner:
            sqlite_file.upgrade(connection)
            with sqlite_file.translated(), sqlite_file.transaction(connection):
                _begin_running(connection, now)
        elif sqlite_file.outdated(connection):
            with contextlib.closing(Ownership(path)):  # never under the feet of an older owner
                sqlite_file.upgrade(connection)
        with sqlite_file.translated():
            _alarms.changed(connection, leases)
            if watch is not None:
                sqlite_watch.watch(connection, watch)
    except BaseException:
        connection.close()
        raise
    return connection


def _begin_running(connection: Connection, now: int) -> None:
    """Take over from the last owner: doubt what it was sending, and if it died, what it had."""
    clean = connection.execute(_SQL["mark_running"]).rowcount == 1
    if not clean:
        connection.execute(_SQL["count_unclean_exit"])
        connection.execute(_SQL["suspect_pending"], (now,))
    connection.execute(_SQL["note_interrupted"], (now,))
    connection.execute(_SQL["doubt_interrupted"], (now,))


def _end_clean(connection: Connection) -> None:
    connection.execute(_SQL["unmark_running"])
