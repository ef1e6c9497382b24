from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec
import pytest

from cooee.core.errors import (
    OutcomeUnknown,
    PermanentFailure,
    RequestRefused,
    SettingError,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound, Status
from cooee.providers import Credentials, PollResult, Subscription, find_provider
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.testing.provider_example import Example, Push
from cooee.testing.provider_suite import PROMISES
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

BASE = "https://tapi.telstra.com/v2"
NUMBER = f"{BASE}/messages/provisioning/subscriptions"
OURS, THEIRS = "+61491570006", "+61491570156"
MESSAGE_ID = "d997474900097a1f0000000008d7e18102cc0901-1261491570156"
OUT_ID = f"{'0123456789abcdef' * 2}-7"
HOOK = "https://cooee.example/telstra-v2/word"
US = Credentials("a-token-of-28-characters-xxx", NOON + timedelta(hours=1))
OUTBOUND = Outbound(id=OUT_ID, sender=OURS, recipient=THEIRS, text="The timer is running!")
KEYS = {
    "TELSTRA_CLIENT_ID": "PutYour32CharClientKeyHereThanks",
    "TELSTRA_CLIENT_SECRET": "ClientSecretHere",
}

TOKEN = {"access_token": US.secret, "token_type": "Bearer", "expires_in": "3599"}
SENT = {
    "messages": [
        {
            "to": THEIRS,
            "deliveryStatus": "MessageWaiting",
            "messageId": MESSAGE_ID,
            "messageStatusURL": f"{BASE}/messages/sms/{MESSAGE_ID}/status",
        }
    ],
    "Country": [{"AUS": 1}],
    "messageType": "SMS",
    "numberSegments": 1,
}
REPLY = {  # as the article saw it
    "status": "RECEIVED",
    "destinationAddress": OURS,
    "senderAddress": THEIRS,
    "message": "Hi Python! This is an SMS. ",
    "messageId": "",
    "apiMsgId": "",
    "sentTimestamp": "2019-03-04T15:33:10+10:00",
}
PUSHED = {
    "to": OURS,
    "from": THEIRS,
    "body": "Foo4",
    "sentTimestamp": "2018-04-20T14:24:35",
    "messageId": "DMASApiA0000000146",
}
DELIVERED = {
    "to": THEIRS,
    "sentTimestamp": "2019-09-10T11:09:03+10:00",
    "receivedTimestamp": "2019-09-10T11:09:21+10:00",
    "messageId": "/cccb284200035236000000000ee9d074019e0301/1261491570156",
    "deliveryStatus": "DELIVRD",
}


def telstra(**values) -> TelstraV2:
    return TelstraV2({**KEYS, **values})


def push(body, method="POST") -> Request:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(method=method, url=f"{HOOK}/reply", body=raw)


def held(days="90", way=None, **more):
    return answer(200, {"activeDays": days, "notifyURL": way, "destinationAddress": OURS, **more})


EXAMPLE = Example(
    provider=telstra(),
    secrets=[KEYS["TELSTRA_CLIENT_SECRET"], US.secret],
    credentials=US,
    login=[answer(200, TOKEN)],
    subscribe=[answer(404), answer(201, {"destinationAddress": OURS, "activeDays": "30"})],
    send=[answer(201, SENT)],
    poll=[answer(200, REPLY)],
    status=[answer(200, [{**DELIVERED, "messageId": MESSAGE_ID}])],
    pushes=[
        Push("reply", push(PUSHED)),
        Push("reply", push(REPLY)),
        Push(f"status/{OUT_ID}", push(DELIVERED)),
    ],
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_telstra_keeps_every_promise(promise):
    promise(EXAMPLE)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_telstra_keeps_every_promise_with_a_number_that_is_already_its_own(promise):
    promise(
        msgspec.structs.replace(EXAMPLE, webhook_url=HOOK, subscribe=[held("90", f"{HOOK}/reply")])
    )


# Settings


def test_it_is_found_by_its_name():
    assert find_provider("telstra-v2") is TelstraV2


@pytest.mark.parametrize("missing", KEYS)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_named_with_the_line_to_type(missing, value):
    values = {name: given for name, given in KEYS.items() if name != missing}
    with pytest.raises(SettingError, match=f"{missing}=…"):
        TelstraV2(values if value is None else {**values, missing: value})


@pytest.mark.parametrize("base", ["tapi.telstra.com/v2", "file:///etc"])
def test_a_base_that_is_no_url_is_refused(base):
    with pytest.raises(SettingError, match="TELSTRA_BASE_URL"):
        telstra(TELSTRA_BASE_URL=base)


def test_the_base_url_may_be_another_and_end_in_a_slash():
    line = ScriptedNetwork(answer(200, TOKEN))
    line.run(telstra(TELSTRA_BASE_URL=" http://127.0.0.1:8400/telstra/v2/ ").login())
    assert line.requests[0].url == "http://127.0.0.1:8400/telstra/v2/oauth/token"


# Login


def test_a_login_is_a_form_with_the_keys_in_its_body():
    line = ScriptedNetwork(answer(200, TOKEN))
    spaced = telstra(TELSTRA_CLIENT_SECRET=" a secret&=+é \n")
    line.run(spaced.login())
    request = line.requests[0]
    assert (request.method, request.url) == ("POST", f"{BASE}/oauth/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode(), strict_parsing=True) == {
        "client_id": [KEYS["TELSTRA_CLIENT_ID"]],
        "client_secret": ["a secret&=+é"],
        "grant_type": ["client_credentials"],
        "scope": ["NSMS"],
    }


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3599", 3599),
        (3599, 3599),
        (3599.0, 3599),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("-1", None),
        (None, None),
        (True, None),
        ("9" * 30, None),
        (10**14, None),  # past the end of time
    ],
)
def test_expires_in_is_a_string_and_anything_unreadable_is_no_end(expires_in, seconds):
    token = {"access_token": "t0ken", "expires_in": expires_in}
    credentials = ScriptedNetwork(answer(200, token)).run(telstra().login())
    expected = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert credentials == Credentials("t0ken", expected)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": "invalid_client"}, PermanentFailure, "invalid_client"),
        (400, {"error": "unsupported_grant_type"}, PermanentFailure, "TELSTRA_CLIENT_ID"),
        (404, b"", PermanentFailure, "TELSTRA_BASE_URL"),
        (429, {}, TemporaryFailure, ""),
        (500, b"<html>", TemporaryFailure, ""),
        (503, b"", TemporaryFailure, ""),
        (502, b"<html>", TemporaryFailure, "not JSON"),  # safe to ask again: never a doubt
        (200, b"<html>", TemporaryFailure, "not JSON"),
        (200, {"access_token": ""}, TemporaryFailure, ""),
        (200, {"access_token": "two\r\nlines"}, TemporaryFailure, ""),
        (200, {"access_token": 5}, TemporaryFailure, ""),
    ],
)
def test_a_login_that_fails_says_what_to_do(status, body, kind, words):
    with pytest.raises(kind) as caught:
        ScriptedNetwork(answer(status, body, content_type="text/html")).run(telstra().login())
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.status == status


# The subscription


def subscribe(*script, hook=None, keep=False):
    line = ScriptedNetwork(*script)
    subscription = line.run(telstra().subscribe(US, hook, keep_direction=keep))
    bodies = [msgspec.json.decode(request.body) for request in line.requests if request.body]
    assert [request.url for request in line.requests] == [NUMBER] * len(script)
    assert [request.method for request in line.requests] == ["GET", "POST", "POST"][: len(script)]
    assert [request.safe for request in line.requests] == [True, False, False][: len(script)]
    return subscription, bodies


@pytest.mark.parametrize(
    ("hook", "keep", "told"),
    [
        (HOOK, False, {"activeDays": 30, "notifyURL": f"{HOOK}/reply"}),
        (f"{HOOK}/", False, {"activeDays": 30, "notifyURL": f"{HOOK}/reply"}),
        (None, False, {"activeDays": 30, "notifyURL": None}),
        (None, True, {"activeDays": 30}),
        (HOOK, True, {"activeDays": 30}),
    ],
    ids=["string", "string-slash", "null", "absent", "absent-with-hook"],
)
@pytest.mark.parametrize("none", [404, 400])
def test_notify_url_is_a_string_null_or_absent(hook, keep, told, none):
    made = answer(201, {"destinationAddress": OURS, "activeDays": "30"})
    subscription, bodies = subscribe(answer(none, {}), made, hook=hook, keep=keep)
    assert bodies == [told]
    expected = f"{HOOK}/reply" if told.get("notifyURL") else None
    assert subscription == Subscription(OURS, expected, NOON + timedelta(days=30))


@pytest.mark.parametrize(
    ("days", "way", "hook", "keep", "added"),
    [
        ("90", None, None, False, None),  # all is well: nothing is told, nothing is bought
        ("90", "", None, False, None),
        ("90", f"{HOOK}/reply", HOOK, False, None),
        ("14", None, None, False, None),
        ("13", None, None, False, 17),
        ("1", f"{HOOK}/reply", HOOK, False, 29),
        ("0", None, None, False, 30),
        ("90", None, HOOK, False, 1),  # the way changes: a day, since 0 is not said to be allowed
        ("90", f"{HOOK}/reply", None, False, 1),
        ("90", "https://elsewhere.example/", HOOK, False, 1),
        ("5", None, HOOK, False, 25),
        ("90", "https://elsewhere.example/", None, True, None),
        ("2", "https://elsewhere.example/", None, True, 28),
        (90, None, None, False, None),
        ("?", None, None, False, None),  # unknown: no days are bought on a guess
    ],
)
def test_days_are_an_increment_and_never_added_at_a_restart(days, way, hook, keep, added):
    script = [held(days, way)]
    if added is not None:
        script.append(answer(201, {"destinationAddress": OURS}))
    subscription, bodies = subscribe(*script, hook=hook, keep=keep)
    assert [body["activeDays"] for body in bodies] == ([] if added is None else [added])
    assert subscription.number == OURS
    wanted = (way or None) if keep else f"{HOOK}/reply" if hook else None
    assert subscription.push_url == wanted
    left = None if days == "?" else int(days) + (added or 0)
    assert subscription.expires_at == (None if left is None else NOON + timedelta(days=left))


@pytest.mark.parametrize(
    ("body", "days", "note"),
    [
        ({"destinationAddress": OURS}, 30, ""),
        ({"destinationAddress": OURS, "activeDays": "45"}, 45, ""),
        ({"destinationAddress": OURS, "activeDays": 45}, 45, ""),
        (
            {"destinationAddress": OURS, "expiryDate": 1767960000000},
            8,
            "free trial's number, which ends on 2026-01-09",
        ),
        (
            {
                "destinationAddress": OURS,
                "activeDays": "1830",
                "description": "Your provisioned number is already valid for more than 5 years",
            },
            1830,
            "more than 5 years",
        ),
    ],
    ids=["bare", "string", "number", "trial", "described"],
)
def test_every_answer_to_provisioning_is_read(body, days, note):
    subscription, _ = subscribe(answer(404), answer(201, body))
    assert subscription.expires_at == NOON + timedelta(days=days)
    assert any(note in words for words in subscription.notes) or not note


def test_a_number_held_for_the_most_days_can_still_change_its_way():
    full = answer(409, {"status": "409", "code": "Active Days Max", "message": ""})
    made = answer(201, {"destinationAddress": OURS, "activeDays": "1824"})
    subscription, bodies = subscribe(held("1825"), full, made, hook=HOOK)
    assert [body["activeDays"] for body in bodies] == [1, -1]
    assert subscription.push_url == f"{HOOK}/reply"


@pytest.mark.parametrize("status", [404, 405])
def test_no_number_to_be_had_says_every_reason_there_may_be(status):
    refused = answer(status, {"status": str(status), "code": "RESOURCE-NOT-FOUND", "message": ""})
    with pytest.raises(PermanentFailure) as caught:
        subscribe(answer(404), refused)
    for reason in ("expired", "less than a minute", "another app", "free trial"):
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([answer(200, b"<html>")], TemporaryFailure),
        ([answer(200, {"activeDays": "3"})], TemporaryFailure),
        ([answer(502, b"")], TemporaryFailure),
        ([answer(403, {"code": "SpikeArrest"})], TemporaryFailure),
        ([answer(404), answer(201, b"<html>")], OutcomeUnknown),
        ([answer(404), answer(201, {})], OutcomeUnknown),
        ([answer(404), answer(409, {"code": "Active Days Max"})], PermanentFailure),
        ([answer(404), answer(401, {"code": "TECH-ERR"})], Unauthorized),
        ([answer(404), answer(500, {})], TemporaryFailure),
    ],
)
def test_a_number_that_cannot_be_made_sure_of_is_a_typed_failure(script, kind):
    with pytest.raises(kind) as caught:
        subscribe(*script)
    assert type(caught.value) is kind


# Sending


def test_a_text_is_sent_as_json_from_our_number():
    line = ScriptedNetwork(answer(201, SENT))
    outbound = msgspec.structs.replace(OUTBOUND, callback=f"{HOOK}/status/{OUT_ID}")
    accepted = line.run(telstra().send(outbound, US))
    (request,) = line.requests
    assert (accepted.provider_id, accepted.segments) == (MESSAGE_ID, 1)
    assert (request.method, request.url, request.safe) == ("POST", f"{BASE}/messages/sms", False)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {US.secret}"
    assert msgspec.json.decode(request.body) == {
        "to": THEIRS,
        "body": OUTBOUND.text,
        "notifyURL": f"{HOOK}/status/{OUT_ID}",
    }


@pytest.mark.parametrize(
    ("good_for", "validity"),
    [
        (timedelta(hours=1), 60),
        (timedelta(seconds=119), 1),
        (timedelta(seconds=1), 1),
        (timedelta(seconds=-5), 1),
        (timedelta(days=7), 10079),
        (timedelta(days=70), 10079),
    ],
)
def test_validity_is_what_is_left_in_whole_minutes(good_for, validity):
    outbound = msgspec.structs.replace(OUTBOUND, at=NOON, good_until=NOON + good_for)
    line = ScriptedNetwork(answer(201, SENT))
    line.run(telstra().send(outbound, US))
    assert msgspec.json.decode(line.requests[0].body)["validity"] == validity


def test_validity_is_left_out_where_the_time_of_the_attempt_is_unknown():
    outbound = msgspec.structs.replace(OUTBOUND, good_until=NOON)
    line = ScriptedNetwork(answer(201, SENT))
    line.run(telstra().send(outbound, US))
    assert "validity" not in msgspec.json.decode(line.requests[0].body)


@pytest.mark.parametrize("text", ["", "😀", "\x00", "half \ud83d a smile", "א" * 1900])
def test_any_text_up_to_1900_characters_can_be_put_into_json(text):
    line = ScriptedNetwork(answer(201, SENT))
    line.run(telstra().send(msgspec.structs.replace(OUTBOUND, text=text), US))
    told = msgspec.json.decode(line.requests[0].body)["body"]
    assert told == text.replace("\ud83d", "?")


def test_media_are_refused_rather_than_dropped():
    line = ScriptedNetwork()
    with pytest.raises(PermanentFailure, match="media"):
        line.run(telstra().send(msgspec.structs.replace(OUTBOUND, media=("https://a/b",)), US))
    assert line.requests == []


@pytest.mark.parametrize(
    ("segments", "read"), [(3, 3), ("3", 3), (None, None), ("[{'AUS': 1}]", None), ({}, None)]
)
def test_segments_are_read_where_they_are_a_number(segments, read):
    line = ScriptedNetwork(
        answer(201, {**SENT, "Country": "[{'AUS': 1}]", "numberSegments": segments})
    )
    assert line.run(telstra().send(OUTBOUND, US)).segments == read


# Reading


def poll(*script):
    line = ScriptedNetwork(*script)
    news = line.run(telstra().poll(US, ""))
    return news, line.requests[0]


def test_empty_is_no_news():
    news, request = poll(answer(200, {"status": "EMPTY"}))
    assert news == PollResult()
    assert (request.method, request.url, request.body) == ("GET", f"{BASE}/messages/sms", b"")
    assert not request.safe, "reading removes: a lost answer is a doubt"


def test_the_articles_reply_is_read_as_it_came():
    news, _ = poll(answer(200, REPLY))
    (inbound,) = news.inbounds
    assert news.more
    assert inbound.text == "Hi Python! This is an SMS. "  # the trailing space too
    assert (inbound.sender, inbound.recipient) == (THEIRS, OURS)
    assert inbound.sent_at == datetime(2019, 3, 4, 5, 33, 10, tzinfo=UTC)
    assert (inbound.received_at, inbound.key, inbound.raw) == (NOON, "", b"")


@pytest.mark.parametrize(
    ("stamp", "sent_at"),
    [
        ("2019-03-04T15:33:10", datetime(2019, 3, 4, 15, 33, 10)),  # noqa: DTZ001 -- as it came
        ("2019-03-04T05:33:10Z", datetime(2019, 3, 4, 5, 33, 10, tzinfo=UTC)),
        ("2019-03-04T15:33:10.5+10:00", datetime(2019, 3, 4, 5, 33, 10, 500000, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("04/03/2019", None),
        ("", None),
        (None, None),
        (1551677590, None),
    ],
)
def test_a_stamp_is_read_or_left_out(stamp, sent_at):
    news, _ = poll(answer(200, {**REPLY, "sentTimestamp": stamp}))
    assert news.inbounds[0].sent_at == sent_at


@pytest.mark.parametrize(
    ("body", "sender", "recipient", "text"),
    [
        ({"senderAddress": THEIRS, "message": "hi"}, THEIRS, "", "hi"),
        ({"status": "RECEIVED", "senderAddress": THEIRS}, THEIRS, "", ""),
        ({"status": "RECEIVED", "message": "hi"}, "", "", "hi"),
        ({**REPLY, "message": 42}, THEIRS, OURS, ""),
        ({**REPLY, "message": None}, THEIRS, OURS, ""),
        ({**REPLY, "senderAddress": "\x00"}, "", OURS, REPLY["message"]),
        ({**REPLY, "status": "EMPTY"}, THEIRS, OURS, REPLY["message"]),
    ],
)
def test_a_partial_reply_is_kept_as_far_as_it_goes(body, sender, recipient, text):
    response = answer(200, body)
    news, _ = poll(response)
    (inbound,) = news.inbounds
    assert (inbound.sender, inbound.recipient, inbound.text) == (sender, recipient, text)
    whole = sender and recipient and isinstance(body.get("message"), str)
    assert inbound.raw == (b"" if whole else response.body)  # the only copy there is


def test_a_reply_with_an_empty_text_is_a_reply():
    news, _ = poll(answer(200, {**REPLY, "message": ""}))
    assert (news.inbounds[0].text, news.inbounds[0].raw) == ("", b"")


def test_a_reply_with_scars_is_read():
    body = b'{"status":"RECEIVED","senderAddress":"+61491570156","message":"a\nb \\ud83d caf\xe9"}'
    news, _ = poll(answer(200, body))
    assert news.inbounds[0].text == "a\nb \ud83d caf\ufffd"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", OutcomeUnknown),  # a text may have been in it
        (200, b"", OutcomeUnknown),
        (200, [], OutcomeUnknown),
        (200, {"status": "RECEIVED"}, OutcomeUnknown),
        (200, {"status": "RECEIVED", "senderAddress": None, "message": []}, OutcomeUnknown),
        (502, b"<html>", OutcomeUnknown),
        (504, b"", OutcomeUnknown),
        (500, {"status": "500", "code": "TECH-ERR"}, TemporaryFailure),
        (503, b"", TemporaryFailure),
        (400, {"status": "400", "code": "NOT-PROVISIONED"}, TemporaryFailure),
        (404, {"status": "404", "code": "RESOURCE-NOT-FOUND"}, TemporaryFailure),
        (401, {"status": "401", "code": "TECH-ERR"}, Unauthorized),
    ],
)
def test_a_reading_that_fails_says_whether_a_text_may_be_gone(status, body, kind):
    with pytest.raises(kind) as caught:
        poll(answer(status, body))
    assert type(caught.value) is kind


# How our texts fare


def ask(*script, provider_id=MESSAGE_ID):
    line = ScriptedNetwork(*script)
    outbound = msgspec.structs.replace(OUTBOUND, provider_id=provider_id)
    return line.run(telstra().status(outbound, US)), line.requests


def test_the_status_is_asked_by_telstras_id_and_is_an_array_of_one():
    receipt, (request,) = ask(answer(200, [DELIVERED]), provider_id="a/b c?d")
    assert request.url == f"{BASE}/messages/sms/a%2Fb%20c%3Fd/status"
    assert request.safe
    assert (receipt.status, receipt.provider_status) == (Status.DELIVERED, "DELIVRD")
    assert (receipt.outbound_id, receipt.provider_id) == (OUT_ID, "a/b c?d")
    assert receipt.at == datetime(2019, 9, 10, 1, 9, 21, tzinfo=UTC)  # the later of the two


@pytest.mark.parametrize("response", [answer(404), answer(200, [])])
def test_no_status_yet_is_no_news(response):
    assert ask(response)[0] is None


def test_a_text_without_telstras_id_is_not_asked_about():
    assert ask(provider_id="") == (None, [])


@pytest.mark.parametrize("body", [b"<html>", {}, [5], [{}], [{"deliveryStatus": 5}]])
def test_a_status_that_cannot_be_read_is_asked_again(body):
    with pytest.raises(TemporaryFailure):
        ask(answer(200, body))


@pytest.mark.parametrize("name", ["confirm", "lookup"])
def test_what_telstra_has_not_fails_at_once(name):
    with pytest.raises(PermanentFailure):
        getattr(telstra(), name)(OUTBOUND, US)


# Pushes


def receive(body, tail="reply", method="POST"):
    return telstra().receive(push(body, method), tail, NOON)


def test_a_pushed_reply_is_read_with_its_own_keys():
    received = receive(PUSHED)
    (inbound,) = received.inbounds
    assert received.response.status == 204
    assert received.response.body == b""
    assert (inbound.sender, inbound.recipient, inbound.text) == (THEIRS, OURS, "Foo4")
    assert inbound.sent_at == datetime(2018, 4, 20, 14, 24, 35)  # noqa: DTZ001 -- it has no offset
    assert (inbound.received_at, inbound.provider_id) == (NOON, "DMASApiA0000000146")


def test_a_pushed_reply_is_read_with_the_keys_of_reading_too():
    (inbound,) = receive(REPLY).inbounds
    assert (inbound.sender, inbound.recipient, inbound.text) == (THEIRS, OURS, REPLY["message"])


@pytest.mark.parametrize("member", PUSHED)
def test_two_replies_that_differ_in_anything_have_different_keys(member):
    other = {**PUSHED, member: PUSHED[member] + "0"}
    assert receive(PUSHED).inbounds[0].key != receive(other).inbounds[0].key


@pytest.mark.parametrize("id", ["", None, 7, "two words", "\x00", "x" * 500, "\u202e"])
def test_a_reply_without_a_good_id_still_has_a_key(id):
    (inbound,) = receive({**PUSHED, "messageId": id}).inbounds
    assert (inbound.provider_id, len(inbound.key)) == ("", 32)


def test_a_picture_message_is_a_text_of_its_subject():
    picture = {key: value for key, value in PUSHED.items() if key != "body"}
    picture |= {"subject": "Look!", "envelope": "…", "MMSContent": [{"type": "image/png"}]}
    assert receive(picture).inbounds[0].text == "Look!"


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "\ud83d", "😀" * 900, "x" * 2000, "שלום", "STOP", "a\nb", "\u202egnp.exe"],
)
def test_any_text_is_received_as_it_came(text):
    body = json.dumps({**PUSHED, "body": text}).encode()
    assert receive(body).inbounds[0].text == text


@pytest.mark.parametrize(
    "stamp", ["1970-01-01T00:00:00", "2100-01-01T00:00:00Z", "nonsense", 5, None, [], "9" * 999]
)
def test_a_nonsense_stamp_does_not_lose_the_text(stamp):
    assert receive({**PUSHED, "sentTimestamp": stamp}).inbounds[0].text == "Foo4"


@pytest.mark.parametrize(
    ("body", "tail", "method", "status"),
    [
        (b"", "reply", "POST", 400),
        (b"to=1&from=2", "reply", "POST", 400),
        (b'{"to":', "reply", "POST", 400),
        (b"[" * 100_000, "reply", "POST", 400),
        ([PUSHED], "reply", "POST", 400),
        ({}, "reply", "POST", 400),
        ({**PUSHED, "from": None}, "reply", "POST", 400),
        ({**PUSHED, "from": 61491570156}, "reply", "POST", 400),
        ({**PUSHED, "from": "\x00"}, "reply", "POST", 400),
        ({**PUSHED, "to": ""}, "reply", "POST", 400),
        ({**PUSHED, "to": "6" * 65}, "reply", "POST", 400),
        ({**PUSHED, "body": ["hi"]}, "reply", "POST", 400),
        (PUSHED, "reply", "GET", 405),
        (PUSHED, "reply", "PUT", 405),
        (PUSHED, "", "POST", 404),
        (PUSHED, "replies", "POST", 404),
        (PUSHED, "reply/more", "POST", 404),
        (DELIVERED, "status/not-one-of-ours", "POST", 404),
        (DELIVERED, f"status/{OUT_ID}/more", "POST", 404),
        ({}, f"status/{OUT_ID}", "POST", 400),
        ({**DELIVERED, "deliveryStatus": None}, f"status/{OUT_ID}", "POST", 400),
        ({**DELIVERED, "messageId": ""}, "status", "POST", 400),
    ],
)
def test_a_push_that_cannot_be_understood_is_refused(body, tail, method, status):
    with pytest.raises(RequestRefused) as caught:
        receive(body, tail, method)
    assert caught.value.status == status


def test_a_pushed_status_names_our_text_by_its_path():
    (receipt,) = receive(DELIVERED, f"status/{OUT_ID}").receipts
    assert (receipt.outbound_id, receipt.status) == (OUT_ID, Status.DELIVERED)
    assert receipt.at == datetime(2019, 9, 10, 1, 9, 21, tzinfo=UTC)


@pytest.mark.parametrize("tail", ["status", f"status/{OUT_ID}"])
def test_telstras_id_with_slashes_is_the_one_with_the_hyphen(tail):
    (receipt,) = receive(DELIVERED, tail).receipts
    assert receipt.provider_id == "cccb284200035236000000000ee9d074019e0301-1261491570156"


def test_a_status_without_telstras_id_is_known_by_its_path():
    (receipt,) = receive({"deliveryStatus": "UNDVBL"}, f"status/{OUT_ID}").receipts
    assert (receipt.outbound_id, receipt.provider_id) == (OUT_ID, "")
    assert (receipt.status, receipt.at) == (Status.UNDELIVERED, None)


def test_stamps_of_a_receipt_without_an_offset_are_eastern_standard_time():
    stamps = {"sentTimestamp": "2019-01-10T09:16:54", "receivedTimestamp": "0001-01-01T00:00:00"}
    (receipt,) = receive({**DELIVERED, **stamps}, f"status/{OUT_ID}").receipts
    assert receipt.at == datetime(2019, 1, 9, 23, 16, 54, tzinfo=UTC)
