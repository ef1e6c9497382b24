"""The app's process tells the page its notes: at the start, and after a turn that added one."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

from cooee.phone.app_controller import NoteReporter
from cooee.runtime.events import HandlerRan, TurnsCommitted
from cooee.storage import Claim, ClaimResult

NOW = datetime(2026, 11, 29, tzinfo=UTC)
CLAIM = Claim(b"c", "ours", "theirs", 1, 1, NOW, None, [])


async def test_notes_are_told_at_the_start_and_after_a_turn_that_added_one():
    service, told = SimpleNamespace(notes=[]), []
    reporter = NoteReporter(service, lambda message: told.append(message.notes))
    committed = TurnsCommitted(ClaimResult(claim=CLAIM, handled_seq=1), 0.1)
    for event, added in ((committed, []), (HandlerRan(CLAIM, None, None, None), ["one"])):
        service.notes += added
        reporter.on_event(event)
        await asyncio.sleep(0)
    assert told == [[]]
    for _ in range(2):  # a turn's events come from the app's own thread
        await asyncio.to_thread(reporter.on_event, committed)
        await asyncio.sleep(0)
    assert told == [[], ["one"]]
