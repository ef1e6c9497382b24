"""Secrets are covered wherever they are about to be shown."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.clocks.clock import RealClock
from cooee.core.errors import PermanentFailure, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.providers import Credentials
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import MASK, Redactor

SECRET = 'pa+ss/w"örd&=42'
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40)


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
    assert Redactor([secret])(f"the key \0{stump}") == f"the key \0{MASK}"


def test_the_longer_of_two_secrets_is_covered_whole():
    assert Redactor(["secret", "secret-word"])("secret-word") == MASK


def test_words_without_a_secret_stay_as_they_are():
    for discretion in (Redactor(), Redactor(["", "any"]), Redactor(["other-secret"])):
        assert discretion("any company") == "any company"


def test_tokens_pass_and_keys_last():
    discretion = Redactor(["the-key"])
    discretion.add_secret("the-path")
    for number in range(100):
        discretion.add_secret(f"token-{number:03}", temporary=True)
    assert discretion("the-key the-path token-099 token-000") == f"{MASK} {MASK} {MASK} token-000"
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
