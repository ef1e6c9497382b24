"""X-Twilio-Signature: computed over the URL and the posted form, and verified."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qs, unquote, unquote_to_bytes, urlsplit

from cooee.providers import Request, RequestRefused

FormFields: TypeAlias = Sequence[tuple[str, str]]

_DIGESTS: Mapping[str, str] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_DEFAULT_PORTS: Mapping[str, int] = {"https": 443, "http": 80}
_FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 1000  # a text has about thirty


def compute_signature(url: str, fields: FormFields, secret: str, digest: str = "sha1") -> str:
    """Return the ``X-Twilio-Signature`` of a request: base64 of an HMAC.

    It is over the URL and, key by key in order, the key and its values; each value of a key
    once, in order (Twilio's Python SDK 9.13, request_validator.py).
    """
    values = dict(fields)
    parts = (
        [name + values[name] for name in sorted(values)]
        if len(values) == len(fields)
        else [name + value for name, value in sorted(set(fields))]  # a field came twice
    )
    signature = _keyed_hmac(secret, digest).copy()
    signature.update("".join((url, *parts)).encode(errors="surrogatepass"))
    return b64encode(signature.digest()).decode()


@lru_cache(maxsize=16)
def _keyed_hmac(secret: str, digest: str) -> hmac.HMAC:
    """Return the HMAC of nothing, to copy.

    `hmac.digest` lets the interpreter's lock go, and then waits for other threads.
    """
    return hmac.new(secret.encode(), digestmod=digest)


def verify_signature(request: Request, token: str, shared_secrets: Sequence[str]) -> FormFields:
    """Verify a request's signature; return the posted form's fields.

    An ordinary request is signed with the account's token by HMAC-SHA1. One that has a header
    ``X-Twilio-Webhooks-Signature-Settings: key=…,algorithm=HMAC_SHA256`` is signed with a
    shared key. A body that is no form is not in the signature but, by its hash, in the URL:
    ``bodySHA256=<hex>``. Twilio's back end is not consistent about ports, so the URL is good
    with and without one (as its SDK has it), and with and without a user and password; nothing
    else of the URL is guessed.

    Args:
        request: its URL is the public one, from the settings.
        token: the account's.
        shared_secrets: the secrets of the shared keys, each of which may have signed.

    Raises:
        RequestRefused: it is not Twilio's, or was changed on its way.
    """
    settings = request.headers.get("x-twilio-webhooks-signature-settings", "")
    digest = _DIGESTS.get(_digest_algorithm(settings))
    if digest is None:
        raise RequestRefused("The signature has an algorithm that is not known here.", 403)
    fields = _signed_fields(request)
    given = request.headers.get("x-twilio-signature", "").encode(errors="replace")
    for url in _spellings(request.url):
        for secret in shared_secrets if settings else (token,):
            expected = compute_signature(url, fields, secret, digest).encode()
            # each in constant time: the whole tells which spelling fits, not how near a guess was
            if hmac.compare_digest(expected, given):
                return fields
    raise RequestRefused(
        _UNSET_SHARED_KEY if settings and not shared_secrets else _BAD_SIGNATURE, 403
    )


_BAD_SIGNATURE = (
    "The signature is not Twilio's. If Twilio sent it: COOEE_PUBLIC_URL has to be the address"
    " that Twilio calls, letter by letter, and TWILIO_AUTH_TOKEN the primary token of the"
    " account (or subaccount) that owns the number."
)
_UNSET_SHARED_KEY = (
    "It is signed with a shared key. Set TWILIO_WEBHOOK_SECRET to that key's secret."
)


def _digest_algorithm(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _signed_fields(request: Request) -> FormFields:
    """Return the form's fields; for a body of another kind check its hash, and return none."""
    content_type = (
        request.headers.get("content-type", _FORM_CONTENT_TYPE).partition(";")[0].strip().lower()
    )
    if content_type == _FORM_CONTENT_TYPE:
        return parse_form_fields(request.body)
    expected_hash = parse_qs(urlsplit(request.url).query).get("bodySHA256", [""])[0]
    body_hash = sha256(request.body).hexdigest()
    if not hmac.compare_digest(body_hash.encode(), expected_hash.encode(errors="replace")):
        raise RequestRefused("The body is not the one that was signed.", 403)
    return ()


def parse_form_fields(body: bytes) -> FormFields:
    """Return a form's fields, blank ones too, as `urllib.parse.parse_qsl` does in thrice the time.

    Raises:
        RequestRefused: there are more than any text has.
    """
    pairs = body.decode(errors="replace").split("&")
    if len(pairs) > _MAX_FIELDS:
        raise RequestRefused("A form with more fields than any text has.")
    fields = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _decode_word(name), _decode_word(value)
        if pair:
            fields.append((name, value))
    return fields


def _decode_word(word: str) -> str:
    word = word.replace("+", " ")
    if "%" not in word:
        return word
    if word.isascii():
        return unquote_to_bytes(word).decode(errors="replace")
    return unquote(word, errors="replace")


def _spellings(url: str) -> Iterator[str]:
    """Yield the URLs that Twilio may have signed; the URL that was called is the likeliest."""
    if "@" not in url:
        yield url
    split = urlsplit(url)
    yield from (spelling for spelling in _other_spellings(split) if spelling != url)
    if "@" in url:
        yield url


def _other_spellings(split: SplitResult) -> Sequence[str]:
    try:
        port = split.port
    except ValueError:
        return ()
    with_user = split.netloc.removesuffix(f":{port}")
    # Twilio sends user and password in a header, and signs the URL without; its SDK keeps them
    hosts = dict.fromkeys([with_user.rpartition("@")[2], with_user])
    number = port or _DEFAULT_PORTS.get(split.scheme, 443)
    netlocs = [netloc for host in hosts for netloc in (host, f"{host}:{number}")]
    return [split._replace(netloc=netloc).geturl() for netloc in netlocs]
