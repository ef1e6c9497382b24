from __future__ import annotations

import pytest

from cooee.core.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound, Status
from cooee.providers import Credentials
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.providers.telstra_v2.errors import ERRORS, telstra_v2_status
from cooee.testing.scripted_network import ScriptedNetwork, answer

OUTBOUND = Outbound(
    id=f"{'0123456789abcdef' * 2}-7",
    sender="+61491570006",
    recipient="+61491570156",
    text="Hello",
)
ASK = Request(method="POST", url="https://tapi.telstra.com/v2/messages/sms")
PERMANENT = [
    "TO-MSISDN-NOT-VALID",
    "TO-MSISDN-TOO-LONG",
    "FROM-MSISDN-TOO-LONG",
    "SENDER-MISSING",
    "BODY-MISSING",
    "BODY-TOO-LONG",
    "BODY-NOT-VALID",
    "DELIVERY-IMPOSSIBLE",
    "TECH-ERR",
    "Request flagged as containing suspicious content",
    "FREE-TRIAL-NO-BNUM",
    "FREE-TRIAL-INVALID-BNUM",
    "TOO MANY DESTINATIONS",
    "SOMETHING-NEW",
]


def send(response):
    provider = TelstraV2({"TELSTRA_CLIENT_ID": "id", "TELSTRA_CLIENT_SECRET": "secret"})
    line = ScriptedNetwork(response)
    try:
        return line.run(provider.send(OUTBOUND, Credentials("token")))
    except Exception as failure:
        return failure


def plain(status, code="", message="words", **headers):
    return answer(status, {"status": str(status), "code": code, "message": message}, **headers)


def success_shaped(status, own, code, message="Refer to API docs at https://dev.telstra.com"):
    """The shape that the Australian government's Notify recorded for an invalid recipient."""
    first = {
        "to": "+61412345678",
        "deliveryStatus": "DeliveryImpossible",
        "messageStatusURL": "https://tapi.telstra.com/v2/messages/sms//status",
        "status": own,
        "code": code,
        "message": message,
    }
    body = {"messages": [first], "Country": [], "messageType": "SMS", "numberSegments": 1}
    return answer(status, body)


@pytest.mark.parametrize("code", PERMANENT)
@pytest.mark.parametrize("shape", ["plain", "success-shaped"])
def test_a_400_is_permanent_and_keeps_telstras_words_in_both_shapes(code, shape):
    response = plain(400, code) if shape == "plain" else success_shaped(400, "400", code, "words")
    failure = send(response)
    assert type(failure) is PermanentFailure
    assert (failure.code, failure.status) == (code, 400)
    assert "words" in failure.message
    assert failure.hint or code in ("TECH-ERR", "SOMETHING-NEW")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, PermanentFailure), (500, TemporaryFailure), (504, OutcomeUnknown)],
)
def test_an_id_in_a_refusal_is_no_acceptance(status, kind):
    body = {"messages": [{"messageId": "d997", "status": "400", "code": "NEW"}]}
    assert type(send(answer(status, body))) is kind


@pytest.mark.parametrize(
    ("response", "kind", "retry_after", "hint"),
    [
        (plain(400, "NOT-PROVISIONED"), TemporaryFailure, 60, "expired"),
        (plain(401, "TECH-ERR"), Unauthorized, None, "token"),
        (plain(403, "SpikeArrest"), TemporaryFailure, 10, "Too many"),
        (plain(403, "SpikeArrest", retry_after="3"), TemporaryFailure, 3, "Too many"),
        (plain(403, "MSG_Monetization_ERR"), TemporaryFailure, 900, "credit"),
        (plain(403), TemporaryFailure, 60, "credit"),
        (plain(404, "RESOURCE-NOT-FOUND", ""), TemporaryFailure, 60, "less than a minute"),
        (answer(404, b""), TemporaryFailure, 60, "another app"),
        (plain(404, "OLD-NONEXISTANT-MESSAGE-ID"), PermanentFailure, None, "7 days"),
        (plain(405), PermanentFailure, None, ""),
        (plain(408), TemporaryFailure, None, ""),
        (plain(409, "Active Days Max"), PermanentFailure, None, "5 years"),
        (plain(415), PermanentFailure, None, ""),
        (plain(422), PermanentFailure, None, ""),
        (plain(429), TemporaryFailure, 10, "Too many"),
        (plain(429, retry_after="42"), TemporaryFailure, 42, "Too many"),
        (plain(500, "TECH-ERR", "JSONThreatProtection[…]"), TemporaryFailure, None, "not JSON"),
        (plain(501), PermanentFailure, None, ""),
        (plain(502), OutcomeUnknown, None, ""),
        (plain(503), TemporaryFailure, None, ""),
        (plain(504), OutcomeUnknown, None, ""),
        (answer(302, b"", location="https://elsewhere.example/"), PermanentFailure, None, ""),
        (answer(200, b"<html>"), OutcomeUnknown, None, ""),
        (answer(201, {"messages": []}), OutcomeUnknown, None, ""),
        (answer(201, {"messages": [{"messageId": ""}]}), OutcomeUnknown, None, ""),
        (answer(201, {"messages": [{"messageId": 7}]}), OutcomeUnknown, None, ""),
        (success_shaped(201, "400", "TO-MSISDN-NOT-VALID"), PermanentFailure, None, "+614"),
        (success_shaped(201, "500", "TECH-ERR"), TemporaryFailure, None, ""),
        (success_shaped(201, "?", "NEW"), OutcomeUnknown, None, ""),
        (
            answer(
                403,
                {
                    "fault": {
                        "faultstring": "Spike arrest violation.",
                        "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
                    }
                },
            ),
            TemporaryFailure,
            60,
            "Too many",
        ),
    ],
)
def test_each_answer_to_a_send_is_one_decision(response, kind, retry_after, hint):
    failure = send(response)
    assert type(failure) is kind, failure
    assert failure.status == response.status
    assert getattr(failure, "retry_after", None) == retry_after
    assert hint in failure.hint


def test_the_404_that_means_several_things_says_them_all():
    words = str(ERRORS.error_from(ASK, plain(404, "RESOURCE-NOT-FOUND", "")))
    for meaning in ("expired", "less than a minute ago", "another app", "free trial"):
        assert meaning in words


def test_the_gateways_own_code_is_kept():
    body = {"fault": {"faultstring": "Spike arrest violation.", "detail": {"errorcode": "a.b"}}}
    failure = ERRORS.error_from(ASK, answer(403, body))
    assert (failure.code, "Spike arrest violation." in failure.message) == ("a.b", True)


def test_what_telstra_says_is_one_printable_line_of_bearable_length():
    message = "line one\r\nline two\x1b[31m \ud83d" + "x" * 9999
    failure = ERRORS.error_from(ASK, plain(400, "A\nB" * 200, message))
    assert str(failure).isprintable()
    assert len(str(failure)) < 1000
    assert "line one line two [31m" in failure.message


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("MessageWaiting", Status.ACCEPTED),
        ("PEND", Status.ACCEPTED),
        ("Unknown", Status.ACCEPTED),
        ("SENT", Status.SENT),
        ("DELIVRD", Status.DELIVERED),
        ("READ", Status.DELIVERED),
        ("EXPIRED", Status.EXPIRED),
        ("DELETED", Status.FAILED),
        ("UNDVBL", Status.UNDELIVERED),
        ("REJECTED", Status.FAILED),
        ("REJECTD", Status.FAILED),
        ("DeliveryImpossible", Status.FAILED),
        ("delivrd", Status.DELIVERED),
        ("SomethingNew", Status.ACCEPTED),
    ],
)
def test_each_delivery_word_is_one_status(word, status):
    assert telstra_v2_status(word) is status
