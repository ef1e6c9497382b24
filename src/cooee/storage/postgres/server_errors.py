"""The server's errors: which are repeated, which are temporary, and their words."""

from __future__ import annotations

import asyncpg

from cooee.core.errors import StorageError, StoreUnavailable

# A deadlock, a clash of snapshots, a row that another process has just stored: the verb, run again,
# finds what the other process wrote.
_REPEATED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
)
# The connection is gone. What a commit under way came to is not known.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver has lost its place in what the server says
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
)
_TEMPORARY = (
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)


def is_repeated(error: BaseException) -> bool:
    """Tell whether the whole verb is to be run again, since another process was in the way."""
    return isinstance(error, _REPEATED)


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection is lost, so that the end of a commit is unknown."""
    return isinstance(error, _LOST)


def translate_error(error: BaseException) -> BaseException:
    """Return cooee's error for an error of the server or the driver; any other error unchanged."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, (*_LOST, *_TEMPORARY)):
        return StoreUnavailable(
            f"The database is not available ({_words(error)}). Nothing was written; see whether"
            " the server runs, can be reached and can write, and try again."
        )
    if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError)):
        return StorageError(f"The database refused: {_words(error)}.")
    return error


def _words(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
