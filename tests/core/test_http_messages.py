from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.http_messages import Request, Response

AT = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, "x"]}', {"a": [1, "x"]}),
        (b"", None),
        (b"<html>Bad Gateway</html>", None),
        (b"[" * 100_000, None),
        (b'{"text": "two\nlines"}', {"text": "two\nlines"}),
        (b'{"text": "half \\ud83d a smile"}', {"text": "half \ud83d a smile"}),
        (b'{"text": "caf\xe9"}', {"text": "caf\ufffd"}),
    ],
)
def test_json_is_read_kindly_and_anything_else_is_none(body, value):
    assert Response(status=200, body=body).json() == value
    assert Request(method="POST", url="https://x.example/", body=body).json() == value


@given(st.binary())
def test_no_body_raises(body):
    Response(status=200, body=body).json()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("99999999999", None),
        ("\u0663", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert Response(status=429, headers={"retry-after": header}, at=AT).retry_after == seconds


def test_no_retry_after_says_nothing():
    assert Response(status=429, at=AT).retry_after is None
    dated = Response(status=429, headers={"retry-after": "Thu, 01 Jan 2026 12:01:30 GMT"})
    assert dated.retry_after is None  # nothing to count from
