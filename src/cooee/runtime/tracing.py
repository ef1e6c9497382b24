"""Tracing: the spans of each text from webhook to receipt, of which many processes make one trace.

https://opentelemetry.io/docs/specs/otel/trace/api/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from threading import Lock
from typing import TypeAlias, TypeVar

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from cooee.clocks.clock import Clock
from cooee.clocks.loop_calls import call_in_loop
from cooee.core.errors import CooeeError
from cooee.core.messages import Outbound, Status, conversation_id
from cooee.core.segments import split_into_segments
from cooee.runtime import events
from cooee.runtime.log import log_event
from cooee.runtime.task_group import TaskGroup
from cooee.storage import Claim, PendingText, Store

_MAX_REMEMBERED = 10_000  # traces of texts, claims and attempts, so that no memory leaks
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAILURES = frozenset({Status.FAILED, Status.UNDELIVERED, Status.EXPIRED, Status.UNKNOWN})

_Attributes: TypeAlias = Mapping[str, str | int | bool]
_ClaimKey: TypeAlias = tuple[bytes, int]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Span(msgspec.Struct, frozen=True):
    """A span that is over; `error` is "" for one that went well."""

    name: str
    start: datetime
    end: datetime
    attributes: _Attributes
    kind: SpanKind = SpanKind.INTERNAL
    error: str = ""


class _ClaimSpans(msgspec.Struct):
    """A claim's turns until its end: what has started, and the spans that wait for the commit."""

    started: dict[bytes, tuple[datetime, str]] = msgspec.field(default_factory=dict)
    ended: list[tuple[bytes, _Span]] = msgspec.field(default_factory=list)


class Tracing:
    """Makes the spans of what one process does; `on_event` is its listener, for any thread.

    The trace of a text is its own id, that of a reply the id of the text it answers. Spans have
    ids, times, counts and names of the app's code: no number and no text.

    Args:
        tracer: takes the spans.
        store: knows which text a reply answers.
        clock: the time.
        provider: the provider's name.
    """

    def __init__(self, tracer: trace.Tracer, store: Store, clock: Clock, provider: str) -> None:
        self._tracer, self._store, self._clock = tracer, store, clock
        self._common: _Attributes = {"messaging.system": provider}
        self._edge, self._tasks = asyncio.get_running_loop(), TaskGroup(clock, "tracing")
        self._lock = Lock()
        self._claims: dict[_ClaimKey, _ClaimSpans] = {}
        self._attempt_ends: dict[str, events.AttemptFinished] = {}
        self._traces: dict[str, bytes] = {}  # of texts out
        self._waiting: list[tuple[str, _Span | None]] = []  # spans of texts out
        self._is_reading = False

    def on_event(self, event: events.Event) -> None:
        """Make the spans that end with an event."""
        match event:
            case events.TextReceived():
                self._end_receiving(event)
            case events.HandlerStarted() | events.HandlerRan():
                self._note_turn(event)
            case events.TurnsCommitted():
                self._end_claim(event.finish.claim, "")
            case events.LeaseExpired() | events.CommitRefused() | events.ClaimFailed():
                self._end_claim(event.claim, type(event).__name__)
            case events.AttemptStarted(outbound):  # its trace is read while the provider is asked
                call_in_loop(self._edge, self._add_span_out, outbound.id, None)
            case events.AttemptFinished(outbound):
                with self._lock:
                    _remember(self._attempt_ends, outbound.id, event)
            case events.AttemptRecorded():
                self._end_attempt(event)
            case events.ReceiptApplied(outbound, status):
                span = self._span_out("receipt", outbound, status, SpanKind.CONSUMER)
                call_in_loop(self._edge, self._add_span_out, outbound.id, span)
            case _:
                pass

    async def close(self) -> None:
        """Wait until every span has its trace."""
        await self._tasks.close()

    # Texts in, and turns

    def _end_receiving(self, event: events.TextReceived) -> None:
        inbound = event.inbound
        attributes: dict[str, str | int | bool] = {
            "messaging.message.id": event.id.hex(),
            "messaging.message.conversation_id": conversation_id(
                inbound.recipient, inbound.sender
            ).hex(),
            "cooee.repeated": not event.is_new,
        }
        now = self._clock.now()
        start = min(inbound.received_at, now)
        span = _Span("text received", start, now, attributes, SpanKind.CONSUMER)
        self._emit(event.id, span)

    def _note_turn(self, event: events.HandlerStarted | events.HandlerRan) -> None:
        claim, pending, now = event.claim, event.pending, self._clock.now()
        text_id = b"" if pending is None else pending.id
        with self._lock:
            key = (claim.conversation, claim.lease_id)
            spans = self._claims.get(key) or _remember(self._claims, key, _ClaimSpans())
            if isinstance(event, events.HandlerStarted):
                # a turn that needs a commit first calls its handler anew
                spans.started.setdefault(text_id, (now, event.handler.name))
                return
            start, handler = spans.started.pop(text_id, (now, ""))
            attributes = _turn_attributes(claim, pending, handler)
            error = "" if event.error is None else type(event.error).__name__
            span = _Span("turn", start, now, attributes, error=error)
            spans.ended.append((text_id, span))

    def _end_claim(self, claim: Claim, error: str) -> None:
        """Make the spans of a claim's turns, which are committed, or dropped for a reason."""
        with self._lock:
            spans = self._claims.pop((claim.conversation, claim.lease_id), None)
        now = self._clock.now()
        for text_id, span in () if spans is None else spans.ended:
            ended = msgspec.structs.replace(span, end=now, error=span.error or error)
            self._emit(text_id, ended)

    # Texts out

    def _end_attempt(self, event: events.AttemptRecorded) -> None:
        with self._lock:
            finished = self._attempt_ends.pop(event.outbound.id, None)
        span = self._span_out(
            "send attempt",
            event.outbound,
            event.status,
            SpanKind.PRODUCER,
            http_status=0 if finished is None else finished.http_status,
            error="" if finished is None else finished.error,
        )
        call_in_loop(self._edge, self._add_span_out, event.outbound.id, span)

    def _span_out(
        self,
        name: str,
        outbound: Outbound,
        status: Status,
        kind: SpanKind,
        *,
        http_status: int = 0,
        error: str = "",
    ) -> _Span:
        """Return a span of a text out, from the attempt's beginning until now."""
        now = self._clock.now()
        status_name = status.name.lower()
        attributes: dict[str, str | int | bool] = {
            "messaging.message.id": outbound.id,
            "messaging.message.conversation_id": outbound.id.partition("-")[0],
            "cooee.attempt": outbound.attempt,
            "cooee.status": status_name,
            "cooee.segments": split_into_segments(outbound.text).segment_count,
        }
        if http_status:
            attributes["http.response.status_code"] = http_status
        start = now if outbound.at is None else min(outbound.at, now)
        error = error or (status_name if status in _FAILURES else "")
        return _Span(name, start, now, attributes, kind, error)

    def _add_span_out(self, id: str, span: _Span | None) -> None:
        """Make a span of a text out, once its trace is known; None: read the trace beforehand."""
        if span is not None and id in self._traces:
            self._emit(self._traces[id], span)
        elif len(self._waiting) < _MAX_REMEMBERED:
            self._waiting.append((id, span))
            if not self._is_reading:
                self._is_reading = True
                self._tasks.start(self._read_traces())

    async def _read_traces(self) -> None:
        """Read which texts the waiting ones answer, many at once."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._remember_traces({id for id, _ in waiting if id not in self._traces})
                for id, span in waiting:
                    if span is not None:
                        self._emit(self._traces.get(id) or _own_trace(id), span)
        finally:
            self._is_reading = False

    async def _remember_traces(self, ids: Collection[str]) -> None:
        try:
            answered = await self._store.answered_texts(list(ids)) if ids else {}
        except CooeeError:  # a span counts more than its place, and the next is read for anew
            return
        for id in ids:
            # delivery rule 33: derived from what every process can know
            _remember(self._traces, id, answered.get(id) or _own_trace(id))

    def _emit(self, text_id: bytes, span: _Span) -> None:
        """Hand a span to OpenTelemetry; without a text it begins a trace of its own."""
        made = self._tracer.start_span(
            span.name,
            context=_parent(text_id) if text_id else Context(),
            kind=span.kind,
            attributes={**self._common, **span.attributes},
            start_time=_nanoseconds(span.start),
        )
        if span.error:
            made.set_attribute("error.type", span.error)
            made.set_status(trace.StatusCode.ERROR)
        made.end(_nanoseconds(span.end))


def start_tracing(
    service_events: events.Events, store: Store, clock: Clock, provider: str
) -> Tracing:
    """Trace a service's events by the tracer provider that this process has, or will have."""
    tracing = Tracing(trace.get_tracer("cooee"), store, clock, provider)
    service_events.subscribe(tracing.on_event)
    return tracing


def warn_if_unheard() -> None:
    """Warn where no tracer provider is set, so that nothing exports the spans."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        log_event(
            "tracing-unheard",
            logging.WARNING,
            note="COOEE_TRACING is set, and nothing exports the spans. Start cooee by"
            " opentelemetry-instrument, or set a tracer provider in the app.",
        )


def _remember(memory: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Keep a value, and no more than so many: the oldest is forgotten."""
    memory[key] = value
    if len(memory) > _MAX_REMEMBERED:
        del memory[next(iter(memory))]
    return value


def _turn_attributes(claim: Claim, pending: PendingText | None, handler: str) -> _Attributes:
    attributes: dict[str, str | int | bool] = {
        "messaging.message.conversation_id": claim.conversation.hex(),
        "cooee.attempt": claim.attempt,
    }
    if pending is not None:
        attributes["messaging.message.id"] = pending.id.hex()
    if handler:
        attributes["cooee.handler"] = handler
    return attributes


def _parent(text_id: bytes) -> Context:
    """Return the context of a text's trace, the same in every process.

    The parent of its spans is the text itself, which is no span of any process.
    """
    context = trace.SpanContext(
        trace_id=int.from_bytes(text_id),
        span_id=int.from_bytes(text_id[:8]) or 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context), Context())


def _own_trace(outbound_id: str) -> bytes:
    """Return the trace of a text that answers none."""
    return blake2b(outbound_id.encode(), digest_size=16).digest()


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1_000
