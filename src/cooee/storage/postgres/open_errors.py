"""Sentences for a server that cannot be opened, and what to do next."""

from __future__ import annotations

import asyncpg

from cooee.core.errors import CooeeError, SettingError, StorageError, StoreUnavailable
from cooee.storage.postgres.connections import SCHEMA
from cooee.storage.postgres.transaction import Connection
from cooee.storage.server_url import describe_server, server_hosts

_OTHER_APP = (
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedTableError,
    asyncpg.WrongObjectTypeError,
)
_WRONG_PARAMETER = (
    asyncpg.ClientConfigurationError,
    asyncpg.UndefinedObjectError,
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.InvalidParameterValueError,
    ValueError,
)
_NOT_REACHED = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


async def check_writable(connection: Connection) -> None:
    """Check that a server can be written to.

    Raises:
        asyncpg.ReadOnlySQLTransactionError: it is a standby, or its transactions only read.
    """
    query = "select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
    is_standby, is_read_only = await connection.fetchrow(query)
    if is_standby or is_read_only:
        raise asyncpg.ReadOnlySQLTransactionError(
            "it is a standby" if is_standby else "its transactions are read only"
        )


async def check_rights(connection: Connection) -> None:
    """Check that this user may use the tables, which another user may have made.

    Raises:
        asyncpg.InsufficientPrivilegeError: the user may not.
    """
    tables = "select tablename from pg_tables where schemaname = $1"
    may = "has_table_privilege(format('%I.%I', $1::text, tablename), privilege)"
    query = (
        f"select tablename, privilege from ({tables}) t,"  # noqa: S608 -- constants
        f" unnest(array['select', 'insert', 'update', 'delete']) privilege where not {may} limit 1"
    )
    refused = await connection.fetchrow(query, SCHEMA)
    if refused is not None:
        raise asyncpg.InsufficientPrivilegeError("no right to {1} {0}".format(*refused))


def explain_open_error(url: str, error: BaseException) -> BaseException:
    """Return cooee's error for a server that cannot be opened; one of cooee's is returned as is.

    A server that is away or full may be there later (`StoreUnavailable`). Everything else has to be
    mended by somebody: the URL (`SettingError`), or the server (`StorageError`).
    """
    if isinstance(error, CooeeError):
        return error
    name, words = describe_server(url), _words(error)
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return StoreUnavailable(
            f"{name} has no connection left ({words}). Raise its max_connections, lower pool_size"
            " in COOEE_DATABASE (8 for each process), or put pgbouncer before it."
        )
    if isinstance(error, asyncpg.CannotConnectNowError):
        return StoreUnavailable(f"{name} starts or stops at this moment ({words}). Try again.")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return StorageError(
            f"{name} does not let this user in ({words}). Mend the user's name or the password in"
            " COOEE_DATABASE, or the server's pg_hba.conf."
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return StorageError(f"There is no such database ({words}). Make it, with createdb.")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return StorageError(
            f"This user may not make or use cooee's tables in {name} ({words}). Let a user who may"
            " type, in that database: grant create, connect on database … to …; where the schema"
            " is there already: alter schema cooee owner to …;"
        )
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return StorageError(
            f"{name} can only be read ({words}): a standby, or one that is set so. Name the primary"
            " in COOEE_DATABASE."
        )
    if isinstance(error, _OTHER_APP):
        return StorageError(
            f"The schema cooee in {name} holds tables that are not cooee's, or not whole ({words})."
            " Rename that schema, or name another database in COOEE_DATABASE."
        )
    if isinstance(error, _WRONG_PARAMETER):
        return SettingError(f"COOEE_DATABASE has a parameter without sense: {words}. Mend it.")
    if isinstance(error, _NOT_REACHED):
        return StoreUnavailable(
            f"No PostgreSQL answers at {server_hosts(url)} ({words}). See whether the server runs,"
            " and whether COOEE_DATABASE names its host and port."
        )
    return error


def _words(error: BaseException) -> str:
    return str(error).strip().rstrip(".").replace("\n", " ") or type(error).__name__
