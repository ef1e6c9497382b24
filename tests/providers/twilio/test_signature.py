"""What Twilio's own Python SDK signs or accepts, ours does, and the other way round."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from cooee.core.errors import RequestRefused
from cooee.core.http_messages import Request
from cooee.providers.twilio import signature
from cooee.providers.twilio.signature import (
    compute_signature,
    parse_form_fields,
    verify_signature,
)

TOKEN, SHARED = "12345", "a shared key's secret"
SETTINGS = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
FORM = "application/x-www-form-urlencoded"


class MultiDict(dict):
    """Several values of a key, as web frameworks keep them and the SDK reads them."""

    def __init__(self, pairs) -> None:
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getlist(self, name):
        return self[name]


def request(url, pairs=(), *, body=None, kind=FORM, **headers) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    posted = urlencode(pairs).encode() if body is None else body
    return Request(method="POST", url=url, headers={"content-type": kind, **named}, body=posted)


def accepts(asked: Request, shared=(SHARED,)) -> bool:
    try:
        verify_signature(asked, TOKEN, shared)
    except RequestRefused:
        return False
    return True


hosts = st.sampled_from(["cooee.example", "a.b.example", "xn--80ak6aa92e.example", "203.0.113.9"])
ports = st.sampled_from(["", "", ":443", ":80", ":8443", ":1337"])
queries = st.sampled_from(["", "?foo=1&bar=2", "?a=%20b+c&a=", "?x=%C3%A9"])
urls = st.builds(
    lambda scheme, host, port, query: f"{scheme}://{host}{port}/twilio/word/text{query}",
    st.sampled_from(["https", "http"]),
    hosts,
    ports,
    queries,
)
letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
forms = st.lists(
    st.tuples(st.sampled_from(["Body", "body", "To", "A", "Aa", "A[]"]) | letters, letters),
    max_size=8,
)


@given(urls, forms)
def test_what_the_sdk_signs_is_accepted_and_read_as_it_was(url, pairs):
    given = RequestValidator(TOKEN).compute_signature(url, MultiDict(pairs))
    assert compute_signature(url, pairs, TOKEN) == given
    assert list(verify_signature(request(url, pairs, x_twilio_signature=given), TOKEN, ())) == pairs


@given(urls, urls, forms, forms, st.sampled_from([TOKEN, SHARED, ""]))
def test_both_agree_on_what_is_genuine(url, signed_url, pairs, signed_pairs, secret):
    signed_pairs = signed_pairs or pairs
    given = compute_signature(signed_url, signed_pairs, secret)
    sdk = RequestValidator(TOKEN).validate(url, MultiDict(pairs), given)
    assert accepts(request(url, pairs, x_twilio_signature=given)) == sdk


@given(urls, st.binary(max_size=40), st.booleans(), st.booleans())
def test_both_agree_on_a_body_that_is_vouched_for_by_its_hash(url, body, changed, cut):
    body = body.decode(errors="replace").encode()
    mark = sha256(body).hexdigest()[: 10 if cut else None]
    url += f"{'&' if '?' in url else '?'}bodySHA256={mark}"
    given = compute_signature(url, (), TOKEN)
    found = body + b"!" if changed else body
    sdk = RequestValidator(TOKEN).validate(url, found.decode(), given)
    asked = request(url, body=found, kind="application/json", x_twilio_signature=given)
    assert accepts(asked) == sdk == (not changed and not cut)


@given(urls, forms, st.sampled_from([TOKEN, SHARED]), st.sampled_from(["sha1", "sha256"]))
def test_both_agree_on_a_shared_key(url, pairs, secret, digest):
    given = compute_signature(url, pairs, secret, digest)
    algorithm = get_signature_algorithm(SETTINGS)
    sdk = RequestValidator(SHARED).validate(url, MultiDict(pairs), given, algorithm)
    asked = request(
        url, pairs, x_twilio_signature=given, x_twilio_webhooks_signature_settings=SETTINGS
    )
    assert accepts(asked) == sdk == (secret == SHARED and digest == "sha256")


@given(st.text(max_size=40) | st.sampled_from([SETTINGS, "algorithm=hmac_sha1", "algorithm="]))
def test_both_read_the_same_algorithm_from_any_header(settings):
    algorithm = get_signature_algorithm(settings).upper()
    digest = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(algorithm)
    secret = SHARED if settings else TOKEN
    given = compute_signature("https://cooee.example/", (), secret, digest or "sha1")
    asked = request(
        "https://cooee.example/",
        x_twilio_signature=given,
        x_twilio_webhooks_signature_settings=settings,
    )
    assert accepts(asked) == (digest is not None)


@given(st.lists(st.sampled_from([*"&=+%;aZ0 é€\udcff", "%2B", "%C3%A9", "%F0%9F", "%e9", "%zz"])))
def test_a_form_is_read_as_the_standard_library_reads_it(parts):
    body = "".join(parts).encode(errors="surrogateescape")
    expected = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    assert list(parse_form_fields(body)) == expected


@pytest.mark.parametrize(
    ("signed_port", "count"), [("", 1), (":443", 2)], ids=["as called", "with a port"]
)
def test_the_likeliest_signature_is_computed_first_and_then_no_other(
    monkeypatch, signed_port, count
):
    pairs = [("Body", "hi"), ("From", "+61491570156")]
    given = compute_signature(f"https://cooee.example{signed_port}/text", pairs, TOKEN)
    computed = []
    monkeypatch.setattr(
        signature,
        "compute_signature",
        lambda *args: computed.append(args) or compute_signature(*args),
    )
    asked = request("https://cooee.example/text", pairs, x_twilio_signature=given)
    verify_signature(asked, TOKEN, ())
    assert len(computed) == count


def test_twilios_own_example_has_the_signature_that_its_page_shows():
    """https://www.twilio.com/docs/usage/security: the worked example, with token 12345."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    pairs = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+12349013030"),
        ("Digits", "1234"),
        ("From", "+12349013030"),
        ("To", "+18005551212"),
    ]
    assert compute_signature(url, pairs, TOKEN) == RequestValidator(TOKEN).compute_signature(
        url, dict(pairs)
    )
    assert compute_signature(url, pairs, TOKEN) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_a_shared_key_that_was_rotated_may_sign_beside_the_new_one():
    given = compute_signature("https://cooee.example/", (), SHARED, "sha256")
    headers = {
        "x_twilio_signature": given,
        "x_twilio_webhooks_signature_settings": SETTINGS,
    }
    asked = request("https://cooee.example/", **headers)
    assert accepts(asked, ("new", SHARED))
    with pytest.raises(RequestRefused, match="TWILIO_WEBHOOK_SECRET"):
        verify_signature(asked, TOKEN, ())


def test_the_token_cannot_sign_for_a_shared_key():
    given = compute_signature("https://cooee.example/", (), TOKEN, "sha256")
    asked = request(
        "https://cooee.example/",
        x_twilio_signature=given,
        x_twilio_webhooks_signature_settings=SETTINGS,
    )
    assert not accepts(asked)


@pytest.mark.parametrize("url", ["https://cooee.example:x/", "https://[::1]:8443/text"])
def test_an_odd_host_is_signed_as_it_is(url):
    given = compute_signature(url, (), TOKEN)
    assert accepts(request(url, x_twilio_signature=given))


def test_the_url_is_not_taken_from_the_request():
    given = compute_signature("https://evil.example/text", (), TOKEN)
    forged = request(
        "https://cooee.example/text",
        x_twilio_signature=given,
        host="evil.example",
        x_forwarded_host="evil.example",
        x_original_url="https://evil.example/text",
    )
    assert not accepts(forged)


def test_a_form_with_thousands_of_fields_is_refused_before_it_is_signed():
    with pytest.raises(RequestRefused, match="more fields"):
        verify_signature(request("https://cooee.example/", body=b"a&" * 2000), TOKEN, ())


@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_a_user_and_password_in_our_url_are_not_signed(port: str) -> None:
    pairs = [("Body", "hi")]
    public = request(f"https://me:p4ss@texts.example.com{port}/twilio/w/text", pairs)
    called = f"https://texts.example.com{port}/twilio/w/text"
    signature = RequestValidator(TOKEN).compute_signature(called, dict(pairs))
    public.headers["x-twilio-signature"] = signature
    assert accepts(public)
    public.headers["x-twilio-signature"] = signature[::-1]
    assert not accepts(public)
