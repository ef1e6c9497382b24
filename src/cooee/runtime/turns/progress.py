"""How things stand with a person in the middle of a claim, and what is said to them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cooee.core.errors import DefinitionError
from cooee.core.messages import Reply
from cooee.runtime.turns.context import Surroundings, Turn
from cooee.runtime.turns.open_dialogues import Dialogues
from cooee.storage import Draft


class Standing(msgspec.Struct, frozen=True):
    """A person's state, their dialogues, and the texts that wait for the commit."""

    state: bytes | None
    dialogues: Dialogues
    drafts: tuple[Draft, ...] = ()

    def said(self, drafts: Sequence[Draft]) -> Standing:
        """With further texts."""
        return msgspec.structs.replace(self, drafts=(*self.drafts, *drafts))


def draft(
    around: Surroundings, turn: Turn, reply: Reply, key: str | None = None, *, capped: bool = True
) -> Draft:
    """A reply as it is to be queued.

    Raises:
        TooLong: it needs more segments than the app allows.
        DefinitionError: its pictures could never be sent, and half of it is not said.
    """
    if around.no_media and reply.media:
        raise DefinitionError(
            f"{around.no_media} cannot send pictures. Reply without media, or choose a provider"
            " that carries them: cooee providers"
        )
    worded = around.app.worded(reply, capped=capped)
    return Draft(text=worded.text, media=worded.media, kind=turn.kind, key=key)
