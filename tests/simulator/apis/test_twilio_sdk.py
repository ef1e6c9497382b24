"""Twilio's own Python SDK (twilio 9.13), with nothing but its host redirected, against the simulator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from cooee.clocks.clock import VirtualClock
from cooee.net.http_client import InProcessClient
from cooee.simulator import run_simulator

ANNA, BEN = "+61491570156", "+61491570157"
SID, TOKEN, KEY = "AC" + "a1" * 16, "f0" * 16, "SK" + "b2" * 16
HOOK = "https://example.com/sms"


class ToTheBox(TwilioHttpClient):
    """Calls to https://api.twilio.com go to the simulator, and are otherwise as they were."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    def request(self, method, url, *rest, headers=None, **named):
        assert url.startswith("https://api.twilio.com/")
        url = url.replace("https://api.twilio.com", f"http://127.0.0.1:{self.port}")
        headers = {**(headers or {}), "Host": "api.twilio.com"}
        return super().request(method, url, *rest, headers=headers, **named)


class Customer:
    """A customer's web server: what Twilio posted to it, and the TwiML it answers."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answer = MessagingResponse()

    async def __call__(self, scope, receive, send) -> None:
        body = (await receive())["body"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        form = dict(parse_qsl(body, keep_blank_values=True))
        self.posted.append((scope["path"], headers, form))
        named = [(b"content-type", b"text/xml")]
        await send({"type": "http.response.start", "status": 200, "headers": named})
        await send({"type": "http.response.body", "body": str(self.answer).encode()})


@pytest.fixture
def customer():
    return Customer()


@pytest.fixture
async def simulator(customer):
    async with run_simulator(VirtualClock(), port=0) as (simulator, port):
        twilio = next(api for api in simulator.apis if api.name == "twilio")
        transport = InProcessClient(
            simulator.network.clock,
            {"https://example.com": customer, "https://example.com:443": customer},
        )
        twilio._webhook_sender._transport = transport
        simulator.port = port
        yield simulator


@pytest.fixture
def client(simulator):
    client = Client(SID, TOKEN, http_client=ToTheBox(simulator.port))
    yield client
    client.http_client.session.close()


async def sdk(function, *args, **named):
    return await asyncio.to_thread(function, *args, **named)


@pytest.fixture
async def number(client):
    (number,) = await sdk(client.incoming_phone_numbers.list)
    return number


async def test_a_text_is_sent_and_every_field_of_it_can_be_read(client, number, simulator):
    sent = await sdk(
        client.messages.create,
        to=ANNA,
        from_=number.phone_number,
        body="Hello",
        validity_period=600,
        smart_encoded=True,
        provide_feedback=False,
    )
    assert (sent.to, sent.from_, sent.body) == (ANNA, number.phone_number, "Hello")
    assert (sent.status, sent.direction, sent.num_segments) == ("queued", "outbound-api", "1")
    assert sent.date_created == datetime(2026, 1, 1, tzinfo=UTC)
    assert (sent.account_sid, sent.num_media, sent.error_code) == (SID, "0", None)
    await simulator.network.clock.wait_until_idle()
    again = await sdk(client.messages(sent.sid).fetch)
    assert (again.sid, again.status) == (sent.sid, "delivered")
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)] == ["Hello"]
    assert await sdk(client.messages(sent.sid).delete)
    with pytest.raises(TwilioRestException) as gone:
        await sdk(client.messages(sent.sid).fetch)
    assert (gone.value.status, gone.value.code) == (404, 20404)


async def test_a_text_with_pictures_goes_through_a_messaging_service(client, number):
    sent = await sdk(
        client.messages.create,
        to=ANNA,
        messaging_service_sid="MG" + "c3" * 16,
        media_url=["https://example.com/a.png", "https://example.com/b.png"],
    )
    assert (sent.status, sent.num_media, sent.num_segments) == ("accepted", "2", "0")
    assert sent.messaging_service_sid == "MG" + "c3" * 16


async def test_texts_are_listed_youngest_first_across_pages(client, number, simulator):
    for count in range(5):
        simulator.network.send_from_phone(ANNA, number.phone_number, f"text {count}")
        await simulator.network.clock.advance(60)
    await sdk(client.messages.create, to=BEN, from_=number.phone_number, body="ours")
    listed = await sdk(client.messages.list, page_size=2)
    assert [one.body for one in listed] == ["ours", *(f"text {n}" for n in (4, 3, 2, 1, 0))]
    to_us = await sdk(client.messages.list, to=number.phone_number, page_size=3)
    assert [one.direction for one in to_us] == ["inbound"] * 5
    assert [one.from_ for one in await sdk(client.messages.list, from_=ANNA, limit=2)] == [ANNA] * 2
    since = datetime(2026, 1, 1, 0, 2, tzinfo=UTC)
    late = await sdk(client.messages.list, date_sent_after=since)
    assert [one.body for one in late] == ["ours", "text 4", "text 3", "text 2"]
    early = await sdk(client.messages.list, date_sent_before=since - timedelta(seconds=1))
    assert [one.body for one in early] == ["text 1", "text 0"]


async def test_a_page_does_not_shift_when_texts_come_meanwhile(client, number, simulator):
    for count in range(4):
        simulator.network.send_from_phone(ANNA, number.phone_number, f"text {count}")
    first = await sdk(client.messages.page, page_size=2)
    simulator.network.send_from_phone(ANNA, number.phone_number, "late")
    second = await sdk(first.next_page)
    assert [one.body for one in second] == ["text 1", "text 0"]
    assert second.next_page_url is None


async def test_a_number_is_found_and_told_where_to_push(client, number):
    assert number.phone_number == "+61491570006"
    assert number.capabilities["sms"]
    changed = await sdk(number.update, sms_url=HOOK + "#rc=2", sms_method="POST")
    assert (changed.sms_url, changed.sms_method) == (HOOK + "#rc=2", "POST")
    again = await sdk(client.incoming_phone_numbers(number.sid).fetch)
    assert again.sms_url == HOOK + "#rc=2"
    found = await sdk(client.incoming_phone_numbers.list, phone_number=number.phone_number)
    assert [one.sid for one in found] == [number.sid]
    assert await sdk(client.incoming_phone_numbers.list, phone_number="+1555") == []


async def test_the_sdk_believes_what_the_simulator_signs(client, number, simulator, customer):
    await sdk(number.update, sms_url=HOOK + "?a=1&b=%20#rc=5&rp=all")
    simulator.network.send_from_phone(ANNA, number.phone_number, "Grüße & =+ 👋\nzwei ")
    await sdk(
        client.messages.create,
        to=BEN,
        from_=number.phone_number,
        body="Hi",
        status_callback="https://example.com:443/news",
    )
    await simulator.network.clock.wait_until_idle()
    assert [path for path, _, _ in customer.posted] == ["/sms", "/news", "/news"]
    urls = {"/sms": HOOK + "?a=1&b=%20", "/news": "https://example.com:443/news"}
    validator = RequestValidator(TOKEN)
    for path, headers, form in customer.posted:
        assert validator.validate(urls[path], form, headers["x-twilio-signature"])
        assert not validator.validate(urls[path], {**form, "x": ""}, headers["x-twilio-signature"])
    assert customer.posted[0][2]["Body"] == "Grüße & =+ 👋\nzwei "
    assert [form["MessageStatus"] for _, _, form in customer.posted[1:]] == ["sent", "delivered"]


async def test_the_simulator_does_what_the_sdks_twiml_says(client, number, simulator, customer):
    customer.answer.message("Hello back", action="https://example.com/news")
    with customer.answer.message(to=BEN) as other:
        other.body("And you")
        other.media("https://example.com/a.png")
    await sdk(number.update, sms_url=HOOK)
    simulator.network.send_from_phone(ANNA, number.phone_number, "Hello")
    await simulator.network.clock.wait_until_idle()
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)] == [
        "Hello",
        "Hello back",
    ]
    assert [entry.text.text for entry in simulator.network.phone_screen(BEN)] == ["And you"]
    replies = [one for one in await sdk(client.messages.list) if one.direction == "outbound-reply"]
    assert sorted(one.num_media for one in replies) == ["0", "1"]


async def test_an_api_key_opens_the_account_too(client, number, simulator):
    keyed = Client(KEY, "hush", SID, http_client=ToTheBox(simulator.port))
    assert [one.sid for one in await sdk(keyed.incoming_phone_numbers.list)] == [number.sid]
    keyed.http_client.session.close()


@pytest.mark.parametrize("keys", [(SID, "wrong"), (KEY, "hush", "AC" + "d4" * 16)])
async def test_wrong_keys_do_not(client, number, simulator, keys):
    await sdk(Client(KEY, "hush", SID, http_client=ToTheBox(simulator.port)).messages.list)
    wrong = Client(*keys, http_client=ToTheBox(simulator.port))
    with pytest.raises(TwilioRestException) as refused:
        await sdk(wrong.messages.create, to=ANNA, from_=number.phone_number, body="Hi")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    wrong.http_client.session.close()


async def test_a_person_who_opted_out_is_21610_until_they_come_back(client, number, simulator):
    async def code():
        try:
            await sdk(client.messages.create, to=ANNA, from_=number.phone_number, body="Hi")
        except TwilioRestException as refused:
            return refused.status, refused.code
        return None

    assert await code() is None
    simulator.network.send_from_phone(ANNA, number.phone_number, "Stop")
    assert await code() == (400, 21610)
    simulator.network.send_from_phone(ANNA, number.phone_number, "yes")
    assert await code() is None
