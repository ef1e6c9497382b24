"""The simulated provider: its wire contract, switch by switch."""

from __future__ import annotations

import hmac
from itertools import pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee.simulator.network import NetworkConditions

ANNA, BEN = "+61491570156", "+61491570157"
CASES = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def api(simulated):
    return simulated


@pytest.fixture
async def number(api):
    return await number_of(api)


async def number_of(api):
    (held,) = (await api.ask("GET", "/numbers")).json()
    return held["number"]


@pytest.fixture
def switch(controls):
    async def switch(*switches):
        asked = {"face": "simulated", "switches": list(switches)}
        assert (await controls.ask("PUT", "/switches", asked)).status == 200

    return switch


async def texts(api, query=""):
    return (await api.ask("GET", f"/inbox{query}")).json()["texts"]


async def send(api, number, to=ANNA, **asked):
    order = {"from": number, "to": to, "text": "Hello", "reference": "ours", **asked}
    return await api.ask("POST", "/texts", order)


def refused(answer):
    assert set(answer.json()) == {"error", "message"}
    return answer.status, answer.json()["error"]


async def test_every_key_has_one_number_from_the_start(api, number):
    assert (await api.ask("GET", "/numbers")).json() == [{"number": number}]
    other = await api.ask("GET", "/numbers", authorization="Bearer another")
    assert other.json() != [{"number": number}]


@pytest.mark.parametrize("header", ["", "Bearer ", "simulated", "Basic x"])
async def test_without_a_key_nothing_is_told(api, header):
    answer = await api.ask("GET", "/numbers", authorization=header)
    assert refused(answer) == (401, "unauthorized")


async def test_a_text_is_accepted_and_delivered(api, number, simulator, clock):
    simulator.network.conditions = NetworkConditions(delay=1)
    answer = await send(api, number)
    content = answer.json()
    assert (answer.status, content["status"], content["segments"]) == (201, "accepted", 1)
    path = f"/texts/{content['id']}"
    first = (await api.ask("GET", path)).json()
    assert (first["status"], first["reference"]) == ("sent", "ours")
    await clock.advance(2)
    assert (await api.ask("GET", path)).json() == {
        "id": content["id"],
        "reference": "ours",
        "status": "delivered",
        "at": "2026-01-01T00:00:01.000Z",
    }
    assert simulator.network.phone_screen(ANNA)[0].text.sender == number
    assert refused(await api.ask("GET", "/texts/out-0")) == (404, "not-found")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"from": "+61491570999"}, "bad-request"),
        ({"to": "0491570156"}, "bad-recipient"),
        ({"to": "nobody"}, "bad-recipient"),
        ({"text": ""}, "bad-request"),
        ({"text": "a" * 1601}, "text-too-long"),
        ({"text": 7}, "bad-request"),
        ({"callback": "nowhere"}, "bad-request"),
    ],
)
async def test_a_wrong_order_is_refused_and_nothing_sent(api, number, simulator, asked, expected):
    assert refused(await send(api, number, **asked)) == (400, expected)
    assert simulator.network.phone_screen(ANNA) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(api, body):
    assert refused(await api.ask("POST", "/texts", body)) == (400, "bad-request")


async def test_the_longest_text_is_sent(api, number):
    assert (await send(api, number, text="a" * 1600)).status == 201


# --- asking about what was sent


async def test_a_text_cannot_be_looked_up_without_the_switch(api, number, clock):
    await send(api, number)
    await clock.advance(10)
    answer = await api.ask("GET", "/texts?reference=ours")
    assert refused(answer) == (404, "not-found")


async def test_a_text_is_found_two_seconds_after_it_was_accepted(api, number, switch, clock):
    await switch("lookup")
    id = (await send(api, number)).json()["id"]
    await clock.advance(1.9)
    assert (await api.ask("GET", "/texts?reference=ours")).json() == {"texts": []}
    await clock.advance(0.1)
    (found,) = (await api.ask("GET", "/texts?reference=ours")).json()["texts"]
    assert found["id"] == id
    assert (await api.ask("GET", "/texts?reference=other")).json() == {"texts": []}
    assert refused(await api.ask("GET", "/texts")) == (400, "bad-request")


@pytest.mark.parametrize(("switches", "sent"), [((), 2), (("idempotency",), 1)])
async def test_the_same_key_is_the_same_text_with_the_switch_alone(
    api, switch, simulator, switches, sent
):
    await switch(*switches)
    number = await number_of(api)
    order = {"from": number, "to": ANNA, "text": "Hello"}
    answers = [await api.ask("POST", "/texts", order, idempotency_key="once") for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert len({answer.body for answer in answers}) == sent
    assert len(simulator.network.phone_screen(ANNA)) == sent


async def test_another_key_is_another_text(api, number, switch, simulator):
    await switch("idempotency")
    order = {"from": number, "to": ANNA, "text": "Hello"}
    for key in ["one", "two", ""]:
        await api.ask("POST", "/texts", order, idempotency_key=key)
    assert len(simulator.network.phone_screen(ANNA)) == 3


# --- reading


async def test_a_text_read_has_every_key(api, number, simulator, clock):
    await clock.advance(0.25)
    sent = simulator.network.send_from_phone(ANNA, number, "Hello ")
    assert await texts(api) == [
        {
            "id": f"in-{sent.id}",
            "from": ANNA,
            "to": number,
            "text": "Hello ",
            "sent_at": "2026-01-01T00:00:00.250Z",
        }
    ]


@CASES
@given(steps=st.lists(st.booleans(), max_size=30))
async def test_popping_gives_each_text_once_and_the_earliest_first(api, number, simulator, steps):
    sent, read = [], []
    for count, sending in enumerate([*steps, *[False] * len(steps)]):
        if sending:
            sent.append(simulator.network.send_from_phone(ANNA, number, f"{count}").text)
        else:
            read += [text["text"] for text in await texts(api)]
    assert read == sent
    assert await texts(api) == []


@CASES
@given(steps=st.lists(st.one_of(st.none(), st.integers(1, 50)), max_size=30))
async def test_a_cursor_pages_through_everything_since_it_began(
    api, number, simulator, switch, steps
):
    await switch("cursor")
    simulator.network.send_from_phone(ANNA, number, "history")
    began = (await api.ask("GET", "/inbox")).json()
    assert began["texts"] == []
    cursor, sent, read = began["cursor"], [], []
    for count, limit in enumerate([*steps, *[1] * len(steps)]):
        if limit is None:
            sent.append(simulator.network.send_from_phone(ANNA, number, f"{count}").text)
        else:
            path = f"/inbox?after={cursor}&limit={limit}"
            page = (await api.ask("GET", path)).json()
            assert page == (await api.ask("GET", path)).json(), "reading removes nothing"
            assert len(page["texts"]) <= limit
            read += [text["text"] for text in page["texts"]]
            cursor = page["cursor"]
    assert read == sent
    assert simulator.network.is_idle


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=c-1", "?after=c1&limit=0", "?after=c1&limit=51"]
)
async def test_what_is_no_cursor_is_refused(api, number, switch, query):
    await switch("cursor")
    assert refused(await api.ask("GET", "/inbox" + query)) == (400, "bad-request")


@pytest.mark.parametrize("reading", ["pop", "cursor", "confirm"])
async def test_all_is_quiet_only_when_every_text_is_read(api, number, simulator, switch, reading):
    await switch(reading)
    cursor = (await api.ask("GET", "/inbox")).json().get("cursor", "")
    simulator.network.send_from_phone(ANNA, number, "Hello")
    assert not simulator.network.is_idle
    (text,) = await texts(api, f"?after={cursor}")
    if reading == "confirm":
        await api.ask("POST", "/inbox/confirmed", {"ids": [text["id"]]})
    assert simulator.network.is_idle


async def test_texts_come_again_until_they_are_confirmed(api, number, simulator, switch):
    await switch("confirm")
    for count in range(60):
        simulator.network.send_from_phone(ANNA, number, f"{count}")
    first = await texts(api)
    assert [text["text"] for text in first] == [f"{count}" for count in range(50)]
    assert await texts(api) == first
    confirmed = {"ids": [text["id"] for text in first[:49]]}
    for _ in range(2):
        answer = await api.ask("POST", "/inbox/confirmed", confirmed)
        assert (answer.status, answer.body) == (204, b"")
    assert [text["text"] for text in await texts(api)] == [f"{n}" for n in range(49, 60)]


async def test_confirming_is_nothing_where_it_is_not_needed(api, number):
    answer = await api.ask("POST", "/inbox/confirmed", {"ids": []})
    assert refused(answer) == (404, "not-found")


async def test_a_text_that_the_network_doubled_has_one_id(api, number, simulator):
    simulator.network.conditions = NetworkConditions(duplicates=1)
    simulator.network.send_from_phone(ANNA, number, "Hello")
    first, second = await texts(api), await texts(api)
    assert first == second != []


# --- pushing


async def hook(api, number, url="https://example.com/hook", secret="s3cret"):
    asked = {"number": number, "url": url, "secret": secret}
    return await api.ask("PUT", "/webhook", asked)


def signed(headers, body, secret=b"s3cret"):
    parts = dict(part.split("=") for part in headers["x-simulated-signature"].split(","))
    digest = hmac.new(secret, parts["t"].encode() + b"." + body, "sha256").hexdigest()
    return int(parts["t"]), parts["v1"] == digest


async def test_a_text_is_pushed_and_signed(api, number, simulator, clock, webhook):
    answer = await hook(api, number)
    assert (answer.status, answer.json()) == (
        200,
        {"number": number, "url": "https://example.com/hook"},
    )
    await clock.advance(7)
    simulator.network.send_from_phone(ANNA, number, "Grüße")
    await clock.advance(0)
    ((path, headers, body, at),) = webhook.requests
    assert path == "/hook/text"
    assert msgspec.json.decode(body)["text"] == "Grüße"
    assert signed(headers, body) == (int(at), True)
    assert await texts(api) == [], "what is pushed is not kept for reading"


async def test_a_push_is_tried_eight_times_each_signed_anew(api, number, simulator, clock, webhook):
    await hook(api, number)
    webhook.status = 500
    simulator.network.send_from_phone(ANNA, number, "Hello")
    await clock.advance(3600)
    times = [at for *_, at in webhook.requests]
    assert [later - earlier for earlier, later in pairwise(times)] == [
        5,
        10,
        20,
        40,
        80,
        160,
        320,
    ]
    assert all(signed(headers, body) == (at, True) for _, headers, body, at in webhook.requests)
    await hook(api, number, url=None)
    assert [text["text"] for text in await texts(api)] == ["Hello"]


async def test_a_status_goes_to_the_texts_own_callback(api, number, clock, webhook):
    await hook(api, number, url=None)
    id = (await send(api, number, callback="https://example.com/status/7")).json()["id"]
    await clock.advance(1)
    ((path, headers, body, _),) = webhook.requests
    assert path == "/status/7"
    assert msgspec.json.decode(body) == {
        "id": id,
        "reference": "ours",
        "status": "delivered",
        "at": "2026-01-01T00:00:00.000Z",
    }
    assert signed(headers, body)[1]


@pytest.mark.parametrize("url", ["", "nowhere", "ftp://example.com/x", "http://[x"])
async def test_a_webhook_that_cannot_be_called_is_refused(api, number, url):
    assert refused(await hook(api, number, url=url)) == (400, "bad-request")


async def test_a_webhook_for_somebody_elses_number_is_refused(api, number):
    assert refused(await hook(api, "+61491570999")) == (404, "not-found")


# --- opt-out


@pytest.mark.parametrize("word", ["STOP", " stop. ", "Unsubscribe", "STOP!"])
async def test_a_person_who_opts_out_gets_no_more_texts_until_they_opt_in(
    api, number, simulator, switch, word
):
    await switch("optout")
    simulator.network.send_from_phone(ANNA, number, word)
    (text,) = await texts(api)
    assert (text["text"], text["optout"]) == (word, "out")
    assert refused(await send(api, number)) == (403, "opted-out")
    assert (await send(api, number, to=BEN)).status == 201
    simulator.network.send_from_phone(ANNA, number, "start")
    (text,) = await texts(api)
    assert text["optout"] == "in"
    assert (await send(api, number)).status == 201


@pytest.mark.parametrize(("switches", "word"), [((), "STOP"), (("optout",), "stop it")])
async def test_other_words_and_no_switch_opt_nobody_out(api, simulator, switch, switches, word):
    await switch(*switches)
    number = await number_of(api)
    simulator.network.send_from_phone(ANNA, number, word)
    (text,) = await texts(api)
    assert "optout" not in text
    assert (await send(api, number)).status == 201


# --- the switches


@pytest.mark.parametrize("switches", [["pop", "cursor"], ["nothing"]])
async def test_switches_that_make_no_sense_are_refused_in_words(controls, switches):
    asked = {"face": "simulated", "switches": switches}
    answer = await controls.ask("PUT", "/switches", asked)
    assert answer.status == 400
    assert switches[0] in answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/texts"), ("GET", "/nothing")])
async def test_there_is_nothing_else(api, method, path):
    assert refused(await api.ask(method, path)) == (404, "not-found")
