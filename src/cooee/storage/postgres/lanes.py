"""Lane: many callers' items share a transaction; the next batch gathers while one commits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from cooee.core.errors import StoreUnavailable

A = TypeVar("A")
R = TypeVar("R")

_MAX_ITEMS = 256  # in one transaction, unless one caller has more

_Call: TypeAlias = tuple[Sequence[Any], "asyncio.Future[Any]"]


class Lane(Generic[A, R]):
    """Runs a verb over items, one transaction at a time; no caller hears before the commit.

    Where a batch of several callers fails, each caller's items run alone, so that only the faulty
    call fails.

    Attributes:
        last_call: is done when all calls so far have ended; None before the first.

    Args:
        run: runs the verb over items; returns a result for each.
    """

    def __init__(self, run: Callable[[Sequence[A]], Awaitable[Sequence[R]]]) -> None:
        self._run = run
        self._calls: deque[_Call] = deque()
        self._task: asyncio.Task[None] | None = None
        self.last_call: asyncio.Future[Any] | None = None

    async def call(self, items: Sequence[A]) -> Sequence[R]:
        """Run the verb over items, together with other callers' items; return their results."""
        if not items:
            return []
        future = asyncio.get_running_loop().create_future()
        self._calls.append((items, future))
        self.last_call = future
        if self._task is None:
            self._task = asyncio.create_task(self._run_all())
        results: Sequence[R] = await future
        return results

    async def _run_all(self) -> None:
        while self._calls:
            await self._run_batch(self._next_batch())
        self._task = None

    def _next_batch(self) -> list[_Call]:
        batch, count = [self._calls.popleft()], 0
        while self._calls and (count := count + len(batch[-1][0])) < _MAX_ITEMS:
            batch.append(self._calls.popleft())
        return batch

    async def _run_batch(self, batch: Sequence[_Call]) -> None:
        try:
            results = await self._run([item for items, _ in batch for item in items])
        except BaseException as error:
            if len(batch) == 1 or isinstance(error, StoreUnavailable):
                for _, future in batch:
                    future.set_exception(error)
                return
            # storage rule 11: each call runs again alone, so that only the faulty call fails.
            for call in batch:
                await self._run_batch([call])
            return
        for items, future in batch:
            future.set_result(results[: len(items)])
            results = results[len(items) :]
