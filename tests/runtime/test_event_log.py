"""The log's line of every event, with private data only where an operator asked for them."""

from __future__ import annotations

import ast
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from cooee import App
from cooee.core.app.routes import Handler
from cooee.core.errors import TemporaryFailure
from cooee.core.messages import Inbound, Outbound, Status
from cooee.runtime import event_log, events
from cooee.runtime.event_log import write_event_to_log
from cooee.runtime.log import LogfmtFormatter
from cooee.storage import Checkpoint, Claim, ClaimResult, DialogueUpdate, PendingText
from cooee.testing import Kit

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 29, tzinfo=UTC)
ANNA, OURS, WORDS = "+61491570156", "+61491570006", "hello from Anna"
INBOUND = Inbound(sender=ANNA, recipient=OURS, text=WORDS, received_at=AT)
OUTBOUND = Outbound(id="c1-1", sender=OURS, recipient=ANNA, text=WORDS, attempt=2)
PENDING = PendingText(b"\x01", 1, INBOUND)
CLAIM = Claim(b"\xc1", OURS, ANNA, 1, 3, None, b"{}", [PENDING])
FINISH = ClaimResult(claim=CLAIM, handled_seq=1)
CHECKPOINT = Checkpoint(CLAIM, DialogueUpdate(id="d", handler="book", stored_count=0))
FAILURE = TemporaryFailure(f"{ANNA} said {WORDS}", code="E1", status=500)
ERROR = ValueError(f"{ANNA} said {WORDS}")
HANDLER = Handler(print, "book", "app.py:1", True)

DEBUG, INFO, WARNING, ERRORS, CRITICAL = "debug", "info", "warning", "error", "critical"
LINES = [
    (events.TextReceived(INBOUND), [f"{DEBUG} received"]),
    (events.TextReceived(INBOUND, is_new=False), [f"{INFO} received-again"]),
    (events.OptOutRecorded(INBOUND, "out", "word"), [f"{INFO} opted-out source=word"]),
    (events.OptOutRecorded(INBOUND, "in", "word"), [f"{INFO} opted-in source=word"]),
    (events.TextsCancelled([OUTBOUND] * 2), [f'{INFO} cancelled id=c1-1 why="opted out"'] * 2),
    (events.OptOutListRead(OURS, 5, 2), [f"{INFO} optouts-read listed=5 fresh=2"]),
    (
        events.OptOutListUnread(OURS, FAILURE),
        [f"{WARNING} optouts-unread failure=TemporaryFailure"],
    ),
    (
        events.PollFailed(OURS, FAILURE, "E1", 500, 1.0),
        [f"{WARNING} poll-failed failure=TemporaryFailure code=E1 status=500"],
    ),
    (events.PollAnswerLost(OURS), [f"{ERRORS} poll-answer-lost"]),
    (events.WebhookRefused(404, "no"), [f"{WARNING} request-refused status=404 why=no"]),
    (events.WebhookFailed(ERROR), [f"{CRITICAL} webhook-failed error=ValueError"]),
    (events.MediaFetched(PENDING, 2, 1), [f"{DEBUG} media-fetched turn=01 kept=2 given_up=1"]),
    (
        events.MediaLost(PENDING, "gone", ERROR),
        [f"{WARNING} media-lost turn=01 why=gone error=ValueError"],
    ),
    (events.ConversationClaimed(CLAIM), [f"{DEBUG} claimed turn=01 attempt=3"]),
    (
        events.HandlerStarted(CLAIM, PENDING, HANDLER),
        [f"{DEBUG} handler-started turn=01 handler=book"],
    ),
    (events.HandlerRan(CLAIM, PENDING, None, b"{}"), []),
    (
        events.HandlerRan(CLAIM, PENDING, None, b"{}", ERROR),
        [f'{ERRORS} handler-raised turn=01 error=ValueError at=""'],
    ),
    (events.CheckpointStarted(CHECKPOINT), [f"{DEBUG} checkpointing turn=01"]),
    (events.CheckpointWritten(CHECKPOINT), [f"{DEBUG} checkpointed turn=01"]),
    (events.TurnsFinished(FINISH), [f"{DEBUG} finishing turn=01"]),
    (events.TurnsCommitted(FINISH, 0.0125), [f"{DEBUG} finished turn=01 seconds=0.013"]),
    (events.LeaseExpired(CLAIM), [f"{WARNING} lease-lost turn=01"]),
    (events.ClaimFailed(CLAIM, ERROR), [f"{CRITICAL} claim-failed turn=01 error=ValueError"]),
    (
        events.ClaimStuck(CLAIM, "the call of book", 151.4),
        [f'{CRITICAL} claim-stuck turn=01 step="the call of book" seconds=151'],
    ),
    (events.CommitRefused(CLAIM, ERROR), [f"{CRITICAL} commit-refused turn=01 error=ValueError"]),
    (
        events.TurnFailed(CLAIM, f"ValueError: {WORDS}", AT),
        [f"{ERRORS} turn-failed turn=01 attempt=3 error=ValueError again_at={AT.isoformat()}"],
    ),
    (
        events.TurnSetAside(CLAIM, f"ValueError: {WORDS}"),
        [f"{ERRORS} turn-set-aside turn=01 attempt=3 error=ValueError"],
    ),
    (
        events.HandlerAbandoned("book", 30.0, "app.py:3"),
        [f"{ERRORS} handler-abandoned handler=book seconds=30.0 stack=app.py:3"],
    ),
    (
        events.DialogueEnded(CLAIM, "d", "book", "done"),
        [f"{DEBUG} dialogue-ended turn=01 dialogue=d handler=book reason=done"],
    ),
    (events.TextQueued("c1-1", OURS, ANNA, WORDS), [f"{DEBUG} queued id=c1-1"]),
    (events.AttemptStarted(OUTBOUND), [f"{DEBUG} sending id=c1-1 attempt=2"]),
    (
        events.AttemptFinished(OUTBOUND, Status.ACCEPTED, "p1"),
        [f"{DEBUG} sent id=c1-1 status=accepted"],
    ),
    (
        events.AttemptFinished(
            OUTBOUND, Status.QUEUED, error="TemporaryFailure", http_status=503, message=WORDS
        ),
        [
            f"{DEBUG} sent id=c1-1 status=queued",
            f"{WARNING} send-failed id=c1-1 attempt=2 failure=TemporaryFailure status=503",
        ],
    ),
    (events.AttemptRecorded(OUTBOUND, Status.ACCEPTED), [f"{DEBUG} recorded id=c1-1"]),
    (
        events.AdapterFailed(OUTBOUND, ERROR),
        [f"{CRITICAL} adapter-failed id=c1-1 error=ValueError"],
    ),
    (
        events.InlineReplyRefused([OUTBOUND], "no"),
        [f"{INFO} inline-reply-refused id=c1-1 why=no"],
    ),
    (
        events.LookupFailed(OUTBOUND, FAILURE),
        [f"{WARNING} lookup-failed id=c1-1 failure=TemporaryFailure"],
    ),
    (
        events.StatusCheckFailed(OUTBOUND, FAILURE),
        [f"{DEBUG} status-failed id=c1-1 failure=TemporaryFailure"],
    ),
    (events.AttemptHeld(OUTBOUND), [f"{WARNING} send-on-hold id=c1-1 attempt=2"]),
    (
        events.ReceiptApplied(OUTBOUND, Status.DELIVERED),
        [f"{DEBUG} receipt id=c1-1 status=delivered"],
    ),
    (
        events.ReceiptApplied(OUTBOUND, Status.EXPIRED),
        [f"{INFO} undelivered id=c1-1 status=expired"],
    ),
    (
        events.ReceiptHandlerFailed(OUTBOUND, ERROR),
        [f"{ERRORS} receipt-handler-failed id=c1-1 error=ValueError"],
    ),
]
IDS = [f"{type(event).__name__}-{n}" for n, (event, _) in enumerate(LINES)]


def logged(caplog, event, *, show_private=False):
    """Write an event to the log; return its lines without their time."""
    caplog.set_level(logging.DEBUG, "cooee")
    caplog.clear()
    write_event_to_log(event)
    formatter = LogfmtFormatter(show_private=show_private)
    return [formatter.format(record).partition(" ")[2] for record in caplog.records]


@pytest.mark.parametrize(("event", "lines"), LINES, ids=IDS)
def test_each_event_has_its_lines_or_none(caplog, event, lines):
    assert logged(caplog, event) == lines


@pytest.mark.parametrize("event", [event for event, _ in LINES], ids=IDS)
def test_no_line_shows_a_person_unless_asked(caplog, event):
    """A number, a text, or an exception's message, which may hold either."""
    assert not [line for line in logged(caplog, event) if ANNA in line or WORDS in line]


@pytest.mark.parametrize(
    "event",
    [
        events.TextReceived(INBOUND),
        events.TextQueued("c1-1", OURS, ANNA, WORDS),
        events.TurnFailed(CLAIM, f"ValueError: {WORDS}", AT),
        events.LookupFailed(OUTBOUND, FAILURE),
        events.PollFailed(OURS, FAILURE, "", 0, 1.0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_operator_who_asks_for_private_fields_sees_the_words(caplog, event):
    assert WORDS in " ".join(logged(caplog, event, show_private=True))


def test_an_undisturbed_text_writes_nothing_from_info_on(caplog):
    caplog.set_level(logging.INFO, "cooee")
    for event, lines in LINES:
        if all(line.startswith(DEBUG) for line in lines):
            write_event_to_log(event)
    assert caplog.records == []


@pytest.mark.parametrize(("event", "lines"), LINES, ids=IDS)
def test_at_info_the_same_lines_are_written_without_the_debug_ones(caplog, event, lines):
    caplog.set_level(logging.INFO, "cooee")
    write_event_to_log(event)
    names = [record.getMessage() for record in caplog.records]
    assert names == [line.split()[1] for line in lines if not line.startswith(DEBUG)]


def test_every_event_is_in_the_table_of_lines():
    assert {type(event) for event, _ in LINES} == set(get_args(events.Event))


async def test_a_text_that_is_answered_costs_no_line_where_none_is_wanted(monkeypatch):
    monkeypatch.setattr(event_log.logger, "level", logging.INFO)
    event_log.logger.manager._clear_cache()
    looked_at = []
    for name in ("_log_inbound_news", "_log_turn_news", "_log_outbound_news"):
        monkeypatch.setattr(event_log, name, looked_at.append)
    app = App()
    app.otherwise(lambda chat: "Fine.")
    async with Kit(app) as kit:
        assert await kit.phone().text("Hello") == ["Fine."]
    assert looked_at == []


# The page of the rules


def table(heading):
    """Return the rows of a table of docs/internals/delivery.md, each cell's code words."""
    page = (ROOT / "docs" / "internals" / "delivery.md").read_text("utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[re.findall(r"`([\w-]+)`", cell) for cell in row] for row in rows[2:]]


def test_the_page_lists_every_event_once_and_every_line_that_it_writes():
    rows = table("Events")
    named = [name for row in rows for name in row[1]]
    assert sorted(named) == sorted(event.__name__ for event in get_args(events.Event))
    written = {(type(event).__name__, line.split()[1]) for event, lines in LINES for line in lines}
    for _, row_events, row_lines in rows:
        ours = {line for name, line in written if name in row_events}
        assert ours == set(row_lines), row_events


def test_only_the_lines_of_the_process_are_written_without_an_event():
    """A step of a text, a conversation or a consent is an event; a new line needs the page."""
    direct = {
        ast.literal_eval(node.args[0])
        for room in ("runtime", "cli")
        for file in (ROOT / "src" / "cooee" / room).rglob("*.py")
        if file.name not in {"event_log.py", "log.py"}
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "log_event"
    }
    assert direct == {line for row in table("Lines of the process") for line in row[0]}
