"""Rows of turns, the same in every database: pending texts, progress, drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.messages import Inbound
from cooee.storage.columns import decode_media, from_millis, from_millis_or_none, to_millis
from cooee.storage.records import ClaimResult, PendingText
from cooee.storage.statuses import InboundStatus, SenderConsent


def make_pending_text(ours: str, theirs: str, row: Sequence[Any]) -> PendingText:
    """Return a pending text as its row says, damaged or not."""
    seq, id, provider_id, text, raw, sent_at, received_at, status, media, consent = row
    unreadable = ""
    try:
        files = decode_media(media) if media else ()
    # delivery rule 19: a damaged row fails its own turn, and not the claims of everybody
    except Exception as error:
        files, unreadable = (), f"its media: {error}"
    inbound = Inbound(
        sender=theirs,
        recipient=ours,
        text=text,
        received_at=from_millis(received_at),
        sent_at=from_millis_or_none(sent_at),
        provider_id=provider_id,
        raw=raw,
        media=files,
    )
    reaches_handler = status != InboundStatus.OPT_OUT
    return PendingText(id, seq, inbound, reaches_handler, SenderConsent(consent), unreadable)


def progress_after(result: ClaimResult) -> tuple[int, int, int | None]:
    """Return the handled seq after a claim, the failed attempts, and the time of the next."""
    failure = result.failure
    if failure is None or failure.dialogue_id:
        return result.handled_seq, 0, None
    if failure.retry_at is None:
        return max(result.handled_seq, failure.seq), 0, None
    is_first = failure.seq == result.claim.texts[0].seq
    return result.handled_seq, result.claim.attempt if is_first else 1, to_millis(failure.retry_at)
