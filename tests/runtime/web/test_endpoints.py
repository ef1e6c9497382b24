"""Whatever the world posts: 2xx or 4xx as fits, nothing lost, never a crash."""

import asyncio
import hmac
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound
from cooee.net.http_client import InProcessClient
from cooee.providers.simulated.adapter import Simulated
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.providers.twilio.adapter import Twilio
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import SendAttempt
from cooee.storage.sqlite.store import SQLite

OURS, ANNA = "+61491570006", "+61491570156"
VALUES = {
    "TELSTRA_CLIENT_ID": "id",
    "TELSTRA_CLIENT_SECRET": "secret",
    "TELSTRA_BASE_URL": "https://telstra.test/v2",
}
TWILIO = {"TWILIO_ACCOUNT_SID": f"AC{0:032x}", "TWILIO_AUTH_TOKEN": f"{1:032x}"}
PUBLIC = "https://texts.example.com"


class World:
    """A service whose webhooks are called by hand; its provider cannot be reached."""

    def __init__(self, service, clock, word, moments):
        self.service, self.clock, self.word, self.moments = service, clock, word, moments
        self.wire = InProcessClient(clock, {PUBLIC: service.endpoints})

    async def post(self, body, *, tail="reply", word=None, method="POST", headers=None):
        url = f"{PUBLIC}/telstra-v2/{word or self.word}/{tail}"
        request = Request(method=method, url=url, headers=headers or {}, body=body)
        return (await self.wire(request)).status

    async def reply(self, **changes):
        body = {
            "to": OURS,
            "from": ANNA,
            "body": "START",
            "sentTimestamp": "2026-01-01T10:00:00",
            "messageId": "DMASApiA0000000146",
        } | changes
        return await self.post(json.dumps(body).encode())

    async def stored(self, theirs=ANNA, ours=OURS):
        entries = await self.service.store.history(ours, theirs, 100)
        return [entry.text for entry in entries if entry.direction == "in"]


@pytest.fixture
async def world(tmp_path):
    clock = VirtualClock()
    store = await SQLite.open(tmp_path / "web.db", now=clock.now, busy_timeout=0.2)
    app, moments = App(), []

    @app.otherwise
    def notice(chat):
        moments.append(chat.now)

    transport = InProcessClient(clock, {})
    service = Service(
        app, TelstraV2(VALUES), store, transport, clock, options=ServiceOptions(public_url=PUBLIC)
    )
    async with service:
        word = await store.secret("webhook-path")
        yield World(service, clock, word, moments)


async def test_a_reply_is_on_disk_when_it_is_acknowledged(world):
    assert await world.reply() == 204
    assert await world.stored() == ["START"]


async def test_while_replies_wait_a_text_is_stored_at_once_and_acknowledged_later(world):
    late = Outbound(id="1-c1", sender=OURS, recipient=ANNA, text="hello", attempt=1)
    long_ago = world.clock.now() - timedelta(seconds=1)
    backlog = world.service.parts.backlog
    backlog.note_attempt(OURS, SendAttempt(late, long_ago))
    answer = asyncio.create_task(world.reply())
    while await world.stored() != ["START"]:
        await asyncio.sleep(0.001)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not answer.done()
    assert await world.reply(body="UNSUBSCRIBE", messageId="2") == 204, "an opt-out never waits"
    assert await world.reply() == 204, "nor does what was stored before"
    backlog.note_idle(OURS)
    assert await answer == 204


async def test_the_same_push_five_times_is_one_text(world):
    assert [await world.reply() for _ in range(5)] == [204] * 5
    assert await world.stored() == ["START"]


async def test_two_pushes_without_an_id_are_told_apart_by_text_and_stamp(world):
    for stamp in ["10:00:00", "10:00:00", "10:00:01"]:
        await world.reply(messageId="", sentTimestamp=f"2026-01-01T{stamp}")
    assert await world.stored() == ["START", "START"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"to=1&from=2&body=START", 400),
        (b'{"to": "+61491570006"}', 400),
        (b'{"to": 1, "from": 2, "body": 3}', 400),
        (b"\xff\xfe\x00", 400),
        (b"x" * 10_000_000, 413),
    ],
)
async def test_a_broken_body_is_refused_and_nothing_is_stored(world, body, status):
    assert await world.post(body) == status
    assert await world.stored() == []


async def test_a_body_without_an_announced_length_is_refused_as_it_grows(world):
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    async def send(message):
        sent.append(message)

    path = f"/telstra-v2/{world.word}/reply"
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    await world.service.endpoints(scope, receive, send)
    assert sent[0]["status"] == 413


async def test_a_wrong_word_a_wrong_path_and_a_wrong_method_are_refused(world):
    good = json.dumps({"to": OURS, "from": ANNA, "body": "START"}).encode()
    assert await world.post(good, word="guess") == 404
    assert await world.post(good, word="gu\u00e9ss") == 404
    assert await world.post(good, tail="nowhere") == 404
    assert await world.post(b"", method="GET") == 405
    assert await world.stored() == []


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2000,
        "👍" * 2000,
        "مرحبا",
        "\u202etxet",
        "NUL\x00inside",
        "",
        " ",
        "'; drop table inbound; --",
    ],
)
async def test_every_text_is_kept(world, text):
    assert await world.reply(body=text) == 204
    assert await world.stored() == [text.replace("\x00", "\ufffd")]


async def test_a_lone_surrogate_is_replaced_and_kept_raw(world):
    body = b'{"to":"+61491570006","from":"+61491570156","body":"a\\ud800b","messageId":"1"}'
    assert await world.post(body) == 204
    assert await world.stored() == ["a\ufffdb"]


async def test_a_stamp_that_can_be_right_is_the_turns_now(world):
    assert await world.reply(sentTimestamp="2026-01-01T09:59:47") == 204  # +10:00, unsaid
    await world.clock.wait_until_idle()
    assert world.moments == [world.clock.now() - timedelta(seconds=13)]


@pytest.mark.parametrize(
    "stamp", ["1970-01-01T00:00:00", "2100-01-01T00:00:00", "yesterday", "", None, 7]
)
async def test_a_stamp_that_cannot_be_right_does_not_move_our_clock(world, stamp):
    status = await world.reply(sentTimestamp=stamp)
    assert status in {204, 400}
    await world.clock.wait_until_idle()
    assert world.moments == [world.clock.now()] * (status == 204)


async def test_national_numbers_are_read_in_our_numbers_country(world):
    world.service.session.subscription = None
    assert await world.reply(**{"from": "0491570156"}) == 204
    assert await world.stored(ANNA) == ["START"]


@pytest.mark.parametrize("sender", ["1234", "TELSTRA", "+61 491 570 156"])
async def test_short_codes_and_names_stay_what_they_are(world, sender):
    assert await world.reply(**{"from": sender}) == 204
    kept = ANNA if sender.startswith("+") else sender
    assert await world.stored(kept) == ["START"]


async def test_a_text_to_a_number_that_is_not_ours_is_kept(world):
    assert await world.reply(to="+61491570159") == 204
    assert await world.stored(ours="+61491570159") == ["START"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["to", "from", "body", "x"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    tail=st.sampled_from(["reply", "status/x", "status/" + "0" * 32 + "-1", "", "status"]),
)
async def test_nothing_that_is_posted_brings_a_5xx(world, body, tail):
    assert await world.post(body, tail=tail) < 500


async def test_a_locked_database_is_not_acknowledged_and_the_repeat_is(world, tmp_path):
    import sqlite3

    other = sqlite3.connect(tmp_path / "web.db", isolation_level=None)
    other.execute("begin immediate")
    try:
        assert await world.reply() == 503
    finally:
        other.execute("rollback")
        other.close()
    assert await world.reply() == 204
    assert await world.stored() == ["START"]


async def test_a_delivery_push_settles_the_text_it_names(world):
    from cooee.core.messages import Status
    from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound

    store = world.service.store
    (id,) = await store.enqueue([ProactiveOutbound(OURS, ANNA, NewOutbound(text="hi"))])
    (taken,) = await store.take(OURS, 1)
    await store.record_results(
        [AttemptResult(outbound=taken.outbound, status=Status.ACCEPTED, provider_id="a-1")]
    )
    body = {"to": ANNA, "messageId": "/a/1", "deliveryStatus": "DELIVRD"}
    assert await world.post(json.dumps(body).encode(), tail=f"status/{id}") == 204
    (entry,) = await store.history(OURS, ANNA, 1)
    assert entry.status == "delivered"


async def test_health_says_what_works(world):
    answer = await world.wire(Request(method="GET", url=f"{PUBLIC}/health"))
    report = answer.json()
    assert answer.status == 503
    assert report["database"] == "ok"
    assert report["sending"] == "not connected"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"},
        {"x-forwarded-for": "8.8.8.8", "forwarded": "for=8.8.8.8;host=evil.example;proto=http"},
        {"x-forwarded-prefix": "/evil", "x-original-url": "/evil", "x-forwarded-port": "1"},
        {"host": "evil.example"},
    ],
)
async def test_what_a_proxy_forwards_is_not_believed_since_our_address_is_a_setting(
    tmp_path, headers
):
    clock = VirtualClock()
    store = await SQLite.open(tmp_path / "proxy.db", now=clock.now)
    provider = Twilio({**TWILIO, "TWILIO_BASE_URL": "https://twilio.test"})
    wire = InProcessClient(clock, {})
    async with Service(
        App(), provider, store, wire, clock, options=ServiceOptions(public_url=PUBLIC)
    ) as service:
        url = f"{PUBLIC}/twilio/{await store.secret('webhook-path')}/text"
        form = {"MessageSid": f"SM{0:032x}", "From": ANNA, "To": OURS, "Body": "hi"}
        for signed_for, status in ((url, 200), (url.replace(PUBLIC, "http://evil.example"), 403)):
            signature = RequestValidator(TWILIO["TWILIO_AUTH_TOKEN"]).compute_signature(
                signed_for, form
            )
            request = Request(
                method="POST",
                url=url,
                headers={
                    "content-type": "application/x-www-form-urlencoded",
                    "x-twilio-signature": signature,
                    **headers,
                },
                body=urlencode(form).encode(),
            )
            answer = await InProcessClient(clock, {PUBLIC: service.endpoints})(request)
            assert answer.status == status
        assert [entry.text for entry in await store.history(OURS, ANNA, 10)] == ["hi"]


async def test_a_signed_request_played_again_falls_to_its_stamp_and_before_that_to_its_id(tmp_path):
    clock = VirtualClock()
    store = await SQLite.open(tmp_path / "replay.db", now=clock.now)
    wire = InProcessClient(clock, {})
    provider = Simulated(
        {"SIMULATED_KEY": "the-key", "SIMULATED_BASE_URL": "https://simulator.test"}
    )
    async with Service(
        App(), provider, store, wire, clock, options=ServiceOptions(public_url=PUBLIC)
    ) as service:
        body = json.dumps({"id": "t-1", "from": ANNA, "to": OURS, "text": "hi"}).encode()
        stamp = str(int(clock.now().timestamp())).encode()
        secret = hmac.digest(b"the-key", b"webhook", "sha256").hex().encode()
        signed = hmac.new(secret, stamp + b"." + body, "sha256").hexdigest()
        request = Request(
            method="POST",
            url=f"{PUBLIC}/simulated/{await store.secret('webhook-path')}/text",
            headers={"x-simulated-signature": f"t={stamp.decode()},v1={signed}"},
            body=body,
        )
        ask = InProcessClient(clock, {PUBLIC: service.endpoints})
        assert [(await ask(request)).status for _ in range(2)] == [204, 204]
        await clock.advance(301)
        assert (await ask(request)).status == 401
        assert [entry.text for entry in await store.history(OURS, ANNA, 10)] == ["hi"]


@pytest.mark.parametrize(
    ("root_path", "path"),
    [
        ("", "{ours}"),
        ("/sms", "/sms{ours}"),
        ("/sms/", "/sms{ours}"),
        ("/sms", "{ours}"),
        ("/a/b", "/a/b{ours}"),
        ("/tel", "{ours}"),
        ("/telstra-v2", "{ours}"),
        ("/telstra-v2", "/telstra-v2{ours}"),
        ("/telstra", "/telstra{ours}"),
        ("/health", "/health{ours}"),
    ],
)
async def test_a_webhook_is_found_below_any_mount(world, root_path, path):
    async def mounted(scope, receive, send):
        whole = path.format(ours=scope["path"])
        await world.service.endpoints(
            {**scope, "root_path": root_path, "path": whole}, receive, send
        )

    world.wire.apps[PUBLIC] = mounted
    assert await world.reply() == 204
    assert await world.stored() == ["START"]
    health = Request(method="GET", url=f"{PUBLIC}/health", safe=True)
    assert b'"polling"' in (await world.wire(health)).body
    assert await world.post(b"", word="wrong") == 404
