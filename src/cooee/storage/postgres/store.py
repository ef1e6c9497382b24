"""PostgreSQL: the store for any number of processes, on any number of machines."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

from cooee.core.errors import StorageError
from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage.columns import from_millis_or_none, storable_text, to_millis
from cooee.storage.forget_key import NO_KEY, ForgetKey
from cooee.storage.postgres import (
    attempts,
    claims,
    inbound,
    numbers,
    operators,
    opt_outs,
    outbox,
    pruning,
    receipts,
    refusals,
    retries,
    schedule,
    turns,
    workers,
)
from cooee.storage.postgres import dialogues as dialogue_rows
from cooee.storage.postgres import media as media_rows
from cooee.storage.postgres.connections import read_address
from cooee.storage.postgres.pages import PAGE
from cooee.storage.postgres.session import Session
from cooee.storage.postgres.transaction import Transaction
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
from cooee.storage.summaries import (
    EVERY_CONVERSATION,
    ConversationFilter,
    ConversationSummary,
    Counts,
    OptOut,
    PrunedSlice,
    StoredDialogue,
    StoredText,
)


class PostgreSQL:
    """A `Store` on a server. Every process that answers or sends is a worker; others may write.

    Made by `open`, ended by `close`. Callers may be in any event loop.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime],
        forget_key: ForgetKey,
        correct_clock: Callable[[timedelta], None] | None,
    ) -> None:
        address = read_address(url)
        self._session = Session(address, lambda: to_millis(now()), forget_key, correct_clock)
        self._calls = count(1)
        self._take_count = 0
        self._received = self._session.lane(inbound.receive_texts, inbound.is_news)
        self._queued = self._session.lane(outbox.enqueue_texts)
        self._recorded = self._session.lane(attempts.record_results, attempts.is_news)
        self._reported = self._session.lane(receipts.apply_receipts, receipts.is_news)
        self._finished = self._session.lane(turns.finish_claims, turns.is_news)
        self._checkpoints = self._session.lane(dialogue_rows.write_checkpoints)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        now: Callable[[], datetime],
        owner: bool = True,
        forget_key: ForgetKey = NO_KEY,
        correct_clock: Callable[[timedelta], None] | None = None,
    ) -> PostgreSQL:
        """Open a database: an empty one gets the schema, an old one the missing migrations.

        Args:
            url: ``postgresql://user:password@host:5432/name``; with ``pgbouncer=1`` where a pooler
                in transaction mode stands before the server, and ``pool_size=``.
            now: the clock, in UTC.
            owner: whether this process answers and sends, as a worker among any number.
            forget_key: the key of the forgotten people; needed where anybody was forgotten.
            correct_clock: is told by how much `now` is to be put forward, to agree with the
                server's clock; None: `now` is left as it is.

        Raises:
            SettingError: the URL has a parameter without sense.
            SchemaTooNew: a newer cooee wrote the database.
            StoreUnavailable: the server is not there.
            StorageError: the server is too old, or refuses.
        """
        store = cls(url, now, forget_key, correct_clock)
        await store._session.open(owner=owner)
        return store

    async def close(self) -> None:
        await self._session.close()

    # Turns

    async def receive(
        self, inbounds: Sequence[NewInbound], *, claim_limit: int = 0
    ) -> Sequence[ReceivedText]:
        call = next(self._calls)
        texts = [inbound.ToReceive(new, call, claim_limit) for new in inbounds]
        if claim_limit <= 0:
            return await self._received(texts)
        self._session.check_is_worker()
        future = self._received(texts)
        return await self._session.or_put_back(future, inbound.release_received)

    async def claim(self, limit: int, *, with_timers: bool = True) -> Sequence[Claim]:
        self._session.check_is_worker()
        future = self._session.lease(claims.claim_conversations, limit, with_timers=with_timers)
        return await self._session.or_put_back(future, claims.release_claims)

    async def finish(self, results: Sequence[ClaimResult]) -> Sequence[FinishedClaim]:
        if not any(result.take_limit for result in results):
            return await self._finished(results)
        self._session.check_is_worker()
        future = self._finished(results)
        return await self._session.or_put_back(future, attempts.put_back_finished)

    async def release(self, claimed: Sequence[Claim]) -> None:
        await self._session.write(claims.release_claims, claimed)

    async def postpone(self, claimed: Sequence[Claim], until: datetime) -> None:
        await self._session.write(claims.postpone_claims, claimed, to_millis(until))

    async def hand_over(self, claimed: Sequence[Claim], code_version: str) -> None:
        await self._session.write(claims.hand_over_claims, claimed, code_version)

    # Dialogues

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Sequence[bool]:
        return await self._checkpoints(checkpoints)

    async def start_dialogues(self, starts: Sequence[DialogueStart]) -> Sequence[bool]:
        return await self._session.write(dialogue_rows.start_dialogues, starts)

    async def dialogues(
        self,
        *,
        handler: str = "",
        include_ended: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[StoredDialogue]:
        return await self._session.read(
            dialogue_rows.list_dialogues, handler, after, limit, include_ended=include_ended
        )

    async def count_open_dialogues(self, *, up_to: int | None = None) -> Mapping[str, int]:
        return await self._session.read(dialogue_rows.count_open_dialogues, up_to)

    async def claim_waiting(self, after: bytes, limit: int) -> Sequence[Claim]:
        self._session.check_is_worker()
        future = self._session.lease(claims.claim_waiting, after, limit)
        return await self._session.or_put_back(future, claims.release_claims)

    async def retry_after_deploy(self, code_version: str, retired_handlers: Sequence[str]) -> int:
        await self._session.write(retries.begin_code_version, code_version)
        texts = await self._session.in_pages(retries.retry_texts_of_other_versions, code_version)
        timers = await self._session.in_pages(retries.retry_timers_of_other_versions, code_version)
        return (
            texts
            + timers
            + await self._session.in_pages(retries.make_retired_due, retired_handlers)
        )

    async def are_timers_of(self, code_version: str) -> bool:
        return await self._session.read(retries.are_timers_of, code_version)

    async def save_timers_of(self, code_version: str) -> None:
        await self._session.write(retries.save_timers_of, code_version)

    # Media of inbound texts

    async def save_media(self, claim: Claim, text: PendingText, media: Sequence[Media]) -> bool:
        return await self._session.write(media_rows.save_media, claim, text, media)

    async def media_to_erase(self) -> Sequence[str]:
        return await self._session.read(media_rows.media_to_erase)

    async def mark_media_erased(self, paths: Sequence[str]) -> None:
        await self._session.write(media_rows.mark_media_erased, paths)

    # Outbound

    async def enqueue(self, texts: Sequence[ProactiveOutbound]) -> Sequence[str]:
        return await self._queued(texts)

    async def take(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._session.check_is_worker()
        bulk_share = self._bulk_share(limit)
        future = self._session.hold(outbox.take_texts, ours, limit, bulk_share=bulk_share)
        return await self._session.or_put_back(future, attempts.put_back)

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[SendAttempt]:
        self._session.check_is_worker()
        future = self._session.hold(outbox.take_replies, ours, theirs, limit)
        return await self._session.or_put_back(future, attempts.put_back)

    async def defer(self, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
        await self._session.write(outbox.defer_texts, deferred)

    async def record_results(self, results: Sequence[AttemptResult]) -> Sequence[Outbound]:
        cancelled = await self._recorded(results)
        return [text for texts in cancelled for text in texts]

    async def apply_receipts(
        self, receipts: Sequence[Receipt]
    ) -> Sequence[tuple[Outbound, Status]]:
        finals = await self._reported(receipts)
        return [final for final in finals if final is not None]

    async def due_lookups(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._session.check_is_worker()
        return await self._session.write(outbox.due_lookups, ours, limit)

    async def due_status_checks(self, ours: str, limit: int) -> Sequence[SendAttempt]:
        self._session.check_is_worker()
        return await self._session.write(outbox.due_status_checks, ours, limit)

    async def answered_texts(self, outbound_ids: Sequence[str]) -> Mapping[str, bytes]:
        return await self._session.read(outbox.answered_texts, outbound_ids)

    # Our numbers

    async def numbers_with_unsent(self) -> Sequence[str]:
        return await self._session.read(numbers.numbers_with_unsent)

    async def add_our_number(self, ours: str) -> None:
        await self._session.write(numbers.add_our_number, ours)

    async def our_numbers(self) -> Sequence[str]:
        return await self._session.read(numbers.our_numbers)

    async def get_cursor(self, ours: str) -> str:
        return await self._session.read(numbers.get_cursor, ours)

    async def set_cursor(self, ours: str, cursor: str) -> None:
        await self._session.write(numbers.set_cursor, ours, cursor)

    async def count_lost_read(self, ours: str) -> None:
        await self._session.write(numbers.count_lost_read, ours)

    async def secret(self, name: str) -> str:
        return (await self.secrets(name))[0]

    async def secrets(self, name: str) -> Sequence[str]:
        stored = await self._session.read(numbers.get_secrets, name)
        return stored or await self._session.write(numbers.get_or_add_secrets, name)

    async def rotate_secret(self, name: str) -> bool:
        return await self._session.write(numbers.rotate_secret, name)

    async def retire_secret(self, name: str) -> bool:
        return await self._session.write(numbers.retire_secret, name)

    # Time and other processes

    async def next_due(
        self,
        *,
        turns: bool = True,
        outbound: bool = True,
        with_timers: bool = True,
        ours: str | None = None,
    ) -> NextDue:
        async def find(transaction: Transaction) -> NextDue:
            turn = await schedule.next_turn(transaction, with_timers=with_timers) if turns else None
            due = (
                await schedule.next_outbound(transaction, ours) if outbound else (None, None, None)
            )
            return NextDue(*map(from_millis_or_none, (turn, *due)))

        return await self._session.read(find)

    async def changed_externally(self) -> bool:
        return await self._session.take_news()

    def listen(self, on_change: Callable[[], None]) -> None:
        self._session.listen(on_change)

    async def hold_number(self, ours: str, role: str) -> float:
        self._session.check_is_worker()
        number = storable_text(ours)  # and no notice: a hold is work for nobody
        return await self._session.hold(workers.hold_role, number, role)

    async def release_number(self, ours: str, role: str) -> None:
        self._session.check_is_worker()
        await self._session.write(workers.release_role, storable_text(ours), role)

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        return await self._session.newer_versions(code_version)

    async def prune(self, before: datetime) -> int:
        pruned_count = 0
        while count := await self._session.write(pruning.prune_keys, to_millis(before)):
            pruned_count += count
        return pruned_count

    # For operators

    async def counts(self, *, up_to: int | None = None) -> Counts:
        return await self._session.read(operators.count_all, up_to)

    async def conversations(
        self,
        matching: ConversationFilter = EVERY_CONVERSATION,
        *,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[ConversationSummary]:
        return await self._session.read(operators.list_conversations, matching, after, limit)

    async def count_conversations(self, matching: ConversationFilter = EVERY_CONVERSATION) -> int:
        return await self._session.read(operators.count_conversations, matching)

    async def history(
        self, ours: str, theirs: str, limit: int, *, up_to: int | None = None, unsent: bool = True
    ) -> Sequence[StoredText]:
        return await self._session.read(
            operators.read_history, ours, theirs, limit, up_to, unsent=unsent
        )

    async def forget(self, theirs: str) -> bool:
        return await self._session.write(operators.forget_person, theirs)

    async def prune_history(
        self, before: datetime, *, after: bytes = b"", limit: int = 500
    ) -> PrunedSlice:
        return await self._session.write(pruning.prune_history, to_millis(before), after, limit)

    async def backup(self, path: str) -> None:
        raise StorageError(
            "A server's copy is made by PostgreSQL's own program, even while the app runs. Type:"
            f" pg_dump --format=custom --file={shlex.quote(path)} and the database's URL"
        )

    async def record_opt_outs(
        self, ours: str, people: Sequence[str]
    ) -> tuple[int, Sequence[Outbound]]:
        recorded = [
            await self._session.write(opt_outs.record_opt_outs, ours, people[start : start + PAGE])
            for start in range(0, len(people), PAGE)
        ]
        cancelled = [text for _, texts in recorded for text in texts]
        return sum(new_count for new_count, _ in recorded), cancelled

    async def opt_outs(self, ours: str, theirs: str) -> Sequence[OptOut]:
        return await self._session.read(opt_outs.list_opt_outs, ours, theirs)

    async def retry(self, theirs: str | None = None) -> int:
        texts = await self._session.in_pages(retries.retry_texts, theirs)
        return texts + await self._session.in_pages(retries.retry_timers, theirs)

    async def resend_refused(self, theirs: str | None = None) -> int:
        return await self._session.in_pages(refusals.resend_refused, theirs)

    async def resend(self, theirs: str | None = None) -> int:
        return await self._session.in_pages(retries.resend_unknown, theirs)

    def _bulk_share(self, limit: int) -> int:
        """Return how many attempts go to bulk: a tenth of `limit`, or one in ten calls if 1."""
        self._take_count = (self._take_count + 1) % 10
        return max(limit // 10, 1) if limit > 1 else int(self._take_count == 0)
