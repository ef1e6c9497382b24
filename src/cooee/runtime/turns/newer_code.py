"""NewerCode: leaves the dialogues that newer code has moved on to the processes that run it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import partial

from cooee.clocks.clock import Clock
from cooee.core.dialogue.journal import decode_journal
from cooee.core.errors import JournalError, JournalTooNew
from cooee.runtime.log import log_event
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.turns.context import TurnContext
from cooee.storage import Claim, DialogueRecord, Store

_TOO_NEW = "of a newer cooee"  # a journal in a format that this process cannot read


class NewerCode:
    """The versions of the app's code that other processes run, deployed after this process's.

    Args:
        context: the app, and the version of its code.
        store: knows the processes.
        clock: what to sleep on while the store is not available.
    """

    def __init__(self, context: TurnContext, store: Store, clock: Clock) -> None:
        self._context, self._store, self._clock = context, store, clock

    async def runs_elsewhere(self) -> bool:
        """Say which version this process runs; return whether another runs a newer one."""
        return bool(await self._newer_versions())

    async def hand_over(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Return the claims to run here; hand the others over to the processes of newer code.

        Where no process of the newer code lives any more, it was rolled back, and all run here.
        """
        moved_by = {claim.lease_id: self._other_versions(claim) for claim in claims}
        if not any(moved_by.values()):  # as almost always
            return claims
        newer = await retry_until_available(self._clock, "versions", self._newer_versions)
        left = list[Claim]()
        for claim in claims:
            # replay rule 19: old code would meet questions that it does not have
            of_claim = moved_by[claim.lease_id]
            of_newer = [one for one in newer if one in of_claim or _TOO_NEW in of_claim]
            if of_newer:
                hand_over = partial(self._store.hand_over, [claim], of_newer[-1])
                await retry_until_available(self._clock, "hand over", hand_over)
                log_event("handed-over", logging.INFO, code_version=of_newer[-1])
            else:
                left.append(claim)
        return left

    async def _newer_versions(self) -> Sequence[str]:
        return await self._store.newer_versions(self._context.code_version())

    def _other_versions(self, claim: Claim) -> Collection[str]:
        """Return the versions other than this process's that moved a claim's dialogues last."""
        mine = self._context.code_version()
        encoded = mine.encode()
        # Decoding is the dear part: a journal in which our version stands is almost surely ours.
        foreign = [one for one in claim.dialogues if encoded not in one.head]
        return {version for one in foreign if (version := _version_of(one)) not in {"", mine}}


def _version_of(dialogue: DialogueRecord) -> str:
    """Return the version that moved a dialogue last; "" where none did, or nobody can read it."""
    try:
        return decode_journal(dialogue.head, dialogue.entries).code_version
    except JournalTooNew:
        return _TOO_NEW
    except JournalError:
        return ""
