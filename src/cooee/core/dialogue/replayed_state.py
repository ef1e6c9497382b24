"""The state of a run, which is computed anew, with others' changes where they happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cooee.core.app.chat import Chat
from cooee.core.app.state_codec import StateCodec
from cooee.core.app.unknown_fields import UnknownFields
from cooee.core.dialogue.state_diff import StateDiff
from cooee.core.dialogue.state_merge import apply_diffs
from cooee.core.dialogue.state_snapshot import StateSnapshot


class ReplayedState:
    """The state of a run's chat, and the changes by other handlers that are still to come.

    `has_changes_ahead` is True while there are such changes.
    """

    __slots__ = (
        "_applied_count", "_chat", "_codec", "_diffs", "_snapshot", "_unknown_fields",
        "has_changes_ahead",
    )  # fmt: skip

    def __init__(
        self,
        chat: Chat[Any, Any],
        codec: StateCodec[Any],
        unknown_fields: UnknownFields,
        diffs: Sequence[tuple[int, StateDiff]],
    ) -> None:
        self._chat, self._codec, self._unknown_fields = chat, codec, unknown_fields
        self._diffs, self._applied_count = diffs, 0
        self._snapshot: StateSnapshot | None = None
        self.has_changes_ahead = bool(diffs)

    def apply_changes_until(self, position: int | None) -> None:
        """Apply the changes by other handlers up to a position; None: all of them."""
        diffs, first = self._diffs, self._applied_count
        while self._applied_count < len(diffs) and (
            position is None or diffs[self._applied_count][0] < position
        ):
            self._applied_count += 1
        self.has_changes_ahead = self._applied_count < len(diffs)
        self.apply_changes([diff for _, diff in diffs[first : self._applied_count]])

    def apply_changes(
        self, diffs: Sequence[StateDiff], shared: Mapping[str, Any] | None = None
    ) -> None:
        """Apply diffs to the present state (replay rule 8: where they happened)."""
        if diffs:
            self._chat.state, self._unknown_fields = apply_diffs(
                self._codec, self._chat.state, self._unknown_fields, diffs, shared
            )

    def encode(self) -> bytes:
        """Return the present state in its stored form."""
        return self._codec.encode(self._chat.state, self._unknown_fields)

    def snapshot(self, shared: Mapping[str, Any] | None = None) -> StateSnapshot:
        """Return the state as it is now, to compare with later."""
        return StateSnapshot(self._chat.state, self.encode(), shared)

    def change_since(self, snapshot: StateSnapshot) -> StateDiff:
        """Return what has changed since a snapshot."""
        return snapshot.diff_to(self._chat.state, self.encode())

    def begin_turn(self) -> None:
        """Note that this is the state as the turn before left it."""
        self._snapshot = self.snapshot()

    def change_of_turn(self, stored: bytes | None) -> StateDiff | None:
        """Return what this turn changed in the stored state; None: the values alone can tell."""
        snapshot = self._snapshot
        is_stored = snapshot is not None and snapshot.raw == stored
        return self.change_since(snapshot) if snapshot is not None and is_stored else None
