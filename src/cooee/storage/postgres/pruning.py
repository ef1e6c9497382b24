"""Pruning: old dedupe keys, and old texts and dialogues, a slice at a time."""

from __future__ import annotations

from cooee.storage.postgres.arrays import columns_of
from cooee.storage.postgres.media import queue_media_erasure
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.summaries import PrunedSlice

_MAX_PRUNED_ROWS = 2_000  # of a kind, deleted in one transaction, so that none takes long
_ID_BITS = 128  # of a conversation's id, a hash: ids lie evenly between 0 and the largest


async def prune_keys(transaction: Transaction, before: int) -> int:
    """Delete some of the older dedupe keys, and the older receipts without a text."""
    # storage rule 4: keys are pruned apart from the texts, which may live longer or shorter.
    await transaction.execute("prune_early_receipts", before)
    return await transaction.execute("prune_dedupe_keys", before, _MAX_PRUNED_ROWS)


async def prune_history(
    transaction: Transaction, before: int, after: bytes, limit: int
) -> PrunedSlice:
    """Delete what is old in the next conversations; where it is too much, the slice is repeated.

    No conversation is locked, so that no turn waits. Hardly any other verb writes a row of what is
    deleted here, and one that does runs again (storage rule 22).
    """
    slice_ = await transaction.fetch("next_conversations", after, limit)
    ids = [id for id, _ in slice_]
    texts_in = await transaction.fetch(
        "prune_inbound", ids, [handled for _, handled in slice_], before, _MAX_PRUNED_ROWS
    )
    # storage rule 9: the paths are noted in the commit that erases the rows.
    await queue_media_erasure(transaction, texts_in)
    texts_out = await _prune_outbound(transaction, ids, before)
    dialogues = await transaction.fetch("empty_dialogues", ids, before, _MAX_PRUNED_ROWS)
    await transaction.execute("prune_entries", *columns_of(dialogues, 2))
    kinds = (len(texts_in), len(texts_out), len(dialogues))
    if max(kinds) >= _MAX_PRUNED_ROWS:
        place: bytes | None = after
    else:
        place = ids[-1] if len(ids) == limit else None
    done = 1.0 if place is None else int.from_bytes(place) / 2**_ID_BITS
    return PrunedSlice(place, done, len(texts_in) + len(texts_out), len(dialogues))


async def _prune_outbound(transaction: Transaction, ids: list[bytes], before: int) -> list[Row]:
    """Delete old texts of ours; of a text with a key, delete all but its key and its status."""
    parameters = (ids, before, _MAX_PRUNED_ROWS)
    # storage rule 17: a key is never used twice, however old its text is.
    pruned = [
        *await transaction.fetch("prune_outbound", *parameters),
        *await transaction.fetch("empty_outbound", *parameters),
    ]
    await transaction.execute("prune_receipts", *columns_of(pruned, 2))
    return pruned
