"""Where conversations live between texts: the verbs, all in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage.records import (
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueStart,
    NewInbound,
    NextDue,
    PendingText,
    ProactiveOutbound,
    SendAttempt,
)
from cooee.storage.summaries import ConversationSummary, Counts, OptOut, StoredDialogue, StoredText


class Store(Protocol):
    """The verbs. Each call is one atomic step, durable when it returns.

    Every verb raises `StoreUnavailable` where the database is locked or full: then nothing of
    that call was written, and it may be repeated.
    """

    # Turns

    async def receive(self, inbounds: Sequence[NewInbound]) -> Sequence[bool]:
        """Store texts in the order given; False for each that was there before."""
        ...

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Lease conversations with texts due, each with its oldest texts (at most 8).

        Where there is room left, those with alarms due and no text that waits.
        """
        ...

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[bool]:
        """Commit turns; False for each whose lease was lost, of which nothing is written."""
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give leases back with nothing done."""
        ...

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        """Give leases back with nothing done, and be due again at `until`, or by a new text."""
        ...

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        """Write down what a turn must not lose; False for each whose lease was lost.

        Texts stay unhandled and leases held; of a dialogue that is known, only entries are
        written.
        """
        ...

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        """Have dialogues begun; False for each whose id was there before, over or not."""
        ...

    async def retry_after_deploy(self, code_version: str, retired_handlers: Sequence[str]) -> int:
        """Try again what was set aside under another program; how much that was.

        Texts get a new place at the end of their conversations, as by `retry`. Dialogues of
        `retired_handlers` handlers are due now, so that each can be ended. Where this is not the program
        of the last call, what waits for another try is due now too.
        """
        ...

    async def dialogues(
        self,
        *,
        handler: str = "",
        include_ended: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[StoredDialogue]:
        """Dialogues in the order of conversation and id: those that go on, or all with `include_ended`.

        Args:
            handler: only those of one handler.
            over: also those that have ended.
            after: the conversation and id of the last one seen.
            limit: how many.
        """
        ...

    async def count_open_dialogues(self) -> Mapping[str, int]:
        """How many dialogues of each handler go on."""
        ...

    # Pictures that came with texts

    async def save_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        """Write down what became of a text's media, and have it answered now.

        False where that text is not there any more, so that what was fetched is not wanted.
        """
        ...

    async def media_to_erase(self) -> Sequence[str]:
        """The paths of media whose person was forgotten, which are still to be erased."""
        ...

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        """Forget such paths: what lay there is gone."""
        ...

    # Outbound

    async def enqueue(self, texts: Sequence[ProactiveOutbound]) -> Sequence[str]:
        """Queue texts that we write first; the outbound id of each (an earlier one's by key)."""
        ...

    async def take(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Record the next attempt of the oldest due text of each person, replies first."""
        ...

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[SendAttempt]:
        """Record the next attempts of one conversation's replies: all that may go now, in order.

        A text that `take` would not let one of them overtake ends the row.
        """
        ...

    async def defer(self, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
        """Queue what was taken and not attempted again, each for a later moment."""
        ...

    async def record_results(self, results: Sequence[AttemptResult]) -> None:
        """Record how attempts ended. States only move forward."""
        ...

    async def apply_receipts(
        self, receipts: Sequence[Receipt]
    ) -> Sequence[tuple[Outbound, Status]]:
        """Lay receipts on their texts; those that became final by it, and how."""
        ...

    async def due_lookups(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Texts whose attempt has an unknown end, and whose time to ask has come."""
        ...

    async def due_status_checks(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Accepted texts whose provider is to be asked for news now.

        Each comes again ever later, for seven days.
        """
        ...

    # Our numbers

    async def numbers_with_unsent(self) -> Sequence[str]:
        """Our numbers with texts still on their way (queued, or of unknown end)."""
        ...

    async def add_our_number(self, ours: str) -> None:
        """Remember that a number is ours."""
        ...

    async def our_numbers(self) -> Sequence[str]:
        """The numbers that were ever ours."""
        ...

    async def get_cursor(self, ours: str) -> str:
        """Where reading that number goes on; "" at first."""
        ...

    async def set_cursor(self, ours: str, cursor: str) -> None:
        """Remember where reading goes on."""
        ...

    async def count_lost_read(self, ours: str) -> None:
        """Count a destructive read whose answer was lost."""
        ...

    async def secret(self, name: str) -> str:
        """A random URL-safe word, made at first asking and kept."""
        ...

    async def secrets(self, name: str) -> Sequence[str]:
        """The words that are good under a name, the newest first; at least one, at most two."""
        ...

    async def rotate_secret(self, name: str) -> bool:
        """Make a new word, beside which the old one stays good; False where there are two."""
        ...

    async def retire_secret(self, name: str) -> bool:
        """Let only the newest word be good; False where it was the only one."""
        ...

    # Time and others

    async def next_due(self) -> NextDue:
        """When something is next due, leased conversations left out."""
        ...

    async def changed_externally(self) -> bool:
        """Whether another process wrote since the last asking."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget dedupe keys older than `before`; how many."""
        ...

    async def close(self) -> None:
        """Write everything down and let go."""
        ...

    # For people

    async def counts(self) -> Counts:
        """Count what an operator asks about."""
        ...

    async def conversations(
        self, *, troubled_only: bool = False, limit: int = 100
    ) -> Sequence[ConversationSummary]:
        """The conversations last spoken in; with `troubled_only`, those that need a person."""
        ...

    async def history(self, ours: str, theirs: str, limit: int) -> Sequence[StoredText]:
        """The last texts of a conversation, oldest first."""
        ...

    async def record_opt_outs(self, ours: str, people: Sequence[str]) -> int:
        """Opt out those of whom the company says that they did; how many were not out before."""
        ...

    async def opt_outs(self, ours: str, theirs: str) -> Sequence[OptOut]:
        """The ledger of a person's opt-outs from a number, oldest first."""
        ...

    async def retry(self, theirs: str | None = None) -> int:
        """Run set-aside texts again, at the end of their conversations, and alarms; how many."""
        ...

    async def resend(self, theirs: str | None = None) -> int:
        """Queue texts of unknown end again, at a person's word; how many."""
        ...

    async def forget(self, theirs: str) -> bool:
        """Erase a person. What is left: an opt-out and the dedupe keys, as hashes.

        Their media's paths go over to `media_to_erase`, since no transaction spans files.
        """
        ...

    async def backup(self, path: str) -> None:
        """Copy the database, whole and consistent, to a new file."""
        ...
