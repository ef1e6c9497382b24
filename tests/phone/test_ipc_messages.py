"""Every event of the service gets from the app's process to the page's, whatever it holds."""

from datetime import UTC, datetime
from typing import get_args, get_type_hints

import pytest

from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Media, Outbound, Status
from cooee.phone.ipc_messages import ServiceEvent, decode_message, encode_message
from cooee.runtime import events
from cooee.storage import Checkpoint, Claim, ClaimResult, DialogueUpdate, PendingText

AT = datetime(2026, 11, 29, tzinfo=UTC)
INBOUND = Inbound(
    sender="+61491570156",
    recipient="+61491570006",
    text="\x00 “quoted”\n",
    received_at=AT,
    raw=b"\xff",
    media=(Media(content=b"\x89PNG"),),
)
PENDING = PendingText(b"\x01", 1, INBOUND)
CLAIM = Claim(b"\xc1", "ours", "theirs", 1, 1, AT, b"{}", [PENDING])
VALUES = {
    Inbound: INBOUND,
    PendingText: PENDING,
    PendingText | None: PENDING,
    Claim: CLAIM,
    ClaimResult: ClaimResult(claim=CLAIM, handled_seq=1, state=b"{}"),
    Checkpoint: Checkpoint(CLAIM, DialogueUpdate(id="d", handler="book", stored_count=0)),
    Outbound: Outbound(id="c1-1", sender="a", recipient="b", text="hi"),
    Handler: Handler(print, "book", "app.py:1", True),
    Exception: ValueError("no"),
    Exception | None: ValueError("no"),
    Status: Status.QUEUED,
    datetime: AT,
    datetime | None: AT,
    bytes: b"\xff",
    bytes | None: b"\xff",
    str: "words",
    int: 3,
    float: 0.5,
    bool: True,
}


def example(kind):
    """Return an event of a class, with a value in every field."""
    hints = get_type_hints(kind)
    return kind(**{name: VALUES.get(hint, [VALUES[Outbound]]) for name, hint in hints.items()})


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
def test_an_event_arrives_as_it_was_sent(kind):
    """Its exceptions and functions stay behind, and what is left arrives byte for byte."""
    line = encode_message(ServiceEvent(example(kind), 1.0, AT, exchange="2"))
    arrived = decode_message(line)
    assert line.count(b"\n") == 1
    assert type(arrived.event) is kind
    assert encode_message(arrived) == line
