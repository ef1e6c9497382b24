"""PostgreSQL: the store for any number of processes, on any number of machines."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Concatenate, ParamSpec, TypeVar

from cooee.core.errors import StorageError
from cooee.storage.columns import from_millis_or_none, storable_text, to_millis
from cooee.storage.forget_key import NO_KEY, ForgetKey
from cooee.storage.postgres import (
    claims,
    forgotten,
    inbound,
    media,
    operators,
    pruning,
    schedule,
    turns,
    workers,
)
from cooee.storage.postgres import dialogues as dialogue_rows
from cooee.storage.postgres.connections import read_address
from cooee.storage.postgres.database import Database
from cooee.storage.postgres.database_thread import DatabaseThread
from cooee.storage.postgres.lanes import Lane
from cooee.storage.postgres.migrate import upgrade_schema
from cooee.storage.postgres.notices import Notices
from cooee.storage.postgres.server_errors import translate_error
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.postgres.workers import Worker
from cooee.storage.records import (
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueStart,
    FinishedClaim,
    NewInbound,
    NextDue,
    ReceivedText,
)
from cooee.storage.summaries import (
    EVERY_CONVERSATION,
    ConversationFilter,
    ConversationSummary,
    Counts,
    PrunedSlice,
    StoredDialogue,
    StoredText,
)

T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R")
P = ParamSpec("P")


class PostgreSQL:
    """A `Store` on a server. Every process that answers or sends is a worker; others may write.

    Made by `open`, ended by `close`. Callers may be in any event loop.
    """

    def __init__(self, url: str, now: Callable[[], datetime], forget_key: ForgetKey) -> None:
        self._thread = DatabaseThread()
        self._database = Database(read_address(url), lambda: to_millis(now()), forget_key)
        self._notices = Notices(self._database)
        self._worker = Worker(self._database, self._notices.hear)
        self._calls = count(1)
        self._received = self._lane(inbound.receive_texts)
        self._finished = self._lane(turns.finish_claims)
        self._checkpoints = self._lane(dialogue_rows.write_checkpoints)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        now: Callable[[], datetime],
        owner: bool = True,
        forget_key: ForgetKey = NO_KEY,
    ) -> PostgreSQL:
        """Open a database: an empty one gets the schema, an old one the missing migrations.

        Args:
            url: ``postgresql://user:password@host:5432/name``; with ``pgbouncer=1`` where a pooler
                in transaction mode stands before the server, and ``pool_size=``.
            now: the clock, in UTC.
            owner: whether this process answers and sends, as a worker among any number.
            forget_key: the key of the forgotten people; needed where anybody was forgotten.

        Raises:
            SettingError: the URL has a parameter without sense.
            SchemaTooNew: a newer cooee wrote the database.
            StoreUnavailable: the server is not there.
            StorageError: the server is too old, or refuses.
        """
        store = cls(url, now, forget_key)
        store._thread.start()
        try:
            await store._thread.submit(lambda: store._start(owner=owner))
        except BaseException:
            await store.close()
            raise
        return store

    async def _start(self, *, owner: bool) -> None:
        try:
            connection = await self._database.connections.acquire()
            try:
                await upgrade_schema(connection)
            finally:
                self._database.connections.release(connection)
        except Exception as error:
            raise translate_error(error) from error
        if owner:
            await self._database.write(forgotten.prepare_forgotten)
            await self._worker.start()
        self._notices.start()

    async def close(self) -> None:
        await self._thread.close(self._stop)

    async def _stop(self) -> None:
        await self._worker.stop()
        await self._notices.stop()
        await self._database.connections.close()

    # Turns

    async def receive(
        self, inbounds: Sequence[NewInbound], *, claim_limit: int = 0
    ) -> Sequence[ReceivedText]:
        call = next(self._calls)
        texts = [inbound.ToReceive(new, call, claim_limit) for new in inbounds]
        future = self._thread.submit(lambda: self._received.call(texts))
        if claim_limit <= 0:
            return await future
        self._check_is_worker()
        return await self._or_put_back(future, inbound.release_received)

    async def claim(self, limit: int, *, with_timers: bool = True) -> Sequence[Claim]:
        self._check_is_worker()
        future = self._lease(claims.claim_conversations, limit, with_timers=with_timers)
        return await self._or_put_back(future, claims.release_claims)

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        return await self._thread.submit(lambda: self._finished.call(results))

    async def release(self, claimed: Sequence[Claim]) -> None:
        await self._write(claims.release_claims, claimed)

    async def postpone(self, claimed: Sequence[Claim], until: datetime) -> None:
        await self._write(claims.postpone_claims, claimed, to_millis(until))

    async def hand_over(self, claimed: Sequence[Claim], code_version: str) -> None:
        await self._write(claims.hand_over_claims, claimed, code_version)

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        return await self._thread.submit(lambda: self._checkpoints.call(checkpoints))

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        return await self._write(dialogue_rows.start_dialogues, starts)

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

    async def claim_waiting(self, after: bytes, limit: int) -> Sequence[Claim]:
        self._check_is_worker()
        future = self._lease(claims.claim_waiting, after, limit)
        return await self._or_put_back(future, claims.release_claims)

    # Media of inbound texts

    async def media_to_erase(self) -> Sequence[str]:
        return await self._read(media.media_to_erase)

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        await self._write(media.mark_media_erased, paths)

    # Outbound

    # Our numbers

    # Time and other processes

    async def next_due(
        self, *, turns: bool = True, outbound: bool = True, with_timers: bool = True
    ) -> NextDue:
        async def find(transaction: Transaction) -> NextDue:
            turn = await schedule.next_turn(transaction, with_timers=with_timers) if turns else None
            return NextDue(turn=from_millis_or_none(turn))

        return await self._read(find)

    async def changed_externally(self) -> bool:
        async def take_news() -> bool:
            return self._notices.take_news()

        return await self._thread.submit(take_news)

    def listen(self, on_change: Callable[[], None]) -> None:
        self._notices.add_listener(on_change)

    async def hold_number(self, ours: str, role: str) -> float:
        self._check_is_worker()
        number = storable_text(ours)  # and no notice: a hold is work for nobody
        return await self._thread.submit(
            lambda: self._database.write(lambda one: workers.hold_role(one, number, role))
        )

    async def release_number(self, ours: str, role: str) -> None:
        self._check_is_worker()
        await self._write(workers.release_role, storable_text(ours), role)

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        return await self._thread.submit(lambda: self._worker.newer_versions(code_version))

    async def prune(self, before: datetime) -> int:
        pruned_count = 0
        while count := await self._write(pruning.prune_keys, to_millis(before)):
            pruned_count += count
        return pruned_count

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

    async def forget(self, theirs: str) -> bool:
        return await self._write(operators.forget_person, theirs)

    async def prune_history(
        self, before: datetime, *, after: bytes = b"", limit: int = 500
    ) -> PrunedSlice:
        return await self._write(pruning.prune_history, to_millis(before), after, limit)

    async def backup(self, path: str) -> None:
        raise StorageError(
            "A server's copy is made by PostgreSQL's own program, even while the app runs. Type:"
            f" pg_dump --format=custom --file={shlex.quote(path)} and the database's URL"
        )

    def _write(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function with a transaction that writes; the future resolves after the commit."""

        async def work() -> T:
            result = await self._database.write(lambda one: function(one, *args, **kwargs))
            self._notices.tell()
            return result

        return self._thread.submit(work)

    def _lease(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function that only leases: a crash of the server may forget what it wrote."""
        return self._thread.submit(
            lambda: self._database.write(lambda one: function(one, *args, **kwargs), durable=False)
        )

    def _read(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function with a transaction that only reads, on one snapshot."""
        return self._thread.submit(
            lambda: self._database.read(lambda one: function(one, *args, **kwargs))
        )

    def _lane(
        self, function: Callable[[Transaction, Sequence[A]], Awaitable[Sequence[R]]]
    ) -> Lane[A, R]:
        """Return a lane, in which the items of many callers share a transaction."""

        async def run(items: Sequence[A]) -> Sequence[R]:
            results = await self._database.write(lambda one: function(one, items))
            self._notices.tell()
            return results

        return Lane(run)

    def _check_is_worker(self) -> None:
        # storage rule 20: who is no worker could not be buried, so it neither claims nor takes.
        if self._database.worker == 0:
            raise StorageError("Only a process that was opened as an owner answers and sends.")

    async def _or_put_back(
        self,
        future: asyncio.Future[Sequence[T]],
        put_back: Callable[[Transaction, Sequence[T]], Awaitable[None]],
    ) -> Sequence[T]:
        """Return the leased or taken records; put them back if the caller is cancelled."""

        def put_back_result(finished: asyncio.Future[Sequence[T]]) -> None:
            if (
                not finished.cancelled()
                and finished.exception() is None
                and finished.result()
                and not self._thread.closed
            ):
                self._write(put_back, finished.result())

        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(put_back_result)
            raise
