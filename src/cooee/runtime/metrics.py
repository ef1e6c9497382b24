"""Metrics: counts and durations of one process, in Prometheus's text format.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from msgspec.structs import asdict

from cooee.core.errors import CooeeError
from cooee.core.http_messages import Response
from cooee.net.asgi import write_response
from cooee.net.http_client import Receive, Scope, Send
from cooee.runtime import events
from cooee.storage import Counts, NextDue, Store

_MAX_COUNTED = 10_000  # storage rule 18: a count of what waits ends there
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_HELP: Mapping[str, str] = {
    "texts_received_total": "Texts that came in; repeated: brought by the provider once more.",
    "turns_total": "Turns that were committed.",
    "turns_failed_total": "Turns that failed: to be retried, or set aside for a person.",
    "turn_seconds": "From the claim of a conversation to the commit of its turns.",
    "answer_seconds": "From the receipt of a text to the commit of its turn, replies queued.",
    "attempts_total": "Results of attempts to send, and of look-ups, by status.",
    "receipts_total": "Texts that became final by a receipt, by status.",
    "cancelled_total": "Queued texts that were cancelled.",
    "leases_lost_total": "Turns whose conversation was another process's at the commit.",
    "opt_outs_total": "People who opted out, or in again.",
    "dialogues_ended_total": "Dialogues that ended, by reason.",
    "polls_failed_total": "Polls that failed.",
    "webhooks_refused_total": "Webhooks that were refused, by status.",
    "webhooks_failed_total": "Webhooks that failed, and are brought again.",
}
_GAUGE_NAMES: Mapping[str, str] = {
    "conversations": "conversations",
    "pending": "texts_pending",
    "set_aside": "texts_set_aside",
    "queued": "texts_queued",
    "sending": "texts_sending",
    "unknown": "texts_unknown",
    "failed": "texts_failed",
    "refused": "texts_refused",
    "opted_out": "people_opted_out",
    "lost_reads": "reads_lost",
    "unclean_exits": "unclean_exits",
    "open_dialogues": "dialogues_open",
    "stuck_dialogues": "dialogues_stuck",
}


class Metrics:
    """Counts what one process does; `on_event` is its listener, which any thread may call.

    Args:
        now: the time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._lock = now, Lock()
        self._counters: dict[tuple[str, str], int] = defaultdict(int)
        self._histograms: dict[str, tuple[list[int], list[float]]] = {
            name: ([0] * (len(_BUCKETS_S) + 1), [0.0])
            for name in ("turn_seconds", "answer_seconds")
        }

    def on_event(self, event: events.Event) -> None:
        """Count an event; most are of no metric."""
        match event:
            case events.TextReceived():
                self._count("texts_received_total", "" if event.is_new else 'repeated="yes"')
            case events.TurnsCommitted():
                self._note_turns(event)
            case events.TurnFailed():
                self._count("turns_failed_total", 'end="retry"')
            case events.TurnSetAside():
                self._count("turns_failed_total", 'end="set aside"')
            case events.AttemptRecorded():
                self._count("attempts_total", f'status="{event.status.name.lower()}"')
            case events.ReceiptApplied():
                self._count("receipts_total", f'status="{event.status.name.lower()}"')
            case events.TextsCancelled():
                self._count("cancelled_total", f'reason="{event.reason}"', len(event.outbounds))
            case events.OptOutRecorded():
                self._count("opt_outs_total", f'consent="{event.consent}"')
            case events.DialogueEnded():
                self._count("dialogues_ended_total", f'reason="{event.reason}"')
            case events.WebhookRefused():
                self._count("webhooks_refused_total", f'status="{event.status}"')
            case events.LeaseExpired():
                self._count("leases_lost_total")
            case events.PollFailed():
                self._count("polls_failed_total")
            case events.WebhookFailed():
                self._count("webhooks_failed_total")
            case _:
                pass

    def render(self) -> str:
        """Return the counts and durations in Prometheus's text format."""
        with self._lock:
            counters = sorted(self._counters.items())
            histograms = {n: (list(b), list(s)) for n, (b, s) in self._histograms.items()}
        lines = list[str]()
        for name in dict.fromkeys(name for (name, _), _ in counters):
            values = [(labels, value) for (found, labels), value in counters if found == name]
            lines += _lines_of(name, "counter", values)
        for name, (buckets, total) in histograms.items():
            lines += _histogram_lines(name, buckets, total[0])
        return "\n".join(lines) + "\n"

    def _count(self, name: str, labels: str = "", by: int = 1) -> None:
        with self._lock:
            self._counters[name, labels] += by

    def _note_turns(self, event: events.TurnsCommitted) -> None:
        finish, now = event.finish, self._now()
        handled = [one for one in finish.claim.texts if one.seq <= finish.handled_seq]
        self._count("turns_total", by=len(handled) or 1)
        self._observe("turn_seconds", event.duration_s)
        for one in handled:
            self._observe("answer_seconds", (now - one.inbound.received_at).total_seconds())

    def _observe(self, name: str, seconds: float) -> None:
        buckets, total = self._histograms[name]
        with self._lock:
            buckets[bisect_left(_BUCKETS_S, seconds)] += 1
            total[0] += seconds


class MetricsEndpoint:
    """The ASGI app of a private port: GET /metrics.

    Args:
        metrics: what this process counts.
        store: what waits there is counted at each request, for all processes.
        now: the time.
    """

    def __init__(self, metrics: Metrics, store: Store, now: Callable[[], datetime]) -> None:
        self._metrics, self._store, self._now = metrics, store, now

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] != "/metrics" or scope["method"] not in {"GET", "HEAD"}:
            await write_response(send, Response(status=404, headers={}, body=b"GET /metrics\n"))
            return
        headers = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}
        body = (self._metrics.render() + await self._render_store()).encode()
        await write_response(send, Response(status=200, headers=headers, body=body))

    async def _render_store(self) -> str:
        """Return what waits in the database; `cooee_up` is 0 where the database does not answer."""
        try:
            counts = await self._store.counts(up_to=_MAX_COUNTED)
            next_due = await self._store.next_due()
        except CooeeError:
            return "\n".join(_lines_of("up", "gauge", [("", 0)])) + "\n"
        gauges = {"up": 1, **_counts_of(counts), **self._overdue(next_due)}
        lines = [
            line
            for name, value in gauges.items()
            for line in _lines_of(name, "gauge", [("", value)])
        ]
        return "\n".join(lines) + "\n"

    def _overdue(self, next_due: NextDue) -> Mapping[str, float]:
        """Return for how many seconds the oldest turn and the oldest send have been due."""
        now = self._now()
        return {
            f"{name}_overdue_seconds": 0.0 if at is None else max((now - at).total_seconds(), 0.0)
            for name, at in (("turn", next_due.turn), ("send", next_due.send))
        }


def _counts_of(counts: Counts) -> Mapping[str, float]:
    return {_GAUGE_NAMES[name]: value for name, value in asdict(counts).items()}


def _lines_of(name: str, kind: str, values: Sequence[tuple[str, Any]]) -> Sequence[str]:
    help_line = [f"# HELP cooee_{name} {_HELP[name]}"] if name in _HELP else []
    samples = [
        f"cooee_{name}{{{labels}}} {value}" if labels else f"cooee_{name} {value}"
        for labels, value in values
    ]
    return [*help_line, f"# TYPE cooee_{name} {kind}", *samples]


def _histogram_lines(name: str, buckets: Sequence[int], total: float) -> Sequence[str]:
    lines, count = [f"# HELP cooee_{name} {_HELP[name]}", f"# TYPE cooee_{name} histogram"], 0
    for limit, in_bucket in zip([*map(str, _BUCKETS_S), "+Inf"], buckets, strict=True):
        count += in_bucket
        lines.append(f'cooee_{name}_bucket{{le="{limit}"}} {count}')
    return [*lines, f"cooee_{name}_sum {total}", f"cooee_{name}_count {count}"]
