"""SQLite keeps every promise of a store."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("cooee.testing.store_suite", "cooee.testing.dialogue_store_suite")

from cooee.storage.sqlite.store import SQLite  # noqa: E402 -- after the line above
from cooee.testing.dialogue_store_suite import DialogueStoreSuite  # noqa: E402 -- likewise
from cooee.testing.store_suite import StoreSuite  # noqa: E402


@pytest.fixture
def open_store(tmp_path):
    return lambda now: SQLite.open(tmp_path / "cooee.db", now=now)


class TestSQLite(StoreSuite):
    """Every promise about texts, turns, media and people."""


class TestSQLiteDialogues(DialogueStoreSuite):
    """Every promise about dialogues."""
