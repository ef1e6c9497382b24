"""Short forms of the store's verbs for tests of dialogues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cooee.storage import (
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    StoredDialogue,
    TurnFailure,
)
from cooee.testing.store_suite.harness import ANNA, OURS, StoreHarness


def dialogue_update(
    id: str = "d",
    *entries: bytes,
    stored_count: int = 0,
    head: bytes | None = b"{}",
    due_at: datetime | None = None,
    end_reason: str = "",
) -> DialogueUpdate:
    """Return the changes of a dialogue of the handler *book*."""
    return DialogueUpdate(
        id=id,
        handler="book",
        stored_count=stored_count,
        entries=entries,
        head=head,
        due_at=due_at,
        end_reason=end_reason,
    )


async def begin_dialogue(
    harness: StoreHarness,
    id: str = "d",
    *,
    to: str = ANNA,
    due_at: datetime | None = None,
    handler: str = "book",
) -> bool:
    """Start a dialogue; return False where its id is stored already."""
    start = DialogueStart(ours=OURS, theirs=to, id=id, handler=handler, head=b"{}", due_at=due_at)
    return (await harness.store.start_dialogues([start]))[0]


async def finish_claim(
    harness: StoreHarness,
    claim: Claim,
    *dialogues: DialogueUpdate,
    failure: TurnFailure | None = None,
) -> bool:
    """Finish a claim with its dialogue updates; return False where its lease was lost."""
    handled_seq = claim.texts[-1].seq if claim.texts else claim.handled_seq
    result = ClaimResult(
        claim=claim,
        handled_seq=handled_seq,
        last_turn_at=harness.clock(),
        dialogue_updates=dialogues,
        failure=failure,
    )
    return await harness.finish_all(result) == [True]


async def set_timer_aside(harness: StoreHarness, id: str = "d", *, code_version: str = "") -> None:
    """Set the only due timer aside."""
    failure = TurnFailure(0, "ValueError: no", None, code_version, dialogue_id=id)
    assert await finish_claim(harness, await harness.claim_one(), failure=failure)


async def next_turn_due(harness: StoreHarness) -> datetime | None:
    """Return the time of the next turn."""
    return (await harness.store.next_due()).turn


def dialogue_ids(dialogues: Sequence[DialogueRecord]) -> list[str]:
    """Return the ids of dialogues."""
    return [dialogue.id for dialogue in dialogues]


def people_and_ids(dialogues: Sequence[StoredDialogue]) -> list[tuple[str, str]]:
    """Return the people and ids of dialogues."""
    return [(stored.theirs, stored.dialogue.id) for stored in dialogues]
