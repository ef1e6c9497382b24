"""Store: the contract of every store, verbs in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage.operator_verbs import OperatorVerbs
from cooee.storage.records import (
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueStart,
    FinishedClaim,
    NewInbound,
    NextDue,
    PendingText,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
)
from cooee.storage.summaries import StoredDialogue


class Store(OperatorVerbs, Protocol):
    """The verbs of a database. Each call is one transaction, durable when the call returns.

    Every verb raises `StoreUnavailable` where the database is locked or full, and the call may be
    repeated. A call that raises has written nothing, whatever it raises. A call sees whatever the
    same process asked for before it, also where that is not answered yet.
    """

    # Turns

    async def receive(
        self, inbounds: Sequence[NewInbound], *, claim_limit: int = 0
    ) -> Sequence[ReceivedText]:
        """Store texts in the order given; a text that was stored before is not new.

        In the same transaction the conversations of new texts are leased, at most `claim_limit`,
        in the order of the texts. A conversation is leased where `claim` would lease it now, and
        its claim is what `claim` would return. Other conversations wait for a `claim`.
        """
        ...

    async def claim(self, limit: int, *, with_timers: bool = True) -> Sequence[Claim]:
        """Lease conversations with texts due, each with its oldest texts (at most 8).

        The rest of `limit` goes to conversations with a timer due and no pending text, if
        `with_timers`.
        """
        ...

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        """Commit turns; of a claim that lost its lease nothing is written.

        In the same transaction the next attempts of the conversation's replies are recorded, at
        most `take_limit` of each result, and none where the lease was lost: what `take_replies`
        would return now.
        """
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give leases back without a turn."""
        ...

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        """Give leases back without a turn, to be due again at `until` or by a new text."""
        ...

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        """Store journal entries in the middle of a turn; False for each claim that lost its lease.

        The texts stay pending and the leases stay valid. Of a stored dialogue only entries are
        written, not its head.
        """
        ...

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        """Start dialogues; False for each dialogue whose id exists, ended or not."""
        ...

    async def retry_after_deploy(self, code_version: str, retired_handlers: Sequence[str]) -> int:
        """Retry texts and timers that another code version set aside; return their number.

        Texts get a new number at the end of their conversations, as by `retry`. Where the code
        version differs from the last call's, failed turns that wait for a retry are due now too.
        Dialogues of `retired_handlers` are due now, so that each can be ended: page by page, each
        in a transaction of its own, since a million people may wait in them.
        """
        ...

    async def claim_waiting(self, after: bytes, limit: int) -> Sequence[Claim]:
        """Lease conversations with open dialogues, without their texts, due or not.

        Conversations with a pending text, and those that are leased, are passed over.

        Args:
            after: the last conversation of the page before; empty at first.
            limit: the length of a page.
        """
        ...

    async def are_timers_of(self, code_version: str) -> bool:
        """Return whether `save_timers_of` was last called with this code version."""
        ...

    async def save_timers_of(self, code_version: str) -> None:
        """Note that the timers of all waiting dialogues are those of this code version."""
        ...

    async def dialogues(
        self,
        *,
        handler: str = "",
        include_ended: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[StoredDialogue]:
        """Return dialogues in the order of conversation and id.

        Args:
            handler: only dialogues of one handler; "" for all.
            include_ended: ended dialogues as well as open dialogues.
            after: the conversation and id of the last dialogue of the page before.
            limit: the length of a page.
        """
        ...

    async def count_open_dialogues(self, *, up_to: int | None = None) -> Mapping[str, int]:
        """Return the number of open dialogues of each handler, counted as by `counts`."""
        ...

    # Media of inbound texts

    async def save_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        """Store the paths or errors of a text's media, and make the text due now.

        False where the text was forgotten, so that the fetched media are to be erased.
        """
        ...

    async def media_to_erase(self) -> Sequence[str]:
        """Return the paths of forgotten people's media that are not erased yet."""
        ...

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        """Remove paths from the list: their media are erased."""
        ...

    # Outbound

    async def enqueue(self, texts: Sequence[ProactiveOutbound]) -> Sequence[str]:
        """Queue proactive texts; return the outbound id of each (by key, the earlier text's)."""
        ...

    async def take(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Record the next attempt of the oldest due text of each person, replies first."""
        ...

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[SendAttempt]:
        """Record the next attempts of one conversation's replies, all that are due, in order.

        A text that no reply may overtake, by the rules of `take`, ends the list.
        """
        ...

    async def defer(self, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
        """Queue texts again that were taken and not attempted, each for a later time."""
        ...

    async def record_results(self, results: Sequence[AttemptResult]) -> Sequence[Outbound]:
        """Record the results of attempts; return the queued texts that an opt-out cancelled.

        States only move forward. An opt-out is recorded where the provider refused a text for it;
        an attempt that is to be repeated is cancelled where its person opted out meanwhile.
        Another text that fails for good begins its refusal (`core.dialogue.refusals`), in the same
        commit, so that the app hears of it in a turn.
        """
        ...

    async def apply_receipts(
        self, receipts: Sequence[Receipt]
    ) -> Sequence[tuple[Outbound, Status]]:
        """Apply receipts to their texts; return the texts that became final, with their status.

        A text that fails for good begins its refusal, as in `record_results`.
        """
        ...

    async def due_lookups(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Return texts of unknown end whose look-up at the provider is due."""
        ...

    async def due_status_checks(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        """Return accepted texts whose status check at the provider is due.

        The checks of a text grow rarer and end after seven days.
        """
        ...

    async def answered_texts(self, outbound_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the id of the person's text that each reply answers, by the reply's id.

        Texts that answer none, and replies whose text was erased, are left out.
        """
        ...

    # Our numbers

    async def numbers_with_unsent(self) -> Sequence[str]:
        """Return our numbers with queued texts, or texts of unknown end."""
        ...

    async def add_our_number(self, ours: str) -> None:
        """Store a number of ours."""
        ...

    async def our_numbers(self) -> Sequence[str]:
        """Return every number that was ever ours."""
        ...

    async def get_cursor(self, ours: str) -> str:
        """Return where polling a number goes on; "" at first."""
        ...

    async def set_cursor(self, ours: str, cursor: str) -> None:
        """Store where polling a number goes on."""
        ...

    async def count_lost_read(self, ours: str) -> None:
        """Count a destructive read whose answer was lost."""
        ...

    async def secret(self, name: str) -> str:
        """Return a random URL-safe secret, made at the first call and stored."""
        ...

    async def secrets(self, name: str) -> Sequence[str]:
        """Return the one or two valid secrets of a name, the newest first."""
        ...

    async def rotate_secret(self, name: str) -> bool:
        """Add a new secret; the old secret stays valid. False where two are valid already."""
        ...

    async def retire_secret(self, name: str) -> bool:
        """Remove the older secret; False where there was only one secret."""
        ...

    # Time and other processes

    async def next_due(
        self,
        *,
        turns: bool = True,
        outbound: bool = True,
        with_timers: bool = True,
        ours: str | None = None,
    ) -> NextDue:
        """Return when turns, sends and checks are next due, leased conversations left out.

        Without `turns` or `outbound` (sends and checks), their times are None, and cost nothing.
        Without `with_timers`, turns are those of texts alone. Sends and checks are those of the
        number `ours`; None: of every number.
        """
        ...

    async def changed_externally(self) -> bool:
        """Return whether another process wrote since the last call."""
        ...

    def listen(self, on_change: Callable[[], None]) -> None:
        """Call `on_change`, from any thread, soon after another process stored work.

        A store that hears nothing never calls `on_change`; `changed_externally` finds the work.
        """
        ...

    async def hold_number(self, ours: str, role: str) -> float:
        """Hold a role of a number for this process, or go on holding it; return for how long.

        Args:
            ours: the number.
            role: the work that only one process does at a time for a number, such as "poller".

        Returns:
            The seconds from the beginning of the call for which no other process gets the role, by
            the database's clock: 0 where another process holds it, infinity where none ever can.
        """
        ...

    async def release_number(self, ours: str, role: str) -> None:
        """Let another process hold a role of a number at once."""
        ...

    async def hand_over(self, claims: Sequence[Claim], code_version: str) -> None:
        """Give leases back without a turn, to be claimed by a process of a code version.

        Where no process of the version lives, any process claims the conversations.
        """
        ...

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        """Note that this process runs a code version; return those deployed after it.

        A version counts while a process that runs it lives. It was deployed when its first such
        process began: so a version that is rolled back to is the newest once no process of it was
        left.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Delete dedupe keys older than `before`; return their number."""
        ...

    async def close(self) -> None:
        """Finish all calls under way, and close the database."""
        ...
