"""Database: runs each verb in a transaction, repeats what clashed, settles what was cut off."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from cooee.core.errors import StorageError, StoreUnavailable
from cooee.storage.forget_key import NO_KEY, ForgetKey
from cooee.storage.postgres.connections import Connections, ServerAddress
from cooee.storage.postgres.server_errors import is_lost, is_repeated, translate_error
from cooee.storage.postgres.transaction import Connection, Transaction

T = TypeVar("T")

Verb: TypeAlias = Callable[[Transaction], Awaitable[T]]
"""A verb's statements. It may run more than once, and only the last run is committed."""

_MAX_RUNS = 20  # of one verb that clashes with others each time
_BEGIN_READING = "begin isolation level repeatable read read only"
_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)  # between questions about a commit that was cut off


class Database:
    """The transactions of one process. Lives in the loop of a `DatabaseThread`.

    Attributes:
        worker: the number of this process among the workers; 0: none.
        read_clock: returns milliseconds since 1970, UTC.
        is_closing: whether nobody waits any more for a server that is away.
        forget_key: the key of the forgotten people.
    """

    def __init__(
        self,
        address: ServerAddress,
        read_clock: Callable[[], int],
        forget_key: ForgetKey = NO_KEY,
    ) -> None:
        self.connections = Connections(address)
        self.worker, self.read_clock, self.forget_key = 0, read_clock, forget_key
        self.is_closing = False

    async def write(self, verb: Verb[T], *, durable: bool = True, is_urgent: bool = False) -> T:
        """Run a verb in a transaction, and commit it.

        Args:
            verb: the statements. Run again, from the beginning, where it clashed with another
                process (40P01, 40001, 23505).
            durable: whether the commit waits for the disk. Where a crash may forget the verb
                without harm, as a lease, it need not.
            is_urgent: whether the verb waits for no other verb's connection.

        Raises:
            StoreUnavailable: nothing was written, since the server is away, full or read-only.
            StorageError: the server refuses.
        """
        begin = "begin" if durable else "begin; set local synchronous_commit = off"
        for run in range(1, _MAX_RUNS + 1):
            try:
                return await self._run_once(verb, begin, is_urgent=is_urgent)
            except _NotCommitted:
                pass
            except Exception as error:
                if not is_repeated(error) or run == _MAX_RUNS:
                    raise translate_error(error) from error
            # The other side goes first; both wait differently long, so that they do not meet again.
            await asyncio.sleep(0.001 * run * (1 + self.worker % 7))
        raise StorageError("The connection was lost at every commit. Look at the server's log.")

    async def read(self, verb: Verb[T]) -> T:
        """Run a verb that only reads, on one snapshot.

        Raises:
            StoreUnavailable: the server is away.
            StorageError: the server refuses.
        """
        try:
            return await self._run_once(verb, _BEGIN_READING)
        except Exception as error:
            raise translate_error(error) from error

    async def _run_once(self, verb: Verb[T], begin: str, *, is_urgent: bool = False) -> T:
        connection = await self.connections.acquire(is_urgent=is_urgent)
        number = self.connections.number_of(connection)
        try:
            await connection.execute(begin + self.connections.begin_suffix)
            transaction = Transaction(connection, self.worker, self.read_clock(), self.forget_key)
            result = await verb(transaction)
            mark = None if begin == _BEGIN_READING else await _mark(transaction, number)
            is_settled = await _commit(connection, mark)
        except BaseException:
            await _roll_back(connection)
            raise
        finally:
            self.connections.release(connection, is_urgent=is_urgent)
        if not is_settled and await self._last_mark(number) != mark:
            raise _NotCommitted
        return result

    async def _last_mark(self, number: int) -> int:
        """Return the mark that a connection committed last, -1 before the first.

        Waits for the server, however long it is away, and for the connection's last transaction.

        Raises:
            StoreUnavailable: the process ends before the server is back.
        """
        pauses = iter(_PAUSES_S)
        while True:
            try:
                return await self._find_mark(number)
            except Exception as error:
                translated = translate_error(error)
                if not isinstance(translated, StoreUnavailable):
                    raise translated from error
                if self.is_closing:
                    raise StoreUnavailable(
                        "The database was lost at a commit, and this process ends before it is"
                        " back. What the commit came to shows at the next start."
                    ) from error
            await asyncio.sleep(next(pauses, _PAUSES_S[-1]))

    async def _find_mark(self, number: int) -> int:
        connection = await self.connections.connect()
        try:
            await connection.execute("begin" + self.connections.begin_suffix)
            row = await Transaction(connection, 0, 0).fetch_row("find_commit_mark", number)
            assert row is not None
            return int(row[0])
        finally:
            connection.terminate()


class _NotCommitted(Exception):
    """The connection was lost at the commit, and the transaction was rolled back."""


async def _mark(transaction: Transaction, number: int) -> int | None:
    """Mark a transaction, so that its commit can be asked for; None where it wrote nothing."""
    # storage rule 22: the mark is committed with the verb, or neither is.
    mark = secrets.randbits(63)
    return mark if await transaction.execute("mark_commit", number, mark) else None


async def _commit(connection: Connection, mark: int | None) -> bool:
    """Commit; return False where the answer to the commit of a marked transaction was lost."""
    try:
        await connection.execute("commit")
    except BaseException as error:
        if mark is None or not is_lost(error):
            raise
        connection.terminate()
        return False
    return True


async def _roll_back(connection: Connection) -> None:
    """Roll back, so that the connection can be used again; close it where that fails."""
    if connection.is_closed():
        return
    try:
        await connection.execute("rollback")
    except Exception:
        connection.terminate()
