from __future__ import annotations

import pytest

from cooee.providers import (
    ErrorItem,
    ErrorRule,
    ErrorTable,
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    Request,
    TemporaryFailure,
    Unauthorized,
    error_class_for_status,
)
from cooee.testing.scripted_network import answer

ASK = Request(method="POST", url="https://api.example/texts")
ASK_AGAIN = Request(method="GET", url="https://api.example/texts", safe=True)
ERRORS = ErrorTable(provider="Acme")


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
    assert type(ERRORS.error_from(ASK, answer(status))) is kind


@pytest.mark.parametrize("status", [200, 502, 504])
def test_what_is_safe_to_repeat_is_never_in_doubt(status):
    assert type(ERRORS.error_from(ASK_AGAIN, answer(status))) is TemporaryFailure


def test_the_answers_own_retry_after_counts_before_the_tables():
    errors = ErrorTable(provider="Acme", by_status={503: ErrorRule(retry_after=60)})
    assert errors.error_from(ASK, answer(503, retry_after="3")).retry_after == 3
    assert errors.error_from(ASK, answer(503)).retry_after == 60


def test_an_answer_that_is_not_json_is_called_what_it_is():
    page = answer(502, b"<html>", content_type="text/html")
    assert "not JSON but text/html" in str(ERRORS.error_from(ASK, page))
    assert "not JSON but something else" in str(ERRORS.error_from(ASK, answer(502, b"<html>")))


def table(*items, **rules):
    return ErrorTable(provider="Acme", parse_items=lambda _: items, by_code=rules)


def test_the_providers_words_code_and_status_are_kept():
    errors = table(ErrorItem("E7", "no such number", "to"), E7=ErrorRule(hint="Dial on."))
    assert str(errors.error_from(ASK, answer(400))) == (
        "Acme said: no such number (to) [400 E7] Dial on."
    )


def test_an_opt_out_decides_then_the_first_code_that_is_known_then_the_first():
    new, known, stop = ErrorItem("E1"), ErrorItem("E2"), ErrorItem("E3")
    rules = {"E2": ErrorRule(TemporaryFailure), "E3": ErrorRule(OptedOut)}
    for items, code, kind in (
        ([new, known, stop], "E3", OptedOut),
        ([new, known], "E2", TemporaryFailure),
        ([new], "E1", PermanentFailure),
    ):
        failure = table(*items, **rules).error_from(ASK, answer(400))
        assert (failure.code, type(failure)) == (code, kind)


def test_an_items_own_status_counts_before_the_answers():
    error = table(ErrorItem(status=503)).error_from(ASK, answer(200))
    assert type(error) is TemporaryFailure


def test_the_caller_knows_better_than_the_table():
    errors = table(ErrorItem("E1"), E1=ErrorRule(TemporaryFailure, "Wait."))
    failure = errors.error_from(ASK, answer(401), error_class=PermanentFailure, hint="Look.")
    assert (type(failure), failure.hint) == (PermanentFailure, "Look.")


def test_a_providers_words_are_one_printable_line_of_some_length():
    said = str(table(ErrorItem(reason="a\nb\x1b" + "c" * 999)).error_from(ASK, answer(400)))
    assert "a b ccc" in said
    assert len(said) < 400
