"""The claims under way: each has a place, and a task that carries it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from cooee.clocks.clock import monotonic
from cooee.runtime.task_group import TaskGroup
from cooee.storage import Claim

MAX_CLAIMS = 256
"""Claims that one process has under way at a time."""
CLAIM_TIMEOUT_S = 150.0
"""A claim that makes no step for so long is stuck: each call of its turns has a shorter limit."""

_Key: TypeAlias = tuple[bytes, int]  # a conversation, and the id of its lease


class Place:
    """The place of one claim: the task that carries it, and its last step."""

    __slots__ = ("carrier", "claim", "claimed_at", "is_failing", "moved_at", "step")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.claimed_at = self.moved_at = monotonic()
        self.step = "claimed"
        self.carrier: asyncio.Task[Any] | None = None
        self.is_failing = False

    def move(self, step: str) -> None:
        """Note a step of the claim, from any thread."""
        self.step, self.moved_at = step, monotonic()

    @property
    def held_s(self) -> float:
        """Seconds since the claim's last step."""
        return monotonic() - self.moved_at


class Places:
    """The places of the claims under way.

    A place is known by its claim, so it is free once, however often it is freed. Each is carried
    by a task. A task that ends, in whatever way, hands `on_dropped` the claims that it still
    carries, and why (delivery rule 19).

    Args:
        tasks: the tasks of the worker.
        on_dropped: ends claims that a task has dropped.
    """

    def __init__(
        self, tasks: TaskGroup, on_dropped: Callable[[Sequence[Claim], BaseException], None]
    ) -> None:
        self._tasks, self._on_dropped = tasks, on_dropped
        self._places: dict[_Key, Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def free_count(self) -> int:
        """The number of claims that may still be made."""
        return max(MAX_CLAIMS - len(self._places), 0)

    def take(self, claims: Sequence[Claim]) -> None:
        """Give each claim a place."""
        self._places.update({_key_of(claim): Place(claim) for claim in claims})

    def of(self, claim: Claim) -> Place | None:
        """Return a claim's place; None once it is free."""
        return self._places.get(_key_of(claim))

    def free(self, claim: Claim) -> Place | None:
        """Free a claim's place, and return it; None where it was free."""
        return self._places.pop(_key_of(claim), None)

    def carry(self, claims: Sequence[Claim], work: Coroutine[Any, Any, None]) -> None:
        """Carry claims by a new task, which ends each of them or hands it on by `carry`."""
        task = self._tasks.start(work)
        for claim in claims:
            place = self.of(claim)
            if place is not None:
                place.carrier = task
        task.add_done_callback(lambda task: self._end_dropped(claims, task))

    def carried_by_this_task(self, claim: Claim) -> bool:
        """Tell whether the current task still carries a claim."""
        place = self.of(claim)
        return place is not None and place.carrier is asyncio.current_task()

    def overdue(self, timeout_s: float) -> Sequence[Place]:
        """Return the places whose claim made no step for so long, or that no task carries."""
        now = monotonic()
        return [
            place
            for place in self._places.values()
            if now - place.moved_at > timeout_s
            or (place.carrier is not None and place.carrier.done())
        ]

    def _end_dropped(self, claims: Sequence[Claim], task: asyncio.Task[Any]) -> None:
        dropped = [
            claim
            for claim in claims
            if (place := self.of(claim)) is not None and place.carrier is task
        ]
        if dropped:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self._on_dropped(dropped, error or RuntimeError("The task ended before its claims."))


def _key_of(claim: Claim) -> _Key:
    return (claim.conversation, claim.lease_id)
