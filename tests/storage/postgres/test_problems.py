"""What is wrong with a database on a server, in sentences."""

from __future__ import annotations

from support.postgres import fetch_value, start_postgres

from cooee.storage.dialects import find_database_problems
from cooee.storage.forget_key import key_check
from cooee.storage.postgres import problems
from cooee.storage.postgres.connections import read_address
from cooee.storage.tables import COPY_MARK

KEY = bytes(range(32))


async def found(url: str, *, key: str = "") -> str:
    return "\n".join(await find_database_problems(url, forget_key=key))


async def test_a_server_that_forgets_commits_is_named(postgres_url):
    # As the tests' own server is set up.
    words = await found(postgres_url)
    assert "fsync is off, so a crash of the server loses acknowledged texts" in words
    assert "autovacuum is off" in words


async def test_nothing_is_said_of_a_server_as_it_comes():
    default = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with start_postgres(default | {"autovacuum": "on"}) as server:
        assert await found(server.url()) == ""


async def test_a_key_that_is_missing_or_wrong_is_named(migrated_url):
    assert "COOEE_FORGET_KEY" not in await found(migrated_url)
    await fetch_value(migrated_url, f"insert into metadata values ('key_check', {key_check(KEY)})")
    assert "COOEE_FORGET_KEY is not set" in await found(migrated_url)
    assert "of another database" in await found(migrated_url, key="0" * 64)
    assert "COOEE_FORGET_KEY" not in await found(migrated_url, key=KEY.hex())


async def test_a_half_copied_database_is_named(migrated_url):
    await fetch_value(migrated_url, f"insert into metadata values ('{COPY_MARK}', 1)")
    assert "half copied" in await found(migrated_url)


async def test_a_transaction_that_holds_up_the_clean_up_is_named(migrated_url, aside, monkeypatch):
    monkeypatch.setattr(problems, "_LONG_SNAPSHOT_MINUTES", 0)
    await aside.execute("begin isolation level repeatable read")
    pid = await aside.fetchval("select pg_backend_pid()")
    said = await problems.find_problems(read_address(migrated_url), problems.ForgetKey())
    assert any(f"pg_terminate_backend({pid})" in sentence for sentence in said)
