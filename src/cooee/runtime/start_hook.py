"""One function below `@app.on_start`: called, and its failure in words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cooee.core.app.routes import handler_of
from cooee.core.dialogue.call_sites import raise_location
from cooee.core.error_text import error_text
from cooee.core.errors import StartFailed
from cooee.runtime.app_call import await_app, call_app


async def call_start_hook(start_hook: Callable[[], Any]) -> StartFailed | None:
    """Call a start hook; return its failure, with the line that raised it, or None."""
    handler = handler_of(start_hook)
    name = handler.name.rpartition(".")[2]
    outcome = call_app(name, start_hook)
    if inspect.isawaitable(outcome.value):
        outcome = await await_app(name, lambda: outcome.value)
    if outcome.error is None:
        return None
    location = raise_location(outcome.error) or handler.location
    failure = StartFailed(
        f"{name}, below @app.on_start, raised {error_text(outcome.error)} ({location}). Mend it, or"
        " catch there what may fail."
    )
    failure.__cause__ = outcome.error
    return failure
