"""DialogueStoreSuite: the promises of a store about dialogues, to run beside `StoreSuite`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from cooee.testing.dialogue_store_suite.claims import DialogueClaimTests
from cooee.testing.dialogue_store_suite.failures import DialogueFailureTests
from cooee.testing.dialogue_store_suite.harness import (
    begin_dialogue,
    dialogue_ids,
    dialogue_update,
    finish_claim,
    next_turn_due,
    people_and_ids,
    set_timer_aside,
)
from cooee.testing.dialogue_store_suite.journals import JournalTests
from cooee.testing.dialogue_store_suite.operators import DialogueOperatorTests
from cooee.testing.dialogue_store_suite.question_texts import QuestionTextTests
from cooee.testing.store_suite.harness import OpenStore, StoreHarness, fresh_harness

__all__ = [
    "DialogueStoreSuite",
    "begin_dialogue",
    "dialogue_ids",
    "dialogue_update",
    "finish_claim",
    "next_turn_due",
    "people_and_ids",
    "set_timer_aside",
]


class DialogueStoreSuite(
    DialogueClaimTests,
    JournalTests,
    DialogueFailureTests,
    DialogueOperatorTests,
    QuestionTextTests,
):
    """Every promise of `Store` about dialogues, one test each."""

    __module__ = "cooee.testing"  # where users import it from

    @pytest_asyncio.fixture
    async def harness(self, open_store: OpenStore) -> AsyncIterator[StoreHarness]:
        """Yield a harness with a new store."""
        async for harness in fresh_harness(open_store):
            yield harness
