"""Every field, status and quirk of Telstra's Messaging API v2 that is known."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee.simulator.network import NetworkConditions

ANNA, BEN = "+61491570156", "+61491570157"
OURS = "+61491570006"
DAY = 86_400
SUBSCRIPTIONS = "/messages/provisioning/subscriptions"
NOT_FOUND = {
    "status": "404",
    "code": "RESOURCE-NOT-FOUND",
    "message": "Invalid resource. Refer to API docs at https://dev.telstra.com",
}


def code(answer):
    content = answer.json()
    assert set(content) == {"status", "code", "message"}
    assert content["status"] == str(answer.status)
    return answer.status, content["code"]


# --- tokens


async def test_a_token_has_three_keys_and_its_seconds_are_a_string(telstra):
    answer = await telstra.log_in()
    content = answer.json()
    assert answer.status == 200
    assert set(content) == {"access_token", "token_type", "expires_in"}
    assert content["expires_in"] == "3599"
    assert re.fullmatch(r"[A-Za-z0-9]{28}", content["access_token"])


async def test_a_token_ends_with_its_hour(telstra, number, clock):
    await clock.advance(3598)
    assert (await telstra.read()) == {"status": "EMPTY"}
    await clock.advance(1)
    assert code(await telstra.ask("GET", "/messages/sms")) == (401, "TECH-ERR")
    await telstra.log_in()
    assert (await telstra.read()) == {"status": "EMPTY"}


async def test_an_older_token_lives_on_beside_a_newer_one(telstra, number):
    older = dict(telstra.headers)
    await telstra.log_in()
    assert telstra.headers != older
    telstra.headers = older
    assert (await telstra.read()) == {"status": "EMPTY"}


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer nonsense", "Basic a2V5OnNlY3JldA=="])
async def test_without_a_token_nothing_is_told(telstra, given):
    answer = await telstra.ask("GET", "/messages/sms", authorization=given)
    assert code(answer) == (401, "TECH-ERR")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "unsupported_grant_type"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": " key"}, 401, "invalid_client"),
    ],
)
async def test_a_wrong_login_is_refused_in_oauths_own_shape(telstra, form, status, error):
    right = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
    asked = {name: value for name, value in (right | form).items() if value}
    answer = await telstra.ask("POST", "/oauth/token", urlencode(asked).encode())
    assert answer.status == status
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error


async def test_a_login_in_json_is_no_login(telstra):
    form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
    assert (await telstra.ask("POST", "/oauth/token", form)).status == 400


# --- the number


async def test_the_first_subscription_with_nothing_in_it_is_polled_for_thirty_days(telstra):
    answer = await telstra.subscribe()
    assert (answer.status, answer.json()) == (201, {"destinationAddress": OURS, "activeDays": "30"})


async def test_each_client_has_a_number_of_its_own(telstra, number):
    await telstra.log_in("another")
    assert (await telstra.subscribe()).json()["destinationAddress"] not in {number, ANNA, BEN}
    await telstra.log_in("key")
    assert (await telstra.subscribe()).json()["destinationAddress"] == number


async def test_a_new_number_cannot_be_read_for_a_minute(telstra, number, clock):
    await clock.advance(59)
    answer = await telstra.ask("GET", SUBSCRIPTIONS)
    assert answer.status == 404
    assert answer.json() == {"status": "404", "code": "RESOURCE-NOT-FOUND", "message": ""}
    await clock.advance(1)
    answer = await telstra.ask("GET", SUBSCRIPTIONS)
    assert answer.status == 200
    assert answer.json() == {"activeDays": "30", "notifyURL": "", "destinationAddress": number}


async def test_renewing_hides_the_number_no_second_time(telstra, number, clock):
    await clock.advance(60)
    await telstra.subscribe(activeDays=1)
    assert (await telstra.ask("GET", SUBSCRIPTIONS)).json()["activeDays"] == "31"


async def test_notify_url_has_three_states(telstra, number, clock):
    await clock.advance(60)

    async def url_after(**asked):
        assert (await telstra.subscribe(**asked)).status == 201
        return (await telstra.ask("GET", SUBSCRIPTIONS)).json()["notifyURL"]

    assert await url_after() == ""
    assert await url_after(notifyURL="https://example.com/r") == "https://example.com/r"
    assert await url_after() == "https://example.com/r"
    assert await url_after(notifyURL=None) == ""
    assert await url_after() == ""


@pytest.mark.parametrize(
    "url", ["", "example.com/x", "https://example.com", "ftp://a/b", "http://[x/", 7, []]
)
async def test_a_notify_url_that_is_none_changes_nothing(telstra, number, url, controls):
    assert code(await telstra.subscribe(notifyURL=url)) == (400, "TECH-ERR")
    held = (await controls.ask("GET", "/numbers")).json()
    assert held == [{"number": number, "face": "telstra-v2", "notifyURL": None}]


async def test_days_are_added_and_taken_away(telstra, number, clock):
    assert (await telstra.subscribe(activeDays=10)).json()["activeDays"] == "40"
    assert (await telstra.subscribe(activeDays=-15)).json()["activeDays"] == "25"
    await clock.advance(DAY / 2)
    await telstra.log_in()
    assert (await telstra.subscribe(activeDays=0)).json()["activeDays"] == "25"
    await clock.advance(DAY / 2)
    await telstra.log_in()
    assert (await telstra.subscribe(activeDays=0)).json()["activeDays"] == "24"


async def test_five_years_are_the_most_and_more_changes_nothing(telstra, number):
    assert (await telstra.subscribe(activeDays=1795)).json()["activeDays"] == "1825"
    asked = {"activeDays": 1, "notifyURL": "https://example.com/r"}
    assert code(await telstra.subscribe(**asked)) == (409, "Active Days Max")
    again = await telstra.subscribe(activeDays=0)
    assert again.json()["activeDays"] == "1825"


@pytest.mark.parametrize("days", ["30", 1.5, True, []])
async def test_days_that_are_no_whole_number_are_refused(telstra, days):
    assert code(await telstra.subscribe(activeDays=days)) == (400, "TECH-ERR")


async def test_an_expired_number_is_a_404_like_a_wrong_url(telstra, number, simulator, clock):
    await clock.advance(30 * DAY)
    await telstra.log_in()
    assert (await telstra.send(ANNA)).json() == NOT_FOUND
    assert (await telstra.ask("GET", "/messages/sms")).json() == NOT_FOUND
    assert (await telstra.ask("GET", "/messages/nothing")).json() == NOT_FOUND
    assert (await telstra.ask("GET", SUBSCRIPTIONS)).status == 404
    assert simulator.network.send_from_phone(ANNA, number, "Anybody?").status == "undelivered"


@pytest.mark.parametrize(("days", "same"), [(89, True), (91, False)])
async def test_an_expired_number_can_be_had_back_for_ninety_days(
    telstra, number, clock, days, same
):
    await clock.advance((30 + days) * DAY)
    await telstra.log_in()
    again = (await telstra.subscribe()).json()
    assert (again["destinationAddress"] == number) is same
    assert again["activeDays"] == "30"


async def test_a_deleted_number_is_gone_and_can_be_had_back(telstra, number, simulator):
    answer = await telstra.ask("DELETE", SUBSCRIPTIONS, {"emptyArr": 0})
    assert (answer.status, answer.body) == (204, b"")
    assert (await telstra.ask("DELETE", SUBSCRIPTIONS)).status == 404
    assert code(await telstra.send(ANNA)) == (400, "NOT-PROVISIONED")
    assert simulator.network.send_from_phone(ANNA, number, "Anybody?").status == "undelivered"
    assert (await telstra.subscribe()).json()["destinationAddress"] == number
    assert (await telstra.send(ANNA)).status == 201


async def test_without_a_number_nothing_is_sent_or_read(telstra):
    assert code(await telstra.send(ANNA)) == (400, "NOT-PROVISIONED")
    assert code(await telstra.ask("GET", "/messages/sms")) == (400, "NOT-PROVISIONED")
    assert (await telstra.ask("GET", SUBSCRIPTIONS)).status == 404
    assert (await telstra.ask("DELETE", SUBSCRIPTIONS)).status == 404


# --- sending


async def test_a_sent_text_is_answered_201_with_every_key(telstra, number, simulator):
    answer = await telstra.send(ANNA, "Hello")
    assert answer.status == 201
    content = answer.json()
    (item,) = content.pop("messages")
    assert content == {"Country": [{"AUS": 1}], "messageType": "SMS", "numberSegments": 1}
    id = item["messageId"]
    assert re.fullmatch(r"[0-9a-f]{40}-1261491570156", id)
    assert item == {
        "to": ANNA,
        "deliveryStatus": "MessageWaiting",
        "messageId": id,
        "messageStatusURL": f"http://127.0.0.1:8400/telstra/v2/messages/sms/{id}/status",
    }
    (entry,) = simulator.network.phone_screen(ANNA)
    assert (entry.text.sender, entry.text.text) == (number, "Hello")


async def test_each_of_several_recipients_has_an_item_and_an_id(telstra, number, simulator):
    content = (await telstra.send([ANNA, "0491570157", "+6421123456"])).json()
    assert [item["to"] for item in content["messages"]] == [ANNA, BEN, "+6421123456"]
    assert len({item["messageId"] for item in content["messages"]}) == 3
    assert content["Country"] == [{"AUS": 2}, {"NZL": 1}]
    assert len(simulator.network.phone_screen(BEN)) == 1


async def test_recipients_may_be_joined_by_commas_as_in_early_pages(telstra, number):
    content = (await telstra.send(f"{ANNA},{BEN}")).json()
    assert [item["to"] for item in content["messages"]] == [ANNA, BEN]


@pytest.mark.parametrize(
    "to", ["", "not a number", "+614915701", "0291570156", "+61291570156", "+0", [ANNA, "x"]]
)
async def test_an_invalid_recipient_is_a_400_in_the_shape_of_a_success(
    telstra, number, simulator, to
):
    answer = await telstra.send(to)
    assert answer.status == 400
    content = answer.json()
    assert content.pop("messages") == [
        {
            "to": to[-1] if isinstance(to, list) else to,
            "deliveryStatus": "DeliveryImpossible",
            "messageStatusURL": "http://127.0.0.1:8400/telstra/v2/messages/sms//status",
            "status": "400",
            "code": "TO-MSISDN-NOT-VALID",
            "message": "Refer to API docs at https://dev.telstra.com",
        }
    ]
    assert content == {"Country": [], "messageType": "SMS", "numberSegments": 1}
    assert simulator.network.phone_screen(ANNA) == [], "an invalid one among several stops all"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"to": None}, "TO-MSISDN-NOT-VALID"),
        ({"to": []}, "TO-MSISDN-NOT-VALID"),
        ({"to": 7}, "TO-MSISDN-NOT-VALID"),
        ({"to": "+6149157015612345"}, "TO-MSISDN-TOO-LONG"),
        ({"to": [ANNA] * 11}, "TOO MANY DESTINATIONS"),
        ({"to": "+8501234567"}, "DELIVERY-IMPOSSIBLE"),
        ({"body": None}, "BODY-MISSING"),
        ({"body": ""}, "BODY-MISSING"),
        ({"body": 7}, "BODY-NOT-VALID"),
        ({"body": "a" * 2000}, "BODY-TOO-LONG"),
        ({"to": [ANNA, BEN], "body": "a" * 1999}, "BODY-TOO-LONG"),
        ({"from": "+61491570158"}, "DELIVERY-IMPOSSIBLE"),
        ({"from": OURS}, "DELIVERY-IMPOSSIBLE"),
        ({"from": "With a space"}, "DELIVERY-IMPOSSIBLE"),
        ({"from": "TwelveLetter"}, "DELIVERY-IMPOSSIBLE"),
        ({"from": "SixteenLettersOk"}, "FROM-MSISDN-TOO-LONG"),
        ({"validity": 0}, "TECH-ERR"),
        ({"validity": 7 * 24 * 60 + 1}, "TECH-ERR"),
        ({"validity": "60"}, "TECH-ERR"),
        ({"scheduledDelivery": 0}, "TECH-ERR"),
        ({"scheduledDelivery": True}, "TECH-ERR"),
        ({"notifyURL": "example.com"}, "TECH-ERR"),
        ({"receiptOff": "yes"}, "TECH-ERR"),
        ({"replyRequest": True, "to": [ANNA, BEN]}, "TOO MANY DESTINATIONS"),
    ],
)
async def test_a_wrong_order_is_refused_with_its_code_and_nothing_sent(
    telstra, number, simulator, asked, expected
):
    answer = await telstra.send(**{"to": ANNA, "body": "Hello", **asked})
    assert code(answer) == (400, expected)
    assert simulator.network.phone_screen(ANNA) == []


@pytest.mark.parametrize(("to", "most"), [(ANNA, 1999), ([ANNA, BEN], 1998)])
async def test_the_longest_text_is_sent(telstra, number, to, most):
    content = (await telstra.send(to, "a" * most)).json()
    assert content["numberSegments"] == 14


async def test_ten_recipients_are_not_too_many(telstra, number):
    assert (await telstra.send([ANNA] * 10)).status == 201


@pytest.mark.parametrize(
    "body", [b"to=%2B61491570156&body=Hello", b"", b"plain", b'{"to": ', b"7x"]
)
async def test_a_body_that_is_no_json_is_a_500_of_the_gateway(telstra, number, simulator, body):
    kind = "application/x-www-form-urlencoded"
    answer = await telstra.ask("POST", "/messages/sms", body, content_type=kind)
    assert code(answer) == (500, "TECH-ERR")
    assert answer.json()["message"].startswith(
        "Technical error : JSONThreatProtection[cp_JSONThreatProtection.DoSAEvaluation]: "
        "Execution failed. reason: "
    )
    assert simulator.network.phone_screen(ANNA) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"body": "\xff"}', "BODY-NOT-VALID"), (b"[1]", "TECH-ERR"), (b"7", "TECH-ERR")],
)
async def test_a_body_that_is_no_utf8_or_no_object_is_a_400(telstra, number, body, expected):
    assert code(await telstra.ask("POST", "/messages/sms", body)) == (400, expected)


async def test_a_scheduled_text_waits_its_minutes(telstra, number, simulator, clock):
    id = (await telstra.send(ANNA, scheduledDelivery=2)).json()["messages"][0]["messageId"]
    await clock.advance(119)
    assert (await telstra.status(id)).json()[0]["deliveryStatus"] == "PEND"
    assert simulator.network.phone_screen(ANNA) == []
    await clock.advance(1)
    assert len(simulator.network.phone_screen(ANNA)) == 1
    assert (await telstra.status(id)).json()[0]["deliveryStatus"] == "DELIVRD"


async def test_a_text_expires_after_its_validity(telstra, number, simulator, clock):
    simulator.network.switch_phone(ANNA, on=False)
    id = (await telstra.send(ANNA, validity=5)).json()["messages"][0]["messageId"]
    await clock.advance(299)
    assert (await telstra.status(id)).json()[0]["deliveryStatus"] == "SENT"
    await clock.advance(1)
    assert (await telstra.status(id)).json()[0]["deliveryStatus"] == "EXPIRED"


async def test_a_name_can_be_the_sender(telstra, number, simulator):
    assert (await telstra.send(ANNA, **{"from": "Cooee!"})).status == 201
    assert simulator.network.phone_screen(ANNA)[0].text.sender == "Cooee!"


async def test_several_texts_go_in_one_call_which_alone_answers_200(telstra, number, simulator):
    asked = {
        "smsMulti": [{"to": ANNA, "body": "One"}, {"to": BEN, "body": "Two", "receiptOff": True}],
        "notifyURL": "https://example.com/status",
    }
    answer = await telstra.ask("POST", "/messages/sms/multi", asked)
    assert answer.status == 200
    assert [item["to"] for item in answer.json()["messages"]] == [ANNA, BEN]
    assert simulator.network.phone_screen(BEN)[0].text.text == "Two"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"smsMulti": [{"to": ANNA, "body": "One"}]}, "DR-NOTIFY-URL-MISSING"),
        (
            {"smsMulti": [{"to": ANNA, "body": "x", "receiptOff": True}] * 11},
            "TOO MANY DESTINATIONS",
        ),
        ({"smsMulti": []}, "TECH-ERR"),
        ({"smsMulti": ["x"]}, "TECH-ERR"),
        ({}, "TECH-ERR"),
    ],
)
async def test_a_wrong_call_for_several_texts_sends_none(
    telstra, number, simulator, asked, expected
):
    answer = await telstra.ask("POST", "/messages/sms/multi", asked)
    assert code(answer) == (400, expected)
    assert simulator.network.phone_screen(ANNA) == []


# --- reading replies


async def test_a_reply_read_has_every_key_and_empty_ids(telstra, number, simulator, clock):
    await clock.advance(0.9)
    simulator.network.send_from_phone(ANNA, number, "Hi Python! This is an SMS. ")
    assert await telstra.read() == {
        "status": "RECEIVED",
        "destinationAddress": number,
        "senderAddress": ANNA,
        "message": "Hi Python! This is an SMS. ",
        "messageId": "",
        "apiMsgId": "",
        "sentTimestamp": "2026-01-01T10:00:00+10:00",
    }
    assert await telstra.read() == {"status": "EMPTY"}


async def test_all_is_quiet_only_when_every_reply_is_read(telstra, number, simulator):
    assert simulator.network.is_idle
    simulator.network.send_from_phone(ANNA, number, "Hello")
    assert not simulator.network.is_idle
    await telstra.read()
    assert simulator.network.is_idle


async def test_a_read_with_a_json_body_is_a_read(telstra, number, simulator):
    simulator.network.send_from_phone(ANNA, number, "Hello")
    answer = await telstra.ask("GET", "/messages/sms", {})
    assert answer.json()["message"] == "Hello"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(st.none(), st.sampled_from([ANNA, BEN])), max_size=40))
async def test_replies_are_read_earliest_first_and_each_exactly_once(
    telstra, number, simulator, steps
):
    sent, read = [], []
    for count, phone in enumerate([*steps, *[None] * len(steps)]):
        if phone:
            simulator.network.send_from_phone(phone, number, f"{count}")
            sent.append((phone, f"{count}"))
        elif (reply := await telstra.read())["status"] == "RECEIVED":
            read.append((reply["senderAddress"], reply["message"]))
    assert read == sent
    assert await telstra.read() == {"status": "EMPTY"}


async def test_while_replies_are_pushed_reading_is_empty_and_what_waited_stays(
    telstra, number, simulator, webhook, clock
):
    simulator.network.send_from_phone(ANNA, number, "Before")
    await telstra.subscribe(notifyURL="https://example.com/r")
    assert await telstra.read() == {"status": "EMPTY"}
    simulator.network.send_from_phone(ANNA, number, "During")
    await clock.advance(1)
    assert [one["body"] for one in webhook.pushed] == ["During"]
    await telstra.subscribe(notifyURL=None)
    assert (await telstra.read())["message"] == "Before"
    assert await telstra.read() == {"status": "EMPTY"}


async def test_texts_to_our_own_number_are_read_as_replies(telstra, number):
    await telstra.send(number, "Round trip")
    reply = await telstra.read()
    assert (reply["senderAddress"], reply["message"]) == (number, "Round trip")


async def test_mms_has_a_queue_of_its_own(telstra, number, simulator):
    simulator.network.send_from_phone(ANNA, number, "Hello")
    assert (await telstra.ask("GET", "/messages/mms")).json() == {"status": "EMPTY"}
    assert (await telstra.ask("POST", "/messages/mms", {})).status == 501
    assert (await telstra.read())["status"] == "RECEIVED"


# --- status


async def test_a_status_is_a_list_of_one_and_not_there_at_once(telstra, number, simulator, clock):
    simulator.network.conditions = NetworkConditions(delay=3)
    id = (await telstra.send(ANNA)).json()["messages"][0]["messageId"]
    assert code(await telstra.status(id)) == (404, "OLD-NONEXISTANT-MESSAGE-ID")
    await clock.advance(2)
    (status,) = (await telstra.status(id)).json()
    assert status["deliveryStatus"] == "SENT"
    await clock.advance(5)
    assert (await telstra.status(id)).json() == [
        {
            "to": ANNA,
            "sentTimestamp": "2026-01-01T10:00:00+10:00",
            "receivedTimestamp": "2026-01-01T10:00:03+10:00",
            "deliveryStatus": "DELIVRD",
        }
    ]


@pytest.mark.parametrize("end", ["", "/status"])
async def test_an_id_is_found_however_the_path_writes_it(telstra, number, clock, end):
    id = (await telstra.send(ANNA)).json()["messages"][0]["messageId"]
    await clock.advance(5)
    slashed = "/" + id.replace("-", "/")
    for written in [id, quote(id), slashed, quote(slashed, safe=""), slashed[1:]]:
        answer = await telstra.ask("GET", f"/messages/sms/{written}{end}")
        assert answer.status == 200, written


async def test_a_status_is_kept_for_seven_days(telstra, number, clock):
    id = (await telstra.send(ANNA)).json()["messages"][0]["messageId"]
    await clock.advance(7 * DAY - 1)
    await telstra.log_in()
    assert (await telstra.status(id)).status == 200
    await clock.advance(1)
    assert code(await telstra.status(id)) == (404, "OLD-NONEXISTANT-MESSAGE-ID")


async def test_a_text_without_receipt_has_no_status_and_no_push(telstra, number, clock, webhook):
    asked = {"receiptOff": True, "notifyURL": "https://example.com/s"}
    id = (await telstra.send(ANNA, **asked)).json()["messages"][0]["messageId"]
    await clock.advance(60)
    assert code(await telstra.status(id)) == (404, "OLD-NONEXISTANT-MESSAGE-ID")
    assert webhook.pushed == []


async def test_where_no_receipts_come_a_text_stays_pending(telstra, number, simulator, clock):
    simulator.network.conditions = NetworkConditions(receipts=False)
    id = (await telstra.send(ANNA)).json()["messages"][0]["messageId"]
    await clock.advance(DAY / 48)
    assert (await telstra.status(id)).json()[0]["deliveryStatus"] == "PEND"


async def test_the_status_of_somebody_elses_text_is_not_told(telstra, number, clock):
    id = (await telstra.send(ANNA)).json()["messages"][0]["messageId"]
    await clock.advance(5)
    await telstra.log_in("another")
    assert (await telstra.status(id)).status == 404


# --- pushes


async def test_a_reply_is_pushed_under_other_keys_and_without_an_offset(
    telstra, number, simulator, clock, webhook
):
    await telstra.subscribe(notifyURL="https://example.com/hook/reply")
    simulator.network.send_from_phone(ANNA, number, "Foo4 ")
    await clock.advance(1)
    ((path, headers, body, _),) = webhook.requests
    assert (path, headers["content-type"]) == ("/hook/reply", "application/json")
    pushed = msgspec.json.decode(body)
    assert re.fullmatch(r"DMASApiA\d{10,}", pushed.pop("messageId"))
    assert pushed == {
        "to": number,
        "from": ANNA,
        "body": "Foo4 ",
        "sentTimestamp": "2026-01-01T10:00:00",
    }


async def test_a_delivery_is_pushed_once_with_slashes_in_its_id(telstra, number, clock, webhook):
    asked = {"notifyURL": "https://example.com/status/7"}
    id = (await telstra.send(ANNA, **asked)).json()["messages"][0]["messageId"]
    await clock.advance(3600)
    assert [path for path, *_ in webhook.requests] == ["/status/7"]
    assert webhook.pushed == [
        {
            "to": ANNA,
            "sentTimestamp": "2026-01-01T10:00:00+10:00",
            "receivedTimestamp": "2026-01-01T10:00:00+10:00",
            "deliveryStatus": "DELIVRD",
            "messageId": "/" + id.replace("-", "/"),
        }
    ]


async def test_replies_of_one_person_are_pushed_in_order(
    telstra, number, simulator, clock, webhook
):
    await telstra.subscribe(notifyURL="https://example.com/r")
    for count in range(20):
        simulator.network.send_from_phone(ANNA, number, f"{count}")
    await clock.advance(1)
    assert [one["body"] for one in webhook.pushed] == [f"{count}" for count in range(20)]


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
async def test_a_push_without_a_2xx_comes_again_after_five_minutes(
    number, telstra, simulator, webhook, status
):
    clock = webhook.clock
    await telstra.subscribe(notifyURL="https://example.com/r")
    webhook.status = status
    simulator.network.send_from_phone(ANNA, number, "Hello")
    await clock.advance(299)
    assert len(webhook.pushed) == 1
    assert not simulator.network.is_idle
    webhook.status = 200
    await clock.advance(1)
    assert len(webhook.pushed) == 2
    assert webhook.pushed[0] == webhook.pushed[1]
    await clock.advance(3600)
    assert len(webhook.pushed) == 2
    assert simulator.network.is_idle


async def test_pushes_end_after_an_hour_and_the_text_waits_to_be_read(
    telstra, number, simulator, clock, webhook
):
    await telstra.subscribe(notifyURL="https://example.com/r")
    webhook.status = 500
    simulator.network.send_from_phone(ANNA, number, "Hello")
    await clock.advance(DAY)
    assert len(webhook.pushed) == 13
    await telstra.log_in()
    await telstra.subscribe(notifyURL=None)
    assert (await telstra.read())["message"] == "Hello"


async def test_a_webhook_that_is_not_there_is_tried_again(
    telstra, number, simulator, clock, webhook
):
    await telstra.subscribe(notifyURL="https://nobody.example/r")
    simulator.network.send_from_phone(ANNA, number, "Hello")
    await clock.advance(1)
    simulator.network.send_from_phone(BEN, number, "Hello too")
    await clock.advance(10 * DAY / 24)
    assert webhook.pushed == []
    await telstra.log_in()
    await telstra.subscribe(notifyURL=None)
    assert [(await telstra.read())["senderAddress"] for _ in range(2)] == [ANNA, BEN]


# --- threads of their own


async def test_a_reply_to_a_reply_request_carries_the_texts_id(telstra, number, simulator, clock):
    sent = (await telstra.send(ANNA, replyRequest=True)).json()
    id, lent = sent["messages"][0]["messageId"], sent["ReplyAddress"]
    assert lent != number
    assert simulator.network.phone_screen(ANNA)[0].text.sender == lent
    simulator.network.send_from_phone(ANNA, lent, "Yes")
    reply = await telstra.read()
    assert (reply["messageId"], reply["destinationAddress"]) == (id, lent)
    assert (await telstra.send(ANNA, **{"from": lent})).status == 201
    await clock.advance(7 * DAY)
    assert simulator.network.send_from_phone(ANNA, lent, "Too late").status == "undelivered"
    assert simulator.network.send_from_phone(BEN, lent, "Not mine").status == "undelivered"


async def test_a_person_has_each_lent_number_once_and_people_share_them(telstra, number):
    lent = [(await telstra.send(ANNA, replyRequest=True)).json()["ReplyAddress"] for _ in range(50)]
    assert len(set(lent)) == 50
    assert code(await telstra.send(ANNA, replyRequest=True)) == (400, "DELIVERY-IMPOSSIBLE")
    assert (await telstra.send(BEN, replyRequest=True)).json()["ReplyAddress"] == lent[0]


# --- a free trial


@pytest.fixture
async def trial(telstra, controls):
    asked = {"face": "telstra-v2", "switches": ["free-trial"]}
    assert (await controls.ask("PUT", "/switches", asked)).status == 200
    return telstra


async def test_a_trials_number_lasts_thirty_days_and_is_not_extended(trial, clock):
    first = (await trial.subscribe(activeDays=90)).json()
    assert first["activeDays"] == "30"
    assert first["expiryDate"] == (1_767_225_600 + 30 * DAY) * 1000
    await clock.advance(5 * DAY)
    await trial.log_in()
    again = (await trial.subscribe(activeDays=90)).json()
    assert (again["activeDays"], again["expiryDate"]) == ("25", first["expiryDate"])
    assert code(await trial.ask("DELETE", SUBSCRIPTIONS)) == (400, "TECH-ERR")


async def test_a_trial_texts_the_five_numbers_it_registered(trial, clock):
    await trial.subscribe()
    empty = await trial.ask("GET", "/messages/freetrial/bnum")
    assert (empty.status, empty.body) == (200, b"")
    assert code(await trial.send(ANNA)) == (400, "FREE-TRIAL-NO-BNUM")
    path = "/messages/freetrial/bnum"
    assert (await trial.ask("POST", path, {"bnum": [ANNA]})).json() == {"bnum": [ANNA]}
    assert (await trial.send("0491570156")).status == 201
    assert code(await trial.send([ANNA, BEN])) == (400, "FREE-TRIAL-INVALID-BNUM")
    more = [f"+6149157015{digit}" for digit in range(4)]
    assert (await trial.ask("POST", path, {"bnum": more})).json() == {"bnum": [ANNA, *more]}
    assert (await trial.ask("POST", path, {"bnum": [ANNA]})).status == 200
    assert code(await trial.ask("POST", path, {"bnum": [BEN]})) == (400, "FREE-TRIAL-MAX-BNUM")
    assert (await trial.ask("GET", path)).json() == {"bnum": [ANNA, *more]}


@pytest.mark.parametrize(
    ("bnum", "expected"),
    [
        (["+61491570156789012"], "BNUM-TOO-LONG"),
        ([7], "TECH-ERR"),
        ([], "TECH-ERR"),
        (["x"], "TECH-ERR"),
    ],
)
async def test_what_is_no_mobile_number_is_not_registered(trial, bnum, expected):
    answer = await trial.ask("POST", "/messages/freetrial/bnum", {"bnum": bnum})
    assert code(answer) == (400, expected)


async def test_a_trial_ends_with_its_hundredth_text(trial):
    await trial.subscribe()
    await trial.ask("POST", "/messages/freetrial/bnum", {"bnum": ANNA})
    assert [(await trial.send(ANNA)).status for _ in range(98)] == [201] * 98
    three = {"smsMulti": [{"to": ANNA, "body": "x", "receiptOff": True}] * 3}
    assert code(await trial.ask("POST", "/messages/sms/multi", three)) == (403, "SpikeArrest")
    assert [(await trial.send(ANNA)).status for _ in range(2)] == [201] * 2
    assert code(await trial.send(ANNA)) == (403, "SpikeArrest")


async def test_a_trial_has_no_names_and_no_threads(trial):
    await trial.subscribe()
    await trial.ask("POST", "/messages/freetrial/bnum", {"bnum": [ANNA]})
    assert code(await trial.send(ANNA, **{"from": "Cooee"})) == (400, "DELIVERY-IMPOSSIBLE")
    assert code(await trial.send(ANNA, replyRequest=True)) == (400, "DELIVERY-IMPOSSIBLE")


# --- the rest


@pytest.mark.parametrize("kind", ["sms", "mms"])
async def test_a_healthcheck_needs_no_token(telstra, kind):
    telstra.headers = {}
    answer = await telstra.ask("GET", f"/messages/{kind}/healthcheck")
    assert (answer.status, answer.json()) == (200, {"status": "up"})


async def test_a_wrong_method_and_a_wrong_path_are_told_apart(telstra):
    assert (await telstra.ask("PATCH", "/messages/sms")).status == 405
    assert (await telstra.ask("GET", "/messages/nothing")).json() == NOT_FOUND


async def test_two_clients_never_see_each_others_replies(telstra, number, simulator):
    await telstra.log_in("another")
    theirs = (await telstra.subscribe()).json()["destinationAddress"]
    simulator.network.send_from_phone(ANNA, number, "For the first")
    simulator.network.send_from_phone(ANNA, theirs, "For the second")
    assert (await telstra.read())["message"] == "For the second"
    assert await telstra.read() == {"status": "EMPTY"}
    await telstra.log_in("key")
    assert (await telstra.read())["message"] == "For the first"
