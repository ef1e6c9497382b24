"""Reports of messages: created on request, ready a moment later, kept for a week."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.responses import TelstraV3Message

READY_AFTER = timedelta(seconds=2)
"""How long a report takes; an assumption."""
REPORT_RETENTION = timedelta(days=7)
_COLUMNS = ("messageId", "direction", "status", "to", "from", "createTimestamp", "tags")


class MessageReport(msgspec.Struct, frozen=True):
    """A report of the messages of some days, of a tag or number, or of all."""

    id: str
    requested_at: datetime
    first_day: datetime
    last_day: datetime
    tag_or_number: str | None = None

    def status(self, now: datetime) -> str:
        """Return ``queued``, then ``completed``."""
        return "completed" if now >= self.requested_at + READY_AFTER else "queued"

    def is_available(self, now: datetime) -> bool:
        """Return whether the report can still be fetched."""
        return now < self.requested_at + REPORT_RETENTION

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return the report's JSON in a list of reports."""
        return {
            "reportId": self.id,
            "reportStatus": self.status(now),
            "reportType": "messages",
            "reportExpiry": shapes.format_utc(self.requested_at + REPORT_RETENTION),
        }

    def to_csv(self, messages: Iterable[TelstraV3Message]) -> bytes:
        """Return the report as CSV. Its columns are made up: Telstra's were never seen."""
        output = io.StringIO()
        writer = csv.writer(output)
        writer.writerow(_COLUMNS)
        for message in messages:
            if self.first_day <= message.created_at < self.last_day + timedelta(days=1):
                fields = shapes.message_json(message)
                row = [fields.get(name, "") for name in _COLUMNS[:-1]]
                writer.writerow([*row, " ".join(message.tags)])
        return output.getvalue().encode()
