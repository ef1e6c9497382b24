"""Logins, readings and sends against the company in the simulator, with everything that goes wrong."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.errors import OptedOut, PermanentFailure
from cooee.core.messages import Status
from cooee.net.http_client import InProcessClient
from cooee.runtime.service import Service
from cooee.storage import NewOutbound, ProactiveOutbound
from cooee.storage.sqlite.store import SQLite
from cooee.storage.summaries import TROUBLED
from cooee.testing import Kit

READ, SEND, TOKEN = "GET /messages/sms", "POST /messages/sms", "POST /oauth/token"


def echo(**options):
    app = App(**options)

    @app.otherwise
    def back(chat):
        return f"You said {chat.text}"

    return app


class Wiretap:
    """Counts the calls that reach the simulator, and looks on at each."""

    def __init__(self, kit, look=lambda call: None):
        self.calls, self._look = Counter(), look
        wire = kit.service.session._transport
        ((self._base, self._app),) = wire.apps.items()
        wire.apps[self._base] = self._hear

    async def _hear(self, scope, receive, send):
        call = f"{scope['method']} {scope['path'].removeprefix('/telstra/v2').removeprefix('/simulated/v1')}"
        self.calls[call] += 1
        self._look(call)
        await self._app(scope, receive, send)


def telstra(app, **options):
    return Kit(app, provider="telstra-v2", push=False, **options)


# Logins


async def test_a_token_is_renewed_before_it_ends_and_shared_by_everybody():
    async with telstra(echo(), poll_interval=30) as kit:
        tap = Wiretap(kit)
        await kit.wait(timedelta(hours=3, minutes=30))
        assert tap.calls[TOKEN] == 3, "one an hour, and the first was before we listened"
        assert kit.service._poller.trouble == ""


async def test_a_refused_token_is_renewed_once_and_the_call_repeated():
    async with telstra(echo()) as kit:
        tap = Wiretap(kit)
        kit.fault("expire-token", on=SEND)
        assert await kit.phone().text("hi") == ["You said hi"]
        assert (tap.calls[TOKEN], tap.calls[SEND]) == (1, 2)


async def test_many_refusals_at_once_cost_one_login():
    async with telstra(echo()) as kit:
        tap = Wiretap(kit)
        account = kit.service.session
        account._credentials = type(account._credentials)("stale")
        await asyncio.gather(*[account.subscribe() for _ in range(20)])
        assert tap.calls[TOKEN] == 1


async def test_wrong_keys_are_said_at_once_and_nothing_is_tried_for_ever(tmp_path):
    from cooee.providers.telstra_v2.adapter import TelstraV2
    from cooee.simulator import Simulator

    clock = VirtualClock()
    box = "http://127.0.0.1:8400"
    simulator = Simulator(
        clock, InProcessClient(clock, {}), client_id="right", client_secret="right"
    )
    told = {
        "TELSTRA_CLIENT_ID": "wrong",
        "TELSTRA_CLIENT_SECRET": "w",
        "TELSTRA_BASE_URL": f"{box}/telstra/v2",
    }
    store = await SQLite.open(tmp_path / "wrong.db", now=clock.now)
    wire = InProcessClient(clock, {box: simulator.app})
    async with Service(echo(), TelstraV2(told), store, wire, clock) as service:
        with pytest.raises(PermanentFailure, match="TELSTRA_CLIENT_ID"):
            await service.connect()
    await simulator.close()


async def test_a_company_that_is_down_at_the_start_is_tried_until_it_is_there():
    kit = telstra(echo())
    kit.fault("error-503", 3, on=TOKEN)
    async with kit:
        await kit.wait(60)
        assert await kit.phone().text("hi") == ["You said hi"]


# Readings


async def test_each_text_is_on_disk_before_the_next_is_asked_for():
    async with telstra(echo()) as kit:
        seen = []

        def look(call):
            if call == READ:
                with closing(sqlite3.connect(kit._database_path)) as database, database:
                    seen.append(database.execute("select count(*) from inbound").fetchone()[0])

        phone = kit.phone()
        for n in range(20):
            kit.send(phone, f"text {n}")
        Wiretap(kit, look)
        await kit.quiet()
        assert seen[:21] == list(range(21))


async def test_reading_goes_on_while_an_answer_takes_its_time():
    app, gate = App(), asyncio.Event()

    @app.otherwise
    async def wait(chat):
        await gate.wait()
        return "done"

    async with telstra(app) as kit:
        tap = Wiretap(kit)
        phones = [kit.phone() for _ in range(5)]
        for phone in phones:
            kit.send(phone, "hi")
        quiet = asyncio.create_task(kit.quiet())
        wire = kit.clock
        while (await kit.store.counts()).pending < 5:
            await wire.jump_to_next_timer(
                wire.now() + timedelta(seconds=2)
            ) if wire._busy_tasks == set() else await asyncio.sleep(0.001)
        assert tap.calls[READ] >= 5
        gate.set()
        await quiet
        assert [phone.inbox for phone in phones] == [["done"]] * 5


@pytest.mark.parametrize("fault", ["error-500", "error-503", "garbage", "carrier-down", "throttle"])
async def test_a_poller_backs_off_and_never_dies(fault):
    async with telstra(echo()) as kit:
        tap = Wiretap(kit)
        kit.fault(fault, 6, on=READ)
        await kit.wait(10)
        assert tap.calls[READ] <= 7, "it backs off"
        await kit.wait(180)
        assert await kit.phone().text("hi") == ["You said hi"]
        assert kit.service._poller.trouble == ""


async def test_a_reading_whose_answer_was_lost_is_counted_since_it_may_have_held_a_text():
    async with telstra(echo()) as kit:
        kit.fault("lose-answer", on=READ)
        await kit.wait(5)
        assert (await kit.store.counts()).lost_reads == 1
        assert await kit.phone().text("hi") == ["You said hi"]


async def test_an_unclean_end_is_counted():
    async with telstra(echo()) as kit:
        await kit.restart()
        assert (await kit.store.counts()).unclean_exits == 0


@pytest.mark.parametrize("switch", ["pop", "cursor", "confirm"])
async def test_every_way_of_reading_brings_every_text_once(switch):
    async with Kit(echo(), push=False, switches=[switch]) as kit:
        phone = kit.phone()
        for n in range(60):
            kit.send(phone, f"{n}")
        await kit.quiet()
        await kit.restart()
        await kit.wait(10)
        assert phone.inbox == [f"You said {n}" for n in range(60)]


async def test_a_first_start_on_a_log_begins_now_and_never_with_history():
    kit = Kit(echo(), push=False, switches=["cursor"])
    phone = kit.phone()
    await kit.clock.advance(10)
    kit.simulator.network.send_from_phone(phone.number, "+61491570006", "before we were there")
    async with kit:
        await kit.wait(30)
        assert phone.inbox == []
        assert await phone.text("now") == ["You said now"]


# Sends


async def test_a_text_that_the_company_refuses_for_good_has_failed_with_its_code():
    app, heard = echo(sorry=None), []
    app.on_failed(lambda outbound: heard.append(outbound.recipient))
    async with telstra(app) as kit:
        short = ProactiveOutbound(kit.number, "61400", NewOutbound(text="hello"))
        await kit.store.enqueue([short])  # no number, which `send` would refuse at the call
        kit.service.parts.senders.wake_all()
        await kit.quiet()
        census = await kit.store.counts()
        assert (census.failed, census.queued) == (1, 0)
        (thread,) = await kit.store.conversations()
        (entry,) = await kit.store.history(kit.number, thread.theirs, 9)
        assert entry.status == "failed"
        assert "TO-MSISDN-NOT-VALID" in entry.error + " ".join(entry.notes)
        assert len(heard) == 1


@pytest.mark.parametrize("fault", ["error-500", "error-503", "throttle", "carrier-down"])
async def test_a_send_that_failed_for_now_is_made_again_and_arrives_once(fault):
    lost = fault == "carrier-down"  # dropped without an answer: nobody can know
    async with telstra(echo(unknown="resend" if lost else "hold")) as kit:
        phone = kit.phone()
        kit.fault(fault, 2, on=SEND)
        kit.send(phone, "hi")
        await kit.quiet()
        await kit.wait(300)
        assert phone.inbox == ["You said hi"]


async def test_later_texts_to_a_person_wait_for_the_one_that_is_tried_again():
    async with telstra(echo()) as kit:
        phone = kit.phone()
        kit.fault("error-503", 1, on=SEND)
        kit.send(phone, "one")
        kit.send(phone, "two")
        await kit.wait(60)
        assert phone.inbox == ["You said one", "You said two"]


async def test_a_lost_answer_is_held_and_listed_and_blocks_nobody():
    async with telstra(echo()) as kit:
        phone = kit.phone()
        kit.fault("lose-answer", on=SEND)
        await phone.text("one")
        assert await phone.text("two") == ["You said two"]
        await kit.wait(timedelta(hours=1))
        (thread,) = await kit.store.conversations(TROUBLED)
        assert (thread.theirs, thread.unknown) == (phone.number, 1)
        assert phone.inbox == ["You said one", "You said two"], "it had arrived, and once"


async def test_a_lost_answer_is_sent_again_where_the_app_says_so():
    async with telstra(echo(unknown="resend")) as kit:
        phone = kit.phone()
        kit.fault("lose-answer", on=SEND)
        kit.send(phone, "one")
        await kit.wait(60)
        assert phone.inbox == ["You said one", "You said one"]
        notes = (await kit.store.history(kit.number, phone.number, 9))[-1].notes
        assert any("attempt 1" in note for note in notes), "the doubt is listed all the same"


@pytest.mark.parametrize("switch", ["lookup", "idempotency"])
@pytest.mark.parametrize("fault", ["lose-answer", "carrier-down"])
async def test_a_company_that_can_be_asked_settles_every_doubt(switch, fault):
    async with Kit(echo(), switches=["pop", switch]) as kit:
        phone = kit.phone()
        kit.fault(fault, on="POST /texts")
        kit.send(phone, "one")
        await kit.wait(60)
        kit.send(phone, "two")
        await kit.wait(60)
        assert phone.inbox == ["You said one", "You said two"]
        assert (await kit.store.counts()).unknown == 0


@pytest.mark.parametrize("switch", ["lookup", "idempotency"])
async def test_a_doubt_that_will_soon_be_settled_keeps_the_order(switch):
    async with Kit(echo(), switches=["pop", switch]) as kit:
        phone = kit.phone()
        kit.fault("carrier-down", on="POST /texts")
        kit.send(phone, "one")
        kit.send(phone, "two")
        await kit.wait(60)
        assert phone.inbox == ["You said one", "You said two"]


async def test_a_receipt_settles_a_lost_answer():
    async with Kit(echo(), provider="telstra-v2") as kit:
        phone = kit.phone()
        kit.fault("lose-answer", on=SEND)
        await phone.text("one")
        await kit.wait(60)
        (entry,) = [
            e for e in await kit.store.history(kit.number, phone.number, 9) if e.direction == "out"
        ]
        assert entry.status == "delivered"
        assert (await kit.store.counts()).unknown == 0


async def test_where_nothing_is_pushed_the_company_is_asked_what_became_of_a_text():
    app, heard = echo(), []
    app.on_delivered(lambda outbound: heard.append(outbound.text))
    async with telstra(app, poll_interval=30) as kit:
        phone = kit.phone()
        await phone.text("hi")
        await kit.wait(timedelta(minutes=5))
        (entry,) = [
            e for e in await kit.store.history(kit.number, phone.number, 9) if e.direction == "out"
        ]
        assert entry.status == Status.DELIVERED.name.lower()
        assert heard == ["You said hi"]


async def test_a_person_who_opted_out_at_the_company_gets_nothing_and_comes_back_by_start():
    async with Kit(echo(), switches=["pop", "optout"]) as kit:
        phone = kit.phone()
        assert await phone.text("hi") == ["You said hi"]
        assert await phone.text("stop!") == []
        with pytest.raises(OptedOut):
            await kit.app.send(phone.number, "are you there?")
        await kit.quiet()
        assert phone.inbox == ["You said hi"]
        assert (await kit.store.counts()).opted_out == 1
        assert await phone.text("START") == ["You said START"]


# Our number


async def test_a_subscription_is_renewed_before_it_ends_and_a_restart_buys_no_days():
    async with telstra(echo(), poll_interval=1800) as kit:
        await kit.wait(120)  # for its first minute a number cannot be asked after
        for _ in range(5):
            await kit.restart()
        first = kit.service.subscription.expires_at - kit.clock.now()
        assert first <= timedelta(days=31), "a restart buys no days"
        await kit.wait(timedelta(days=90))
        left = kit.service.subscription.expires_at - kit.clock.now()
        assert timedelta(days=10) < left
        phone = kit.phone()
        kit.send(phone, "hi")
        await kit.wait(timedelta(hours=1))
        assert phone.inbox == ["You said hi"]


async def test_what_we_write_while_the_company_is_away_is_queued_and_goes_out_later():
    app = echo()
    async with telstra(app) as kit:
        phone = kit.phone()
        kit.fault("error-503", 4, on=TOKEN)
        await kit.stop()
        starting = asyncio.create_task(kit.start())
        while not kit._running:
            await asyncio.sleep(0.001)
        await app.send(phone.number, "news")
        await starting
        await kit.wait(120)
        assert phone.inbox == ["news"]


class Refusing:
    """Answers the provider's calls in the provider's place, with one status."""

    def __init__(self, kit, status):
        wire = kit.service.session._transport
        ((self._base, self._app),) = wire.apps.items()
        self._wire, self._status = wire, status
        wire.apps[self._base] = self._answer

    async def _answer(self, scope, receive, send):
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    def end(self):
        self._wire.apps[self._base] = self._app


@pytest.mark.parametrize("push", [True, False], ids=["push", "poll"])
@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3", "twilio", "simulated"])
@pytest.mark.parametrize("status", [401, 402, 403, 503])
async def test_health_fails_while_nothing_can_be_sent_and_no_longer(provider, push, status):
    app = echo()
    async with Kit(app, provider=provider, push=push) as kit:
        assert (await kit.service.health())[0]
        refusing = Refusing(kit, status)
        await app.send("+61491570156", "hello")
        await kit.clock.advance(3)
        is_well, report = await kit.service.health()
        assert not is_well
        assert report["sending"] not in {"ok", ""}
        refusing.end()
        await app.send("+61491570157", "hello")
        await kit.wait(600)
        assert (await kit.service.health())[1]["sending"] == "ok"


@pytest.mark.parametrize("push", [True, False], ids=["push", "poll"])
@pytest.mark.parametrize("provider", ["telstra-v2", "telstra-v3", "twilio", "simulated"])
@pytest.mark.parametrize("status", [401, 402, 403])
async def test_polling_is_well_a_minute_after_the_account_is_and_texts_are_read(
    provider, push, status
):
    async with Kit(echo(), provider=provider, push=push) as kit:
        anna = kit.phone()
        refusing = Refusing(kit, status)
        await kit.clock.advance(1_000)
        if kit.service._poller is not None and not push:
            assert (await kit.service.health())[1]["polling"] != "ok"
        refusing.end()
        await kit.clock.advance(61)
        assert (await kit.service.health())[1]["polling"] in {"ok", "off"}
        kit.send(anna, "hi")
        await kit.clock.advance(61)
        assert anna.inbox == ["You said hi"]


async def test_health_fails_where_the_subscription_cannot_be_looked_at_though_nothing_is_sent():
    async with Kit(echo(), provider="telstra-v2", push=True) as kit:
        refusing = Refusing(kit, 403)
        await kit.clock.advance(timedelta(hours=6, seconds=1))
        assert not (await kit.service.health())[0]
        refusing.end()
        await kit.clock.advance(31)
        assert (await kit.service.health())[0]
