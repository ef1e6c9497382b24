"""Two processes on one database, and a look from the side."""

import asyncpg
import pytest

from cooee.storage.forget_key import ForgetKey
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import ManualClock, StoreHarness

KEY = ForgetKey(bytes(range(32)))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def here(migrated_url, clock):
    """A harness of one process."""
    store = await PostgreSQL.open(migrated_url, now=clock, forget_key=KEY)
    yield StoreHarness(store, clock)
    await store.close()


@pytest.fixture
async def there(migrated_url, clock):
    """A harness of another process, with the same clock."""
    store = await PostgreSQL.open(migrated_url, now=clock, forget_key=KEY)
    yield StoreHarness(store, clock)
    await store.close()


@pytest.fixture
async def aside(migrated_url):
    """A connection of nobody's."""
    connection = await asyncpg.connect(migrated_url, server_settings={"search_path": "cooee"})
    yield connection
    await connection.close()


@pytest.fixture
async def aside_copy(migrated_copy):
    """A connection of nobody's to a database that a test may analyse."""
    connection = await asyncpg.connect(migrated_copy, server_settings={"search_path": "cooee"})
    yield connection
    await connection.close()
