from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    RequestRefused,
    SettingError,
    TemporaryFailure,
)
from cooee.core.http_messages import Request
from cooee.core.messages import Media, Outbound, Status
from cooee.providers import Accepted, Credentials, find_provider
from cooee.providers.telstra_v3.adapter import TelstraV3
from cooee.providers.telstra_v3.cursor import TelstraV3Cursor
from cooee.testing.provider_example import Example, Push
from cooee.testing.provider_suite import PROMISES
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

HOST = "https://products.api.telstra.com"
BASE = f"{HOST}/messaging/v3"
OURS, THEIRS = "+61491570006", "+61491570156"
NATIONAL, THEIR_NATIONAL = "0491570006", "0491570156"
OUT_ID = f"{'0123456789abcdef' * 2}-7"
HOOK = "https://cooee.example/telstra-v3/word"
WAY = f"{HOOK}/reply/{NATIONAL}"
US = Credentials("a-token-of-28-characters-xxx", NOON + timedelta(hours=1))
OUTBOUND = Outbound(id=OUT_ID, sender=OURS, recipient=THEIRS, text="The timer is running!")
KEYS = {"TELSTRA_CLIENT_ID": "PutYourClientIdHere", "TELSTRA_CLIENT_SECRET": "ClientSecretHere"}
MESSAGE_ID = "1520b774-60b4-11ed-8456-71ae4c63550d"
TOKEN = {"access_token": US.secret, "token_type": "Bearer", "expires_in": "3599"}
SENT = {"messageId": MESSAGE_ID, "status": "queued", "to": THEIR_NATIONAL, "from": NATIONAL}
STATUS = {
    "to": THEIR_NATIONAL,
    "from": NATIONAL,
    "timestamp": "2022-11-10T05:06:42.823Z",
    "messageId": MESSAGE_ID,
    "status": "delivered",
}
REPLY = {
    "to": NATIONAL,
    "from": THEIR_NATIONAL,
    "timestamp": "2022-11-10T05:06:42.823Z",
    "messageId": "75f263c0-60b5-11ed-8456-71ae4c63550d",
    "messageContent": "Hi, example message",
}
PLACE = TelstraV3Cursor(OURS, NOON - timedelta(days=1), NOON - timedelta(hours=1))


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def item(n=0, at=NOON, **more):
    return {
        "messageId": f"75f263c0-60b5-11ed-8456-{n:012x}",
        "status": "delivered",
        "createTimestamp": stamp(at),
        "sentTimestamp": stamp(at),
        "to": NATIONAL,
        "from": THEIR_NATIONAL,
        "messageContent": f"text {n}",
        "direction": "incoming",
        **more,
    }


def page(*items, **more):
    paging = {"nextPage": "", "previousPage": "", "lastPage": "", "totalCount": 1}
    return answer(200, {"messages": list(items), "paging": paging}, **more)


def telstra(**values) -> TelstraV3:
    return TelstraV3({**KEYS, **values})


def push(body, method="POST") -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method=method, url=WAY, body=raw)


def number(way=None, tags=None, used=NOON, n=NATIONAL):
    return {
        "virtualNumber": n,
        "replyCallbackUrl": way,
        "tags": tags,
        "lastUse": used and stamp(used),
    }


def numbers(*held):
    return answer(200, {"virtualNumbers": list(held), "paging": {"totalCount": 1}})


def error(status, code, field="", **more):
    complaint = {"code": code, "issue": "It went wrong", "suggested_action": "Mend it", **more}
    return answer(status, {"errors": [complaint | ({"field": field} if field else {})]})


def query(request):
    return {name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()}


def told(request):
    return msgspec.json.decode(request.body)


EXAMPLE = Example(
    provider=telstra(),
    secrets=[KEYS["TELSTRA_CLIENT_SECRET"], US.secret],
    credentials=US,
    login=[answer(200, TOKEN)],
    subscribe=[
        numbers(),
        answer(201, number()),
        answer(200, number()),
        answer(200, number("https://cooee.example/hook/reply/0491570006")),
    ],
    send=[answer(201, SENT)],
    poll=[page(item(1), item(2, multimedia=[{"type": "image/png", "fileName": "a.png"}]))],
    status=[answer(200, {**SENT, "status": "delivered", "receivedTimestamp": stamp(NOON)})],
    lookup=[page({**SENT, "tags": [OUT_ID], "direction": "outgoing"})],
    pushes=[
        Push(f"reply/{NATIONAL}", push(REPLY)),
        Push("reply", push({**REPLY, "multimedia": {"type": "image/jpeg", "payload": "aGk="}})),
        Push(f"status/{OUT_ID}", push(STATUS)),
    ],
    cursor=PLACE.encoded,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_telstra_keeps_every_promise(promise):
    promise(EXAMPLE)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_telstra_keeps_every_promise_with_a_number_of_its_own_in_a_trial(promise):
    promise(
        msgspec.structs.replace(
            EXAMPLE,
            provider=telstra(TELSTRA_NUMBER=OURS),
            webhook_url=HOOK,
            subscribe=[answer(200, number(WAY))],
            send=[error(402, "RATE_PLAN_ERR"), answer(201, {**SENT, "messageId": [MESSAGE_ID]})],
        )
    )


# Settings and login


def test_it_is_found_by_its_name():
    assert find_provider("telstra-v3") is TelstraV3


@pytest.mark.parametrize("missing", KEYS)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_key_is_named_with_the_line_to_type(missing, value):
    values = {name: given for name, given in KEYS.items() if name != missing}
    with pytest.raises(SettingError, match=f"{missing}=…"):
        TelstraV3(values if value is None else {**values, missing: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELSTRA_BASE_URL", "products.api.telstra.com/messaging/v3"),
        ("TELSTRA_BASE_URL", "https://tapi.telstra.com/v2"),
        ("TELSTRA_NUMBER", "cooee"),
        ("TELSTRA_NUMBER", "04"),
        ("TELSTRA_NUMBER", "0491570006/optouts"),
        ("TELSTRA_NUMBER", "+12025550123"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(SettingError, match=name):
        telstra(**{name: value})


@pytest.mark.parametrize("base", [BASE, "http://127.0.0.1:8400/telstra/v3/messaging/v3/"])
def test_the_token_is_got_beside_the_api_from_a_path_of_version_2(base):
    line = ScriptedNetwork(answer(200, TOKEN))
    credentials = line.run(telstra(TELSTRA_BASE_URL=base).login())
    (request,) = line.requests
    assert request.url == base.rstrip("/").removesuffix("/messaging/v3") + "/v2/oauth/token"
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_secret"] == [KEYS["TELSTRA_CLIENT_SECRET"]]
    assert form["scope"] == [
        "messages:read messages:write virtual-numbers:read virtual-numbers:write"
    ]
    assert credentials.expires_at == NOON + timedelta(seconds=3599)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": "invalid_client"}, PermanentFailure, "TELSTRA_CLIENT_ID"),
        (400, {"error": "unsupported_grant_type"}, PermanentFailure, "unsupported_grant_type"),
        (404, b"", PermanentFailure, "TELSTRA_BASE_URL"),
        (503, b"", TemporaryFailure, "503"),
        (200, {"access_token": ""}, TemporaryFailure, "200"),
    ],
)
def test_a_login_that_fails_says_what_to_do(status, body, kind, words):
    with pytest.raises(kind, match=words) as caught:
        ScriptedNetwork(answer(status, body)).run(telstra().login())
    assert type(caught.value) is kind


# The number


def subscribe(*script, hook=None, keep=False, **values):
    line = ScriptedNetwork(*script)
    subscription = line.run(telstra(**values).subscribe(US, hook, keep_direction=keep))
    return subscription, line.requests


def test_every_request_bears_the_headers_that_are_required():
    _, asked = subscribe(*EXAMPLE.subscribe, hook=HOOK)
    for request in asked:
        assert {
            "authorization": f"Bearer {US.secret}",
            "content-language": "en-au",
            "accept": "application/json",
            "accept-charset": "utf-8",
            "content-type": "application/json",
        }.items() <= request.headers.items()


def test_without_a_number_one_is_assigned_and_only_then_given_its_way():
    subscription, asked = subscribe(*EXAMPLE.subscribe, hook=f"{HOOK}/")
    calls = [(request.method, urlsplit(request.url).path) for request in asked]
    numbers_ = "/messaging/v3/virtual-numbers"
    assert calls == [
        ("GET", numbers_),
        ("POST", numbers_),
        ("GET", f"{numbers_}/{NATIONAL}"),
        ("PUT", f"{numbers_}/{NATIONAL}"),
    ]
    assert [request.safe for request in asked] == [True, False, True, True]
    assert told(asked[1]) == {}
    assert told(asked[3]) == {"replyCallbackUrl": WAY}
    assert (subscription.number, subscription.push_url) == (OURS, WAY)


@pytest.mark.parametrize(
    ("way", "hook", "keep", "change"),
    [
        (None, None, False, None),
        ("", None, False, None),
        (WAY, HOOK, False, None),
        (None, HOOK, True, None),
        ("https://elsewhere.example/", HOOK, True, None),
        (None, HOOK, False, {"replyCallbackUrl": WAY}),
        ("https://elsewhere.example/", HOOK, False, {"replyCallbackUrl": WAY}),
        (WAY, None, False, {}),
    ],
)
@pytest.mark.parametrize("tags", [None, [], ["stopwatch", "prod"]])
def test_the_way_is_changed_only_where_it_differs_and_tags_stay(way, hook, keep, change, tags):
    script = [answer(200, number(way, tags))]
    if change is not None:
        script.append(answer(200, number()))
    subscription, asked = subscribe(*script, hook=hook, keep=keep, TELSTRA_NUMBER=NATIONAL)
    bodies = [told(request) for request in asked if request.body]
    expected = [] if change is None else [change | ({"tags": tags} if tags else {})]
    assert bodies == expected
    wanted = (way or None) if keep else WAY if hook else None
    assert subscription.push_url == wanted


def test_of_several_numbers_the_lowest_is_taken_and_it_is_said():
    listed = numbers(number(n="0491570737"), number(n=NATIONAL))
    subscription, _ = subscribe(listed, answer(200, number()))
    assert subscription.number == OURS
    assert "2 numbers: set TELSTRA_NUMBER" in subscription.notes[0]


@pytest.mark.parametrize(
    ("idle", "note"),
    [
        (timedelta(days=1), None),
        (timedelta(days=22), None),
        (timedelta(days=23), "30 days"),
        (timedelta(days=500), "30 days"),
        (timedelta(days=530), "18 months"),
        (None, None),
    ],
)
def test_a_number_that_is_about_to_be_taken_away_is_warned_of(idle, note):
    used = None if idle is None else NOON - idle
    subscription, _ = subscribe(answer(200, number(used=used)), TELSTRA_NUMBER=NATIONAL)
    assert bool(subscription.notes) == bool(note)
    assert all(note in words for words in subscription.notes)


@pytest.mark.parametrize("used", ["2025-12-01", "2025-12-01T10:00:00", "2025-12-01T10:00:00.000Z"])
def test_the_last_use_may_be_a_date_or_a_stamp(used):
    held = {**number(), "lastUse": used}
    subscription, _ = subscribe(answer(200, held), TELSTRA_NUMBER=NATIONAL)
    assert "2025-12-01" in subscription.notes[0]


@pytest.mark.parametrize(
    ("status", "code"), [(404, "VIRTUAL_NUM_UNKNOWN"), (400, "VIRTUAL_NUM_UNASSIGNED")]
)
def test_a_number_that_is_not_ours_stops_the_start(status, code):
    with pytest.raises(PermanentFailure, match="TELSTRA_NUMBER"):
        subscribe(error(status, code), TELSTRA_NUMBER=NATIONAL)


def test_no_number_to_be_had_stops_the_start():
    with pytest.raises(PermanentFailure, match="ACCOUNT_LIMIT_ERROR"):
        subscribe(numbers(), error(402, "ACCOUNT_LIMIT_ERROR"))


# Sending


def send(*script, **changes):
    line = ScriptedNetwork(*script)
    accepted = line.run(telstra().send(msgspec.structs.replace(OUTBOUND, **changes), US))
    return accepted, line.requests


def test_a_text_is_sent_in_national_form_with_our_id_as_its_tag():
    callback = f"{HOOK}/status/{OUT_ID}"
    accepted, (request,) = send(answer(201, SENT), callback=callback)
    assert accepted == Accepted(MESSAGE_ID)
    assert (request.method, request.url, request.safe) == ("POST", f"{BASE}/messages", False)
    assert told(request) == {
        "to": THEIR_NATIONAL,
        "from": NATIONAL,
        "messageContent": OUTBOUND.text,
        "retryTimeout": 1440,
        "tags": [OUT_ID],
        "deliveryNotification": True,
        "statusCallbackUrl": callback,
    }


@pytest.mark.parametrize(
    ("number_", "written"),
    [("+61491570156", "0491570156"), ("+12025550123", "+12025550123"), ("+61212345678",) * 2],
)
def test_only_australian_mobiles_are_written_nationally(number_, written):
    _, (request,) = send(answer(201, SENT), recipient=number_)
    assert told(request)["to"] == written


@pytest.mark.parametrize(
    ("good_for", "minutes"),
    [
        (timedelta(hours=1), 60),
        (timedelta(minutes=3), 10),
        (timedelta(seconds=-5), 10),
        (timedelta(days=1), 1440),
        (timedelta(days=9), 1440),
    ],
)
def test_a_text_is_tried_for_as_long_as_it_is_good_within_what_every_source_allows(
    good_for, minutes
):
    _, (request,) = send(answer(201, SENT), at=NOON, good_until=NOON + good_for)
    assert told(request)["retryTimeout"] == minutes


@pytest.mark.parametrize("text", ["", "😀", "\x00", "half \ud83d a smile", "א" * 1600])
def test_any_text_up_to_1600_characters_can_be_put_into_json(text):
    _, (request,) = send(answer(201, SENT), text=text)
    assert told(request)["messageContent"] == text.replace("\ud83d", "?")


@pytest.mark.parametrize(
    "refused",
    [
        error(402, "RATE_PLAN_ERR"),
        error(403, "FREE_TRIAL_ERR"),
        error(400, "FIELD_INVALID", field="deliveryNotification"),
        error(400, "FIELD_INVALID", field="statusCallbackUrl"),
        error(400, "FIELD_INVALID", issue="deliveryNotification is a paid feature"),
    ],
)
def test_where_news_of_delivery_is_refused_the_text_goes_without(refused):
    accepted, asked = send(refused, answer(201, SENT), callback=f"{HOOK}/status/{OUT_ID}")
    assert accepted.provider_id == MESSAGE_ID
    assert {"deliveryNotification", "statusCallbackUrl"}.isdisjoint(told(asked[1]))
    assert told(asked[1])["tags"] == [OUT_ID]


@pytest.mark.parametrize("status", [200, 500, 504])
def test_what_is_no_refusal_is_never_sent_a_second_time(status):
    with pytest.raises(OutcomeUnknown):
        send(error(status, "", field="deliveryNotification"))


def test_a_person_who_opted_out_is_that_and_nothing_else():
    with pytest.raises(OptedOut, match="STOP"):
        send(error(400, "RECIPIENT_OPTOUT"))


def test_media_are_refused_rather_than_dropped():
    with pytest.raises(PermanentFailure, match="media"):
        send(media=("https://a/b",))


# Asking for a text


def look_up(*items, **changes):
    line = ScriptedNetwork(page(*items))
    found = line.run(telstra().lookup(msgspec.structs.replace(OUTBOUND, **changes), US))
    return found, line.requests[0]


def test_a_text_is_found_by_its_whole_tag():
    near = {**SENT, "tags": [f"{OUT_ID}0"], "messageId": "another"}
    found, request = look_up(near, {**SENT, "tags": ["x", OUT_ID]})
    assert found == Accepted(MESSAGE_ID)
    assert query(request)["filter"] == OUT_ID
    assert query(request)["direction"] == "outgoing"


def test_a_whole_list_without_the_text_is_a_no():
    assert look_up()[0] is None
    assert look_up({**SENT, "tags": [f"{OUT_ID}0"]}, {**SENT, "tags": None})[0] is None


def test_a_list_that_may_go_on_or_has_forgotten_is_no_no():
    with pytest.raises(PermanentFailure, match="whether"):
        look_up(*[{**SENT, "tags": ["other"]}] * 50)
    with pytest.raises(PermanentFailure, match="whether"):
        look_up(at=NOON - timedelta(days=30))


def ask(response):
    outbound = msgspec.structs.replace(OUTBOUND, provider_id=MESSAGE_ID)
    return ScriptedNetwork(response).run(telstra().status(outbound, US))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", Status.ACCEPTED),
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("undeliverable", Status.UNDELIVERED),
        ("expired", Status.EXPIRED),
        ("Delivered", Status.DELIVERED),
        ("pondering", Status.ACCEPTED),
    ],
)
def test_every_status_has_its_place(word, status):
    receipt = ask(answer(200, {**SENT, "status": word}))
    assert (receipt.status, receipt.provider_status, receipt.outbound_id) == (status, word, OUT_ID)
    received = telstra().receive(push({**STATUS, "status": word}), f"status/{OUT_ID}", NOON)
    assert received.receipts[0].status == status


@pytest.mark.parametrize(
    "response",
    [error(400, "ID_NOT_ASSIGNED"), error(400, "TIMEFRAME_ERR"), error(404, "RESOURCE_NOT_FOUND")],
)
def test_a_text_that_telstra_does_not_know_is_no_news(response):
    assert ask(response) is None


def test_a_text_without_telstras_id_is_not_asked_about():
    line = ScriptedNetwork()
    assert line.run(telstra().status(OUTBOUND, US)) is None


# Opt-outs


class Optouts:
    """Telstra's list of opt-outs, paged under either reading of `offset`."""

    def __init__(self, people, unit):
        self.people, self.unit, self.asked = people, unit, 0

    def carry(self, flow):
        try:
            request = next(flow)
            while True:
                self.asked += 1
                start = int(query(request)["offset"]) * self.unit
                items = [{"optoutNumber": one} for one in self.people[start : start + 50]]
                request = flow.send(answer(200, {"recipientOptouts": items, "paging": {}}))
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("unit", [1, 50], ids=["records", "pages"])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 99, 100, 101, 350])
def test_every_opt_out_is_listed_whatever_offset_counts(unit, count):
    people = [f"04915{n:05}" for n in range(count)]
    company = Optouts(people, unit)
    found = company.carry(telstra(TELSTRA_NUMBER=NATIONAL).opt_outs(US))
    assert found == ["+61" + one[1:] for one in people]
    assert company.asked <= count // 50 + 3


# Pushes


def receive(body, tail=f"reply/{NATIONAL}", method="POST"):
    return telstra().receive(push(body, method), tail, NOON)


@pytest.mark.parametrize("ours", [NATIONAL, OURS, "61491570006"])
@pytest.mark.parametrize("turned", [False, True])
def test_our_end_of_a_pushed_text_is_told_by_our_number_not_by_its_name(ours, turned):
    ends = {"to": ours, "from": THEIR_NATIONAL}
    if turned:
        ends = {"to": ends["from"], "from": ends["to"]}
    (inbound,) = receive({**REPLY, **ends}).inbounds
    assert (inbound.recipient, inbound.sender) == (OURS, THEIRS)
    assert inbound.sent_at == datetime(2022, 11, 10, 5, 6, 42, 823000, tzinfo=UTC)
    assert inbound.key == REPLY["messageId"]


@pytest.mark.parametrize("tail", ["reply", "reply/", "reply/0400000000"])
def test_where_our_number_is_not_known_the_names_are_believed(tail):
    (inbound,) = receive(REPLY, tail).inbounds
    assert (inbound.recipient, inbound.sender) == (OURS, THEIRS)


PICTURE = {"type": "image/png", "fileName": "us.png", "payload": "aGVsbG8="}


@pytest.mark.parametrize("media", [PICTURE, [PICTURE]], ids=["object", "list"])
def test_a_picture_without_words_is_an_empty_text_with_a_picture(media):
    (inbound,) = receive({**REPLY, "messageContent": None, "multimedia": media}).inbounds
    assert inbound.text == ""
    assert inbound.media == (Media(content_type="image/png", name="us.png", content=b"hello"),)


@pytest.mark.parametrize(
    ("payload", "why"), [(None, "A push brings"), ("", "A push brings"), ("a!", "broken base64")]
)
def test_a_picture_that_is_not_there_says_why(payload, why):
    (inbound,) = receive({**REPLY, "multimedia": [{**PICTURE, "payload": payload}]}).inbounds
    assert inbound.text == REPLY["messageContent"]
    assert why in inbound.media[0].error


@pytest.mark.parametrize("media", [[], {}, None, "x", [5], 7, {"type": "", "payload": ""}])
def test_what_is_no_picture_is_none(media):
    assert receive({**REPLY, "multimedia": media}).inbounds[0].media == ()


def test_a_reply_without_an_id_has_a_key():
    bare = {name: value for name, value in REPLY.items() if name != "messageId"}
    keys = {receive({**bare, name: REPLY[name]}).inbounds[0].key for name in ("to",)}
    keys |= {receive({**bare, "messageContent": "other"}).inbounds[0].key}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("body", "tail", "method", "status"),
    [
        (b"", "reply", "POST", 400),
        (b"to=1&from=2", "reply", "POST", 400),
        ([REPLY], "reply", "POST", 400),
        ({**REPLY, "from": None}, "reply", "POST", 400),
        ({**REPLY, "messageContent": None}, "reply", "POST", 400),
        ({**REPLY, "to": [NATIONAL, THEIR_NATIONAL]}, "reply", "POST", 400),
        (REPLY, "reply", "GET", 405),
        (REPLY, "", "POST", 404),
        (REPLY, "replies", "POST", 404),
        (STATUS, "status/not-one-of-ours", "POST", 404),
        ({}, f"status/{OUT_ID}", "POST", 400),
        ({**STATUS, "messageId": ""}, "status", "POST", 400),
    ],
)
def test_a_push_that_cannot_be_understood_is_refused(body, tail, method, status):
    with pytest.raises(RequestRefused) as caught:
        receive(body, tail, method)
    assert caught.value.status == status


def test_a_pushed_status_names_our_text_by_its_path_and_telstras_by_its_id():
    received = receive(STATUS, f"status/{OUT_ID}")
    (receipt,) = received.receipts
    assert (receipt.outbound_id, receipt.provider_id) == (OUT_ID, MESSAGE_ID)
    assert receipt.at == datetime(2022, 11, 10, 5, 6, 42, 823000, tzinfo=UTC)
    assert received.response.status == 204
    assert receive(STATUS, "status").receipts[0].provider_id == MESSAGE_ID
