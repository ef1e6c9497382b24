"""StoreSuite: the promises that every store keeps, one room for each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from cooee.testing.store_suite.attempts import AttemptTests
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    CLEO,
    OURS,
    ManualClock,
    OpenStore,
    StoreHarness,
    fresh_harness,
    texts_of,
)
from cooee.testing.store_suite.inbound import InboundTests
from cooee.testing.store_suite.joined_verbs import FinishAndTakeTests, ReceiveAndClaimTests
from cooee.testing.store_suite.media import MediaTests
from cooee.testing.store_suite.numbers import NumberTests
from cooee.testing.store_suite.operators import OperatorTests
from cooee.testing.store_suite.opt_outs import OptOutTests
from cooee.testing.store_suite.outbound import OutboundTests
from cooee.testing.store_suite.pruning import PruningTests
from cooee.testing.store_suite.turns import TurnTests

__all__ = [
    "ANNA",
    "BERT",
    "CLEO",
    "OURS",
    "ManualClock",
    "OpenStore",
    "StoreHarness",
    "StoreSuite",
    "texts_of",
]


class StoreSuite(
    InboundTests,
    TurnTests,
    ReceiveAndClaimTests,
    FinishAndTakeTests,
    OptOutTests,
    OutboundTests,
    AttemptTests,
    MediaTests,
    NumberTests,
    OperatorTests,
    PruningTests,
):
    """Every promise of `Store`, one test each; `DialogueStoreSuite` has those about dialogues.

    Subclass both in a test module, beside a fixture `open_store` that opens the test's own
    database, again at every call::

        @pytest.fixture
        def open_store(tmp_path):
            return lambda now: MyStore.open(tmp_path / "cooee.db", now=now)

        class TestMyStore(StoreSuite): ...
        class TestMyStoreDialogues(DialogueStoreSuite): ...
    """

    __module__ = "cooee.testing"  # where users import it from

    @pytest_asyncio.fixture
    async def harness(self, open_store: OpenStore) -> AsyncIterator[StoreHarness]:
        """Yield a harness with a new store."""
        async for harness in fresh_harness(open_store):
            yield harness
