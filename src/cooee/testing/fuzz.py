"""Hypothesis strategies for payloads unlike the documents."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from cooee.core.http_messages import Response

SETTINGS = settings(deadline=None, max_examples=150, report_multiple_bugs=False)
"""How long a promise is tried, of a fuzzed response or webhook."""

_STATUSES = (200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 408, 409, 410, 415, 422, 429)
_SERVER_ERRORS = (500, 501, 502, 503, 504, 520, 599)
_ODD_BODIES = (b"", b"<html>Bad Gateway</html>", b"null", b"[" * 50_000, b'{"a":', b"\xff\xfe\x00")

any_text = st.text(st.characters(), max_size=30)
"""Text with everything in it: NUL, half a surrogate pair, right-to-left marks."""

any_timestamp = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.sampled_from(
        [
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "0001-01-01T00:00:00",
            "1970-01-01T00:00:00Z",
            "2100-01-01T00:00:00+10:00",
            "2026-02-30T00:00:00",
            "yesterday",
        ]
    ),
)

any_scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | any_timestamp
    | st.sampled_from(["", "0", "-1", "9" * 400, "400", 10**30, "\x00", "\ud800", "x" * 2000])
)

any_json = st.recursive(
    any_scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
"""Any JSON."""


@st.composite
def corrupted(draw: st.DrawFn, value: Any) -> Any:
    """Return JSON near `value`: a part is missing, or replaced."""
    if not isinstance(value, (dict, list)) or not value or draw(st.integers(0, 9)) == 0:
        return draw(any_json)
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    rest = dict(value) if isinstance(value, dict) else list(value)
    if draw(st.booleans()):
        rest[key] = draw(corrupted(value[key]))
    else:
        del rest[key]
    return rest


def request_bodies(good: bytes) -> st.SearchStrategy[bytes]:
    """Return request bodies: noise, any JSON, and JSON or a form near `good`."""
    form = dict(parse_qsl(good.decode(), keep_blank_values=True)) if _is_form(good) else None
    corrupted_bodies = (
        corrupted(_decode_json(good)).map(_encode_json_body)
        if form is None
        else corrupted(form).map(_encode_form)
    )
    return st.one_of(
        corrupted_bodies,
        corrupted_bodies,
        any_json.map(_encode_json_body),
        st.binary(),
        st.sampled_from(_ODD_BODIES),
    )


def near_responses(good: Response) -> st.SearchStrategy[Response]:
    """Return responses near `good`, or far away."""
    statuses = st.sampled_from((good.status,) * 12 + _STATUSES + _SERVER_ERRORS)
    headers = st.one_of(
        st.just(dict(good.headers)),
        st.fixed_dictionaries({"retry-after": any_text | st.sampled_from(["7", "-1", "9" * 99])}),
        st.fixed_dictionaries({"content-type": any_text | st.just("text/html")}),
    )
    return st.builds(
        lambda status, headers, body: msgspec.structs.replace(
            good, status=status, headers=headers, body=body
        ),
        statuses,
        headers,
        request_bodies(good.body),
    )


def _is_form(body: bytes) -> bool:
    return b"=" in body and body[:1] not in (b"{", b"[")


def _encode_form(value: Any) -> bytes:
    return urlencode(value, errors="replace").encode() if isinstance(value, dict) else b"\xff=%ff"


def _decode_json(body: bytes) -> Any:
    return json.loads(body) if body else {}


def _encode_json_body(value: Any) -> bytes:
    return json.dumps(value).encode()  # escapes what is half a character, as senders do
