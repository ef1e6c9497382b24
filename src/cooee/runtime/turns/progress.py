"""The progress of a claim: state, dialogues and drafts so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cooee.core.dialogue.outbox_keys import part_keys
from cooee.core.errors import DefinitionError
from cooee.core.messages import Reply
from cooee.runtime.turns.context import Turn, TurnContext
from cooee.runtime.turns.open_dialogues import OpenDialogues
from cooee.storage import NewOutbound


class ClaimProgress(msgspec.Struct, frozen=True):
    """A person's state, their dialogues, and the texts that wait for the commit."""

    state: bytes | None
    dialogues: OpenDialogues
    drafts: tuple[NewOutbound, ...] = ()

    def with_drafts(self, drafts: Sequence[NewOutbound]) -> ClaimProgress:
        """Return the progress with further drafts."""
        return msgspec.structs.replace(self, drafts=(*self.drafts, *drafts))

    def with_question_repeated(self, now: datetime) -> ClaimProgress:
        """Return the progress with the waiting question, if any, asked once more."""
        asking = self.dialogues.asking
        if asking is None:
            return self
        dialogues = self.dialogues.with_question_repeated(asking, now)
        return msgspec.structs.replace(self, dialogues=dialogues)

    def with_cancelled(self, first: int) -> ClaimProgress:
        """Return the progress with the drafts from number `first` on cancelled."""
        unheard = [msgspec.structs.replace(one, cancelled=True) for one in self.drafts[first:]]
        return msgspec.structs.replace(self, drafts=(*self.drafts[:first], *unheard))


def make_drafts(
    context: TurnContext, turn: Turn, reply: Reply, key: str | None = None, *, capped: bool = True
) -> Sequence[NewOutbound]:
    """Return a reply as drafts for the outbox: one, unless it is split; the last has the `key`.

    Raises:
        TooLong: it needs more segments than the app allows, or the provider takes less.
        DefinitionError: its pictures could never be sent, and half of it is not said.
    """
    if context.provider_without_media and reply.media:
        raise DefinitionError(
            f"{context.provider_without_media} cannot send pictures. Reply without media, or choose"
            " a provider that carries them: cooee providers"
        )
    policy = context.app.text_policy
    texts = policy.apply(reply, limited=capped, max_chars=context.max_text)
    return [
        NewOutbound(
            text=text.text,
            media=text.media,
            priority=turn.priority,
            key=part_key,
            follows=turn.last_seq,
        )
        for text, part_key in zip(texts, part_keys(key, len(texts)), strict=True)
    ]
