"""Several processes of one app: who polls, who sends, who runs turns, and by which code."""

from __future__ import annotations

from functools import partial

import pytest
from support.virtual_cluster import HOLD_S, Cluster

from cooee import App
from cooee.core.http_messages import Request
from cooee.runtime import wiring
from cooee.runtime.number_hold import NumberHold
from cooee.runtime.roles import Role

ANNA, BEN = "+61491570156", "+61491570157"


def echo(version=""):
    app = App(version=version)

    @app.otherwise
    def other(chat):
        return f"You said {chat.text}."

    return app


@pytest.fixture
async def cluster(tmp_path, monkeypatch):
    async with Cluster(tmp_path, switches=("pop",)) as cluster:
        elapsed_s = lambda: cluster.clock.now().timestamp()  # noqa: E731 -- the virtual monotonic()
        monkeypatch.setattr(wiring, "NumberHold", partial(NumberHold, elapsed_s=elapsed_s))
        yield cluster


def polls_of(service):
    return [url for method, url in service.requests if method == "GET" and "/inbox" in url]


def sends_of(service):
    return [url for method, url in service.requests if method == "POST" and "/texts" in url]


async def test_a_text_passes_from_role_to_role(cluster):
    await cluster.start("poller", echo(), {Role.POLLER})
    worker = await cluster.start("worker", echo(), {Role.WORKER})
    sender = await cluster.start("sender", echo(), {Role.SENDER})
    assert await cluster.text(ANNA, "hello") == ["You said hello."]
    assert sends_of(sender)
    assert sends_of(worker) == polls_of(worker) == polls_of(sender) == []


async def test_webhooks_are_for_the_role_web_alone(cluster):
    worker = await cluster.start("worker", echo(), {Role.WORKER}, push=True)
    for path, status in [("/health", 200), ("/simulated/x/inbound", 404), ("/send", 404)]:
        cluster.webhooks.apps["https://worker.test"] = worker.endpoints
        method = "GET" if path == "/health" else "POST"
        response = await cluster.webhooks(Request(method=method, url=f"https://worker.test{path}"))
        assert response.status == status
    await cluster.start("web", echo(), {Role.WEB}, push=True)
    await cluster.start("sender", echo(), {Role.SENDER}, push=True)
    cluster.webhooks.apps["https://texts.test"] = cluster.processes["web"].endpoints
    assert await cluster.text(ANNA, "hello") == ["You said hello."]


async def test_a_number_is_read_by_one_process(cluster):
    first = await cluster.start("first", echo())
    second = await cluster.start("second", echo())
    assert await cluster.text(ANNA, "hello", 10) == ["You said hello."]
    assert polls_of(first)
    assert polls_of(second) == []
    await cluster.stop("first")
    assert await cluster.text(ANNA, "again") == ["You said hello.", "You said again."]
    assert polls_of(second)


async def test_a_number_whose_reader_died_is_read_again_within_five_seconds(cluster):
    first = await cluster.start("first", echo())
    second = await cluster.start("second", echo())
    await cluster.text(ANNA, "hello")
    first.store.is_dead = True
    count = len(polls_of(first))
    await cluster.clock.advance(5)
    assert polls_of(second)
    # the one that cannot hold the number any more has stopped by itself before that
    read_at_most = HOLD_S + 1
    assert len(polls_of(first)) - count <= read_at_most
    last = len(polls_of(first))
    assert await cluster.text(BEN, "anybody?") == ["You said anybody?."]
    assert len(polls_of(first)) == last


async def test_a_login_that_outlasts_the_hold_reads_nothing(cluster):
    first = await cluster.start("first", echo())
    await cluster.start("second", echo())
    log_in, session = first.session._valid_credentials, first.session

    async def slowly(instead_of=None):
        await cluster.clock.sleep(HOLD_S + 2)
        return await log_in(instead_of)

    session._valid_credentials = slowly
    await cluster.clock.advance(0.5)  # a poll has begun, and logs in
    first.store.is_dead, count = True, len(polls_of(first))
    await cluster.clock.advance(HOLD_S + 10)
    assert len(polls_of(first)) == count
    assert await cluster.text(ANNA, "hello") == ["You said hello."]


async def test_replies_are_sent_by_one_process_at_a_time(cluster):
    first = await cluster.start("first", echo())
    second = await cluster.start("second", echo())
    for words in ("one", "two"):
        await cluster.text(ANNA, words)
    assert (len(sends_of(first)), len(sends_of(second))) == (2, 0)
    await cluster.stop("first")
    assert (await cluster.text(ANNA, "three"))[-1] == "You said three."
    assert len(sends_of(second)) == 1


def booking(version):
    """An app whose second version asks one thing more."""
    app = App(version=version)
    app.played = []

    @app.dialogue("BOOK")
    async def book(chat):
        app.played.append(chat.text)
        name = await chat.ask("What's your name?")
        day = await chat.ask("Which day?") if version == "2" else "Friday"
        party = await chat.ask("For how many?")
        return f"{party} on {day}, {name}."

    return app


async def test_a_dialogue_that_newer_code_has_moved_is_not_played_by_older_code(cluster):
    old, new = booking("1"), booking("2")
    first, second = await cluster.start("old", old), await cluster.start("new", new)
    first.store.is_idle = True
    await cluster.text(ANNA, "BOOK")
    assert (await cluster.text(ANNA, "Anna"))[-1] == "Which day?"
    first.store.is_idle, second.store.is_idle = False, True
    await cluster.text(ANNA, "Friday")  # claimed by the old code, and handed over
    await cluster.text(BEN, "BOOK")  # which plays what is its own
    assert old.played == ["BOOK"]
    assert cluster.inbox(ANNA)[-1] == "Which day?"
    second.store.is_idle = False
    await cluster.clock.advance(2)
    assert cluster.inbox(ANNA)[-1] == "For how many?"
    assert (await cluster.text(BEN, "Ben"))[-1] in {"Which day?", "For how many?"}


async def test_nobody_is_stranded_where_newer_code_is_rolled_back(cluster):
    old, new = booking("1"), booking("2")
    first, _ = await cluster.start("old", old), await cluster.start("new", new)
    first.store.is_idle = True
    await cluster.text(ANNA, "BOOK")
    assert (await cluster.text(ANNA, "Anna"))[-1] == "Which day?"
    first.store.is_idle = False
    await cluster.stop("new")
    # the question is no longer there, so its answer is no answer to another
    assert (await cluster.text(ANNA, "Friday"))[-1] == "For how many?"
    assert (await cluster.text(ANNA, "4"))[-1] == "4 on Friday, Anna."


async def test_older_code_leaves_the_timers_of_newer_code_alone(cluster):
    old, new = booking("1"), booking("2")
    first = await cluster.start("old", old, {Role.WORKER, Role.POLLER, Role.SENDER})
    first.store.is_idle = True
    await cluster.start("new", new)
    await cluster.text(ANNA, "BOOK")
    await cluster.clock.advance(10)
    version = cluster.processes["new"].context.code_version()
    assert await cluster.shared.store.are_timers_of(version)
    await cluster.start("old again", old)  # a crash, and its supervisor
    await cluster.clock.advance(10)
    assert await cluster.shared.store.are_timers_of(version)
