"""A server that cannot be opened: a sentence that helps, and never the password."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from cooee.core.errors import SchemaTooNew, SettingError, StorageError, StoreUnavailable
from cooee.storage import open_store
from cooee.storage.postgres import migrate
from cooee.storage.postgres.open_errors import explain_open_error

KEY = "ab" * 32
URL = "postgresql://me:s3cret@db.example.com:5433/texts"


def now():
    return datetime.now(UTC)


def opened(url, **more):
    return open_store(url, now=now, forget_key=KEY, **more)


def with_parts(url, **parts):
    return urlunsplit(urlsplit(url)._replace(**parts))


async def execute(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            ConnectionRefusedError(111, "Connection refused"),
            StoreUnavailable,
            "No PostgreSQL answers at db.example.com:5433",
        ),
        (TimeoutError(), StoreUnavailable, "No PostgreSQL answers"),
        (
            asyncpg.TooManyConnectionsError("too many clients"),
            StoreUnavailable,
            "no connection left",
        ),
        (asyncpg.CannotConnectNowError("starting up"), StoreUnavailable, "starts or stops"),
        (asyncpg.InvalidPasswordError("no"), StorageError, "does not let this user in"),
        (asyncpg.InvalidAuthorizationSpecificationError("no"), StorageError, "pg_hba.conf"),
        (asyncpg.InvalidCatalogNameError("no texts"), StorageError, "createdb"),
        (asyncpg.InsufficientPrivilegeError("no"), StorageError, "grant create"),
        (asyncpg.ReadOnlySQLTransactionError("no"), StorageError, "Name the primary"),
        (asyncpg.DuplicateTableError("texts is there"), StorageError, "not cooee's"),
        (asyncpg.UndefinedObjectError("no parameter"), SettingError, "parameter without sense"),
        (ValueError("sslmode"), SettingError, "parameter without sense"),
    ],
)
def test_each_error_becomes_a_sentence(error, kind, words):
    explained = explain_open_error(URL, error)
    assert type(explained) is kind
    assert words in str(explained)
    assert "s3cret" not in str(explained)


def test_other_errors_are_left_alone():
    for error in (KeyError("x"), SchemaTooNew("newer")):
        assert explain_open_error(URL, error) is error


async def test_no_server_and_no_database_are_told_apart(postgres_url):
    with pytest.raises(StoreUnavailable, match="No PostgreSQL answers at"):
        await opened("postgresql://me:s3cret@127.0.0.1:1/texts")
    with pytest.raises(StorageError, match="There is no such database"):
        await opened(with_parts(postgres_url, path="/of_nobody"))


async def test_a_parameter_without_sense_is_a_setting_to_mend(postgres_url):
    query = urlsplit(postgres_url).query
    for wrong in ("sslmode=perhaps", "colour=blue", "pool_size=0"):
        with pytest.raises(SettingError):
            await opened(with_parts(postgres_url, query="&".join(filter(None, [query, wrong]))))


async def test_a_server_that_is_too_old_is_refused(postgres_url, monkeypatch):
    monkeypatch.setattr(migrate, "MIN_SERVER_VERSION", 99)
    with pytest.raises(StorageError, match="needs 99 or later: older ones get no corrections"):
        await opened(postgres_url)


async def test_a_server_that_only_reads_is_refused(postgres_url):
    name = urlsplit(postgres_url).path[1:]
    await execute(postgres_url, f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(StorageError, match="can only be read"):
        await opened(postgres_url)


async def test_a_user_without_rights_is_told_what_the_owner_types(postgres_url):
    name = urlsplit(postgres_url).path[1:]
    user = f"reader_{name}"
    await execute(
        postgres_url, f"create role {user} login", f"grant connect on database {name} to {user}"
    )
    theirs = with_parts(
        postgres_url, netloc=urlsplit(postgres_url).netloc.replace("cooee@", f"{user}@", 1)
    )
    try:
        with pytest.raises(StorageError, match="grant create"):
            await opened(theirs)
        await (await opened(postgres_url)).close()
        await execute(
            postgres_url,
            f"grant usage on schema cooee to {user}",
            f"grant select on all tables in schema cooee to {user}",
        )
        with pytest.raises(StorageError, match="no right to insert"):
            await opened(theirs)
    finally:
        await execute(postgres_url, f"drop owned by {user}", f"drop role {user}")


@pytest.mark.parametrize("table", ["conversations (id int)", "schema_version (of_another text)"])
async def test_a_schema_of_another_app_is_not_touched(postgres_url, table):
    await execute(postgres_url, "create schema cooee", f"create table cooee.{table}")
    with pytest.raises(StorageError, match="not cooee's"):
        await opened(postgres_url)
    rows = await asyncpg.connect(postgres_url)
    assert await rows.fetchval("select count(*) from pg_tables where schemaname = 'cooee'") == 1
    await rows.close()


async def test_other_apps_may_have_schemas_beside_ours(postgres_url):
    await execute(postgres_url, "create table conversations (id int)")
    await (await opened(postgres_url)).close()


async def test_a_newer_schema_is_refused(postgres_url):
    await (await opened(postgres_url)).close()
    await execute(postgres_url, "update cooee.schema_version set version = 999")
    with pytest.raises(SchemaTooNew, match="Install the newer cooee"):
        await opened(postgres_url)


async def test_a_running_process_goes_on_beside_a_newer_schema(postgres_url):
    store = await opened(postgres_url)
    await execute(
        postgres_url,
        "alter table cooee.conversations add column of_a_newer_cooee text",
        "create table cooee.of_a_newer_cooee (id int)",
        "update cooee.schema_version set version = 999",
    )
    await store.add_our_number("+61491570006")
    assert list(await store.our_numbers()) == ["+61491570006"]
    assert list(await store.claim(10)) == []
    await store.close()


async def test_ten_processes_make_the_tables_once(postgres_url):
    stores = await asyncio.gather(*[opened(postgres_url) for _ in range(10)])
    words = {await store.secret("path") for store in stores}
    versions = [list(await store.newer_versions("one")) for store in stores]
    held = [await store.hold_number("+61491570006", "poller") for store in stores]
    for store in stores:
        await store.close()
    assert len(words) == 1
    assert not any(versions)
    assert sum(1 for one in held if one) == 1
