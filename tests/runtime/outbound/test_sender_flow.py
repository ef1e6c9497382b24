"""Many texts at once: few commits, as many sends as are allowed, one at a time for a person."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.errors import StorageError, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Priority
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import NewOutbound, ProactiveOutbound
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"


def person(n):
    return f"+6149157{n:04}"


class Company:
    """A provider that answers in rounds: all sends that are under way at once."""

    name = "company"
    settings = ()

    def __init__(self, concurrency=None):
        self.features = Features(
            polling=None, push=True, receipts="none", max_text=1600, concurrency=concurrency
        )
        self.rounds, self.sent, self.under_way = [], [], []
        self.overlaps, self.failing = 0, 0

    def login(self):
        return Credentials("none")
        yield

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(OURS, "elsewhere")
        yield

    def send(self, outbound, credentials):
        body = f"{outbound.recipient} {outbound.text}".encode()
        response = yield Request(method="POST", url="https://company.example", body=body)
        if response.status != 200:
            raise TemporaryFailure("slow down", status=response.status)
        return Accepted(outbound.id)

    async def transport(self, request):
        recipient, text = request.body.decode().split(" ", 1)
        self.overlaps += any(recipient == other for other, _, _ in self.under_way)
        answer = asyncio.get_running_loop().create_future()
        self.under_way.append((recipient, text, answer))
        return Response(status=await answer)

    async def answer_round(self, size):
        """Answer all at once, when so many are under way; fails where more come."""
        while len(self.under_way) < size:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert len(self.under_way) == size
        sends, self.under_way = self.under_way, []
        for recipient, text, answer in sends:
            self.sent.append((recipient, text))
            answer.set_result(429 if self.failing else 200)

    async def close(self):
        pass


class Transport:
    def __init__(self, company):
        self._company = company

    async def __call__(self, request):
        return await self._company.transport(request)

    async def close(self):
        pass


class Counting:
    """A store that counts its verbs."""

    def __init__(self, store):
        self._store, self.calls, self.results = store, Counter(), []

    def __getattr__(self, name):
        verb = getattr(self._store, name)

        def counted(*args, **options):
            self.calls[name] += 1
            return verb(*args, **options)

        return counted

    async def record_results(self, results):
        self.calls["record_results"] += 1
        self.results.append(len(results))
        return await self._store.record_results(results)


@asynccontextmanager
async def sending(tmp_path, company, texts, **options):
    """A service that sends queued texts, given as (person, words)."""
    clock = RealClock()
    store = Counting(await SQLite.open(tmp_path / "out.db", now=clock.now))
    await store.enqueue(
        [
            ProactiveOutbound(OURS, person(n), NewOutbound(text=words, priority=Priority.REPLY))
            for n, words in texts
        ]
    )
    service = Service(
        App(), company, store, Transport(company), clock, options=ServiceOptions(**options)
    )
    async with asyncio.timeout(60), service:
        await service.connect()
        yield store


async def until_recorded(store, count):
    while sum(store.results) < count:
        await asyncio.sleep(0.001)


async def test_texts_that_are_answered_together_share_their_commits(tmp_path):
    company = Company(concurrency=16)
    async with sending(tmp_path, company, [(n, "hello") for n in range(64)]) as store:
        for _ in range(4):
            await company.answer_round(16)
        await until_recorded(store, 64)
        # a round of 16 texts: one commit before them, and one or two after, not two for each text
        assert len(store.results) <= 8
        assert store.calls["take"] <= 4 + len(store.results) + 1
    assert len(set(company.sent)) == 64


@pytest.mark.parametrize(
    ("stated", "setting", "expected"), [(None, None, 16), (2, None, 2), (2, 5, 5), (None, 3, 3)]
)
async def test_the_provider_or_the_setting_bounds_what_is_under_way(
    tmp_path, stated, setting, expected
):
    company = Company(stated)
    texts = [(n, "hello") for n in range(40)]
    async with sending(tmp_path, company, texts, concurrency=setting) as store:
        await company.answer_round(expected)
        await until_recorded(store, expected)
        company.failing = 1
        while not company.under_way:
            await asyncio.sleep(0.001)
        for _, _, answer in company.under_way:
            answer.set_result(200)


async def test_a_provider_that_refuses_gets_fewer_at_once_and_then_more_again(tmp_path):
    company = Company()
    async with sending(tmp_path, company, [(n, "hello") for n in range(200)]) as store:
        company.failing = 1
        await company.answer_round(16)
        company.failing = 0
        await company.answer_round(8)
        await company.answer_round(9)
        await until_recorded(store, 33)
        while not company.under_way:
            await asyncio.sleep(0.001)
        for _, _, answer in company.under_way:
            answer.set_result(200)


async def test_one_persons_texts_stay_in_order_and_one_at_a_time(tmp_path):
    company = Company()
    texts = [(n % 4, f"text {n}") for n in range(40)]
    async with sending(tmp_path, company, texts) as store:
        for _ in range(10):
            await company.answer_round(4)
        await until_recorded(store, 40)
    assert company.overlaps == 0
    for n in range(4):
        said = [text for recipient, text in company.sent if recipient == person(n)]
        assert said == [f"text {m}" for m in range(n, 40, 4)]


async def test_a_result_that_the_database_refuses_fails_alone(tmp_path):
    company = Company(concurrency=4)
    async with sending(tmp_path, company, [(n, "hello") for n in range(4)]) as store:
        record, refused = store._store.record_results, person(2)

        async def refuse_one(results):
            if any(one.outbound.recipient == refused and one.provider_id for one in results):
                raise StorageError("It cannot be stored.")
            return await record(results)

        store._store.record_results = refuse_one
        await company.answer_round(4)
        while (await store.counts()).sending:
            await asyncio.sleep(0.001)
        statuses = {n: (await store.history(OURS, person(n), 1))[0].status for n in range(4)}
    assert statuses == {0: "accepted", 1: "accepted", 2: "unknown", 3: "accepted"}
