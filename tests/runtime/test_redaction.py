"""Secrets are covered wherever they are about to be shown."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cooee.clocks.clock import RealClock
from cooee.core.errors import PermanentFailure, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.providers import Credentials
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import MASK, Redactor, reads_like_words

SECRET = 'pa+ss/w"örd&=42'
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(
    lambda secret: not reads_like_words(secret)
)


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        SECRET.upper(),
    ],
)
def test_a_secret_is_covered_however_it_is_written(echo):
    assert Redactor([SECRET])(f"What is {echo}?") == f"What is {MASK}?"


@given(SECRETS, st.text(), st.text())
def test_no_secret_is_left_in_any_words(secret, before, after):
    shown = Redactor([secret])(before + secret + after)
    assert secret not in shown.replace(MASK, "\0")


@given(SECRETS, st.integers(6, 40))
def test_a_secret_cut_off_at_the_end_is_covered_too(secret, length):
    stump = secret[: min(length, len(secret))]
    assume(not reads_like_words(stump))
    assert Redactor([secret])(f"the key \0{stump}") == f"the key \0{MASK}"


def test_the_longer_of_two_secrets_is_covered_whole():
    assert Redactor(["s3cr3t", "s3cr3t-word"])("s3cr3t-word") == MASK


def test_words_without_a_secret_stay_as_they_are():
    for discretion in (Redactor(), Redactor(["", "any"]), Redactor(["other-secret"])):
        assert discretion("any company") == "any company"


WORDS = [
    *("secret", "Telstra", "CLIENT", "telstra-v3", "client_secret", "password1", "change-me-2026"),
    *("größe", "webhook.url", "simulated", "our secret"),
]
NO_WORDS = [
    *("pa55word", "aBcDeFgH", "0f9a3c7e", "s3cret", "qX7-pt", "p+q/r=", "word12345"),
    "correct-horse-battery-staple",
]


@pytest.mark.parametrize("value", WORDS)
def test_a_value_that_reads_like_words_masks_no_sentence(value):
    sentence = f"Set TELSTRA_CLIENT_SECRET: the {value} of {value.upper()}'s {value}_ID is {value}"
    assert reads_like_words(value)
    assert Redactor([value])(sentence) == sentence


@pytest.mark.parametrize("value", ["secret", "hunter2"])
def test_a_word_is_masked_as_the_password_of_a_url(value):
    shown = Redactor([value])(f"The proxy http://me:{value}@proxy.example:3128 refuses {value}.")
    assert shown == f"The proxy http://me:{MASK}@proxy.example:3128 refuses {value}."


@pytest.mark.parametrize("value", NO_WORDS)
def test_a_value_that_is_no_word_is_masked(value):
    assert not reads_like_words(value)
    assert Redactor([value])(f"no {value}!") == f"no {MASK}!"


@given(st.text("abcdefghijklmnop", min_size=6, max_size=12), st.text(min_size=6, max_size=8))
def test_a_sentence_that_begins_like_a_secret_keeps_its_words(word, rest):
    secret = f"{word}-{rest}"
    assert Redactor([secret])(f"so nothing {word}") == f"so nothing {word}"


def test_tokens_pass_and_keys_last():
    discretion = Redactor(["th3-k3y"])
    discretion.add_secret("th3-p4th")
    for number in range(100):
        discretion.add_secret(f"t0k3n-{number:03}", temporary=True)
    assert discretion("th3-k3y th3-p4th t0k3n-099 t0k3n-000") == f"{MASK} {MASK} {MASK} t0k3n-000"
    assert len(discretion._temporary) < 10


def test_a_failure_keeps_its_kind_and_loses_its_secret():
    failure = TemporaryFailure(
        f"no {SECRET}", code=f"E-{SECRET}", status=503, hint=f"mend {SECRET}", retry_after=7
    )
    Redactor([SECRET]).redact_error(failure)
    assert (failure.status, failure.retry_after) == (503, 7)
    assert SECRET not in f"{failure} {failure!r} {failure.args} {vars(failure)}"
    assert MASK in str(failure)


def test_a_failure_without_a_secret_says_what_it_said():
    failure = PermanentFailure("No such number.", code="404", status=404, hint="Look again.")
    before = str(failure)
    Redactor([SECRET]).redact_error(failure)
    assert str(failure) == before


def test_nothing_shows_in_its_own_repr():
    assert SECRET not in repr(Redactor([SECRET]))


async def test_what_a_company_echoes_is_covered_before_anybody_can_store_or_print_it():
    async def echo(request):
        return Response(status=400, body=str(dict(request.headers)).encode() + request.body)

    class Company:
        def login(self):
            answer = yield Request(method="POST", url="https://x", body=SECRET.encode())
            assert SECRET in answer.body.decode()
            return Credentials("the-token-of-the-login")

    def refused(credentials):
        headers = {"authorization": f"Bearer {credentials.secret}"}
        answer = yield Request(method="GET", url="https://x", headers=headers, body=SECRET.encode())
        raise PermanentFailure(answer.body.decode(), code=SECRET, hint=credentials.secret)

    account = ProviderSession(Company(), echo, RealClock(), redactor=Redactor([SECRET]))
    with pytest.raises(PermanentFailure) as caught:
        await account.call(refused)
    shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert MASK in shown
    assert SECRET not in shown
    assert "the-token" not in shown
