"""Dialogues as a store brings them, without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.replay import (
    AppendEntries,
    CallOnce,
    CallResult,
    DialogueContext,
    IncomingText,
    new_journal,
    run_turn,
)
from cooee.storage import DialogueRecord, StoredDialogue

OURS, ANNA = "+61491570006", "+61491570156"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def lived(app, handler, words, services=None):
    """A dialogue as it is kept when so many texts have been answered."""
    now, journal = (
        NOON,
        new_journal("d", "dialogue", {}, app.state_codec.encode(app.state_codec.new_state()), NOON),
    )
    for n, said in enumerate([None, *words]):
        now += timedelta(minutes=1)
        text = None if said is None else IncomingText(said, f"m{n}", now, now)
        journal = carried_out(
            run_turn(dialogue_context(app, handler, services), journal, text, now)
        )
    return kept(journal)


def dialogue_context(app, handler, services=None):
    return DialogueContext(
        function=handler,
        codec=app.state_codec,
        services=services,
        ours=OURS,
        theirs=ANNA,
        find_zone=lambda: UTC,
        code_version="before",
        read_history=None,
    )


def kept(journal, **more):
    """A journal as the store brings it."""
    entries = [journals.encode_entry(entry) for entry in journal.entries]
    head = journals.encode_head(journal)
    dialogue = DialogueRecord(id="d", handler="dialogue", head=head, entries=entries, **more)
    return StoredDialogue(
        conversation=b"c",
        ours=OURS,
        theirs=ANNA,
        state=None,
        started_at=NOON,
        ended_at=None,
        dialogue=dialogue,
    )


def carried_out(flow):
    given = None
    while True:
        try:
            effect = flow.send(given)
        except StopIteration as done:
            return done.value.journal
        assert isinstance(effect, CallOnce | AppendEntries)
        given = CallResult(effect.function(*effect.args)) if isinstance(effect, CallOnce) else None
