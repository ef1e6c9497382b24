"""Counts, conversations, texts, opt-outs and dialogues, as operators read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from cooee.core.messages import Media
from cooee.storage.records import DialogueRecord
from cooee.storage.statuses import ConsentSource


class Counts(msgspec.Struct, frozen=True):
    """Counts over the whole store."""

    conversations: int = 0
    pending: int = 0
    set_aside: int = 0
    queued: int = 0
    sending: int = 0
    unknown: int = 0
    failed: int = 0
    opted_out: int = 0
    lost_reads: int = 0
    unclean_exits: int = 0
    open_dialogues: int = 0
    stuck_dialogues: int = 0  # open dialogues whose timer was set aside
    refused: int = 0  # texts that the provider refused for good, and nobody has sent again


class ConversationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The conversations that a list is to have: those that meet every condition; all by default."""

    ours: str = ""  # with this number of ours
    theirs: str = ""  # with people whose number begins so
    since: datetime | None = None  # with a text, in or out, at this moment or later
    pending: bool = False  # with a text that is not answered yet
    opted_out: bool = False  # with people who have opted out
    troubled: bool = False  # with a text or timer set aside, or a text refused or of unknown end


EVERY_CONVERSATION = ConversationFilter()
TROUBLED = ConversationFilter(troubled=True)


class ConversationSummary(msgspec.Struct, frozen=True):
    """A conversation as one line of a list.

    `set_aside` counts set-aside texts, and dialogues whose timer was set aside; `refused` counts
    texts that the provider refused for good, and nobody has sent again. `cursor` is the
    line's place in the list, for the page that begins behind it.
    """

    ours: str
    theirs: str
    texts_in: int
    texts_out: int
    last_text_at: datetime | None
    pending: int
    set_aside: int
    unknown: int
    refused: int
    opted_out: bool
    cursor: str = ""


class StoredText(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a conversation's history, in or out, oldest first.

    `status` is *pending*, *handled*, *set aside* or *opt-out* for a text from a person, the
    `Status` in lower case for one of ours. `notes` are its receipts and attempts, in order.
    `follows` is the number of the person's text after which it stands: of a text from a person its
    own, of a reply that of the text it answers.
    """

    direction: Literal["in", "out"]
    seq: int
    follows: int
    text: str
    at: datetime
    status: str
    error: str = ""
    attempts: int = 0
    provider_id: str = ""
    notes: Sequence[str] = ()
    media: tuple[Media, ...] = ()


class OptOut(msgspec.Struct, frozen=True, kw_only=True):
    """A period in which a person has opted out of a number's texts, with its proof.

    `text` is the person's text, "" where there was none or the person is forgotten. `lifted_…` are
    the same of the end of the period; `lifted_at` and `lifted_source` are None while it lasts.
    """

    since: datetime
    source: ConsentSource
    text: str = ""
    lifted_at: datetime | None = None
    lifted_source: ConsentSource | None = None
    lifted_text: str = ""


class StoredDialogue(msgspec.Struct, frozen=True, kw_only=True):
    """A stored dialogue with its conversation, for operators and tools."""

    conversation: bytes
    ours: str
    theirs: str
    state: bytes | None
    started_at: datetime
    ended_at: datetime | None
    dialogue: DialogueRecord


class PrunedSlice(msgspec.Struct, frozen=True):
    """The result of one `Store.prune_history`: what was deleted, and where the next slice begins.

    `next_slice` is None after the last conversation. `done` is the share of all conversations that
    are behind, between 0 and 1.
    """

    next_slice: bytes | None
    done: float
    texts: int = 0
    dialogues: int = 0
