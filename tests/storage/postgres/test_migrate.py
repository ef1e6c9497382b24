"""The schema of a PostgreSQL database: made once, brought up to date once, never taken back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest
from support.postgres import fetch_value

import cooee
from cooee.core.errors import SchemaTooNew, StorageError
from cooee.storage import migrations
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import ManualClock, StoreHarness

AT_ONCE = 10
SCRIPTS = Path(cooee.__file__).parent / "storage" / "postgres" / "migrations"


async def open_many(url: str) -> None:
    """Open a database as many processes do that start at once, each by its own connection."""
    opening = [PostgreSQL.open(url, now=ManualClock()) for _ in range(AT_ONCE)]
    stores = await asyncio.gather(*opening, return_exceptions=True)
    opened = [store for store in stores if isinstance(store, PostgreSQL)]
    for store in opened:
        await store.close()
    assert [store for store in stores if store not in opened] == []


async def test_ten_processes_that_start_at_once_make_one_schema(postgres_url):
    await open_many(postgres_url)
    assert await fetch_value(postgres_url, "select count(*) from schema_version") == 1
    assert await fetch_value(postgres_url, "select max(id) from workers") is None  # all have left


async def test_ten_processes_of_a_new_version_bring_the_schema_up_to_date_once(
    migrated_copy, tmp_path, monkeypatch
):
    harness = StoreHarness(await PostgreSQL.open(migrated_copy, now=ManualClock()), ManualClock())
    await harness.receive("hello")
    await harness.store.close()
    steps = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, steps)
    latest = len(list(steps.glob("*.sql")))
    script = "alter table numbers add column note text not null default 'new';\n"
    (steps / f"{latest + 1:04d}_notes.sql").write_text(script)
    newer = migrations.read_migrations(steps)
    monkeypatch.setattr(migrations, "load_migrations", lambda dialect: newer)
    await open_many(migrated_copy)
    assert await fetch_value(migrated_copy, "select version from schema_version") == latest + 1
    assert await fetch_value(migrated_copy, "select text from inbound") == "hello"


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    migrated_copy, tmp_path, monkeypatch
):
    steps = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, steps)
    latest = len(list(steps.glob("*.sql")))
    script = "create table half (id integer);\ninsert into nothing values (1);\n"
    (steps / f"{latest + 1:04d}_half.sql").write_text(script)
    monkeypatch.setattr(
        migrations, "load_migrations", lambda dialect: migrations.read_migrations(steps)
    )
    with pytest.raises(StorageError, match="nothing"):
        await PostgreSQL.open(migrated_copy, now=ManualClock())
    assert await fetch_value(migrated_copy, "select version from schema_version") == latest
    assert await fetch_value(migrated_copy, "select to_regclass('half')::text") is None


async def test_a_database_of_a_newer_cooee_is_left_alone(migrated_copy):
    await fetch_value(migrated_copy, "update schema_version set version = 999")
    for owner in (True, False):
        with pytest.raises(SchemaTooNew, match="Install the newer cooee"):
            await PostgreSQL.open(migrated_copy, now=ManualClock(), owner=owner)


async def test_the_tables_of_another_app_are_left_alone(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("create table conversations as select 'theirs' as words")
    await connection.close()
    await open_many(postgres_url)
    assert await fetch_value(postgres_url, "select words from public.conversations") == "theirs"
