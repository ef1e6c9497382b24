"""Metrics: what a process did, and what waits in the database, as Prometheus reads it."""

from __future__ import annotations

import re
from datetime import timedelta

from cooee import App
from cooee.core.errors import StoreUnavailable
from cooee.core.http_messages import Request
from cooee.net.http_client import InProcessClient
from cooee.runtime.metrics import Metrics, MetricsEndpoint
from cooee.testing.kit import Kit

SAMPLE = re.compile(r'cooee_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')


def echo() -> App:
    app = App()

    @app.on("FAIL")
    def fail(chat) -> str:
        raise ValueError

    @app.otherwise
    def other(chat) -> str:
        return f"You said {chat.text}."

    return app


async def scraped(kit, metrics, store=None):
    """The samples of a scrape, by name and labels."""
    endpoint = MetricsEndpoint(metrics, store or kit.store, kit.clock.now)
    client = InProcessClient(kit.clock, {"http://metrics": endpoint})
    response = await client(Request(method="GET", url="http://metrics/metrics"))
    assert response.status == 200
    samples = {}
    for line in response.body.decode().splitlines():
        if not line.startswith("# "):
            assert SAMPLE.fullmatch(line), line
            name, value = line.rsplit(" ", 1)
            assert name not in samples
            samples[name.removeprefix("cooee_")] = float(value)
    return samples


async def test_texts_turns_and_attempts_are_counted():
    async with Kit(echo()) as kit:
        metrics = Metrics(kit.clock.now)
        kit.service.events.subscribe(metrics.on_event)
        anna = kit.phone()
        await anna.text("one")
        await anna.text("two")
        await anna.text("STOP")
        await kit.wait(60)
        samples = await scraped(kit, metrics)
    assert samples["texts_received_total"] == 3
    assert samples["turns_total"] == 2
    assert samples["turn_seconds_count"] == 2
    assert samples["answer_seconds_count"] == 2
    assert samples['attempts_total{status="accepted"}'] == 2
    assert samples['opt_outs_total{consent="out"}'] == 1
    assert samples["conversations"] == 1
    assert samples["people_opted_out"] == 1
    assert samples["texts_pending"] == samples["turn_overdue_seconds"] == 0
    assert samples["up"] == 1


async def test_trouble_is_counted():
    async with Kit(echo()) as kit:
        metrics = Metrics(kit.clock.now)
        kit.service.events.subscribe(metrics.on_event)
        anna = kit.phone()
        await anna.text("FAIL")
        await kit.wait(timedelta(hours=1))
        samples = await scraped(kit, metrics)
    assert samples['turns_failed_total{end="retry"}'] == 4
    assert samples['turns_failed_total{end="set aside"}'] == 1
    assert samples["texts_set_aside"] == 1


async def test_what_waits_too_long_is_seen():
    async with Kit(echo()) as kit:
        kit.service.parts.worker.stop()
        await kit.phone().text("hello")
        await kit.wait(30)
        samples = await scraped(kit, Metrics(kit.clock.now))
    assert samples["texts_pending"] == 1
    assert samples["turn_overdue_seconds"] >= 29


async def test_buckets_count_all_below_them():
    async with Kit(echo()) as kit:
        metrics = Metrics(kit.clock.now)
        for seconds in (0.001, 0.005, 0.3, 100):
            metrics._observe("turn_seconds", seconds)
        samples = await scraped(kit, metrics)
    found = {name: value for name, value in samples.items() if name.startswith("turn_seconds")}
    assert found['turn_seconds_bucket{le="0.005"}'] == 2
    assert found['turn_seconds_bucket{le="0.25"}'] == 2
    assert found['turn_seconds_bucket{le="60"}'] == 3
    assert found['turn_seconds_bucket{le="+Inf"}'] == found["turn_seconds_count"] == 4


async def test_a_database_that_is_away_does_not_hide_the_rest():
    class Away:
        async def counts(self, *, up_to=None):
            raise StoreUnavailable("It went away.")

    async with Kit(echo()) as kit:
        samples = await scraped(kit, Metrics(kit.clock.now), Away())
    assert samples["up"] == 0
    assert samples["turn_seconds_count"] == 0


async def test_nothing_but_metrics_is_there():
    async with Kit(echo()) as kit:
        endpoint = MetricsEndpoint(Metrics(kit.clock.now), kit.store, kit.clock.now)
        client = InProcessClient(kit.clock, {"http://metrics": endpoint})
        for method, path in [("GET", "/"), ("POST", "/metrics"), ("GET", "/health")]:
            request = Request(method=method, url=f"http://metrics{path}")
            assert (await client(request)).status == 404
