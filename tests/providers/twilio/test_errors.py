from __future__ import annotations

import pytest
from twilio.rest.api.v2010.account.message import MessageInstance

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request
from cooee.core.messages import Status
from cooee.providers.twilio.errors import (
    _STATUS_BY_WORD,
    ERRORS,
    twilio_status,
)
from cooee.testing.scripted_network import answer

ASKED = Request(method="POST", url="https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json")

WORDS = {
    "queued": Status.ACCEPTED,
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "partially_delivered": Status.UNDELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
    "receiving": Status.ACCEPTED,
    "received": Status.ACCEPTED,
}


@pytest.mark.parametrize(("word", "status"), WORDS.items())
def test_each_word_of_a_receipt_has_its_status(word, status):
    assert twilio_status(word) is status


def test_every_word_that_the_sdk_knows_is_in_the_table():
    known = {word for name, word in vars(MessageInstance.Status).items() if name.isupper()}
    assert known == set(_STATUS_BY_WORD) == set(WORDS)


def test_a_word_that_is_new_is_no_more_than_accepted():
    assert twilio_status("teleported") is Status.ACCEPTED


@pytest.mark.parametrize("word", ["failed", "undelivered"])
def test_a_text_that_waited_too_long_has_expired(word):
    assert twilio_status(word, "30036") is Status.EXPIRED


LATER = (14107, 20005, 20429, 21611, 30001, 30002, 63018, 63038)
NEVER = (
    *(20008, 21211, 21212, 21214, 21217, 21265, 21266, 21408, 21601, 21602, 21603, 21604, 21606),
    *(21608, 21609, 21612, 21614, 21617, 21620, 21623, 21635, 21659, 21660, 21661, 21703, 21705),
    *(30003, 30004, 30005, 30006, 30007, 30008, 30034, 30036),
)
KINDS = {
    **dict.fromkeys(LATER, TemporaryFailure),
    **dict.fromkeys(NEVER, PermanentFailure),
    20003: Unauthorized,
    20404: PermanentFailure,
    21610: OptedOut,
}


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_each_code_is_a_failure_of_its_kind_with_a_hint(code, kind):
    status = {20003: 401, 20404: 404, 20429: 429}.get(code, 400)
    body = {"code": code, "message": "No.", "more_info": "https://…", "status": status}
    failure = ERRORS.error_from(ASKED, answer(status, body))
    assert type(failure) is kind
    assert (failure.code, failure.status, failure.hint != "") == (str(code), status, True)
    if kind is TemporaryFailure:
        assert failure.retry_after


def test_the_table_and_its_test_know_the_same_codes():
    assert set(ERRORS.by_code) == {str(code) for code in KINDS}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentFailure),
        (403, PermanentFailure),
        (429, TemporaryFailure),
        (500, TemporaryFailure),
        (502, OutcomeUnknown),
        (503, TemporaryFailure),
    ],
)
@pytest.mark.parametrize("body", [{"code": 99999, "message": "New."}, b"<html>", None])
def test_a_code_that_is_not_in_the_table_goes_by_its_status(status, kind, body):
    assert type(ERRORS.error_from(ASKED, answer(status, body))) is kind


def test_an_acceptance_with_a_code_in_it_is_still_in_doubt():
    assert type(ERRORS.error_from(ASKED, answer(201, {"code": 21211}))) is OutcomeUnknown


def test_a_persons_number_in_twilios_words_stays_out_of_ours():
    body = {"code": 21211, "message": "Invalid 'To' Phone Number: +61491570XXX, 61491570156"}
    said = str(ERRORS.error_from(ASKED, answer(400, body)))
    assert "491570156" not in said
    assert "Invalid 'To' Phone Number" in said


@pytest.mark.parametrize("code", [True, "21610", 10**30, -5, None, [21610]])
def test_a_code_that_is_no_code_is_left_out(code):
    assert type(ERRORS.error_from(ASKED, answer(400, {"code": code}))) is PermanentFailure
