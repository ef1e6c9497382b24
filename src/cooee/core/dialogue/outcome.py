"""The outcome of one turn of a dialogue: entries, texts and state, to be committed together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.app.dialogue_verbs import Restart
from cooee.core.dialogue.engine_requests import diverge
from cooee.core.dialogue.frontier import merge_replayed_state
from cooee.core.dialogue.journal import (
    MANY_RECORDS,
    NO_KEY,
    Journal,
    JournalEntry,
    derive_id,
    held_entry,
    hold_burst,
)
from cooee.core.dialogue.outbox_keys import outbox_key
from cooee.core.dialogue.question_texts import asked_by
from cooee.core.dialogue.question_words import may_ask
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.state_diff import StateDiff
from cooee.core.dialogue.waiting import BurstText
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply

EndReason: TypeAlias = Literal[
    "", "returned", "restarted", "no reply", "too many attempts", "ended"
]
TextDisposition: TypeAlias = Literal["", "consumed", "held", "unclaimed", "unasked"]


class OutgoingText(msgspec.Struct, frozen=True):
    """A text to send. The outbox accepts each `key` once, however often it is committed."""

    reply: Reply
    key: str


class TurnOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a turn: append `entries`, replace the journal's head, send `texts`.

    `state` None leaves the stored state as it is; `state_change` is its change, where the run knows
    it by the state's objects. `ended` is the reason of the dialogue's end, and
    empty while the dialogue goes on; after a restart, `next_round` makes the next journal.
    `text_disposition` says how the turn used the person's text: consumed by a question, held for
    the question that it was sent to, unclaimed, or unasked: the question had not gone out.
    """

    journal: Journal
    entries: Sequence[JournalEntry] = ()
    texts: Sequence[OutgoingText] = ()
    state: bytes | None = None
    state_change: StateDiff | None = None
    now: datetime
    ended: EndReason = ""
    text_disposition: TextDisposition = ""
    warnings: Sequence[str] = ()


def suspended_outcome(run: Run) -> TurnOutcome:
    """Return the outcome of a run that stopped at a question or a sleep."""
    assert run.suspended_at is not None
    texts = _unsent_texts(run)
    step = run.step
    if step is not None:
        kind, text = step.outgoing or ("", "")
        if kind:
            # A prompt or retry is known by its turn, not by its words: it may go out again.
            key = outbox_key(run.journal, kind, run.suspended_at.key, run.turn_number)
            texts.append(OutgoingText(Reply(text), key))
        _note_asking_text(run, kind, texts)
    return _build_outcome(run, texts, "")


def _note_asking_text(run: Run, kind: str, texts: Sequence[OutgoingText]) -> None:
    """Note which of a turn's texts asks: its last one, unless that is about something else."""
    waiting = run.suspended_at
    assert waiting is not None
    is_new = kind == "prompt" or (not kind and waiting.key != run.waiting_key)
    if texts and (is_new or kind not in {"", "opt-out"}):
        # replay rule 16: of several texts, the question is what the last one says
        is_asked_anew = is_new or kind == "again"
        run.suspended_at = asked_by(waiting, texts[-1].key, run.now, is_asked_anew=is_asked_anew)


def returned_outcome(run: Run, value: object) -> TurnOutcome:
    """Return the outcome of a handler that returned: a last text, or a restart."""
    if not isinstance(value, Restart):
        if getattr(value, "__func__", None) is type(run.chat).restart:
            raise DialogueError("At its end: write `return chat.restart()`, with brackets.")
        run.say(value, None)
        return ended_outcome(run, "returned")
    location, run.restart_location = run.restart_location, ""
    if run.turn_number == 1:
        raise DialogueError(
            f"{location}: this dialogue restarts without ever asking, so it would"
            " restart for ever. Ask something first."
        )
    return ended_outcome(run, "restarted")


def ended_outcome(run: Run, reason: EndReason) -> TurnOutcome:
    """Return the outcome of a dialogue that ended for `reason`."""
    run.flush_pending()
    if run.fatal_error is not None:
        raise run.fatal_error
    if run.same_code and not run.reached_waiting:  # replay rule 10: a return diverges too
        raise diverge(run, NO_KEY, "ends", "At its end")
    run.reached_frontier, run.suspended_at = True, None
    return _build_outcome(run, _unsent_texts(run), reason)


def next_round(outcome: TurnOutcome) -> Journal:
    """Return the journal of the round after a restart, with the state as it is."""
    # replay rule 15: another id, so that nothing of the old round answers for the new one.
    return Journal(
        id=derive_id(outcome.journal.id, "restart"),
        handler=outcome.journal.handler,
        inputs=outcome.journal.inputs,
        initial_state=outcome.state,
        started_at=outcome.now,
        opening=outcome.journal.opening,
    )


def _build_outcome(run: Run, texts: list[OutgoingText], ended: EndReason) -> TurnOutcome:
    run.state.apply_changes_until(None)
    state = replayed = run.state.encode()
    if not run.reached_frontier:
        # replay rule 8: a run that stopped at a question that an edit inserted has recomputed less
        # than is stored. Where it has all, the frontier's question was reworded, removed or moved.
        state = merge_replayed_state(
            run.context.codec,
            run.journal,
            run.index,
            run.stored_state,
            replayed,
            same_code=run.same_code,
        )
        run.reached_frontier = state == replayed
    disposition = _dispose_text(run, ended)
    entries = (*run.journal.entries, *run.new_entries)
    waiting_key = None if run.suspended_at is None else run.suspended_at.key
    unfinished = run.unfinished_keys and run.unfinished_keys & run.records.keys()
    return TurnOutcome(
        journal=replace(
            run.journal,
            entries=entries,
            code_version=run.context.code_version,
            waiting=run.suspended_at,
            frontier=waiting_key if run.reached_frontier else run.journal.frontier,
            replayed_state=None if run.reached_frontier else replayed,
            finished_count=len(entries),
            unfinished_keys=tuple(sorted(unfinished)),
            turn_count=run.turn_number,
        ),
        entries=run.take_uncommitted(),
        texts=texts,
        state=state,
        state_change=run.state.change_of_turn(run.stored_state) if state == replayed else None,
        now=run.chat.now,
        ended=ended,
        text_disposition=disposition,
        warnings=(*run.warnings, *_length_warnings(run)),
    )


def _unsent_texts(run: Run) -> list[OutgoingText]:
    """Return the said texts that no earlier turn sent, and mark them as sent."""
    texts: list[OutgoingText] = []
    sent_ids: list[str] = []
    # replay rule 12: BACK has led to this question again, so the texts here stand before it.
    is_undone = run.suspended_at is not None and run.suspended_at.key == run.index.undone_key
    said_before = run.index.undone_ids if is_undone else ()
    for content, n, reply in run.said_texts.unsent_with_identity():
        identity = derive_id("say", content, n)
        # replay rule 7: the journal, not the position in the code, knows which texts went out.
        if identity in said_before:
            sent_ids.append(identity)
        elif identity not in run.index.sent_ids:
            texts.append(OutgoingText(reply, outbox_key(run.journal, "say", identity)))
            sent_ids.append(identity)
    if sent_ids:
        run.mark_sent(sent_ids)
    return texts


def _dispose_text(run: Run, ended: EndReason) -> TextDisposition:
    """Return how the turn used its text; hold a text whose question the run did not reach."""
    waiting, text = run.journal.waiting, run.text
    if waiting is not None and not run.reached_waiting:
        for entry in hold_burst(waiting, run.turn_number):
            run.add_entry(entry)
    if text is None:
        return "consumed" if run.text_consumed else ""
    if waiting is None or not waiting.expects_text or run.reached_waiting or ended:
        is_unasked = waiting is not None and waiting.went_out == "not yet"
        return "unasked" if is_unasked else "unclaimed"
    if text.is_keyword and not may_ask(run.context.function, waiting.key):
        return "unclaimed"  # replay rule 4: where the question is gone, a keyword gets its text
    # replay rule 4: the text answers the question that was sent, not the one inserted before it.
    held = BurstText(text.text, text.text_id, text.received_at, text.media)
    run.add_entry(held_entry(waiting, held, text.sent_at, run.turn_number))
    return "held"


def _length_warnings(run: Run) -> Sequence[str]:
    if len(run.records) <= MANY_RECORDS:  # replay rule 15
        return ()
    message = (
        f"This dialogue has {len(run.records)} records, and each of its turns runs through them"
        " all. End a round with `return chat.restart()`."
    )
    return [message]
