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
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    ConversationSummary,
    Counts,
    DialogueStart,
    NewInbound,
    NextDue,
    OptOut,
    PendingText,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
    StoredDialogue,
    StoredText,
)
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite import database_file as sqlite_file
from cooee.storage.sqlite import dialogues as _dialogues
from cooee.storage.sqlite import media as _media
from cooee.storage.sqlite import numbers as _numbers
from cooee.storage.sqlite import operators as _people
from cooee.storage.sqlite import outbox as _outbox
from cooee.storage.sqlite import retries as _again
from cooee.storage.sqlite import schedule as _alarms
from cooee.storage.sqlite import turns as _turns
from cooee.storage.sqlite.columns import to_millis
from cooee.storage.sqlite.database_file import Connection, OwnerLock
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.writer_thread import WriterThread

T = TypeVar("T")

_SQL = load_statements("sqlite")

logger = logging.getLogger("cooee")


class SQLite:
    """A `Store` in a file. One process owns it; others may write to it, and claim nothing.

    Made by `open`, ended by `close`.
    """

    def __init__(
        self,
        path: Path,
        thread: WriterThread,
        leases: Leases,
        now: Callable[[], datetime],
        ownership: OwnerLock | None,
    ) -> None:
        self.path = path
        self._thread, self._leases, self._clock = thread, leases, now
        self._ownership = ownership
        self._take_count = 0

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        now: Callable[[], datetime],
        owner: bool = True,
        busy_timeout: float = 5.0,
    ) -> SQLite:
        """Open a database, made where there is none and brought up to date where it is old.

        Args:
            path: the file; beside it lie ``-wal``, ``-shm`` and ``.lock``.
            now: the clock, in UTC.
            owner: whether this process is the one that answers and sends. Only one can be.
            busy_timeout: seconds to wait while another process writes.

        Raises:
            DatabaseInUse: another process owns it.
            SchemaTooNew: a newer cooee wrote it.
            StorageError: it cannot be opened, or is no database.
        """
        path = _prepare_file(path)
        ownership = OwnerLock(path) if owner else None
        leases = Leases()
        open_thread_connection = partial(
            _connect_and_upgrade,
            path,
            busy_timeout,
            leases,
            to_millis(now()),
            owner=owner,
        )
        thread = WriterThread(open_thread_connection, leases)
        try:
            await thread.open()
        except BaseException:
            if ownership is not None:
                ownership.close()
            raise
        return cls(path, thread, leases, now, ownership)

    # Turns

    async def receive(self, inbounds: Sequence[NewInbound]) -> Sequence[ReceivedText]:
        return await self._thread.submit(
            partial(_turns.receive_texts, inbounds=inbounds, now=self._now_ms())
        )

    async def claim(self, limit: int) -> Sequence[Claim]:
        self._check_is_owner()
        now = self._now_ms()
        future = self._thread.submit(
            lambda db: _turns.claim_conversations(db, self._leases, limit, now)
        )
        return await self._or_put_back(
            future, lambda db, back: _turns.release_claims(db, self._leases, back)
        )

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[bool]:
        now = self._now_ms()
        return await self._thread.submit(
            lambda db: _turns.finish_claims(db, self._leases, results, now)
        )

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._thread.submit(lambda db: _turns.release_claims(db, self._leases, claims))

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        due = to_millis(until)
        await self._thread.submit(lambda db: _media.postpone_claims(db, self._leases, claims, due))

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        now = self._now_ms()
        return await self._thread.submit(
            lambda db: _dialogues.write_checkpoints(db, self._leases, checkpoints, now)
        )

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        return await self._thread.submit(
            partial(_dialogues.start_dialogues, starts=starts, now=self._now_ms())
        )

    async def retry_after_deploy(self, code_version: str, retired_handlers: Sequence[str]) -> int:
        now = self._now_ms()
        return await self._thread.submit(
            lambda db: _again.retry_after_deploy(db, code_version, retired_handlers, now)
        )

    async def dialogues(
        self,
        *,
        handler: str = "",
        include_ended: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[StoredDialogue]:
        work = partial(
            _dialogues.list_dialogues,
            handler=handler,
            after=after,
            limit=limit,
            include_ended=include_ended,
        )
        return await self._thread.submit(work, writes=False)

    async def count_open_dialogues(self) -> Mapping[str, int]:
        return await self._thread.submit(_dialogues.count_open_dialogues, writes=False)

    # Pictures that came with texts

    async def save_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        now = self._now_ms()
        return await self._thread.submit(lambda db: _media.save_media(db, claim, text, media, now))

    async def media_to_erase(self) -> Sequence[str]:
        return await self._thread.submit(_media.media_to_erase, writes=False)

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        await self._thread.submit(partial(_media.mark_media_erased, paths=paths))

    # Outbound

    async def enqueue(self, texts: Sequence[ProactiveOutbound]) -> Sequence[str]:
        return await self._thread.submit(
            partial(_outbox.enqueue_texts, texts=texts, now=self._now_ms())
        )

    async def take(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        now, bulk_share = self._now_ms(), self._bulk_share(limit)
        future = self._thread.submit(
            lambda db: _outbox.take_texts(db, ours, limit, now, bulk_share=bulk_share)
        )
        return await self._or_put_back(future, lambda db, back: _outbox.put_back(db, back, now))

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        now = self._now_ms()
        future = self._thread.submit(lambda db: _outbox.take_replies(db, ours, theirs, limit, now))
        return await self._or_put_back(future, lambda db, back: _outbox.put_back(db, back, now))

    async def defer(self, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
        await self._thread.submit(partial(_outbox.defer_texts, deferred=deferred))

    async def record_results(self, results: Sequence[AttemptResult]) -> Sequence[Outbound]:
        return await self._thread.submit(
            partial(_outbox.record_results, results=results, now=self._now_ms())
        )

    async def apply_receipts(
        self, receipts: Sequence[Receipt]
    ) -> Sequence[tuple[Outbound, Status]]:
        return await self._thread.submit(
            partial(_outbox.apply_receipts, receipts=receipts, now=self._now_ms())
        )

    async def due_lookups(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        now = self._now_ms()
        return await self._thread.submit(lambda db: _outbox.due_lookups(db, ours, limit, now))

    async def due_status_checks(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        now = self._now_ms()
        return await self._thread.submit(lambda db: _outbox.due_status_checks(db, ours, limit, now))

    # Our numbers

    async def numbers_with_unsent(self) -> Sequence[str]:
        return await self._thread.submit(_numbers.numbers_with_unsent, writes=False)

    async def add_our_number(self, ours: str) -> None:
        await self._thread.submit(partial(_numbers.add_our_number, ours=ours))

    async def our_numbers(self) -> Sequence[str]:
        return await self._thread.submit(_numbers.our_numbers, writes=False)

    async def get_cursor(self, ours: str) -> str:
        return await self._thread.submit(partial(_numbers.get_cursor, ours=ours), writes=False)

    async def set_cursor(self, ours: str, cursor: str) -> None:
        await self._thread.submit(partial(_numbers.set_cursor, ours=ours, cursor=cursor))

    async def count_lost_read(self, ours: str) -> None:
        await self._thread.submit(partial(_numbers.count_lost_read, ours=ours))

    async def secret(self, name: str) -> str:
        return (await self.secrets(name))[0]

    async def secrets(self, name: str) -> Sequence[str]:
        return await self._thread.submit(
            partial(_numbers.get_or_add_secrets, name=name, new_secret=_new_secret())
        )

    async def rotate_secret(self, name: str) -> bool:
        return await self._thread.submit(
            partial(_numbers.rotate_secret, name=name, new_secret=_new_secret())
        )

    async def retire_secret(self, name: str) -> bool:
        return await self._thread.submit(partial(_numbers.retire_secret, name=name))

    # Time and others

    async def next_due(self) -> NextDue:
        now = self._now_ms()
        return await self._thread.submit(
            lambda db: _alarms.find_next_due(db, self._leases, now), writes=False
        )

    async def changed_externally(self) -> bool:
        return await self._thread.submit(
            lambda db: _alarms.changed_externally(db, self._leases), writes=False
        )

    async def prune(self, before: datetime) -> int:
        pruned_count = 0
        while count := await self._thread.submit(
            partial(_alarms.prune_keys, before=to_millis(before))
        ):
            pruned_count += count
        return pruned_count

    async def close(self) -> None:
        if self._ownership is not None and not self._thread.closed:
            with contextlib.suppress(StorageError):  # the next owner counts an unclean exit
                await self._thread.submit(_mark_clean_exit)
        await self._thread.close()
        if self._ownership is not None:
            self._ownership.close()

    # For people

    async def counts(self) -> Counts:
        return await self._thread.submit(_people.count_all, writes=False)

    async def conversations(
        self, *, troubled_only: bool = False, limit: int = 100
    ) -> Sequence[ConversationSummary]:
        work = partial(_people.list_conversations, limit=limit, troubled_only=troubled_only)
        return await self._thread.submit(work, writes=False)

    async def history(self, ours: str, theirs: str, limit: int) -> Sequence[StoredText]:
        work = partial(_people.read_history, ours=ours, theirs=theirs, limit=limit)
        return await self._thread.submit(work, writes=False)

    async def record_opt_outs(
        self, ours: str, people: Sequence[str]
    ) -> tuple[int, Sequence[Outbound]]:
        work = partial(_people.record_opt_outs, ours=ours, people=people, now=self._now_ms())
        return await self._thread.submit(work)

    async def opt_outs(self, ours: str, theirs: str) -> Sequence[OptOut]:
        work = partial(_people.list_opt_outs, ours=ours, theirs=theirs)
        return await self._thread.submit(work, writes=False)

    async def retry(self, theirs: str | None = None) -> int:
        return await self._thread.submit(
            partial(_again.retry_set_aside, theirs=theirs, now=self._now_ms())
        )

    async def resend(self, theirs: str | None = None) -> int:
        return await self._thread.submit(
            partial(_again.resend_unknown, theirs=theirs, now=self._now_ms())
        )

    async def forget(self, theirs: str) -> bool:
        was_known = await self._thread.submit(partial(_people.forget_person, theirs=theirs))
        if was_known:  # what was erased must not stand in the log either
            await asyncio.to_thread(sqlite_file.truncate_wal, self.path)
        return was_known

    async def backup(self, path: str) -> None:
        await asyncio.to_thread(sqlite_file.copy_database, self.path, Path(path))

    def _now_ms(self) -> int:
        return to_millis(self._clock())

    def _check_is_owner(self) -> None:
        if self._ownership is None:
            raise StorageError("Only the process that owns the database answers and sends.")

    def _bulk_share(self, limit: int) -> int:
        """How many of the next attempts are for bulk: a tenth at least, over ten calls if small."""
        self._take_count = (self._take_count + 1) % 10
        return max(limit // 10, 1) if limit > 1 else int(self._take_count == 0)

    async def _or_put_back(
        self, future: asyncio.Future[list[T]], put_back: Callable[[Connection, list[T]], None]
    ) -> Sequence[T]:
        """What was asked for; put back where the caller is cancelled and never gets it."""

        def put_back_result(finished: asyncio.Future[list[T]]) -> None:
            if (
                not finished.cancelled()
                and finished.exception() is None
                and not self._thread.closed
            ):
                self._thread.submit(lambda db: put_back(db, finished.result()))

        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(put_back_result)
            raise


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _prepare_file(path: str | Path) -> Path:
    """The file's absolute path, once it exists."""
    path = Path(path).absolute()
    sqlite_file.create_file(path)
    file_system = sqlite_file.find_network_file_system(path.resolve(), sqlite_file.read_mounts())
    if file_system:
        logger.warning("database-on-network", extra={"fields": {"file_system": file_system}})
    return path


def _connect_and_upgrade(
    path: Path,
    busy_timeout: float,
    leases: Leases,
    now: int,
    *,
    owner: bool,
) -> Connection:
    connection = sqlite_file.open_connection(path, busy_timeout)
    try:
        if owner:
            sqlite_file.upgrade_schema(connection)
            with sqlite_file.translate_errors(), sqlite_file.transaction(connection):
                _take_over(connection, now)
        elif sqlite_file.is_outdated(connection):
            with contextlib.closing(OwnerLock(path)):  # never under the feet of an older owner
                sqlite_file.upgrade_schema(connection)
        with sqlite_file.translate_errors():
            _alarms.changed_externally(connection, leases)
    except BaseException:
        connection.close()
        raise
    return connection


def _take_over(connection: Connection, now: int) -> None:
    """Take over from the last owner: doubt what it was sending, and if it died, what it had."""
    was_clean = connection.execute(_SQL["begin_running"]).rowcount == 1
    if not was_clean:
        connection.execute(_SQL["count_unclean_exit"])
        connection.execute(_SQL["mark_suspects"], (now,))
    connection.execute(_SQL["add_interrupted_receipts"], (now,))
    connection.execute(_SQL["mark_interrupted_unknown"], (now,))


def _mark_clean_exit(connection: Connection) -> None:
    connection.execute(_SQL["end_running"])
