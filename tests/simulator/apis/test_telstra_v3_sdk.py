"""Telstra's own Python SDK (telstra-messaging 3.3.19), every function of it, against the simulator."""

from __future__ import annotations

import asyncio
import http.client
import urllib.request
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from telstra.messaging import (
    exceptions,
    free_trial_numbers,
    health_check,
    message,
    oauth,
    reports,
    virtual_number,
)
from telstra.messaging.utils import config

from cooee.clocks.clock import VirtualClock
from cooee.simulator import run_simulator

OURS, ANNA, BEN = "0491570006", "0491570156", "0491570157"
OTHERS = [f"04915701{n}" for n in range(60, 70)]


class ToTheBox(urllib.request.HTTPSHandler):
    """Calls to https://products.api.telstra.com go to the simulator, and are otherwise as they were."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def https_open(self, request):
        assert request.host == "products.api.telstra.com"
        request.host = f"127.0.0.1:{self.port}"  # the header Host stays Telstra's
        return self.do_open(http.client.HTTPConnection, request)


@pytest.fixture
async def simulator():
    async with run_simulator(VirtualClock(datetime.now(UTC)), port=0) as (simulator, port):
        urllib.request.install_opener(urllib.request.build_opener(ToTheBox(port)))
        config.CONFIG.telstra_client_id = "ClientId"
        config.CONFIG.telstra_client_secret = "ClientSecret"
        oauth._CACHE["old_token"] = None
        yield simulator
        urllib.request.install_opener(None)


@pytest.fixture
async def number(simulator):
    return (await sdk(virtual_number.assign)).virtual_number


async def sdk(function, *args, **named):
    return await asyncio.to_thread(function, *args, **named)


def trial(simulator):
    (api,) = (api for api in simulator.apis if api.name == "telstra-v3")
    api.set_switches(["free-trial"])


async def test_a_token_is_got_and_used_again(simulator):
    token = await sdk(oauth.get_token)
    assert (token.token_type, token.expires_in) == ("Bearer", 3599)
    assert "messages:write" in token.scope
    assert await sdk(oauth.get_token) is token


async def test_the_service_is_healthy(simulator):
    assert await sdk(health_check.get) is None


async def test_a_number_is_assigned_read_changed_and_given_up(simulator):
    way = "https://example.com/reply"
    made = await sdk(virtual_number.assign, reply_callback_url=way, tags=["one", "two"])
    assert (made.virtual_number, made.reply_callback_url) == (OURS, way)
    assert made.tags == ["one", "two"]
    assert await sdk(virtual_number.get, OURS) == made
    everything = await sdk(virtual_number.get_all, limit=5, filter="two")
    assert everything.virtual_numbers == [made]
    assert everything.paging.total_count == 1
    assert (await sdk(virtual_number.get_all, filter="three")).virtual_numbers == []
    changed = await sdk(virtual_number.update, OURS, tags=["three"])
    assert (changed.reply_callback_url, changed.tags) == (None, ["three"])  # a PUT replaces
    await sdk(virtual_number.delete, OURS)
    with pytest.raises(exceptions.VirtualNumbersError, match="no longer yours"):
        await sdk(virtual_number.get, OURS)


async def test_a_text_is_sent_and_told_of(simulator, number):
    sent = await sdk(
        message.send,
        to=ANNA,
        from_=number,
        message_content="Hello",
        retry_timeout=60,
        delivery_notification=True,
        status_callback_url="https://example.com/status",
        tags=["ours"],
    )
    assert UUID(sent.message_id).version == 1
    assert (sent.to, sent.from_, sent.delivery_status) == (ANNA, number, "queued")
    await simulator.network.clock.advance(1)
    told = await sdk(message.get, sent.message_id)
    assert (told.delivery_status, told.direction, told.tags) == ("delivered", "outgoing", ["ours"])
    assert (told.retry_timeout, told.queue_priority) == (60, 2)
    assert len(told.create_timestamp) == len(told.received_timestamp) == 24
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)] == ["Hello"]


async def test_a_text_to_several_has_as_many_ids(simulator, number):
    sent = await sdk(message.send, to=[ANNA, f"+61{BEN[1:]}"], from_=number, message_content="Hi")
    assert sent.to == [ANNA, BEN]
    assert len(set(sent.message_id)) == 2
    assert [len(simulator.network.phone_screen(one)) for one in (ANNA, BEN)] == [1, 1]


async def test_pictures_are_sent(simulator, number):
    picture = message.Multimedia(type="image/png", fileName="us.png", payload="aGVsbG8=")
    sent = await sdk(message.send, to=ANNA, from_=number, multimedia=[picture])
    assert sent.multimedia == [{"type": "image/png", "fileName": "us.png"}]
    assert simulator.network.phone_screen(ANNA)[0].text.text == "[us.png]"


async def test_a_scheduled_text_is_changed_tagged_and_sent_once(simulator, number):
    clock = simulator.network.clock
    at = (clock.now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = (clock.now() + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = await sdk(message.send, to=ANNA, from_=number, message_content="One", schedule_send=at)
    changed = await sdk(
        message.update,
        sent.message_id,
        to=ANNA,
        from_=number,
        message_content="Two",
        schedule_send=later,
    )
    assert changed.message_content == "Two"
    await sdk(message.update_tags, sent.message_id, ["new"])
    await clock.advance(timedelta(minutes=15))
    assert simulator.network.phone_screen(ANNA) == []
    await clock.advance(timedelta(minutes=15))
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)] == ["Two"]
    assert (await sdk(message.get, sent.message_id)).tags == ["new"]
    with pytest.raises(exceptions.MessageError, match="before it is sent"):
        await sdk(message.delete, sent.message_id)


async def test_a_scheduled_text_is_deleted(simulator, number):
    clock = simulator.network.clock
    at = (clock.now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = await sdk(message.send, to=ANNA, from_=number, message_content="No", schedule_send=at)
    await sdk(message.delete, sent.message_id)
    await clock.advance(timedelta(minutes=30))
    assert simulator.network.phone_screen(ANNA) == []
    with pytest.raises(exceptions.MessageError, match="assigned to nothing"):
        await sdk(message.get, sent.message_id)


async def test_replies_are_listed_again_and_again(simulator, number):
    simulator.network.send_from_phone(ANNA, number, "One ")
    await simulator.network.clock.advance(1)
    simulator.network.send_from_phone(BEN, number, "Two")
    await sdk(message.send, to=ANNA, from_=number, message_content="Hello")
    for _ in range(2):
        listed = await sdk(message.get_all, direction="incoming")
        assert [one.message_content for one in listed.messages] == ["One ", "Two"]
    first = listed.messages[0]
    assert (first.to, first.from_, first.direction) == (number, ANNA, "incoming")
    newest = await sdk(message.get_all, direction="incoming", reverse=True, limit=1)
    assert [one.message_content for one in newest.messages] == ["Two"]
    assert newest.paging.total_count == 2
    second = await sdk(message.get_all, direction="incoming", reverse=True, limit=1, offset=1)
    assert [one.message_content for one in second.messages] == ["One "]
    late = await sdk(message.get_all, startTime=listed.messages[1].create_timestamp)
    assert [one.message_content for one in late.messages] == ["Two", "Hello"]
    bens = await sdk(message.get_all, filter=BEN, status="delivered")
    assert [one.message_content for one in bens.messages] == ["Two"]


async def test_a_person_opts_out_and_back_in(simulator, number):
    simulator.network.send_from_phone(ANNA, number, "Stop")
    listed = await sdk(virtual_number.get_optouts, number)
    (optout,) = listed.recipient_optouts
    assert (optout.virtual_number, optout.optout_number) == (number, ANNA)
    with pytest.raises(exceptions.MessageError, match="opted out"):
        await sdk(message.send, to=ANNA, from_=number, message_content="Hello?")
    simulator.network.send_from_phone(ANNA, number, "START")
    assert (await sdk(virtual_number.get_optouts, number)).recipient_optouts == []
    await sdk(message.send, to=ANNA, from_=number, message_content="Hello!")


async def test_trial_numbers_are_registered_and_read(simulator):
    trial(simulator)
    assert await sdk(free_trial_numbers.get_all) == []
    assert await sdk(free_trial_numbers.create, [ANNA]) == [ANNA]
    assert await sdk(free_trial_numbers.create, [BEN]) == [ANNA, BEN]
    assert await sdk(free_trial_numbers.get_all) == [ANNA, BEN]


async def test_a_trial_texts_five_by_themselves_and_ten_in_all(simulator, number):
    trial(simulator)
    for one in OTHERS[:5]:
        await sdk(message.send, to=one, from_=number, message_content="Hello")
    with pytest.raises(exceptions.MessageError, match="free trial"):
        await sdk(message.send, to=OTHERS[5], from_=number, message_content="Hello")
    await sdk(free_trial_numbers.create, OTHERS[5:])
    await sdk(message.send, to=OTHERS[5], from_=number, message_content="Hello")
    with pytest.raises(exceptions.FreeTrialNumbersError, match="free trial"):
        await sdk(free_trial_numbers.create, [ANNA])
    with pytest.raises(exceptions.MessageError, match="paid plan"):
        await sdk(
            message.send, to=ANNA, from_=number, message_content="Hi", delivery_notification=True
        )


async def test_a_paid_account_registers_nobody(simulator):
    with pytest.raises(exceptions.FreeTrialNumbersError, match="free trial"):
        await sdk(free_trial_numbers.create, [ANNA])


async def test_a_report_is_asked_for_and_made(simulator, number):
    await sdk(message.send, to=ANNA, from_=number, message_content="Hello")
    today = simulator.network.clock.now().strftime("%Y-%m-%d")
    asked = await sdk(reports.create, today, today)
    assert asked.report_status == "queued"
    await simulator.network.clock.advance(3)
    (listed,) = (await sdk(reports.get_all)).reports
    assert (listed.report_id, listed.report_status) == (asked.report_id, "completed")
    told = await sdk(reports.get, asked.report_id)
    assert told.report_url.endswith(f"/messaging/v3/reports/{asked.report_id}/csv")
    await simulator.network.clock.advance(timedelta(days=8))
    with pytest.raises(exceptions.ReportsError):
        oauth._CACHE["old_token"] = None
        await sdk(reports.get, asked.report_id)


async def test_a_sender_name_has_to_be_approved(simulator, number):
    with pytest.raises(exceptions.MessageError, match="approved"):
        await sdk(message.send, to=ANNA, from_="Cooee", message_content="Hello")
