"""Spans: one trace for each text, in whichever processes its steps are taken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode
from support.virtual_cluster import Cluster

from cooee import App
from cooee.core.errors import StoreUnavailable
from cooee.runtime.roles import Role
from cooee.runtime.tracing import Tracing, _own_trace, warn_if_unheard
from cooee.testing.kit import Kit

ANNA = "+61491570156"
STEPS = ["receipt", "send attempt", "text received", "turn"]


def echo() -> App:
    app = App()

    @app.on("FAIL")
    def fail(chat) -> str:
        raise ValueError(chat.text)

    @app.dialogue("BOOK")
    async def book(chat) -> str:
        name = await chat.ask("What is your name?")
        await chat.sleep(timedelta(days=1))
        return f"See you, {name}."

    @app.otherwise
    def other(chat) -> str:
        return f"You said {chat.text}."

    return app


def traced(service, sampler=None):
    """Trace a service; return the exporter of its spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    outside = (service.store, service.clock, service.provider.name)
    tracing = Tracing(provider.get_tracer("cooee"), *outside)
    service.events.subscribe(tracing.on_event)
    exporter.tracing = tracing
    return exporter


def trace_ids(spans):
    return {span.context.trace_id for span in spans}


def named(exporter, name):
    return [span for span in exporter.get_finished_spans() if span.name == name]


@asynccontextmanager
async def traced_kit(**options):
    async with Kit(echo()) as kit:
        yield kit, traced(kit.service, **options)


async def test_one_text_across_three_processes_is_one_trace(tmp_path):
    async with Cluster(tmp_path) as cluster:
        roles = ({Role.WEB}, {Role.WORKER}, {Role.SENDER})
        services = [await cluster.start(str(n), echo(), r, push=True) for n, r in enumerate(roles)]
        cluster.webhooks.apps["https://texts.test"] = services[0].endpoints
        exporters = web, worker, sender = [traced(service) for service in services]
        assert await cluster.text(ANNA, "hello", 60) == ["You said hello."]
        assert await cluster.text(ANNA, "again", 60) == ["You said hello.", "You said again."]
    by_process = [sorted({s.name for s in one.get_finished_spans()}) for one in exporters]
    assert by_process == [["receipt", "text received"], ["turn"], ["send attempt"]]
    spans = [span for one in exporters for span in one.get_finished_spans()]
    traces = [
        sorted(span.name for span in spans if span.context.trace_id == id)
        for id in sorted(trace_ids(spans))
    ]
    assert traces == [STEPS, STEPS]
    [first, _] = named(web, "text received")
    id = first.attributes["messaging.message.id"]
    assert first.context.trace_id == int(id, 16)
    conversations = {span.attributes["messaging.message.conversation_id"] for span in spans}
    assert len(conversations) == 1
    assert named(worker, "turn")[0].attributes["messaging.message.id"] == id
    assert named(sender, "send attempt")[0].attributes["cooee.status"] == "accepted"


async def test_spans_say_how_long_each_step_took():
    async with traced_kit() as (kit, exporter):
        began = kit.clock.now()
        await kit.phone().text("x" * 200)
        await kit.wait(60)
        spans = {span.name: span for span in exporter.get_finished_spans()}
    assert sorted(spans) == STEPS
    received, turn, attempt, receipt = (
        spans[name] for name in ("text received", "turn", "send attempt", "receipt")
    )
    assert turn.attributes["cooee.handler"].endswith("other")
    assert turn.attributes["cooee.attempt"] == attempt.attributes["cooee.attempt"] == 1
    assert attempt.attributes["cooee.segments"] == 2
    assert receipt.attributes["cooee.status"] == "delivered"
    assert {span.attributes["messaging.system"] for span in spans.values()} == {"simulated"}
    assert began.timestamp() * 1e9 <= received.start_time <= turn.start_time <= attempt.start_time
    assert all(span.start_time <= span.end_time for span in spans.values())
    assert attempt.start_time <= receipt.end_time
    kinds = (received.kind, turn.kind, attempt.kind, receipt.kind)
    assert kinds == (SpanKind.CONSUMER, SpanKind.INTERNAL, SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert len({span.parent.span_id for span in spans.values()}) == 1


async def test_no_span_shows_a_number_or_a_text():
    async with traced_kit() as (kit, exporter):
        anna = kit.phone()
        for words in ("a secret", "FAIL", "BOOK", "Rumpelstiltskin", "STOP"):
            await anna.text(words)
        await kit.wait(timedelta(days=2))
        shown = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert len(exporter.get_finished_spans()) > 10
    for private in (anna.number, anna.number[1:], kit.number[1:], "secret", "Rumpel", "You said"):
        assert private not in shown


async def test_each_try_of_a_turn_is_a_span_with_its_error():
    async with traced_kit() as (kit, exporter):
        await kit.phone().text("FAIL")
        await kit.wait(timedelta(hours=1))
    turns = named(exporter, "turn")
    assert [span.attributes["cooee.attempt"] for span in turns] == [1, 2, 3, 4, 5]
    assert {span.attributes["error.type"] for span in turns} == {"ValueError"}
    assert {span.status.status_code for span in turns} == {StatusCode.ERROR}
    assert {span.status.description for span in turns} == {None}
    assert trace_ids(turns) == trace_ids(named(exporter, "text received"))


async def test_a_text_that_answers_none_has_a_trace_of_its_own():
    async with traced_kit() as (kit, exporter):
        anna = kit.phone()
        await anna.text("hello")
        id = await kit.app.send(anna.number, "News.")
        await kit.wait(60)
    attempt = named(exporter, "send attempt")[-1]
    assert attempt.attributes["messaging.message.id"] == id
    own = int.from_bytes(_own_trace(id))
    assert trace_ids([attempt, named(exporter, "receipt")[-1]]) == {own}


async def test_an_answer_to_a_question_is_in_the_trace_of_the_answer_not_of_the_question():
    async with traced_kit() as (kit, exporter):
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")
        assert await kit.wait(timedelta(days=2)) is None
        assert anna.inbox[-1] == "See you, Anna."
    book, answer = (s.context.trace_id for s in named(exporter, "text received"))
    asked, reminder = (s.context.trace_id for s in named(exporter, "send attempt"))
    turns = [s.context.trace_id for s in named(exporter, "turn")]
    assert asked == book
    assert turns[:2] == [book, answer]
    assert len({book, answer, turns[2], reminder}) == 4


async def test_every_process_samples_the_same_texts():
    """A ratio of OpenTelemetry's sampler is decided by the trace's id, which all know."""
    async with traced_kit(sampler=TraceIdRatioBased(0.5)) as (kit, exporter):
        for _ in range(20):
            await kit.phone().text("hello")
        await kit.wait(60)
    spans = exporter.get_finished_spans()
    assert 0 < len(trace_ids(spans)) < 20
    for id in trace_ids(spans):
        assert sorted(s.name for s in spans if s.context.trace_id == id) == STEPS


async def test_a_database_that_is_away_costs_the_place_and_not_the_span(monkeypatch):
    async def away(_):
        raise StoreUnavailable("It went away.")

    async with traced_kit() as (kit, exporter):
        monkeypatch.setattr(kit.store, "answered_texts", away)
        await kit.phone().text("hello")
        await kit.wait(60)
    assert sorted(span.name for span in exporter.get_finished_spans()) == STEPS


async def test_a_moment_without_the_database_costs_no_later_span_its_place(monkeypatch):
    async with traced_kit() as (kit, exporter):
        read, calls = kit.store.answered_texts, []

        async def away_at_first(ids):
            calls.append(ids)
            if len(calls) == 1:
                raise StoreUnavailable("It went away.")
            return await read(ids)

        monkeypatch.setattr(kit.store, "answered_texts", away_at_first)
        await kit.phone().text("hello")
        await kit.wait(60)
    assert len(calls) == 2
    assert len(trace_ids(exporter.get_finished_spans())) == 1


async def test_what_never_ends_is_forgotten(monkeypatch):
    monkeypatch.setattr("cooee.runtime.tracing._MAX_REMEMBERED", 3)
    async with traced_kit() as (kit, exporter):
        for _ in range(5):
            await kit.phone().text("hello")
        tracing = exporter.tracing
        assert len(tracing._traces) == 3
        assert tracing._claims == tracing._attempt_ends == {}
        assert tracing._waiting == []


def test_spans_that_nothing_exports_are_noticed(caplog):
    with caplog.at_level(logging.WARNING, "cooee"):
        warn_if_unheard()
    assert "tracing-unheard" in caplog.text


OFF = """
import asyncio, os, sys
from cooee import App
from cooee.cli.commands import run
from cooee.runtime.asgi import running_service
from cooee.runtime.settings import read_settings

async def main():
    async with running_service(App(), read_settings(os.environ)) as service:
        print(len(service.events._listeners), any("opentelemetry" in name for name in sys.modules))

asyncio.run(main())
"""


def of_a_process(tmp_path, **settings):
    environment = {**os.environ, "COOEE_PROVIDER": "simulated", **settings}
    command = [sys.executable, "-c", OFF]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_off_nothing_is_imported_and_nothing_listens(tmp_path):
    off, on = of_a_process(tmp_path), of_a_process(tmp_path, COOEE_TRACING="yes")
    assert off[1] == "False"
    assert on == [str(int(off[0]) + 1), "True"]
