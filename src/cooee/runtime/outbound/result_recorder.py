"""The results of attempts, recorded many in one commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from cooee.clocks.clock import Clock
from cooee.core.messages import Outbound, Status
from cooee.providers import Accepted
from cooee.runtime.app_call import as_exception
from cooee.runtime.events import AttemptRecorded, Events, TextsCancelled
from cooee.runtime.log import error_location, log_event
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import TaskGroup, is_being_cancelled
from cooee.storage import AttemptResult, Store

OnRecorded: TypeAlias = Callable[[AttemptResult], None]


class ResultRecorder:
    """Records results as they come; those that come while others are recorded share a commit.

    Args:
        store: the outbox.
        clock: what to sleep on while the database is locked or full.
        events: told of each recorded result.
        on_refused: called with a result that the database refuses for good, and the error;
            returns the result to record instead.
        start_task: starts a task of an owner who waits for its end; by default `close` does.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        events: Events,
        on_refused: Callable[[AttemptResult, Exception], AttemptResult],
        *,
        start_task: Callable[[Coroutine[Any, Any, None]], object] | None = None,
    ) -> None:
        self._store, self._clock, self._events = store, clock, events
        self._on_refused = on_refused
        self._results: list[tuple[AttemptResult, OnRecorded]] = []
        self._tasks = TaskGroup(clock, "results")
        self._start_task, self._is_recording = start_task or self._tasks.start, False

    def add(self, result: AttemptResult, on_recorded: OnRecorded) -> None:
        """Have a result recorded, in one commit with others; `on_recorded` is called after it."""
        self._results.append((result, on_recorded))
        if not self._is_recording:
            self._is_recording = True
            self._start_task(self._record_all())

    async def close(self) -> None:
        """Wait until every result is recorded."""
        await self._tasks.close()

    async def _record_all(self) -> None:
        try:
            while self._results:
                results, self._results = self._results, []
                await self._record_together(results)
        finally:
            self._is_recording = False

    async def _record_together(self, results: Sequence[tuple[AttemptResult, OnRecorded]]) -> None:
        try:
            await self._record(results)
        except BaseException:
            if is_being_cancelled():
                raise
            for result in results:  # storage rule 11: only the faulty one fails
                await self._record_alone(*result)

    async def _record_alone(self, result: AttemptResult, on_recorded: OnRecorded) -> None:
        # delivery rule 19: an attempt ends in a result, whatever the adapter handed over
        try:
            await self._record([(result, on_recorded)])
        except BaseException as error:
            if is_being_cancelled():
                raise
            instead = self._on_refused(result, as_exception("The adapter", error))
            try:
                await self._record([(instead, on_recorded)])
            except Exception as refused:
                log_event("result-refused", logging.CRITICAL, error=error_location(refused))
                on_recorded(instead)

    async def _record(self, results: Sequence[tuple[AttemptResult, OnRecorded]]) -> None:
        # delivery rule 15: nobody else knows the results; without them a text might go out twice
        cancelled: Sequence[Outbound] = await retry_until_available(
            self._clock,
            "record",
            lambda: self._store.record_results([result for result, _ in results]),
        )
        for one, _ in results:
            recorded = AttemptRecorded(one.outbound, one.status, one.message, one.retry_at)
            self._events.publish(recorded)
        if cancelled:
            self._events.publish(TextsCancelled(cancelled))
        for one, on_recorded in results:
            on_recorded(one)


def accepted_result(outbound: Outbound, accepted: Accepted, at: datetime | None) -> AttemptResult:
    """Return the result of an attempt whose text the provider took at a time."""
    return AttemptResult(
        outbound=outbound,
        status=Status.ACCEPTED,
        provider_id=accepted.provider_id,
        accepted_at=at,
    )


def unknown_result(outbound: Outbound, retry_at: datetime | None) -> AttemptResult:
    """Return the result of an attempt of unknown end, to be looked up at a time."""
    return AttemptResult(outbound=outbound, status=Status.UNKNOWN, retry_at=retry_at)
