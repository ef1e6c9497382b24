"""The open dialogues of one person during a claim: frozen, each change a new value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cooee.core.app.routes import BusyPolicy
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal
from cooee.core.dialogue.outbox_keys import first_part_keys
from cooee.core.dialogue.question_texts import QuestionText, with_question_text
from cooee.core.dialogue.replay import TurnOutcome, next_round
from cooee.core.dialogue.state_diff import StateDiff
from cooee.core.dialogue.waiting import Waiting
from cooee.core.errors import JournalError
from cooee.storage import Claim, DialogueRecord, DialogueUpdate

_MOST_PARTS = 50  # of a question; the text of none is so long


class OpenDialogue(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue during a claim.

    `update` entries of it are on disk; `is_changed` says whether more than further entries is to be
    written. Without a `journal` it cannot be read, for the reason in `read_error`. `question_text`
    is the text that asks its question, as the claim found it in the outbox.
    """

    id: str
    handler: str
    journal: Journal | None
    read_error: JournalError | None = None
    stored_count: int = 0
    due_at: datetime | None = None
    attempts: int = 0
    ended: str = ""
    is_changed: bool = False
    question_text: QuestionText | None = None

    @property
    def waiting(self) -> Waiting | None:
        """Return the journal's question or sleep; None before the first turn, or if unreadable."""
        return None if self.journal is None else self.journal.waiting

    @property
    def is_asking(self) -> bool:
        """True if the person's next text is for this dialogue, or if its journal cannot be read."""
        if self.journal is None:
            return True
        waiting = self.journal.waiting
        return waiting is not None and waiting.expects_text and not waiting.paused

    @property
    def speaks_first(self) -> bool:
        """True if the dialogue has to send a prompt before it can take a text."""
        waiting = self.waiting
        return self.journal is not None and (waiting is None or waiting.re_ask)

    @property
    def is_new(self) -> bool:
        """True before the first turn of the dialogue."""
        return self.journal is not None and self.journal.turn_count == 0


class OpenDialogues(msgspec.Struct, frozen=True):
    """The dialogues that were open when the claim began, and those begun since."""

    by_id: Mapping[str, OpenDialogue] = {}

    @property
    def asking(self) -> OpenDialogue | None:
        """The dialogue whose question waits for the person's next text."""
        found = None  # no list: each turn asks several times, and most people have one dialogue
        for live in self.by_id.values():
            is_asking = live.is_asking and not live.ended
            if is_asking and (found is None or _asked_at(live) > _asked_at(found)):
                found = live
        return found

    @property
    def unfinished(self) -> Sequence[OpenDialogue]:
        """The dialogues that have not ended."""
        return [live for live in self.by_id.values() if not live.ended]

    def due(self, now: datetime) -> Sequence[OpenDialogue]:
        """Return the dialogues whose timer is due, the earliest first."""
        due = [live for live in self.unfinished if live.due_at is not None and live.due_at <= now]
        return sorted(due, key=lambda live: live.due_at or now)

    def ready(self, now: Callable[[], datetime], tried: Collection[str]) -> OpenDialogue | None:
        """Return the dialogue due first that speaks before it can take a text, but for these."""
        for live in self.by_id.values():
            if live.speaks_first:
                due = [one for one in self.due(now()) if one.speaks_first and one.id not in tried]
                return due[0] if due else None
        return None  # as at most texts

    def with_replaced(self, *dialogues: OpenDialogue) -> OpenDialogues:
        """Return the dialogues with these in place of their former values."""
        return OpenDialogues({**self.by_id, **{live.id: live for live in dialogues}})

    def with_outcome(
        self, dialogue: OpenDialogue, outcome: TurnOutcome, busy: BusyPolicy, now: datetime
    ) -> OpenDialogues:
        """Apply the outcome of one dialogue's turn.

        If it now asks while another dialogue is asking, suspend (or replace) the other one. If no
        dialogue asks any more, resume the one that was suspended last.
        """
        other = self.asking
        after_turn = _after_turn(dialogue, outcome)
        result = self.with_replaced(after_turn)
        if outcome.ended == "restarted":
            result = result.with_replaced(new_dialogue(next_round(outcome), now))
        if (
            other is not None
            and other.id != dialogue.id
            and after_turn.is_asking
            and not after_turn.ended
        ):
            replaces = busy == "replace"
            result = result.with_replaced(
                _as_ended(other, "replaced") if replaces else _as_suspended(other)
            )
        return result.with_resumed(now)

    def with_resumed(self, now: datetime) -> OpenDialogues:
        """Resume the dialogue that was suspended last, unless another asks or is about to."""
        if self.asking or any(live.speaks_first for live in self.due(now)):
            return self
        suspended = [
            live for live in self.unfinished if live.waiting is not None and live.waiting.paused
        ]
        if not suspended:
            return self
        return self.with_question_repeated(
            max(suspended, key=lambda live: (_is_asking(live), _asked_at(live))), now
        )

    def with_question_repeated(self, dialogue: OpenDialogue, now: datetime) -> OpenDialogues:
        """Have a dialogue ask its question once more."""
        if dialogue.journal is None:
            return self
        return self.with_journal(dialogue, journals.resume_question(dialogue.journal), now)

    def with_postponed(self, dialogue: OpenDialogue) -> OpenDialogues:
        """Suspend a dialogue until no dialogue asks any more."""
        return self.with_replaced(replace(_as_suspended(dialogue), due_at=None))

    def with_journal(
        self, dialogue: OpenDialogue, journal: Journal, now: datetime
    ) -> OpenDialogues:
        """Give a dialogue this journal, and have it continue from there at once."""
        return self.with_replaced(replace(dialogue, journal=journal, due_at=now, is_changed=True))

    def with_ended(self, dialogue: OpenDialogue, reason: str, now: datetime) -> OpenDialogues:
        """End a dialogue, and resume another."""
        return self.with_replaced(_as_ended(dialogue, reason)).with_resumed(now)

    def others(self, except_ids: Collection[str]) -> Sequence[OpenDialogue]:
        """Return the dialogues that have begun and not ended, but for these."""
        return [
            live
            for id, live in self.by_id.items()
            if id not in except_ids and not live.ended and not live.is_new
        ]

    def with_state_change(
        self, find_diff: Callable[[], StateDiff], now: datetime, except_ids: Collection[str]
    ) -> OpenDialogues:
        """Note a change of the person's state in the journals of all other dialogues.

        A dialogue whose first turn is still to come begins with the state as it will be then.
        `find_diff` is called only where there is another dialogue.
        """
        others = self.others(except_ids)
        if not others:
            return self
        diff = find_diff()
        return self.with_replaced(*[_with_state_change(live, diff, now) for live in others])

    def updates(self, unchanged: OpenDialogues | None = None) -> Sequence[DialogueUpdate]:
        """Return the updates to store, one for each that changed and is not `unchanged`."""
        known = {} if unchanged is None else unchanged.by_id
        changed = [live for id, live in self.by_id.items() if live is not known.get(id)]
        return [update for live in changed if (update := _make_update(live)) is not None]


def load_dialogues(claim: Claim, now: datetime) -> OpenDialogues:
    """Return the dialogues that a claim carries."""
    return OpenDialogues({stored.id: _load_dialogue(stored, now) for stored in claim.dialogues})


def with_left_questions(before: OpenDialogues, after: OpenDialogues) -> Sequence[OpenDialogue]:
    """Return the dialogues, as a claim found them, that left a question which had not gone out."""
    return [
        live
        for id, live in before.by_id.items()
        if live.question_text is not None
        and not live.question_text.went_out
        and not _still_asks(live, after.by_id[id])
    ]


def withdrawn_questions(left: Sequence[OpenDialogue], now: datetime) -> Sequence[QuestionText]:
    """Return the texts of left questions that may still go out."""
    # delivery rule 25: answered, timed out, asked again, replaced, paused or left
    return [
        replace(text, part_keys=tuple(first_part_keys(live.waiting.text_key, _MOST_PARTS)))
        for live in left
        if (text := live.question_text) is not None
        and text.may_be_withdrawn(now)
        and live.waiting is not None
    ]


def _still_asks(before: OpenDialogue, after: OpenDialogue) -> bool:
    """Tell whether the text that asked a dialogue's question is still the one to go out."""
    waiting, was = after.waiting, before.waiting
    if waiting is None or was is None:
        return after.journal is None  # which cannot be read, and stays as it is
    is_same = waiting.text_key == was.text_key and not waiting.paused and not after.ended
    return is_same or not was.prompt  # without a prompt, the text says something of its own


def new_dialogue(journal: Journal, due_at: datetime | None = None) -> OpenDialogue:
    """Return a dialogue that begins in this claim."""
    return OpenDialogue(
        id=journal.id, handler=journal.handler, journal=journal, due_at=due_at, is_changed=True
    )


def unsaved_entries(
    dialogue: OpenDialogue, new_entries: Sequence[journals.JournalEntry] = ()
) -> Sequence[bytes]:
    """Return the journal entries that are not on disk yet, encoded."""
    unsaved = () if dialogue.journal is None else dialogue.journal.entries[dialogue.stored_count :]
    return [journals.encode_entry(entry) for entry in (*unsaved, *new_entries)]


def _load_dialogue(stored: DialogueRecord, now: datetime) -> OpenDialogue:
    journal, read_error = None, None
    try:
        journal = journals.decode_journal(stored.head, stored.entries)
    except JournalError as error:
        read_error = error
    loaded = OpenDialogue(
        id=stored.id,
        handler=stored.handler,
        journal=journal,
        read_error=read_error,
        stored_count=len(stored.entries),
        due_at=stored.due_at,
        attempts=stored.failed_attempts,
        question_text=stored.question_text,
    )
    return _with_clocks(loaded, now)


def _with_clocks(dialogue: OpenDialogue, now: datetime) -> OpenDialogue:
    """Return a dialogue whose question counts from when its text went out (replay rule 16)."""
    journal, was = dialogue.journal, dialogue.waiting
    if journal is None or was is None:
        return dialogue
    waiting = with_question_text(was, dialogue.question_text, now)
    if waiting == was:
        return dialogue
    is_timer = was.due_at is not None and dialogue.due_at == _to_stored(was.due_at)
    return replace(
        dialogue,
        journal=replace(journal, waiting=waiting),
        due_at=waiting.due_at if is_timer else dialogue.due_at,
        # Every claim finds out anew, so nothing but a timer has to be written. What is written has
        # no failed attempts any more, so a failing dialogue is left as it is.
        is_changed=is_timer and waiting.due_at != was.due_at and dialogue.attempts == 0,
    )


def _to_stored(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _after_turn(dialogue: OpenDialogue, outcome: TurnOutcome) -> OpenDialogue:
    """Return a dialogue with the outcome of its turn."""
    waiting = outcome.journal.waiting
    return replace(
        dialogue,
        journal=outcome.journal,
        due_at=None if waiting is None or outcome.ended else waiting.due_at,
        attempts=0,
        ended=outcome.ended,
        is_changed=True,
    )


def _as_ended(dialogue: OpenDialogue, reason: str) -> OpenDialogue:
    if dialogue.journal is None:
        return dialogue
    return replace(dialogue, ended=reason, due_at=None, is_changed=True)


def _as_suspended(dialogue: OpenDialogue) -> OpenDialogue:
    if dialogue.journal is None:
        return dialogue
    return replace(dialogue, journal=journals.pause_question(dialogue.journal), is_changed=True)


def _with_state_change(dialogue: OpenDialogue, diff: StateDiff, now: datetime) -> OpenDialogue:
    if dialogue.journal is None:  # nothing of what cannot be read is ever written to
        return dialogue
    return replace(dialogue, journal=journals.add_state_change(dialogue.journal, diff, now))


def _make_update(dialogue: OpenDialogue) -> DialogueUpdate | None:
    unsaved = unsaved_entries(dialogue)
    if dialogue.journal is None or not (unsaved or dialogue.is_changed):
        return None
    return DialogueUpdate(
        id=dialogue.id,
        handler=dialogue.handler,
        stored_count=dialogue.stored_count,
        entries=unsaved,
        head=journals.encode_head(dialogue.journal) if dialogue.is_changed else None,
        due_at=dialogue.due_at,
        end_reason=dialogue.ended,
        question_key="" if dialogue.waiting is None else dialogue.waiting.text_key,
    )


def _is_asking(dialogue: OpenDialogue) -> bool:
    return dialogue.waiting is not None and dialogue.waiting.expects_text


def _asked_at(dialogue: OpenDialogue) -> float:
    return dialogue.waiting.asked_at.timestamp() if dialogue.waiting is not None else 0
