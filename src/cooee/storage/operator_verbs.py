"""OperatorVerbs: the verbs of a store for the people who look after conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cooee.core.messages import Outbound
from cooee.storage.summaries import (
    EVERY_CONVERSATION,
    ConversationFilter,
    ConversationSummary,
    Counts,
    OptOut,
    PrunedSlice,
    StoredText,
)


class OperatorVerbs(Protocol):
    """Lists, counts, retries and erasures. Each call is one transaction, as in `Store`."""

    async def counts(self, *, up_to: int | None = None) -> Counts:
        """Return counts of conversations, texts, opt-outs and dialogues.

        Args:
            up_to: where counting ends: a count that reaches it means so many or more, and the call
                costs no more in a larger database. None counts all.
        """
        ...

    async def conversations(
        self,
        matching: ConversationFilter = EVERY_CONVERSATION,
        *,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[ConversationSummary]:
        """Return a page of conversations, the latest text first.

        Args:
            matching: the conversations to list.
            after: the cursor of the last conversation of the page before; "" for the first page.
            limit: the length of a page.

        Raises:
            SettingError: `after` is no cursor.
        """
        ...

    async def count_conversations(self, matching: ConversationFilter = EVERY_CONVERSATION) -> int:
        """Return the number of conversations that a filter lets through."""
        ...

    async def history(
        self, ours: str, theirs: str, limit: int, *, up_to: int | None = None, unsent: bool = True
    ) -> Sequence[StoredText]:
        """Return the last texts of a conversation: the person's in order, replies behind theirs.

        Args:
            ours: our number.
            theirs: the person's number.
            limit: how many texts at most.
            up_to: leave out the person's texts of a higher number.
            unsent: include texts of ours that were cancelled, expired or failed.
        """
        ...

    async def record_opt_outs(
        self, ours: str, people: Sequence[str]
    ) -> tuple[int, Sequence[Outbound]]:
        """Record opt-outs that the provider lists.

        Return the number of new opt-outs, and the queued texts that they cancelled.
        """
        ...

    async def opt_outs(self, ours: str, theirs: str) -> Sequence[OptOut]:
        """Return a person's opt-outs from a number, oldest first."""
        ...

    async def retry(self, theirs: str | None = None) -> int:
        """Retry set-aside texts and timers; return their number.

        A text gets a new number, at the end of its conversation.
        """
        ...

    async def resend_refused(self, theirs: str | None = None) -> int:
        """Queue a copy of each refused text, at the end of its conversation; return their number.

        A text that was sent again is refused no more, so none is sent twice.
        """
        ...

    async def resend(self, theirs: str | None = None) -> int:
        """Queue texts of unknown end again, as an operator asked; return their number."""
        ...

    async def forget(self, theirs: str) -> bool:
        """Erase a person; an opt-out and the dedupe keys stay, as hashes with a key.

        The key lies outside of the database. False where the person is not known. The paths of
        their media go to `media_to_erase`, since no transaction spans files.
        """
        ...

    async def prune_history(
        self, before: datetime, *, after: bytes = b"", limit: int = 500
    ) -> PrunedSlice:
        """Delete what is older than `before` of the next conversations, in one short transaction.

        Deleted are handled texts, texts of ours that nothing more is to happen to, their receipts,
        and the answers of ended dialogues. Whatever waits stays, and whatever keeps a promise: a
        person's state, dedupe keys, the proof of an opt-out, texts set aside or refused, and of a
        text or dialogue with a key its key (storage rule 17).

        Args:
            before: texts that were received, or last attempted, at this moment or later stay.
            after: where the slice before ended (`PrunedSlice.next_slice`); empty at first.
            limit: how many conversations the slice has; of a long one only a part is done.
        """
        ...

    async def backup(self, path: str) -> None:
        """Copy the database, whole and consistent, to a new file."""
        ...
