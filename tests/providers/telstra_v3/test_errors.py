from __future__ import annotations

import pytest

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request
from cooee.providers.telstra_v3.errors import ERRORS
from cooee.testing.scripted_network import answer

URL = "https://products.api.telstra.com/messaging/v3/messages"
SEND = Request(method="POST", url=URL)
READ = Request(method="GET", url=URL, safe=True)
TABLE = {  # as the specification has it, with the HTTP status of each
    "400 FIELD_INVALID": PermanentFailure,
    "400 FIELD_MISSING": PermanentFailure,
    "400 FIELD_LENGTH_ERR": PermanentFailure,
    "400 TAGS_ERR": PermanentFailure,
    "400 SENDERNAME_ERR": PermanentFailure,
    "400 MODERATION_ERR": PermanentFailure,
    "400 RECIPIENT_OPTOUT": OptedOut,
    "400 MULTIMEDIA_TOO_LARGE": PermanentFailure,
    "400 ID_INVALID": PermanentFailure,
    "400 ID_NOT_ASSIGNED": PermanentFailure,
    "400 TIMEFRAME_ERR": PermanentFailure,
    "400 VIRTUAL_NUM_INVALID": PermanentFailure,
    "400 VIRTUAL_NUM_UNASSIGNED": TemporaryFailure,
    "400 UPDATE_INVALID_MSG_SENT": PermanentFailure,
    "400 DELETE_INVALID_MSG_SENT": PermanentFailure,
    "401 TOKEN_INVALID": Unauthorized,
    "401 TOKEN_EXPIRED": Unauthorized,
    "402 ACCOUNT_ERR": TemporaryFailure,
    "402 RATE_PLAN_ERR": TemporaryFailure,
    "402 ACCOUNT_NOT_LINKED": TemporaryFailure,
    "402 ACCOUNT_LIMIT_ERROR": TemporaryFailure,
    "402 FREE_TRIAL_INTERNATIONAL_ERR": PermanentFailure,
    "403 RESOURCE_AUTH_ERR": TemporaryFailure,
    "403 INSUFFICIENT_SCOPE": TemporaryFailure,
    "403 FREE_TRIAL_ERR": PermanentFailure,
    "404 RESOURCE_TEMP_ERR": TemporaryFailure,
    "404 RESOURCE_NOT_FOUND": TemporaryFailure,
    "404 VIRTUAL_NUM_UNKNOWN": TemporaryFailure,
    "405 METHOD_INVALID": PermanentFailure,
    "406 MEDIA_TYPE_INVALID": PermanentFailure,
    "413 MULTIMEDIA_TOO_LARGE": PermanentFailure,
    "413 PAYLOAD_TOO_LARGE": PermanentFailure,
    "415 PAYLOAD_MEDIA_TYPE_ERR": PermanentFailure,
    "422 LOGIC_ERR": PermanentFailure,
    "429 TOO_MANY_REQUESTS": TemporaryFailure,
    "500 INTERNAL_TIMEOUT": OutcomeUnknown,
    "500 INTERNAL_SERVER_ERR": OutcomeUnknown,
    "500 NETWORK_ERR": OutcomeUnknown,
    "504 GATEWAY_TIMEOUT": OutcomeUnknown,
}
BARE = {
    400: PermanentFailure,
    401: Unauthorized,
    402: TemporaryFailure,
    403: TemporaryFailure,
    404: TemporaryFailure,
    405: PermanentFailure,
    422: PermanentFailure,
    429: TemporaryFailure,
    500: OutcomeUnknown,
    502: OutcomeUnknown,
    503: TemporaryFailure,
    504: OutcomeUnknown,
    201: OutcomeUnknown,
}


def complaint(code, **more):
    words = {"issue": "It went wrong.", "suggested_action": "Mend it."}
    return {"code": code, **words, "field": "to", "value": "0491570156", **more}


@pytest.mark.parametrize(("row", "kind"), TABLE.items())
def test_every_code_is_a_decision_with_a_hint_and_telstras_words(row, kind):
    status, code = row.split()
    failure = ERRORS.error_from(SEND, answer(int(status), {"errors": [complaint(code)]}))
    assert type(failure) is kind
    assert (failure.code, failure.status) == (code, int(status))
    assert failure.hint
    assert "It went wrong. Mend it. (to)" in str(failure)
    assert "0491570156" not in str(failure)  # the value may be a person's number


@pytest.mark.parametrize("row", TABLE)
def test_what_only_asks_is_never_in_doubt(row):
    status, code = row.split()
    failure = ERRORS.error_from(READ, answer(int(status), {"errors": [complaint(code)]}))
    assert not isinstance(failure, OutcomeUnknown)


@pytest.mark.parametrize(("status", "kind"), BARE.items())
@pytest.mark.parametrize("body", [b"", b"<html>", {}, [], {"errors": []}, {"errors": [5, {}]}])
def test_without_a_code_the_status_decides(status, kind, body):
    assert type(ERRORS.error_from(SEND, answer(status, body))) is kind


def test_telstras_retry_after_counts_before_ours():
    throttled = {"errors": [complaint("TOO_MANY_REQUESTS")]}
    assert ERRORS.error_from(SEND, answer(429, throttled, retry_after="77")).retry_after == 77
    assert ERRORS.error_from(SEND, answer(429, throttled)).retry_after == 5


@pytest.mark.parametrize("codes", [["RECIPIENT_OPTOUT"], ["FIELD_INVALID", "RECIPIENT_OPTOUT"]])
def test_an_opt_out_decides_before_all_else(codes):
    errors = [complaint(code) for code in codes]
    assert type(ERRORS.error_from(SEND, answer(400, {"errors": errors}))) is OptedOut


def test_a_known_code_decides_before_a_new_one():
    errors = [complaint("BRAND_NEW"), complaint("RATE_PLAN_ERR")]
    assert ERRORS.error_from(SEND, answer(402, {"errors": errors})).code == "RATE_PLAN_ERR"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"error": "invalid_client", "error_description": "No."}, "invalid_client", "No."),
        (
            {"fault": {"faultstring": "Too slow", "detail": {"errorcode": "steps.Timeout"}}},
            "steps.Timeout",
            "Too slow",
        ),
        ({"fault": {"faultstring": "Too slow", "detail": 5}}, "", "Too slow"),
        ({"code": "NEW", "message": "Words"}, "NEW", "Words"),
    ],
)
def test_other_shapes_of_no_are_read_too(body, code, words):
    failure = ERRORS.error_from(SEND, answer(400, body))
    assert failure.code == code
    assert words in str(failure)
