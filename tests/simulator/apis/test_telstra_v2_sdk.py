"""Telstra's own Python SDK (tls-messaging 0.6.4), every function of it, against the simulator."""

from __future__ import annotations

import asyncio
import http.client
import urllib.request

import pytest
from tls.messaging import bnum, exceptions, oauth, sms, subscription
from tls.messaging.utils import config

from cooee.clocks.clock import VirtualClock
from cooee.simulator import run_simulator

ANNA = "+61491570156"


class ToTheBox(urllib.request.HTTPSHandler):
    """Calls to https://tapi.telstra.com go to the simulator, and are otherwise as they were."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def https_open(self, request):
        assert request.host == "tapi.telstra.com"
        request.host = f"127.0.0.1:{self.port}"  # the header Host stays Telstra's
        return self.do_open(http.client.HTTPConnection, request)


@pytest.fixture
async def simulator():
    async with run_simulator(VirtualClock(), port=0) as (simulator, port):
        urllib.request.install_opener(urllib.request.build_opener(ToTheBox(port)))
        config.CONFIG.tls_client_key = "PutYour32CharClientKeyHereThanks"
        config.CONFIG.tls_client_secret = "ClientSecretHere"
        oauth._CACHE["old_token"] = None
        yield simulator
        urllib.request.install_opener(None)


async def sdk(function, *args, **named):
    return await asyncio.to_thread(function, *args, **named)


async def test_a_token_is_got_and_used_again(simulator):
    token = await sdk(oauth.get_token)
    assert (len(token.access_token), token.token_type, token.expires_in) == (28, "Bearer", 3599)
    assert await sdk(oauth.get_token) is token


async def test_a_subscription_is_created_read_and_deleted(simulator):
    created = await sdk(subscription.create, active_days=10, notify_url="https://example.com/r")
    assert created.destination_address == "+61491570006"
    assert created.active_days == "10"
    with pytest.raises(exceptions.SubscriptionError, match="404"):
        await sdk(subscription.get)
    await simulator.network.clock.advance(60)
    assert await sdk(subscription.get) == created
    await sdk(subscription.delete)
    with pytest.raises(exceptions.SubscriptionError, match="404"):
        await sdk(subscription.get)


async def test_trial_numbers_are_registered_and_read(simulator):
    assert await sdk(bnum.register, [ANNA]) == [ANNA]
    assert await sdk(bnum.register, ["0491570157"]) == [ANNA, "+61491570157"]
    assert await sdk(bnum.get) == [ANNA, "+61491570157"]


async def test_a_text_is_sent_and_its_status_read(simulator):
    await sdk(subscription.create)
    sent = await sdk(
        sms.send,
        ANNA,
        "Hello",
        validity=60,
        notify_url="https://example.com/status",
        priority=True,
        user_msg_ref="ours",
    )
    assert (sent.to, sent.delivery_status) == (ANNA, "MessageWaiting")
    with pytest.raises(exceptions.SmsError, match="404"):
        await sdk(sms.get_status, sent.message_id)
    await simulator.network.clock.advance(5)
    status = await sdk(sms.get_status, sent.message_id)
    assert (status.to, status.delivery_status) == (ANNA, "DELIVRD")
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)] == ["Hello"]


async def test_a_text_goes_to_a_list_under_a_name(simulator):
    await sdk(subscription.create)
    sent = await sdk(sms.send, [ANNA, "0491570157"], "Hello", from_="Cooee", scheduled_delivery=1)
    assert sent.to == ANNA
    assert simulator.network.phone_screen("0491570157") == []
    await simulator.network.clock.advance(60)
    assert simulator.network.phone_screen("0491570157")[0].text.sender == "Cooee"


async def test_replies_are_read_until_there_are_none(simulator):
    number = (await sdk(subscription.create)).destination_address
    assert await sdk(sms.get_next_unread_reply) is None
    for words in ["One ", "Two"]:
        simulator.network.send_from_phone(ANNA, number, words)
    replies = [await sdk(sms.get_next_unread_reply) for _ in range(3)]
    assert [reply and reply.message for reply in replies] == ["One ", "Two", None]
    assert replies[0].sender_address == ANNA
    assert replies[0].message_id == ""
    assert replies[0].sent_timestamp == "2026-01-01T10:00:00+10:00"


async def test_an_app_that_texts_its_own_number_reads_it_as_a_reply(simulator):
    number = (await sdk(subscription.create)).destination_address
    await sdk(sms.send, number, "Round trip")
    reply = await sdk(sms.get_next_unread_reply)
    assert (reply.message, reply.sender_address) == ("Round trip", number)
