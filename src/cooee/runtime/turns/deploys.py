"""What a start with other code does for those who wait: retries, and the ends of dialogues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cooee.clocks.clock import Clock
from cooee.core.app.app import App
from cooee.runtime.store_retry import retry_until_available
from cooee.storage import Store


async def begin_code_version(store: Store, code_version: str) -> None:
    """Note what code this process runs, and retry what other code set aside."""
    # replay rule 19: a process says what code it runs before it claims or retries
    await store.newer_versions(code_version)
    await store.retry_after_deploy(code_version, [])


async def retire_dialogues(
    app: App[Any, Any], store: Store, clock: Clock, code_version: str, on_due: Callable[[], None]
) -> None:
    """Let all who wait in a retired dialogue hear of its end; a start does not wait for that."""
    # storage rule 18: a million people may wait in it
    handlers = list(app.retired_dialogues)
    if not handlers:
        return
    count = await retry_until_available(
        clock, "retry", lambda: store.retry_after_deploy(code_version, handlers)
    )
    if count:
        on_due()
