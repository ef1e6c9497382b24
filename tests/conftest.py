"""What holds for every test."""

import asyncio
import sys

import pytest
from hypothesis import settings
from support.postgres import DatabaseWithSchema, require_postgres

# No example has a deadline, since no test may fail because the machine is busy.
settings.register_profile("cooee", deadline=None)
settings.load_profile("cooee")


@pytest.fixture(autouse=True)
def no_module_of_another_tests(tmp_path_factory):
    """Forget the modules that a test wrote and loaded: the next may write one of that name."""
    before, written = set(sys.modules), str(tmp_path_factory.getbasetemp())
    yield
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(written):
            del sys.modules[name]


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL of this process of the tests; CI never goes without."""
    with require_postgres() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres):
    """The URL of a new, empty database."""
    name = await postgres.create_database()
    yield postgres.url(name)
    await postgres.drop_database(name)


@pytest.fixture(scope="session")
def postgres_with_schema(postgres):
    """A database that has the schema, for all tests of this process, one by one."""
    database = DatabaseWithSchema(postgres)
    yield database
    asyncio.run(database.drop())


@pytest.fixture
async def migrated_url(postgres_with_schema):
    """The URL of a database that has the schema, and no row."""
    return await postgres_with_schema.empty_url()


@pytest.fixture
async def migrated_copy(postgres, postgres_with_schema):
    """The URL of a new database that has the schema, for a test that changes it."""
    name = await postgres.create_database(await postgres_with_schema.new_name())
    yield postgres.url(name)
    await postgres.drop_database(name)


def pytest_collection_modifyitems(items):
    """Leave what needs a PostgreSQL, which is a process, to the slow tests."""
    for item in items:
        if "postgres" in item.fixturenames:
            item.add_marker(pytest.mark.slow)
