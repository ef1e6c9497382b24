"""PostgreSQL keeps every promise of a store."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("cooee.testing.store_suite", "cooee.testing.dialogue_store_suite")

from cooee.storage.forget_key import ForgetKey  # noqa: E402 -- after the line above
from cooee.storage.postgres.store import PostgreSQL  # noqa: E402 -- likewise
from cooee.testing.dialogue_store_suite import DialogueStoreSuite  # noqa: E402
from cooee.testing.store_suite import StoreSuite  # noqa: E402

KEY = ForgetKey(bytes(range(32)))


@pytest.fixture
def open_store(migrated_url):
    return lambda now: PostgreSQL.open(migrated_url, now=now, forget_key=KEY)


class TestPostgreSQL(StoreSuite):
    """Every promise about texts, turns, media and people."""


class TestPostgreSQLDialogues(DialogueStoreSuite):
    """Every promise about dialogues."""
