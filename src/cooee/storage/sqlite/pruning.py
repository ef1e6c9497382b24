"""Pruning: old dedupe keys, and old texts and dialogues, a slice at a time."""

from __future__ import annotations

from cooee.storage.columns import readable_media
from cooee.storage.sqlite.forgotten import secure_deletion
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.summaries import PrunedSlice

_MAX_PRUNED_ROWS = 2_000  # deleted in one transaction, so that no other verb waits long
_ID_BITS = 128  # of a conversation's id, a hash: ids lie evenly between 0 and the largest


def prune_keys(transaction: Transaction, before: int) -> int:
    """Delete some of the older dedupe keys, and the older receipts without a text."""
    # storage rule 4: keys are pruned apart from the texts, which may live longer or shorter.
    transaction.execute("prune_early_receipts", (before,))
    return transaction.execute("prune_dedupe_keys", (before, _MAX_PRUNED_ROWS)).rowcount


def prune_history(transaction: Transaction, before: int, after: bytes, limit: int) -> PrunedSlice:
    """Delete what is old in the next conversations; the rest of a long one is the next slice."""
    rows = transaction.execute("next_conversations", (after, limit)).fetchall()
    texts = dialogues = 0
    with secure_deletion(transaction):
        for id, handled_seq in rows:
            room = _MAX_PRUNED_ROWS - texts - dialogues
            texts += _prune_inbound(transaction, id, before, handled_seq, room)
            texts += _prune_outbound(transaction, id, before, room)
            dialogues += _prune_dialogues(transaction, id, before, room)
            if texts + dialogues >= _MAX_PRUNED_ROWS:  # more of this conversation may be old
                return PrunedSlice(after, _share_before(after), texts, dialogues)
            after = id
    if len(rows) < limit:
        return PrunedSlice(None, 1.0, texts, dialogues)
    return PrunedSlice(after, _share_before(after), texts, dialogues)


def _share_before(id: bytes) -> float:
    return float(int.from_bytes(id) / 2**_ID_BITS)


def _prune_inbound(
    transaction: Transaction, conversation: bytes, before: int, handled_seq: int, limit: int
) -> int:
    parameters = (conversation, before, handled_seq, limit)
    pruned = transaction.execute("prune_inbound", parameters).fetchall()
    for (media,) in pruned:
        # storage rule 9: the paths are noted in the commit that erases the rows.
        paths = [(file.path,) for file in readable_media(media) if file.path]
        transaction.execute_many("queue_media_erasure", paths)
    return len(pruned)


def _prune_outbound(transaction: Transaction, conversation: bytes, before: int, limit: int) -> int:
    """Delete old texts of ours; of a text with a key, delete all but its key and its status."""
    parameters = (conversation, before, limit)
    # storage rule 17: a key is never used twice, however old its text is.
    pruned = [
        *transaction.execute("prune_outbound", parameters).fetchall(),
        *transaction.execute("empty_outbound", parameters).fetchall(),
    ]
    transaction.execute_many("prune_receipts", [(conversation, seq) for (seq,) in pruned])
    return len(pruned)


def _prune_dialogues(transaction: Transaction, conversation: bytes, before: int, limit: int) -> int:
    """Delete the answers of ended dialogues; their ids stay, so that none is started twice."""
    parameters = (conversation, before, limit)
    pruned = transaction.execute("empty_dialogues", parameters).fetchall()
    transaction.execute_many("prune_entries", [(conversation, id) for (id,) in pruned])
    return len(pruned)
