"""What Twilio's simulated API answers, refuses, pushes and repeats."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from cooee.core.http_messages import Request
from cooee.simulator import NetworkConditions
from cooee.simulator.apis.twilio.webhooks import (
    WebhookRetryPolicy,
    parse_retry_policy,
    sign_webhook,
)
from cooee.simulator.faults import parse_fault

ANNA, BEN = "+61491570156", "+61491570157"
SID, TOKEN = "AC" + "a1" * 16, "f0" * 16
BASE = f"http://127.0.0.1:8400/twilio/2010-04-01/Accounts/{SID}"
HOOK = "https://example.com/sms"


class Customer:
    """Somebody who calls Twilio's API in the simulator."""

    def __init__(self, transport) -> None:
        self.transport = transport
        self.pair = f"{SID}:{TOKEN}"

    async def ask(self, method, path, *pairs, **form):
        headers = {
            "authorization": "Basic " + b64encode(self.pair.encode()).decode(),
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode([*pairs, *form.items()]).encode()
        request = Request(method=method, url=BASE + path, headers=headers, body=body)
        return await self.transport(request)

    async def number(self):
        return (await self.ask("GET", "/IncomingPhoneNumbers.json")).json()[
            "incoming_phone_numbers"
        ][0]

    async def hook(self, url=HOOK, **form):
        path = f"/IncomingPhoneNumbers/{(await self.number())['sid']}.json"
        return await self.ask("POST", path, SmsUrl=url, **form)

    async def send(self, *pairs, **form):
        ours = (await self.number())["phone_number"]
        text = {"To": ANNA, "From": ours, "Body": "Hello", **form}
        filled = {name: value for name, value in text.items() if value is not None}
        return await self.ask("POST", "/Messages.json", *pairs, **filled)

    async def texts(self, query=""):
        return (await self.ask("GET", f"/Messages.json{query}")).json()


@pytest.fixture
def us(simulator, transport):
    return Customer(transport)


@pytest.fixture
async def ours(us):
    return (await us.number())["phone_number"]


@pytest.fixture
def api(simulator):
    return next(api for api in simulator.apis if api.name == "twilio")


def form(webhook, place=-1):
    return dict(parse_qsl(webhook.requests[place][2].decode(), keep_blank_values=True))


# Keys


@pytest.mark.parametrize("pair", [f"{SID}:", "", f"{SID}:wrong", "me:secret", f"AC{'b' * 32}:x"])
async def test_wrong_keys_are_a_401_with_code_20003(us, ours, pair):
    us.pair = pair
    refused = await us.ask("GET", "/Messages.json")
    assert refused.status == 401
    assert refused.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }
    assert "Basic" in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/Nothing.json", 404, 20404),
        ("PUT", "/Messages.json", 405, 20004),
        ("GET", "/Messages/SM1.json", 404, 20404),
        ("DELETE", "/Messages/SM1.json", 404, 20404),
        ("GET", "/IncomingPhoneNumbers/PN1.json", 404, 20404),
        ("GET", "/Messages.json?PageSize=x", 400, 20001),
        ("GET", "/Messages.json?DateSent=yesterday", 400, 20001),
    ],
)
async def test_what_there_is_not_is_refused_as_twilio_does(us, method, path, status, code):
    refused = await us.ask(method, path)
    assert (refused.status, refused.json()["code"]) == (status, code)


# Texts out


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "0491570156"}, 21211),
        ({"To": "Anna"}, 21211),
        ({"From": None}, 21603),
        ({"From": "+61491570313"}, 21606),
        ({"To": "+61491570006"}, 21266),
        ({"Body": None}, 21602),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "/news"}, 21609),
        ({"MediaUrl": "a.png"}, 21620),
        ({"MessagingServiceSid": "MG1"}, 21705),
        ({"ValidityPeriod": "0"}, 20001),
        ({"ValidityPeriod": "36001"}, 20001),
        ({"ScheduleType": "fixed"}, 20001),
    ],
)
async def test_a_send_that_twilio_would_refuse_is_refused_with_its_code(us, simulator, wrong, code):
    refused = await us.send(**wrong)
    assert (refused.status, refused.json()["code"]) == (400, code)
    assert simulator.network.phone_screen(ANNA) == []


async def test_eleven_pictures_are_too_many(us):
    refused = await us.send(*[("MediaUrl", "https://example.com/a.png")] * 11)
    assert refused.json()["code"] == 21623


async def test_a_field_that_nobody_knows_is_not_minded(us):
    assert (await us.send(Colour="red", ValidityPeriod="36000")).status == 201


async def test_an_accepted_text_has_every_field_of_the_api(us, ours):
    answer = (await us.send(Body="x" * 161)).json()
    assert answer["status"] == "queued"
    assert answer["num_segments"] == "2"
    assert answer["date_created"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert answer["date_sent"] is None
    assert answer["uri"] == f"/2010-04-01/Accounts/{SID}/Messages/{answer['sid']}.json"
    assert len(answer["sid"]) == 34


@pytest.mark.parametrize(("weather", "word"), [({}, "delivered"), ({"receipts": False}, "sent")])
async def test_news_goes_to_the_callback_in_order(us, simulator, webhook, weather, word):
    simulator.network.conditions = NetworkConditions(**weather)
    sent = (await us.send(StatusCallback="https://example.com/news/7")).json()
    await simulator.network.clock.wait_until_idle()
    assert form(webhook, 0)["MessageStatus"] == "sent"
    last = form(webhook)
    assert (last["MessageSid"], last["MessageStatus"]) == (sent["sid"], word)
    assert (last["SmsStatus"], last["To"], last["AccountSid"]) == (word, ANNA, SID)
    assert "ErrorCode" not in last


async def test_a_phone_that_stays_off_is_undelivered_with_30003(us, simulator, clock, webhook):
    simulator.network.switch_phone(ANNA, on=False)
    sent = (await us.send(StatusCallback="https://example.com/news")).json()
    await clock.advance(72 * 3600)
    assert (form(webhook)["MessageStatus"], form(webhook)["ErrorCode"]) == ("undelivered", "30003")
    again = (await us.ask("GET", f"/Messages/{sent['sid']}.json")).json()
    assert (again["status"], again["error_code"]) == ("undelivered", 30003)
    assert again["error_message"] == "Unreachable destination handset"


# Texts in


async def test_a_text_is_posted_to_the_number_s_url_signed_with_the_accounts_token(
    us, ours, simulator, clock, webhook
):
    await us.hook(HOOK + "#rc=5&rp=all")
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.wait_until_idle()
    (path, headers, _, _) = webhook.requests[0]
    assert path == "/sms"
    assert headers["content-type"].startswith("application/x-www-form-urlencoded")
    pushed = form(webhook)
    assert (pushed["From"], pushed["To"], pushed["Body"]) == (ANNA, ours, "START")
    assert pushed["NumMedia"] == "0"
    assert pushed["MessageSid"] == pushed["SmsSid"] == pushed["SmsMessageSid"]
    assert "OptOutType" not in pushed
    assert RequestValidator(TOKEN).validate(HOOK, pushed, headers["x-twilio-signature"])
    listed = (await us.texts())["messages"][0]
    assert (listed["sid"], listed["direction"]) == (pushed["MessageSid"], "inbound")


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "b"]), st.text(max_size=5))))
def test_the_simulator_signs_as_the_sdk_does(pairs):
    class Many(dict):
        def getlist(self, name):
            return self[name]

    many = Many()
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    assert sign_webhook(HOOK, pairs, TOKEN) == RequestValidator(TOKEN).compute_signature(HOOK, many)


async def test_an_account_that_only_a_key_has_called_signs_with_zeros(
    us, simulator, clock, webhook
):
    us.pair = f"SK{'b2' * 16}:hush"
    ours = (await us.number())["phone_number"]
    await us.hook()
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.wait_until_idle()
    signature = webhook.requests[0][1]["x-twilio-signature"]
    assert RequestValidator("0" * 32).validate(HOOK, form(webhook), signature)


async def test_texts_that_are_not_pushed_wait_until_they_are_listed(us, ours, simulator):
    simulator.network.send_from_phone(ANNA, ours, "START")
    assert not simulator.network.is_idle
    await us.texts(f"?To={ours.replace('+', '%2B')}")
    assert simulator.network.is_idle


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", WebhookRetryPolicy(1, frozenset({"ct"}))),
        ("#rc=5&rp=all", WebhookRetryPolicy(5, frozenset({"all"}))),
        ("#rc=9", WebhookRetryPolicy(5, frozenset({"ct"}))),
        ("#rc=x&rp=4xx,5xx", WebhookRetryPolicy(1, frozenset({"4xx", "5xx"}))),
        ("#ct=100", WebhookRetryPolicy()),
    ],
)
def test_the_fragment_says_how_often_to_try_again(fragment, expected):
    assert parse_retry_policy(HOOK + fragment) == expected


@pytest.mark.parametrize(
    ("fragment", "status", "tries"),
    [("", 500, 1), ("#rc=3&rp=5xx", 503, 4), ("#rc=3&rp=5xx", 404, 1), ("#rc=2&rp=all", 400, 3)],
)
async def test_a_push_is_tried_again_as_its_fragment_says(
    us, ours, *, simulator, clock, webhook, fragment, status, tries
):
    webhook.status = status
    await us.hook(HOOK + fragment)
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.advance(60)
    assert len(webhook.requests) == tries
    tokens = {headers["i-twilio-idempotency-token"] for _, headers, _, _ in webhook.requests}
    assert len(tokens) == 1
    assert webhook.requests[-1][3] - webhook.requests[0][3] < 15


async def test_a_connection_that_fails_is_tried_once_more(
    us, ours, *, simulator, clock, transport, webhook
):
    await us.hook()
    del transport.apps["https://example.com"]
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.wait_until_idle()
    transport.apps["https://example.com"] = webhook
    await clock.advance(1)
    assert len(webhook.requests) == 1


async def test_a_customer_who_never_answers_is_given_fifteen_seconds(
    us, ours, *, simulator, clock, transport, webhook
):
    async def silent(scope, receive, send):
        await clock.sleep(3600)

    transport.apps["https://example.com/silent"] = silent
    await us.hook("https://example.com/silent", SmsFallbackUrl="https://example.com/fallback")
    began = clock.now().timestamp()
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.advance(60)
    (path, _, _, at) = webhook.requests[0]
    assert (path, at - began) == ("/fallback", 15)
    assert form(webhook)["ErrorCode"] == "11200"


async def test_a_push_goes_out_twice_when_it_is_to(us, ours, *, api, simulator, clock, webhook):
    await us.hook()
    api.faults.add(parse_fault("duplicate-push"))
    simulator.network.send_from_phone(ANNA, ours, "START")
    await clock.wait_until_idle()
    assert len(webhook.requests) == 2
    assert form(webhook, 0)["MessageSid"] == form(webhook, 1)["MessageSid"]


class Saying:
    """A customer who answers every push alike."""

    def __init__(self, body: bytes, kind: bytes = b"text/xml", status: int = 200) -> None:
        self.answer = body, kind, status

    async def __call__(self, scope, receive, send):
        body, kind, status = self.answer
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (Saying(b"<Response/>"), []),
        (Saying(b""), []),
        (Saying(b"<Response><Message>One</Message><Sms>Two</Sms></Response>"), ["One", "Two"]),
        (Saying(b"<Response><Message><Body>A &amp; B</Body></Message></Response>"), ["A & B"]),
        (Saying(b"Plain", b"text/plain; charset=utf-8"), ["Plain"]),
        (Saying(b"<Response><Message>"), []),
        (Saying(b"<html>Hello</html>"), []),
        (Saying(b'{"a": 1}', b"application/json"), []),
        (Saying(b"<Response><Message>One</Message></Response>", status=500), []),
        (Saying(b"<Response><Message/></Response>"), [""]),
        (Saying(b'<Response><Message to="nobody">One</Message></Response>'), []),
    ],
)
async def test_an_answer_in_twiml_is_obeyed(
    us, ours, *, simulator, clock, transport, answer, heard
):
    transport.apps["https://example.com"] = answer
    await us.hook()
    simulator.network.send_from_phone(ANNA, ours, "Hello")
    await clock.wait_until_idle()
    assert [entry.text.text for entry in simulator.network.phone_screen(ANNA)][1:] == heard


async def test_twiml_cannot_text_somebody_who_opted_out(us, ours, simulator, clock, transport):
    transport.apps["https://example.com"] = Saying(b"<Response><Message>Hi</Message></Response>")
    await us.hook()
    simulator.network.send_from_phone(ANNA, ours, "STOP")
    await clock.wait_until_idle()
    (_, confirmed) = simulator.network.phone_screen(ANNA)
    assert "unsubscribed" in confirmed.text.text


# Twilio's own list


OUT = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", " stop\n"]


@pytest.mark.parametrize("word", OUT)
@pytest.mark.parametrize("back", ["START", "YES", "unstop"])
async def test_each_word_of_its_list_ends_texts_until_the_person_comes_back(
    us, ours, simulator, word, back
):
    simulator.network.send_from_phone(ANNA, ours, word)
    refused = await us.send()
    assert (refused.status, refused.json()["code"]) == (400, 21610)
    assert (await us.send(To=BEN)).status == 201
    simulator.network.send_from_phone(ANNA, ours, back)
    assert (await us.send()).status == 201


@pytest.mark.parametrize("words", ["stop please", "STOP!", "opt out", "halt", ""])
async def test_other_words_end_nothing(us, ours, simulator, words):
    simulator.network.send_from_phone(ANNA, ours, words)
    assert (await us.send()).status == 201


async def test_what_changes_nothing_is_not_answered(us, ours, simulator):
    for word in ["START", "YES", "STOP", "stop", "HELP", "START", "INFO"]:
        simulator.network.send_from_phone(ANNA, ours, word)
    arrived = [
        entry.text.text
        for entry in simulator.network.phone_screen(ANNA)
        if not entry.text.from_phone
    ]
    assert [words.split()[3] for words in arrived] == ["been", "been", "unsubscribe."]
    assert [one["direction"] for one in (await us.texts())["messages"]] == ["inbound"] * 7


async def test_a_messaging_service_says_what_it_made_of_a_text(
    us, ours, *, api, simulator, clock, webhook
):
    api.set_switches(["messaging-service"])
    await us.hook()
    for word in ["STOP", "START", "HELP", "hello"]:
        simulator.network.send_from_phone(ANNA, ours, word)
    await clock.wait_until_idle()
    said = [form(webhook, place).get("OptOutType") for place in range(4)]
    assert said == ["STOP", "START", "HELP", None]
    assert form(webhook)["MessagingServiceSid"].startswith("MG")
    api.set_switches([])
    with pytest.raises(ValueError, match=r"'x'.*messaging-service"):
        api.set_switches(["x"])


# Numbers


async def test_a_number_keeps_what_a_change_does_not_name(us):
    await us.hook(FriendlyName="Stopwatch")
    changed = (await us.hook("")).json()
    assert (changed["friendly_name"], changed["sms_url"], changed["sms_method"]) == (
        "Stopwatch",
        "",
        "POST",
    )


@pytest.mark.parametrize(
    ("wrong", "code"), [({"url": "not a url"}, 21402), ({"SmsMethod": "PUT"}, 21403)]
)
async def test_a_number_takes_no_url_that_cannot_be_called(us, wrong, code):
    assert (await us.hook(**wrong)).json()["code"] == code


async def test_the_simulator_shows_where_a_number_pushes(us, ours, controls):
    shown = (await controls.ask("GET", "/numbers")).json()
    assert shown == [{"number": ours, "face": "twilio", "notifyURL": None}]
    await us.hook()
    shown = (await controls.ask("GET", "/numbers")).json()
    assert shown[0]["notifyURL"] == HOOK


# What goes wrong


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("error-500", 500, 20500),
        ("error-503", 503, 20503),
        ("throttle", 429, 20429),
        ("expire-token", 401, 20003),
    ],
)
async def test_a_fault_is_an_answer_of_twilios_once(us, api, name, status, code):
    api.faults.add(parse_fault(name))
    refused = await us.ask("GET", "/Messages.json")
    assert (refused.status, refused.json()["code"]) == (status, code)
    assert (await us.ask("GET", "/Messages.json")).status == 200


async def test_every_answer_says_what_time_it_is_at_twilio(us):
    answer = await us.ask("GET", "/Messages.json")
    assert answer.headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
