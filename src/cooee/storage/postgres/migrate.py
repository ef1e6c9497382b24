"""Migrations of a PostgreSQL database, safe where many processes start at once."""

from __future__ import annotations

from cooee.core.errors import StorageError
from cooee.storage import migrations
from cooee.storage.postgres.connections import SCHEMA
from cooee.storage.postgres.transaction import Connection

MIN_SERVER_VERSION = 14
_LOCK = 0x636F6F6565  # "cooee": of the advisory lock that one migrating process holds


async def upgrade_schema(connection: Connection) -> None:
    """Make the schema, or run the migrations that it lacks, all or none.

    Raises:
        SchemaTooNew: a newer cooee wrote this database.
        StorageError: the server is too old.
    """
    version = connection.get_server_version()
    if version.major < MIN_SERVER_VERSION:
        raise StorageError(
            f"The server is PostgreSQL {version.major}, and cooee needs {MIN_SERVER_VERSION} or"
            " later: older ones get no corrections any more, and cooee is not tested with them."
            " Upgrade the server, or set COOEE_DATABASE to another."
        )
    known = migrations.load_migrations("postgres")
    if not migrations.missing_migrations(await schema_version(connection), known):
        return
    async with connection.transaction():
        # storage rule 23: ten processes that start at once would each make the tables.
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(f"create schema if not exists {SCHEMA}")
        await connection.execute(f"set local search_path = {SCHEMA}")
        await connection.execute("create table if not exists schema_version (version integer)")
        missing = migrations.missing_migrations(await schema_version(connection), known)
        for step in missing:
            for statement in step.statements:
                await connection.execute(statement)
            await connection.execute("delete from schema_version")
            await connection.execute("insert into schema_version values ($1)", step.version)


async def schema_version(connection: Connection) -> int:
    """Return the version of the database's schema, 0 at first."""
    table = f"{SCHEMA}.schema_version"
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return 0
    version: int | None = await connection.fetchval(f"select max(version) from {table}")  # noqa: S608 -- a constant
    return version or 0
