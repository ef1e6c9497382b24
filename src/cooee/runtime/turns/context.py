"""The context of a turn: what every turn of a process shares, and what is the turn's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from cooee.core.app.app import App
from cooee.core.app.chat import Chat
from cooee.core.app.dialogue_verbs import HistoryReader, InterruptedDialogue
from cooee.core.app.offered_words import RESERVED_WORDS
from cooee.core.app.opt_out import OptOutWords
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue.dialogue_context import DialogueContext
from cooee.core.dialogue.waiting import Waiting
from cooee.core.messages import Priority
from cooee.runtime.events import Events
from cooee.runtime.turns.places import CLAIM_TIMEOUT_S
from cooee.storage import Claim, NewOutbound, PendingText, StoredDialogue

HANDLER_TIMEOUT_S = 60.0
"""A handler that takes longer fails its turn."""
DIALOGUE_TIMEOUT_S = 5.0
"""A dialogue that computes longer between two effects fails its turn; most take a millisecond."""


class TurnContext(msgspec.Struct, frozen=True):
    """The app, its services and its limits: the same for every turn of a process.

    `code_version` returns the version of the app's code as it is loaded now. `strict` runs each
    turn of a dialogue twice and compares, for tests and development. `reserved_words` are words of
    cooee and of the provider that a question may offer all the same, and `on_question` is told the
    dialogue's name and the question that waits at the end of a turn. `provider_without_media` is
    the provider's name where it cannot carry media, `max_text` the most characters it takes.
    `hanging_handlers` are those that did not come back when a deploy was to reach who waits.
    """

    app: App[Any, Any]
    services: Any
    now: Callable[[], datetime]
    history_reader: Callable[[Turn], HistoryReader]
    opt_out_words: OptOutWords | None = None
    reserved_words: frozenset[str] = RESERVED_WORDS
    provider_without_media: str = ""
    max_text: int | None = None
    code_version: Callable[[], str] = lambda: ""
    strict: bool = False
    handler_timeout_s: float = HANDLER_TIMEOUT_S
    dialogue_timeout_s: float = DIALOGUE_TIMEOUT_S
    claim_timeout_s: float = CLAIM_TIMEOUT_S
    warn: Callable[[str], None] = lambda _: None
    on_question: Callable[[str, Waiting], None] = lambda _, __: None
    events: Events = msgspec.field(default_factory=Events)
    hanging_handlers: set[str] = msgspec.field(default_factory=set)


class Turn(msgspec.Struct, frozen=True):
    """One turn of a claim: for a text, or for a timer where `pending` is None.

    `chat_time` is what `chat.now` is at first. `can_checkpoint` says that
    nothing of this claim waits for its commit. `last_seq` is the number of the last text that the
    turn knows, and `drafts` are the texts of this claim's earlier turns.
    """

    claim: Claim
    pending: PendingText | None
    now: datetime
    chat_time: datetime
    priority: Priority
    can_checkpoint: bool
    last_seq: int = 0
    drafts: Sequence[NewOutbound] = ()

    @property
    def id(self) -> str:
        """The turn's id in logs, the same at every attempt."""
        return self.claim.turn_id if self.pending is None else self.pending.id.hex()


def make_chat(
    context: TurnContext, turn: Turn, state: Any, interrupted: InterruptedDialogue | None = None
) -> Chat[Any, Any]:
    """Return the `chat` of a handler's turn."""
    claim, pending = turn.claim, turn.pending
    return Chat(
        state=state,
        services=context.services,
        now=turn.chat_time,
        message=None if pending is None else pending.inbound,
        ours=claim.ours,
        theirs=claim.theirs,
        token=turn.id,
        read_history=context.history_reader(turn),
        find_zone=partial(context.app.time_zone_of, claim.theirs),
        interrupted=interrupted,
    )


def make_dialogue_context(
    context: TurnContext,
    dialogue: Dialogue,
    conversation: Claim | StoredDialogue,
    recall: HistoryReader,
    *,
    strict: bool,
    others_are_open: bool = False,
) -> DialogueContext:
    """Return the context of a dialogue's replay."""
    return DialogueContext(
        function=dialogue.handler.function,
        codec=context.app.state_codec,
        services=context.services,
        ours=conversation.ours,
        theirs=conversation.theirs,
        find_zone=partial(context.app.time_zone_of, conversation.theirs),
        code_version=context.code_version(),
        read_history=recall,
        strict=strict,
        others_are_open=others_are_open,
        reserved_words=context.reserved_words,
    )
