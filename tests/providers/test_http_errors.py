from __future__ import annotations

import pytest

from cooee.core.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Request
from cooee.providers.http_errors import error_class_for_status, error_from_response
from cooee.testing.scripted_network import answer

ASK = Request(method="POST", url="https://api.example/texts")
ASK_AGAIN = Request(method="GET", url="https://api.example/texts", safe=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeUnknown),
        (201, OutcomeUnknown),
        (204, OutcomeUnknown),
        (301, PermanentFailure),
        (400, PermanentFailure),
        (401, Unauthorized),
        (403, PermanentFailure),
        (408, TemporaryFailure),
        (429, TemporaryFailure),
        (499, PermanentFailure),
        (500, TemporaryFailure),
        (501, PermanentFailure),
        (502, OutcomeUnknown),
        (503, TemporaryFailure),
        (504, OutcomeUnknown),
        (520, OutcomeUnknown),
        (999, OutcomeUnknown),
    ],
)
def test_a_status_alone_is_one_decision(status, kind):
    assert error_class_for_status(status) is kind
    assert type(error_from_response("Acme", ASK, answer(status))) is kind


@pytest.mark.parametrize("status", [200, 502, 504])
def test_what_is_safe_to_repeat_is_never_in_doubt(status):
    assert type(error_from_response("Acme", ASK_AGAIN, answer(status))) is TemporaryFailure


def test_the_answers_own_retry_after_counts_before_ours():
    asked = answer(503, retry_after="3")
    assert error_from_response("Acme", ASK, asked, retry_after=60).retry_after == 3
    assert error_from_response("Acme", ASK, answer(503), retry_after=60).retry_after == 60


def test_an_answer_that_is_not_json_is_called_what_it_is():
    page = answer(502, b"<html>", content_type="text/html")
    assert "not JSON but text/html" in str(error_from_response("Acme", ASK, page))
    assert "not JSON but something else" in str(
        error_from_response("Acme", ASK, answer(502, b"<html>"))
    )


def test_the_companys_words_code_and_status_are_kept():
    refused = error_from_response(
        "Acme", ASK, answer(400), code="E7", reason="no such number", hint="Dial on."
    )
    assert str(refused) == "Acme said: no such number [400 E7] Dial on."
