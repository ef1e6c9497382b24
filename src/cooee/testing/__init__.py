"""Kit and Phone for tests of apps; suites for every provider and every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cooee.core.public_names import import_on_use

if TYPE_CHECKING:
    from cooee.testing.dialogue_store_suite import DialogueStoreSuite
    from cooee.testing.kit import Kit, Phone
    from cooee.testing.provider_example import Example, Push
    from cooee.testing.provider_suite import PROMISES
    from cooee.testing.scripted_network import ScriptedNetwork, answer
    from cooee.testing.store_suite import StoreSuite

__all__ = [
    "PROMISES",
    "DialogueStoreSuite",
    "Example",
    "Kit",
    "Phone",
    "Push",
    "ScriptedNetwork",
    "StoreSuite",
    "answer",
]

# Every pytest with cooee installed imports this package, for its plug-in.
_IMPORTED_ON_USE = {
    "PROMISES": "cooee.testing.provider_suite",
    "DialogueStoreSuite": "cooee.testing.dialogue_store_suite",
    "Example": "cooee.testing.provider_example",
    "Kit": "cooee.testing.kit",
    "Phone": "cooee.testing.kit",
    "Push": "cooee.testing.provider_example",
    "ScriptedNetwork": "cooee.testing.scripted_network",
    "StoreSuite": "cooee.testing.store_suite",
    "answer": "cooee.testing.scripted_network",
}

__getattr__ = import_on_use(__name__, _IMPORTED_ON_USE)
