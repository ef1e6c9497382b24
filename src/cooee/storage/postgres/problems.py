"""Problems of a database on a server: what makes it forget, or grow slow, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.storage.forget_key import ForgetKey, find_setting_problem
from cooee.storage.postgres.connections import Connections, ServerAddress
from cooee.storage.postgres.migrate import schema_version
from cooee.storage.postgres.server_errors import translate_error
from cooee.storage.postgres.transaction import Connection
from cooee.storage.tables import COPY_MARK, HALF_COPIED

_LONG_SNAPSHOT_MINUTES = 15


async def find_problems(address: ServerAddress, forget_key: ForgetKey) -> Sequence[str]:
    """Return sentences on how a database is kept: each a problem, with its remedy.

    Raises:
        StoreUnavailable: the server is not there.
        StorageError: the server refuses.
    """
    try:
        connection = await Connections(address).connect()
        try:
            return [
                *await _find_lost_commits(connection),
                *await _find_slow_claims(connection),
                *await _find_wrong_contents(connection, forget_key),
            ]
        finally:
            await connection.close()
    except Exception as error:
        raise translate_error(error) from error


async def _find_lost_commits(connection: Connection) -> list[str]:
    """Find what makes the server forget an acknowledged text (law 1)."""
    problems = [
        f"{name} is off, so a crash of the server loses acknowledged texts. Switch it on."
        for name in ("fsync", "synchronous_commit", "full_page_writes")
        if await connection.fetchval("select current_setting($1)", name) == "off"
    ]
    followers = await connection.fetchval("select count(*) from pg_stat_replication")
    names = await connection.fetchval("select current_setting('synchronous_standby_names')")
    if followers and not names:
        problems.append(
            "The standbys follow behind, so a failover may lose the last acknowledged texts. Set"
            " synchronous_standby_names on the server, or live with that."
        )
    return problems


async def _find_slow_claims(connection: Connection) -> list[str]:
    """Find what makes the rows that are dead pile up, which each claim reads."""
    problems = []
    if await connection.fetchval("select current_setting('autovacuum')") == "off":
        problems.append("autovacuum is off, so that the tables grow slow. Switch it on.")
    old = await connection.fetch(
        "select pid, application_name from pg_stat_activity"
        " where datname = current_database() and backend_xmin is not null"
        " and xact_start < clock_timestamp() - make_interval(mins => $1)",
        _LONG_SNAPSHOT_MINUTES,
    )
    problems += [
        f"Session {pid} ({name or 'unnamed'}) has had a transaction open for more than"
        f" {_LONG_SNAPSHOT_MINUTES} minutes, so no dead row is removed and texts wait longer. End"
        f" it: select pg_terminate_backend({pid})"
        for pid, name in old
    ]
    return problems


async def _find_wrong_contents(connection: Connection, forget_key: ForgetKey) -> list[str]:
    if not await schema_version(connection):
        return []
    metadata = dict(await connection.fetch("select name, value from cooee.metadata"))
    key_problem = find_setting_problem(forget_key, metadata.get("key_check"))
    half_copied = HALF_COPIED if COPY_MARK in metadata else ""
    return [problem for problem in (key_problem, half_copied) if problem]
