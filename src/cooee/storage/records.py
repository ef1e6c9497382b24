"""The arguments and results of the store's verbs: texts, claims, dialogues, attempts."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cooee.core.app.opt_out import ConsentChange
from cooee.core.dialogue.question_texts import QuestionText
from cooee.core.messages import Inbound, Outbound, Priority, Status
from cooee.storage.statuses import ConsentSource, SenderConsent


class NewInbound(msgspec.Struct, frozen=True):
    """A text to store, with a credible `sent_at`, and its effect on consent (law 10).

    A text whose `consent` is "out" is stored and never reaches a handler; nor does a "wish", unless
    a question waits for this person's text. With `at_provider`, an opt-out is kept by the provider
    too, and an opt-in lifts only such an opt-out. An "out" by the plain word `unless_offered` is
    an answer where a question waits that offers this word.
    """

    inbound: Inbound
    consent: ConsentChange = ""
    consent_source: ConsentSource = ConsentSource.KEYWORD
    at_provider: bool = False
    unless_offered: str = ""


class PendingText(msgspec.Struct, frozen=True):
    """A stored text that waits for its turn. `id` is ours and the same in every retry.

    `unreadable` says which part of a damaged row could not be read; "" for a sound one.
    """

    id: bytes
    seq: int
    inbound: Inbound
    reaches_handler: bool = True  # False: an opt-out keyword, which no handler sees
    consent: SenderConsent = SenderConsent.IN  # of its sender, as the text was received
    unreadable: str = ""


class DialogueRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored dialogue: the head of its journal, and the journal's entries in order.

    `due_at` is the time of its next turn; None: only a text, or the end of another dialogue, starts
    the next turn. `failed_attempts` counts its failed turns in a row, and `error` is the message of
    the last failure. `end_reason` is "" while the dialogue is open. `question_text` is the outbound
    under the key that the last `DialogueUpdate` named; claims carry it.
    """

    id: str
    handler: str
    head: bytes
    entries: Sequence[bytes] = ()
    due_at: datetime | None = None
    failed_attempts: int = 0
    error: str = ""
    end_reason: str = ""
    question_text: QuestionText | None = None


class Claim(msgspec.Struct, frozen=True):
    """A conversation leased for its turns, until `finish` or the end of the lease.

    `attempt` counts this claim: 1 at first. `last_turn_at` is the conversation's own clock, which
    never goes back. `state` is the state of the last `finish`, None at first. `handled_seq` is the
    seq of the last handled text. `texts` is empty where a dialogue's timer is due and no text is
    pending: while a text is pending, even for a later retry, no timer fires. `dialogues` are the
    open dialogues, in the order of their ids.
    """

    conversation: bytes
    ours: str
    theirs: str
    lease_id: int
    attempt: int
    last_turn_at: datetime | None
    state: bytes | None
    texts: Sequence[PendingText]
    handled_seq: int = 0
    dialogues: Sequence[DialogueRecord] = ()

    @property
    def turn_id(self) -> str:
        """Return the id in log lines: of the first text or, without one, of the conversation."""
        return (self.texts[0].id if self.texts else self.conversation).hex()


class ReceivedText(msgspec.Struct, frozen=True):
    """The result of storing a text; `id` is ours, and the same for each delivery of the text.

    `opted_out` says whether the text took effect as an opt-out, which cancelled the queued texts
    in `cancelled`; `opted_in`, whether it lifted one. `claim` is the claim of its conversation,
    where the call leased it: of several new texts of a conversation, the last has the claim.
    """

    id: bytes
    is_new: bool
    opted_out: bool = False
    cancelled: Sequence[Outbound] = ()
    opted_in: bool = False
    claim: Claim | None = None


class NewOutbound(msgspec.Struct, frozen=True, kw_only=True):
    """A draft: an outbound text before it has its number in a conversation.

    `key` makes it idempotent: a second draft with the same key in the same conversation is
    the first one. `due_at` None means now. `cancelled`: the person had opted out when it was said,
    so that it is stored and never sent. `follows` is the number of the text that it answers; None:
    the last one of its turn or, where we write first, of the conversation.
    """

    text: str
    media: Sequence[str] = ()
    priority: Priority = Priority.REPLY
    key: str | None = None
    due_at: datetime | None = None
    good_until: datetime | None = None
    cancelled: bool = False
    follows: int | None = None


class ProactiveOutbound(msgspec.Struct, frozen=True):
    """A draft of a proactive text, with its two numbers."""

    ours: str
    theirs: str
    draft: NewOutbound


class DialogueUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of one dialogue: a head that replaces the old head, and entries to append.

    `head` None changes nothing but the entries. The entries follow the `stored_count` entries that
    are stored already. An unknown dialogue begins. An `end_reason` ends the dialogue. A written
    dialogue has no failed attempts any more. `question_key` is the key of the outbound that asks
    the dialogue's question; "": there is none.
    """

    id: str
    handler: str
    stored_count: int
    entries: Sequence[bytes] = ()
    head: bytes | None = None
    due_at: datetime | None = None
    end_reason: str = ""
    question_key: str = ""


class Checkpoint(msgspec.Struct, frozen=True):
    """Journal entries to store before a turn goes on; the claim stays leased."""

    claim: Claim
    update: DialogueUpdate


class DialogueStart(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue to start: its first turn is due at `due_at`, None: now."""

    ours: str
    theirs: str
    id: str
    handler: str
    head: bytes
    due_at: datetime | None = None


class TurnFailure(msgspec.Struct, frozen=True):
    """A turn that raised: the text's seq, the error message, and the time of the retry.

    `retry_at` None sets the text aside, and the person's later texts go on. With a `code_version`,
    the text is set aside only until the app's code version differs (`retry_after_deploy`). A timer
    that raised has its `dialogue_id` in place of a seq: the timer fires again at `retry_at`, or is
    set aside in the same way.
    """

    seq: int
    error: str
    retry_at: datetime | None
    code_version: str = ""
    dialogue_id: str = ""


class ClaimResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a claim's turns, committed whole or not at all.

    `handled_seq` is the last seq whose turn is over (set aside included). `state` None keeps the
    stored state. `is_asking` says whether a question waits for the person's next text from now on;
    `offered_words` are the opt-out words that it offers as answers, as plain words. None keeps the
    stored flag and words. `dialogue_updates` are of the dialogues that changed. `withdrawn` are
    texts not to be sent any more, unless an attempt is under way. Of the texts under `hurried_keys`
    those which wait for a time go out now, as replies, with what was queued in their commit.
    `take_limit` is the most replies of the conversation to take in the same commit.
    """

    claim: Claim
    handled_seq: int
    last_turn_at: datetime | None = None
    state: bytes | None = None
    drafts: Sequence[NewOutbound] = ()
    failure: TurnFailure | None = None
    is_asking: bool | None = None
    offered_words: Sequence[str] = ()
    dialogue_updates: Sequence[DialogueUpdate] = ()
    withdrawn: Sequence[QuestionText] = ()
    hurried_keys: Sequence[str] = ()
    take_limit: int = 0

    @property
    def withdrawn_outbounds(self) -> Sequence[Outbound]:
        """Return the withdrawn texts as outbounds."""
        ours, theirs = self.claim.ours, self.claim.theirs
        return [
            Outbound(id=one.outbound_id, sender=ours, recipient=theirs, text=one.text)
            for one in self.withdrawn
        ]


class SendAttempt(msgspec.Struct, frozen=True):
    """An outbound text whose next attempt is recorded, to be made now."""

    outbound: Outbound
    queued_at: datetime
    priority: Priority = Priority.REPLY


class FinishedClaim(msgspec.Struct, frozen=True):
    """The end of a claim: whether its turns were committed, and the replies taken with them.

    A claim that lost its lease is not committed. The attempts of `attempts` are recorded, to be
    made now. `has_pending` says whether texts may still wait for a turn in the conversation.
    """

    is_committed: bool
    attempts: Sequence[SendAttempt] = ()
    has_pending: bool = True


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an attempt to send a text.

    `status` QUEUED asks for another attempt at `retry_at`; ACCEPTED has a `provider_id`;
    UNKNOWN is settled from `retry_at` on (None: by nothing but a receipt or a person).
    `accepted_at` is when the provider took the text, or our whole answer with it; None: when the
    result of an accepted text is recorded.
    """

    outbound: Outbound
    status: Status
    provider_id: str = ""
    code: str = ""
    message: str = ""
    retry_at: datetime | None = None
    opted_out: bool = False
    accepted_at: datetime | None = None


class NextDue(msgspec.Struct, frozen=True):
    """The next due times of a turn, a send, a look-up and a status check. None: never.

    `lookup` is of texts of unknown end (`due_lookups`), `status_check` of accepted texts
    (`due_status_checks`), for providers that are asked for receipts.
    """

    turn: datetime | None = None
    send: datetime | None = None
    lookup: datetime | None = None
    status_check: datetime | None = None
