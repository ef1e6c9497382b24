"""Reports of messages: asked for, made a moment later, and kept for a week."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.responses import Message

MADE_AFTER = timedelta(seconds=2)
"""How long a report takes; an assumption."""
KEPT = timedelta(days=7)
_COLUMNS = ("messageId", "direction", "status", "to", "from", "createTimestamp", "tags")


class Report(msgspec.Struct, frozen=True):
    """A report that was asked for: of which days, by whose tag or number."""

    id: str
    asked_at: datetime
    start: datetime
    end: datetime
    filter: str | None = None

    def status(self, now: datetime) -> str:
        """``queued``, then ``completed``."""
        return "completed" if now >= self.asked_at + MADE_AFTER else "queued"

    def kept(self, now: datetime) -> bool:
        """Whether it can still be fetched."""
        return now < self.asked_at + KEPT

    def shape(self, now: datetime) -> dict[str, Any]:
        """The report in a list of reports."""
        return {
            "reportId": self.id,
            "reportStatus": self.status(now),
            "reportType": "messages",
            "reportExpiry": shapes.stamp(self.asked_at + KEPT),
        }

    def csv(self, messages: Iterable[Message]) -> bytes:
        """The report itself. Its columns are the box's own: Telstra's were never seen."""
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(_COLUMNS)
        for message in messages:
            if self.start <= message.created_at < self.end + timedelta(days=1):
                shape = shapes.listed(message)
                row = [shape.get(name, "") for name in _COLUMNS[:-1]]
                writer.writerow([*row, " ".join(message.tags)])
        return written.getvalue().encode()
