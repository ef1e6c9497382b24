"""SQLite: the store in one file; one thread writes, many calls share a commit."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from cooee.core.errors import StorageError
from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage.columns import to_millis
from cooee.storage.records import (
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueStart,
    FinishedClaim,
    NewInbound,
    NextDue,
    PendingText,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
)
from cooee.storage.sqlite import (
    database_file,
    finishes,
    inbound,
    numbers,
    operators,
    opt_outs,
    outbox,
    ownership,
    pruning,
    retries,
    schedule,
    turns,
)
from cooee.storage.sqlite import dialogues as dialogue_rows
from cooee.storage.sqlite import media as media_rows
from cooee.storage.sqlite.key_file import KeyFile
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.ownership import OwnerLock
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.writer_thread import StoreWork, WriterThread
from cooee.storage.summaries import (
    EVERY_CONVERSATION,
    ConversationFilter,
    ConversationSummary,
    Counts,
    OptOut,
    PrunedSlice,
    StoredDialogue,
    StoredText,
)

T = TypeVar("T")
P = ParamSpec("P")
Verb: TypeAlias = Callable[Concatenate[Transaction, P], T]


class SQLite:
    """A `Store` in a file. One process owns the file; others may write to it, but never claim.

    Made by `open`, ended by `close`.

    Attributes:
        path: the file.
    """

    def __init__(
        self,
        path: Path,
        thread: WriterThread,
        leases: Leases,
        now: Callable[[], datetime],
        lock: OwnerLock | None,
    ) -> None:
        self.path = path
        self._thread, self._leases, self._clock = thread, leases, now
        self._key_file = KeyFile(path)
        self._ownership = lock
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
        """Open a database: a new file gets the schema, an old file the missing migrations.

        Args:
            path: the file; beside it lie ``-wal``, ``-shm`` and ``.lock``.
            now: the clock, in UTC.
            owner: whether this process is the one that answers and sends. Only one can be.
            busy_timeout: seconds to wait while another process writes.

        Raises:
            DatabaseInUse: another process owns the file.
            SchemaTooNew: a newer cooee wrote the file.
            StorageError: the file cannot be opened, or is no database.
        """
        path, lock, leases, thread = await ownership.open_thread(
            database_file.absolute_path(path), busy_timeout, to_millis(now()), owner=owner
        )
        return cls(path, thread, leases, now, lock)

    # Turns

    async def receive(
        self, inbounds: Sequence[NewInbound], *, claim_limit: int = 0
    ) -> Sequence[ReceivedText]:
        if not claim_limit:
            return await self._write(inbound.receive_texts, inbounds)
        receive = partial(inbound.receive_texts, inbounds=inbounds, claim_limit=claim_limit)
        return await self._hold(receive, inbound.release_received)

    async def claim(self, limit: int, *, with_timers: bool = True) -> Sequence[Claim]:
        claim = partial(turns.claim_conversations, limit=limit, with_timers=with_timers)
        return await self._hold(claim, turns.release_claims)

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        if not any(result.take_limit for result in results):
            return await self._write(finishes.finish_claims, results)
        finish = partial(finishes.finish_claims, results=results)
        return await self._hold(finish, outbox.put_back_finished)

    async def release(self, claims: Sequence[Claim]) -> None:
        await self._write(turns.release_claims, claims)

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        await self._write(turns.postpone_claims, claims, to_millis(until))

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        return await self._write(dialogue_rows.write_checkpoints, checkpoints)

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        return await self._write(dialogue_rows.start_dialogues, starts)

    async def retry_after_deploy(self, code_version: str, retired_handlers: Sequence[str]) -> int:
        count = await self._write(retries.retry_after_deploy, code_version)
        for handler in retired_handlers:
            after: tuple[bytes, str] | None = (b"", "")
            while after is not None:
                due_count, after = await self._write(retries.retire_dialogues, handler, after)
                count += due_count
        return count

    async def claim_waiting(self, after: bytes, limit: int) -> Sequence[Claim]:
        claim = partial(turns.claim_waiting, after=after, limit=limit)
        return await self._hold(claim, turns.release_claims)

    async def are_timers_of(self, code_version: str) -> bool:
        return await self._read(retries.are_timers_of, code_version)

    async def save_timers_of(self, code_version: str) -> None:
        await self._write(retries.save_timers_of, code_version)

    async def dialogues(
        self,
        *,
        handler: str = "",
        include_ended: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[StoredDialogue]:
        return await self._read(
            dialogue_rows.list_dialogues, handler, after, limit, include_ended=include_ended
        )

    async def count_open_dialogues(self, *, up_to: int | None = None) -> Mapping[str, int]:
        return await self._read(dialogue_rows.count_open_dialogues, up_to)

    # Media of inbound texts

    async def save_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        return await self._write(media_rows.save_media, claim, text, media)

    async def media_to_erase(self) -> Sequence[str]:
        return await self._read(media_rows.media_to_erase)

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        await self._write(media_rows.mark_media_erased, paths)

    # Outbound

    async def enqueue(self, texts: Sequence[ProactiveOutbound]) -> Sequence[str]:
        return await self._write(outbox.enqueue_texts, texts)

    async def take(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        share = self._bulk_share(limit)
        take = partial(outbox.take_texts, ours=ours, limit=limit, bulk_share=share)
        return await self._hold(take, outbox.put_back)

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[SendAttempt]:
        take = partial(outbox.take_replies, ours=ours, theirs=theirs, limit=limit)
        return await self._hold(take, outbox.put_back)

    async def defer(self, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
        await self._write(outbox.defer_texts, deferred)

    async def record_results(self, results: Sequence[AttemptResult]) -> Sequence[Outbound]:
        return await self._write(outbox.record_results, results)

    async def apply_receipts(
        self, receipts: Sequence[Receipt]
    ) -> Sequence[tuple[Outbound, Status]]:
        return await self._write(outbox.apply_receipts, receipts)

    async def due_lookups(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        return await self._write(outbox.due_lookups, ours, limit)

    async def due_status_checks(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._check_is_owner()
        return await self._write(outbox.due_status_checks, ours, limit)

    async def answered_texts(self, outbound_ids: Sequence[str]) -> Mapping[str, bytes]:
        return await self._read(outbox.answered_texts, outbound_ids)

    # Our numbers

    async def numbers_with_unsent(self) -> Sequence[str]:
        return await self._read(numbers.numbers_with_unsent)

    async def add_our_number(self, ours: str) -> None:
        await self._write(numbers.add_our_number, ours)

    async def our_numbers(self) -> Sequence[str]:
        return await self._read(numbers.our_numbers)

    async def get_cursor(self, ours: str) -> str:
        return await self._read(numbers.get_cursor, ours)

    async def set_cursor(self, ours: str, cursor: str) -> None:
        await self._write(numbers.set_cursor, ours, cursor)

    async def count_lost_read(self, ours: str) -> None:
        await self._write(numbers.count_lost_read, ours)

    async def secret(self, name: str) -> str:
        return (await self.secrets(name))[0]

    async def secrets(self, name: str) -> Sequence[str]:
        return await self._write(numbers.get_or_add_secrets, name)

    async def rotate_secret(self, name: str) -> bool:
        return await self._write(numbers.rotate_secret, name)

    async def retire_secret(self, name: str) -> bool:
        return await self._write(numbers.retire_secret, name)

    # Time and other processes

    async def next_due(
        self,
        *,
        turns: bool = True,
        outbound: bool = True,
        with_timers: bool = True,
        ours: str | None = None,
    ) -> NextDue:
        find, what = schedule.find_next_due, {"turns": turns, "outbound": outbound}
        return await self._read(find, **what, with_timers=with_timers, ours=ours)

    async def changed_externally(self) -> bool:
        return await self._read(schedule.changed_externally)

    def listen(self, on_change: Callable[[], None]) -> None:
        """Hear nothing: another process's write is found by `changed_externally` alone."""

    async def hold_number(self, ours: str, role: str) -> float:
        return math.inf  # storage rule 10: the owner is the only process that polls and sends

    async def release_number(self, ours: str, role: str) -> None:
        """Release nothing: no other process ever holds a role."""

    async def hand_over(self, claims: Sequence[Claim], code_version: str) -> None:
        await self.release(claims)

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        return ()

    async def prune(self, before: datetime) -> int:
        pruned_count = 0
        while count := await self._write(pruning.prune_keys, to_millis(before)):
            pruned_count += count
        return pruned_count

    async def close(self) -> None:
        if self._ownership is not None and not self._thread.closed:
            with contextlib.suppress(StorageError):  # the next owner counts an unclean exit
                await self._write(ownership.mark_clean_exit)
        await self._thread.close()
        if self._ownership is not None:
            self._ownership.close()

    # For operators

    async def counts(self, *, up_to: int | None = None) -> Counts:
        return await self._read(operators.count_all, up_to)

    async def conversations(
        self,
        matching: ConversationFilter = EVERY_CONVERSATION,
        *,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[ConversationSummary]:
        return await self._read(operators.list_conversations, matching, after, limit)

    async def count_conversations(self, matching: ConversationFilter = EVERY_CONVERSATION) -> int:
        return await self._read(operators.count_conversations, matching)

    async def history(
        self, ours: str, theirs: str, limit: int, *, up_to: int | None = None, unsent: bool = True
    ) -> Sequence[StoredText]:
        return await self._read(operators.read_history, ours, theirs, limit, up_to, unsent=unsent)

    async def record_opt_outs(
        self, ours: str, people: Sequence[str]
    ) -> tuple[int, Sequence[Outbound]]:
        return await self._write(opt_outs.record_opt_outs, ours, people)

    async def opt_outs(self, ours: str, theirs: str) -> Sequence[OptOut]:
        return await self._read(opt_outs.list_opt_outs, ours, theirs)

    async def retry(self, theirs: str | None = None) -> int:
        return await self._write(retries.retry_set_aside, theirs)

    async def resend_refused(self, theirs: str | None = None) -> int:
        return await self._write(outbox.resend_refused, theirs)

    async def resend(self, theirs: str | None = None) -> int:
        return await self._write(retries.resend_unknown, theirs)

    async def forget(self, theirs: str) -> bool:
        was_known = await self._write(operators.forget_person, theirs)
        if was_known:  # storage rule 9: erased texts must not stand in the write-ahead log either
            await asyncio.to_thread(database_file.truncate_wal, self.path)
        return was_known

    async def prune_history(
        self, before: datetime, *, after: bytes = b"", limit: int = 500
    ) -> PrunedSlice:
        done = await self._write(pruning.prune_history, to_millis(before), after, limit)
        if done.next_slice is None:  # storage rule 9: nor may erased texts stand in the log
            await asyncio.to_thread(database_file.truncate_wal, self.path)
        return done

    async def backup(self, path: str) -> None:
        await asyncio.to_thread(database_file.copy_database, self.path, Path(path))

    def _write(self, verb: Verb[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a verb with a transaction that writes; the future resolves after the commit."""
        return self._thread.submit(self._bind(lambda one: verb(one, *args, **kwargs)))

    def _read(self, verb: Verb[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call a verb with a transaction that only reads."""
        work = self._bind(lambda one: verb(one, *args, **kwargs))
        return self._thread.submit(work, writes=False)

    async def _hold(
        self,
        work: Callable[[Transaction], list[T]],
        put_back: Callable[[Transaction, list[T]], None],
    ) -> Sequence[T]:
        """Lease or take records, as the owner; put them back if the caller is cancelled."""
        self._check_is_owner()
        held = self._thread.submit(self._bind(work))
        return await self._thread.result_or_undo(
            held, lambda records: self._bind(lambda one: put_back(one, records))
        )

    def _bind(self, work: Callable[[Transaction], T]) -> StoreWork[T]:
        """Return a function of the connection; the time of the transaction is now."""
        now, leases, keys = to_millis(self._clock()), self._leases, self._key_file
        return lambda connection: work(Transaction(connection, leases, keys, now))

    def _check_is_owner(self) -> None:
        # storage rule 10: whoever does not own the file neither claims nor takes.
        if self._ownership is None:
            raise StorageError("Only the process that owns the database answers and sends.")

    def _bulk_share(self, limit: int) -> int:
        """Return how many attempts go to bulk: a tenth of `limit`, or one in ten calls if 1."""
        self._take_count = (self._take_count + 1) % 10
        return max(limit // 10, 1) if limit > 1 else int(self._take_count == 0)
