from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    RequestRefused,
    SettingError,
    TemporaryFailure,
)
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound, Status
from cooee.providers import Accepted, Credentials, PollResult, Subscription, find_provider
from cooee.providers.twilio.adapter import Twilio
from cooee.providers.twilio.signature import compute_signature
from cooee.testing.provider_example import Example, Push
from cooee.testing.provider_suite import PROMISES, its_features_agree_with_each_other
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

SID, TOKEN = "AC" + "a1" * 16, "f0" * 16
API = f"https://api.twilio.com/2010-04-01/Accounts/{SID}"
PATH = f"/2010-04-01/Accounts/{SID}"
OURS, THEIRS = "+61491570006", "+61491570156"
OUT_ID = f"{'0123456789abcdef' * 2}-7"
HOOK = "https://cooee.example/twilio/word"
WAY = f"{HOOK}/text#rc=5&rp=all"
KEYS = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN}
US = Credentials(b64encode(f"{SID}:{TOKEN}".encode()).decode())
OUTBOUND = Outbound(id=OUT_ID, sender=OURS, recipient=THEIRS, text="The timer is running!", at=NOON)
DATE = "Thu, 01 Jan 2026 12:00:00 GMT"


def twilio(**values) -> Twilio:
    return Twilio({**KEYS, **values})


def sid(count: int, kind: str = "SM") -> str:
    return f"{kind}{count:032x}"


def rfc2822(moment: datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def number(url="", number=OURS, **more):
    return {
        "sid": sid(1, "PN"),
        "phone_number": number,
        "sms_url": url,
        "sms_method": "POST",
        **more,
    }


def held(*listed, **more):
    return answer(200, {"incoming_phone_numbers": list(listed), **more})


def text(count=1, seconds=0.0, body="START", **more):
    at = rfc2822(NOON + timedelta(seconds=seconds))
    return {
        "sid": sid(count),
        "direction": "inbound",
        "from": THEIRS,
        "to": OURS,
        "body": body,
        "status": "received",
        "error_code": None,
        "num_segments": "1",
        "date_created": at,
        "date_updated": at,
        "date_sent": at,
        **more,
    }


def ours(count=1, seconds=0.0, body=OUTBOUND.text, **more):
    ends = {"from": OURS, "to": THEIRS, "direction": "outbound-api", "status": "sent"}
    return text(count, seconds, body, **ends | more)


def log(*messages, further=None, date=DATE):
    return answer(200, {"messages": list(messages), "next_page_uri": further}, date=date)


def signed(url: str, pairs, token=TOKEN, method="POST", **headers) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method=method,
        url=url,
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": compute_signature(url, pairs, token),
            **named,
        },
        body=urlencode(pairs).encode(),
    )


INCOMING = [
    ("ToCountry", "AU"),
    ("SmsMessageSid", sid(9)),
    ("NumMedia", "0"),
    ("Body", "START"),
    ("FromState", ""),
    ("From", THEIRS),
    ("To", OURS),
    ("MessageSid", sid(9)),
    ("AccountSid", SID),
    ("ApiVersion", "2010-04-01"),
]
NEWS = [
    ("SmsSid", sid(7)),
    ("SmsStatus", "delivered"),
    ("MessageStatus", "delivered"),
    ("To", THEIRS),
    ("MessageSid", sid(7)),
    ("AccountSid", SID),
    ("From", OURS),
]


def sign_again(request: Request) -> Request:
    pairs = parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": compute_signature(request.url, pairs, TOKEN),
    }
    return msgspec.structs.replace(request, headers=headers)


SUITE = Outbound(
    id=OUT_ID,
    sender=OURS,
    recipient=THEIRS,
    text="Your table is booked, Zaphod.",
    provider_id=sid(7),
    callback=f"{HOOK}/status/{OUT_ID}",
    at=NOON,
)
EXAMPLE = Example(
    provider=twilio(),
    secrets=[TOKEN, US.secret],
    credentials=US,
    login=[held(number())],
    subscribe=[held(number()), answer(200, number(WAY))],
    send=[answer(201, ours(7, status="queued"))],
    poll=[log(text(3, 1), text(2, 0))],
    cursor=json.dumps({"since": int(NOON.timestamp()), "seen_sids": [sid(2)]}),
    status=[answer(200, ours(7, status="delivered"))],
    lookup=[log(ours(7, 1, SUITE.text))],
    pushes=[
        Push("text", signed(f"{HOOK}/text", INCOMING)),
        Push(f"status/{OUT_ID}", signed(f"{HOOK}/status/{OUT_ID}", NEWS)),
    ],
    sign=sign_again,
    stamped=False,
    outbound=SUITE,
    webhook_url=HOOK,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_twilio_keeps_every_promise(promise):
    promise(EXAMPLE)


def test_twilio_that_replies_in_a_pushs_answer_agrees_with_itself():
    its_features_agree_with_each_other(
        msgspec.structs.replace(EXAMPLE, provider=twilio(TWILIO_REPLY_BY="webhook"))
    )


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_twilio_keeps_every_promise_where_a_log_has_several_pages(promise):
    further = f"{PATH}/Messages.json?Page=1&PageToken=PA{sid(3)}"
    first, second = log(text(3, 1), further=further), log(text(2, 0), text(1, -500))
    promise(msgspec.structs.replace(EXAMPLE, poll=[first, second]))


# Settings


def test_twilio_comes_through_the_door_that_anybodys_provider_uses():
    assert find_provider("twilio") is Twilio


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": "SK" + "a" * 32}, "TWILIO_ACCOUNT_SID is not AC"),
        ({"TWILIO_MESSAGING_SERVICE_SID": "AC" + "a" * 32}, "is not MG"),
        ({"TWILIO_API_KEY": "SK" + "a" * 32}, "go together"),
        ({"TWILIO_NUMBER": "my number"}, "Write it as"),
        ({"TWILIO_BASE_URL": "api.twilio.com"}, "TWILIO_BASE_URL is 'api.twilio.com', not a URL"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(wrong, said):
    with pytest.raises(SettingError, match=said):
        twilio(**wrong)


def test_an_auth_token_that_is_missing_is_named_with_the_line_to_type():
    with pytest.raises(SettingError, match="TWILIO_AUTH_TOKEN=…"):
        Twilio({"TWILIO_ACCOUNT_SID": SID})


def test_an_api_key_calls_the_api_instead_of_the_token():
    key = {"TWILIO_API_KEY": "SK" + "b2" * 16, "TWILIO_API_SECRET": "hush"}
    credentials = ScriptedNetwork(held()).run(twilio(**key).login())
    assert credentials.secret == b64encode(f"SK{'b2' * 16}:hush".encode()).decode()


# Our side


def test_a_login_asks_for_a_number_with_the_keys():
    line = ScriptedNetwork(held())
    assert line.run(twilio().login()) == US
    (asked,) = line.requests
    assert (asked.method, asked.safe) == ("GET", True)
    assert asked.url == f"{API}/IncomingPhoneNumbers.json?PageSize=1"
    assert asked.headers["authorization"] == f"Basic {US.secret}"


def test_wrong_keys_end_the_login_and_say_which_settings_to_look_at():
    refused = answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
    with pytest.raises(PermanentFailure, match=r"\[401 20003\].*TWILIO_AUTH_TOKEN"):
        ScriptedNetwork(refused).run(twilio().login())


def test_a_number_is_told_to_push_to_us_and_to_try_again():
    line = ScriptedNetwork(
        held(number("https://demo.twilio.com/welcome/sms/reply")), answer(200, {})
    )
    found = line.run(twilio().subscribe(US, HOOK))
    assert found == Subscription(OURS, f"{HOOK}/text", notes=[])
    order = line.requests[1]
    assert (order.method, order.safe) == ("POST", True)
    assert order.url == f"{API}/IncomingPhoneNumbers/{sid(1, 'PN')}.json"
    assert parse_qs(order.body.decode(), keep_blank_values=True) == {
        "SmsUrl": [WAY],
        "SmsMethod": ["POST"],
        "SmsApplicationSid": [""],
    }


def test_a_number_that_pushes_to_us_already_is_left_alone():
    line = ScriptedNetwork(held(number(WAY, sms_application_sid="")))
    assert line.run(twilio().subscribe(US, HOOK)).push_url == f"{HOOK}/text"


@pytest.mark.parametrize("other", [{"sms_method": "GET"}, {"sms_application_sid": sid(1, "AP")}])
def test_a_number_that_would_not_push_there_by_post_is_changed(other):
    line = ScriptedNetwork(held(number(WAY, **other)), answer(200, {}))
    line.run(twilio().subscribe(US, HOOK))
    assert len(line.requests) == 2


@pytest.mark.parametrize("url", [WAY, "http://127.0.0.1:8000/twilio/other/text"])
def test_to_read_takes_a_push_of_ours_away(url):
    line = ScriptedNetwork(held(number(url)), answer(200, {}))
    assert line.run(twilio().subscribe(US, None)) == Subscription(OURS, notes=[])
    assert line.requests[1].body == b"SmsUrl="


def test_to_read_leaves_somebody_elses_push_and_says_so():
    line = ScriptedNetwork(held(number("https://other.example/sms")))
    found = line.run(twilio().subscribe(US, None))
    assert found.push_url is None
    assert found.notes == ["Texts are also pushed to other.example, which may answer them too."]


def test_to_keep_changes_nothing():
    line = ScriptedNetwork(held(number("https://other.example/sms")))
    found = line.run(twilio().subscribe(US, HOOK, keep_direction=True))
    assert (found.number, found.push_url) == (OURS, "https://other.example/sms")


def test_a_messaging_service_has_to_leave_texts_to_the_number():
    provider = twilio(TWILIO_MESSAGING_SERVICE_SID=sid(1, "MG"))
    found = ScriptedNetwork(held(number(WAY))).run(provider.subscribe(US, HOOK))
    assert "Defer to sender's webhook" in found.notes[0]


def test_a_number_that_was_named_is_asked_for():
    line = ScriptedNetwork(held(number(WAY)))
    line.run(twilio(TWILIO_NUMBER="+61 491 570 006").subscribe(US, HOOK))
    assert line.requests[0].url.endswith("?PhoneNumber=%2B61491570006")


@pytest.mark.parametrize(
    ("listed", "told", "said"),
    [
        ([], {}, "The account has no number. .*Active Numbers"),
        (
            [number(number="+61491570313")],
            {"TWILIO_NUMBER": OURS},
            "no number that is TWILIO_NUMBER",
        ),
        ([number(), number(number="+61491570313")], {}, "several numbers.*Set TWILIO_NUMBER"),
    ],
)
def test_an_account_without_the_one_number_says_what_to_do(listed, told, said):
    with pytest.raises(PermanentFailure, match=said):
        ScriptedNetwork(held(*listed)).run(twilio(**told).subscribe(US, HOOK))


# Texts out


def sent_form(outbound, **told):
    line = ScriptedNetwork(answer(201, ours()))
    line.run(twilio(**told).send(outbound, US))
    assert line.requests[0].url == f"{API}/Messages.json"
    return parse_qs(line.requests[0].body.decode(), keep_blank_values=True)


def test_a_text_goes_out_with_our_id_in_its_callback():
    outbound = msgspec.structs.replace(OUTBOUND, callback=f"{HOOK}/status/{OUT_ID}")
    assert sent_form(outbound) == {
        "To": [THEIRS],
        "From": [OURS],
        "Body": ["The timer is running!"],
        "StatusCallback": [f"{HOOK}/status/{OUT_ID}"],
    }


def test_a_messaging_service_sends_from_the_number_that_the_person_knows():
    form = sent_form(OUTBOUND, TWILIO_MESSAGING_SERVICE_SID=sid(1, "MG"))
    assert (form["From"], form["MessagingServiceSid"]) == ([OURS], [sid(1, "MG")])


def test_pictures_go_along_each_in_a_field_of_its_own():
    media = ("https://cooee.example/a.png", "https://cooee.example/b.png")
    form = sent_form(msgspec.structs.replace(OUTBOUND, text="", media=media))
    assert form["MediaUrl"] == list(media)
    assert "Body" not in form


def test_more_pictures_than_ten_are_refused_at_once():
    outbound = msgspec.structs.replace(OUTBOUND, media=("https://a.example/a.png",) * 11)
    with pytest.raises(PermanentFailure, match="10 media"):
        ScriptedNetwork().run(twilio().send(outbound, US))


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "1"), (0, "1"), (1.9, "1"), (90, "90"), (36_001, "36000")]
)
def test_how_long_a_text_may_wait_is_told_within_twilios_limits(seconds, said):
    until = NOON + timedelta(seconds=seconds)
    form = sent_form(msgspec.structs.replace(OUTBOUND, good_until=until))
    assert form["ValidityPeriod"] == [said]


def test_half_a_character_goes_as_a_question_mark():
    assert sent_form(msgspec.structs.replace(OUTBOUND, text="a\ud83d"))["Body"] == ["a?"]


@pytest.mark.parametrize(("counted", "segments"), [("2", 2), ("0", None), (None, None), (2, None)])
def test_segments_are_told_where_twilio_knows_them(counted, segments):
    line = ScriptedNetwork(answer(201, ours(7, num_segments=counted)))
    assert line.run(twilio().send(OUTBOUND, US)) == Accepted(sid(7), segments)


def test_a_person_who_opted_out_is_a_failure_of_its_own():
    refused = answer(
        400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400}
    )
    with pytest.raises(OptedOut, match=r"\[400 21610\].*START"):
        ScriptedNetwork(refused).run(twilio().send(OUTBOUND, US))


# Texts in, from the log


def poll(*pages, cursor, **told) -> PollResult:
    return ScriptedNetwork(*pages).run(twilio(**told).poll(US, cursor))


def test_a_first_reading_begins_now_and_history_is_no_news():
    first = poll(log(text(2, 0), text(1, -60)), cursor="")
    assert first.inbounds == ()
    second = poll(log(text(2, 0), text(1, -60)), cursor=first.cursor)
    assert second.inbounds == []
    third = poll(log(text(4, 0), text(3, 5), text(2, 0), text(1, -60)), cursor=second.cursor)
    assert [inbound.key for inbound in third.inbounds] == [sid(4), sid(3)]


def test_in_an_empty_log_anything_is_news():
    first = poll(log(), cursor="")
    second = poll(log(text(1, -3600)), cursor=first.cursor)
    assert [inbound.key for inbound in second.inbounds] == [sid(1)]


def test_a_text_is_read_with_its_ends_its_words_and_the_moment_it_reached_twilio():
    (inbound,) = poll(*EXAMPLE.poll, cursor=EXAMPLE.cursor).inbounds
    assert (inbound.sender, inbound.recipient, inbound.text) == (THEIRS, OURS, "START")
    assert inbound.sent_at == NOON + timedelta(seconds=1)
    assert inbound.provider_id == inbound.key == sid(3)


def test_our_own_texts_in_the_log_are_not_read():
    assert poll(log(ours(5, 9)), cursor=EXAMPLE.cursor).inbounds == []


def test_only_our_number_is_asked_for_where_it_is_known():
    line = ScriptedNetwork(log())
    line.run(twilio(TWILIO_NUMBER=OURS).poll(US, ""))
    assert line.requests[0].url == f"{API}/Messages.json?To=%2B61491570006&PageSize=50"


def test_pages_are_read_until_one_reaches_back_to_the_last_reading():
    further = f"{PATH}/Messages.json?Page=1&PageToken=x"
    pages = [
        log(text(4, 9), text(3, 8), further=further),
        log(text(2, 0), text(1, -9), further=further + "2"),
    ]
    news = poll(*pages, cursor=EXAMPLE.cursor)
    assert [inbound.key for inbound in news.inbounds] == [sid(3), sid(4)]


def test_a_next_page_somewhere_else_is_not_followed_with_our_keys():
    with pytest.raises(TemporaryFailure, match="Twilio"):
        poll(log(text(), further="https://evil.example/2010-04-01/Accounts/"), cursor="")


def test_a_page_with_a_text_that_cannot_be_read_is_not_passed_over():
    with pytest.raises(TemporaryFailure):
        poll(log(text(3, 1), {"sid": sid(4)}), cursor=EXAMPLE.cursor)


def test_a_cursor_of_another_provider_is_refused():
    with pytest.raises(PermanentFailure, match="not one of Twilio's"):
        poll(cursor="c42")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90)), max_size=25), st.data())
def test_whatever_shows_up_within_two_minutes_is_read_once(texts, data):
    """Texts are made at one moment and show up in the log up to 90 seconds later."""
    made = [(at, at + late, count) for count, (at, late) in enumerate(texts, 1)]
    looks = [*sorted(data.draw(st.lists(st.integers(0, 500), max_size=12))), 500]
    cursor, read = poll(log(text(0, -1)), cursor="").cursor, []
    for now in looks:
        shown = sorted(((at, count) for at, seen, count in made if seen <= now), reverse=True)
        news = poll(log(*(text(count, at) for at, count in shown), text(0, -1)), cursor=cursor)
        read += [inbound.key for inbound in news.inbounds]
        cursor = news.cursor
    assert sorted(read) == sorted(sid(count) for _, _, count in made)


def test_what_an_outage_kept_from_us_can_be_listed():
    since = NOON - timedelta(minutes=5)
    line = ScriptedNetwork(log(text(3, 1), ours(9, 0), text(2, -200), text(1, -400)))
    listed = line.run(twilio().list_since(US, since))
    assert [inbound.key for inbound in listed] == [sid(2), sid(3)]


# How a text fares, and whether it arrived


def test_a_status_is_asked_for_by_twilios_id():
    outbound = msgspec.structs.replace(OUTBOUND, provider_id=sid(7))
    line = ScriptedNetwork(answer(200, ours(7, status="undelivered", error_code=30003)))
    receipt = line.run(twilio().status(outbound, US))
    assert line.requests[0].url == f"{API}/Messages/{sid(7)}.json"
    assert (receipt.status, receipt.provider_status, receipt.code) == (
        Status.UNDELIVERED,
        "undelivered",
        "30003",
    )
    assert (receipt.outbound_id, receipt.at) == (OUT_ID, NOON)


def test_a_text_that_twilio_does_not_know_has_no_news():
    outbound = msgspec.structs.replace(OUTBOUND, provider_id=sid(7))
    assert ScriptedNetwork(answer(404, {"code": 20404})).run(twilio().status(outbound, US)) is None
    assert ScriptedNetwork().run(twilio().status(OUTBOUND, US)) is None


def lookup(*messages, outbound=OUTBOUND, date=DATE):
    return ScriptedNetwork(log(*messages, text(99, -9999), date=date)).run(
        twilio().lookup(outbound, US)
    )


@pytest.mark.parametrize(
    "body",
    [
        OUTBOUND.text,
        "Sent from your Twilio trial account - The timer is running!",
        " The timer is running! ",
        "The timer is running",
    ],
)
def test_a_text_with_our_words_made_then_had_arrived(body):
    assert lookup(ours(7, 2, body)) == Accepted(sid(7), 1)


@pytest.mark.parametrize(
    "other",
    [
        ours(7, 2, "Something else entirely"),
        ours(7, -30),
        ours(7, 300),
        ours(7, 2, to="+61491570157"),
        ours(7, 2) | {"from": "+61491570313"},
        text(7, 2, OUTBOUND.text),
    ],
)
def test_other_texts_are_not_it(other):
    assert lookup(other) is None


@pytest.mark.parametrize(
    "messages",
    [
        [ours(7, 1), ours(8, 2)],
        [ours(7, 1, "")],
        [ours(7, 1, "The timer is runnning!")],
    ],
)
def test_what_may_or_may_not_be_it_leaves_the_doubt(messages):
    with pytest.raises(OutcomeUnknown, match="any or none"):
        lookup(*messages)


def test_twilios_clock_tells_when_then_was():
    behind = "Thu, 01 Jan 2026 11:55:00 GMT"
    assert lookup(ours(7, -299), date=behind) == Accepted(sid(7), 1)
    assert lookup(ours(7, 1), date=behind) is None


@pytest.mark.parametrize("date", ["Thu, 01 Jan 2026 11:45:00 GMT", "yesterday"])
def test_a_clock_that_is_too_far_off_leaves_the_doubt(date):
    with pytest.raises(OutcomeUnknown, match="clock"):
        lookup(ours(7, 1), date=date)


def test_no_number_or_words_of_a_person_are_in_what_a_look_up_asks():
    line = ScriptedNetwork(log())
    line.run(twilio().lookup(OUTBOUND, US))
    assert parse_qs(urlsplit(line.requests[0].url).query) == {"From": [OURS], "PageSize": ["50"]}


# Webhooks


def receive(pairs, tail="text", at=NOON, provider=None, **changed):
    request = msgspec.structs.replace(signed(f"{HOOK}/{tail}", pairs), **changed)
    return (provider or twilio()).receive(request, tail, at)


def form(pairs, **changed):
    return list((dict(pairs) | changed).items())


def test_a_pushed_text_is_read_and_answered_with_twiml_that_says_nothing():
    received = receive(INCOMING)
    (inbound,) = received.inbounds
    assert (inbound.sender, inbound.recipient, inbound.text) == (THEIRS, OURS, "START")
    assert inbound.key == inbound.provider_id == sid(9)
    assert (inbound.sent_at, inbound.received_at) == (None, NOON)
    assert received.response.headers["content-type"] == "text/xml"
    assert received.response.body.endswith(b"<Response/>")


def test_a_text_has_the_same_key_pushed_and_read():
    (pushed,) = receive(form(INCOMING, MessageSid=sid(3))).inbounds
    (read,) = poll(*EXAMPLE.poll, cursor=EXAMPLE.cursor).inbounds
    assert pushed.key == read.key


def test_pictures_are_named_with_the_text():
    urls = {"MediaUrl0": "https://api.twilio.com/a", "MediaUrl1": "https://api.twilio.com/b"}
    (inbound,) = receive(form(INCOMING, NumMedia="2", Body="", **urls)).inbounds
    assert inbound.text == ""
    assert [one.url for one in inbound.media] == list(urls.values())


@pytest.mark.parametrize(("said", "consent"), [("STOP", "out"), ("START", "in"), ("HELP", "")])
def test_what_advanced_opt_out_made_of_a_text_is_handed_on(said, consent):
    (inbound,) = receive(form(INCOMING, Body="arrêt", OptOutType=said)).inbounds
    assert inbound.consent == consent


def test_a_receipt_names_our_text_by_the_path_it_came_to():
    received = receive(NEWS, f"status/{OUT_ID}")
    (receipt,) = received.receipts
    assert (receipt.status, receipt.outbound_id, receipt.provider_id) == (
        Status.DELIVERED,
        OUT_ID,
        sid(7),
    )
    assert received.response.status == 204


def test_a_receipt_brings_the_reason_of_a_failure():
    news = form(NEWS, MessageStatus="undelivered", ErrorCode="30005")
    (receipt,) = receive(news, f"status/{OUT_ID}").receipts
    assert (receipt.status, receipt.code) == (Status.UNDELIVERED, "30005")


@pytest.mark.parametrize(
    ("tail", "pairs", "changed", "status"),
    [
        ("elsewhere", INCOMING, {}, 404),
        ("text/more", INCOMING, {}, 404),
        ("text", INCOMING, {"method": "GET"}, 405),
        ("text", INCOMING, {"headers": {}}, 403),
        ("text", INCOMING[:5], {}, 400),
        ("status/nonsense", NEWS, {}, 404),
        ("status", NEWS[4:], {}, 400),
    ],
)
def test_what_is_not_to_be_believed_or_understood_is_refused(tail, pairs, changed, status):
    with pytest.raises(RequestRefused) as refused:
        receive(pairs, tail, **changed)
    assert refused.value.status == status


def test_a_json_body_is_read_once_its_hash_is_verified():
    from hashlib import sha256

    body = json.dumps(dict(INCOMING)).encode()
    url = f"{HOOK}/text?bodySHA256={sha256(body).hexdigest()}"
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": compute_signature(url, (), TOKEN),
    }
    request = Request(method="POST", url=url, headers=headers, body=body)
    (inbound,) = twilio().receive(request, "text", NOON).inbounds
    assert inbound.text == "START"
    with pytest.raises(RequestRefused, match="not the one that was signed"):
        twilio().receive(msgspec.structs.replace(request, body=body + b" "), "text", NOON)


def test_stamps_of_the_log_are_utc():
    (inbound,) = poll(*EXAMPLE.poll, cursor=EXAMPLE.cursor).inbounds
    assert inbound.sent_at.tzinfo is UTC


def test_a_senseless_number_of_media_is_none():
    (inbound,) = receive(form(INCOMING, NumMedia="9" * 5000)).inbounds
    assert inbound.media == ()
