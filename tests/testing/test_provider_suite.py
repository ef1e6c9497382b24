"""The suite is only worth something if it catches adapters that break their promises."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import msgspec
import pytest
from hypothesis import Phase, settings

from cooee.core.errors import OutcomeUnknown, PermanentFailure, ProviderFailure, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound
from cooee.providers import (
    Accepted,
    Credentials,
    Features,
    PollResult,
    Received,
    RequestRefused,
    Setting,
    Subscription,
)
from cooee.providers.http_errors import ErrorTable
from cooee.testing import fuzz
from cooee.testing import provider_suite as suite
from cooee.testing.provider_example import Example, Push
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

OURS, THEIRS = "+61491570006", "+61491570156"
ERRORS = ErrorTable(provider="Sound")


class Sound:
    """A small adapter that keeps every promise; each test breaks it in one place."""

    name = "sound"
    settings = (Setting("SOUND_KEY", "the key", secret=True),)
    features = Features(polling="pop", push=True, receipts="none", max_text=100)

    def login(self):
        request = Request(method="POST", url="https://sound.example/token", safe=True)
        response = yield request
        body = response.json()
        secret = body.get("token") if isinstance(body, dict) else None
        if response.status == 200 and secret == "s3cret":
            return Credentials(secret, NOON + timedelta(hours=1))
        raise ERRORS.error_from(request, response)

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        request = self.ask("PUT", "number", safe=True)
        response = yield request
        if response.status != 200:
            raise ERRORS.error_from(request, response)
        return Subscription(OURS, webhook_url)

    def send(self, outbound, credentials):
        if len(outbound.text) > 100:
            raise PermanentFailure("Too long.")
        request = self.ask("POST", "texts")
        response = yield request
        body = response.json()
        id = body.get("id") if isinstance(body, dict) else None
        if (
            response.status == 201
            and isinstance(id, str)
            and id.isascii()
            and id.isprintable()
            and id
        ):
            return Accepted(id)
        raise ERRORS.error_from(request, response)

    def poll(self, credentials, cursor):
        request = self.ask("GET", "inbox")
        response = yield request
        text = self.read(response.json(), response.at)
        if response.status == 200 and text:
            return PollResult([text])
        raise ERRORS.error_from(request, response)

    def status(self, outbound, credentials):
        yield self.ask("GET", "texts/1", safe=True)

    def receive(self, request, subpath, at):
        text = self.read(request.json(), at)
        if text is None or subpath != "text":
            raise RequestRefused("Not a text.")
        return Received([text])

    def ask(self, method, path, *, safe=False):
        return Request(method=method, url=f"https://sound.example/{path}", safe=safe)

    def read(self, body, at):
        match body:
            case {"text": str(text), "id": str(id)} if id.isalnum() and id.isascii():
                return Inbound(sender=THEIRS, recipient=OURS, text=text, received_at=at, key=id)
        return None


def example(provider, **changes) -> Example:
    text = {"id": "7", "text": "hi"}
    push = Push("text", Request(method="POST", url="https://x/", body=msgspec.json.encode(text)))
    whole = Example(
        provider=provider,
        secrets=["s3cret"],
        credentials=Credentials("s3cret"),
        login=[answer(200, {"token": "s3cret"})],
        subscribe=[answer(200, {})],
        send=[answer(201, {"id": "9"})],
        poll=[answer(200, text)],
        pushes=[push],
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.mark.parametrize("promise", suite.PROMISES, ids=lambda promise: promise.__name__)
def test_a_sound_adapter_keeps_every_promise(promise):
    promise(example(Sound()))


class SwallowsTheNetwork(Sound):
    def send(self, outbound, credentials):
        try:
            response = yield self.ask("POST", "texts")
        except ProviderFailure:
            response = yield self.ask("POST", "texts")
        return Accepted(response.json()["id"])


class RenamesTheNetwork(Sound):
    def send(self, outbound, credentials):
        try:
            response = yield self.ask("POST", "texts")
        except OutcomeUnknown as error:
            raise TemporaryFailure("Try again.") from error
        return Accepted(response.json()["id"])


class TrustsEveryBody(Sound):
    def send(self, outbound, credentials):
        response = yield self.ask("POST", "texts")
        return Accepted(response.json()["id"])


class TakesAnythingForYes(Sound):
    def send(self, outbound, credentials):
        yield self.ask("POST", "texts")
        return Accepted("9")


class SendsTooMuch(Sound):
    def send(self, outbound, credentials):
        response = yield self.ask("POST", "texts")
        return Accepted(response.json()["id"])


class RepeatsItsSends(Sound):
    def send(self, outbound, credentials):
        yield self.ask("POST", "texts", safe=True)
        return Accepted("9")


class RepeatsItsReadings(Sound):
    def poll(self, credentials, cursor):
        response = yield self.ask("GET", "inbox", safe=True)
        return PollResult([self.read(response.json(), response.at)])


class ShowsItsSecret(Sound):
    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        yield self.ask("GET", f"number?key={credentials.secret}", safe=True)
        return Subscription(OURS, webhook_url)


class TellsItsSecret(Sound):
    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        yield self.ask("GET", "number", safe=True)
        raise PermanentFailure(f"The key {credentials.secret} is not good.")


class NeverTiresOfAsking(Sound):
    def poll(self, credentials, cursor):
        while True:
            yield self.ask("GET", "inbox")


class Counts(Sound):
    numbers = count()

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        yield self.ask("PUT", f"number/{next(self.numbers)}", safe=True)
        return Subscription(OURS, webhook_url)


class DeafTo401(Sound):
    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        yield self.ask("PUT", "number", safe=True)
        raise PermanentFailure("No.")


class CrashesOnPushes(Sound):
    def receive(self, request, subpath, at):
        return Received([self.read(request.json(), at)]) if request.json()["id"] else None


class PushesWithoutKeys(Sound):
    def receive(self, request, subpath, at):
        text = super().receive(request, subpath, at).inbounds[0]
        return Received([msgspec.structs.replace(text, key="")])


class KeysByTheClock(Sound):
    def receive(self, request, subpath, at):
        text = super().receive(request, subpath, at).inbounds[0]
        return Received([msgspec.structs.replace(text, key=str(at))])


class SignsInName(Sound):
    features = msgspec.structs.replace(Sound.features, signed=True)


class AnswersWithTheFirstOnly(Sound):
    def webhook_response(self, replies):
        return Response(status=200, body=replies[0].text.encode() + replies[0].callback.encode())


class AnswersWithAnything(Sound):
    def webhook_response(self, replies):
        told = " ".join(f"{one.text} {one.callback}" for one in replies)
        return Response(status=200, body=told.encode())


class WouldAnswerAndCannot(Sound):
    features = msgspec.structs.replace(Sound.features, reply_within=timedelta(seconds=8))


class WouldNeverKnow(AnswersWithAnything):
    features = WouldAnswerAndCannot.features


class HasNoWayIn(Sound):
    features = msgspec.structs.replace(Sound.features, polling=None, push=False)


class TakesAWordForTwoThings(Sound):
    features = msgspec.structs.replace(
        Sound.features, opt_out_words=frozenset({"STOP"}), help_words=frozenset({"stop"})
    )


class LiftsWhatItDoesNotKeep(Sound):
    features = msgspec.structs.replace(Sound.features, opt_in_words=frozenset({"YES"}))


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (SwallowsTheNetwork, suite.a_broken_network_ends_a_flow),
        (RenamesTheNetwork, suite.a_broken_network_ends_a_flow),
        (TrustsEveryBody, suite.no_answer_breaks_a_flow),
        (TakesAnythingForYes, suite.an_unreadable_acceptance_is_unknown),
        (SendsTooMuch, suite.a_text_too_long_is_refused_at_once),
        (RepeatsItsSends, suite.only_what_may_be_repeated_is_safe),
        (RepeatsItsReadings, suite.only_what_may_be_repeated_is_safe),
        (ShowsItsSecret, suite.secrets_and_texts_stay_hidden),
        (TellsItsSecret, suite.secrets_and_texts_stay_hidden),
        (NeverTiresOfAsking, suite.no_answer_breaks_a_flow),
        (Counts, suite.a_flow_asks_the_same_again),
        (DeafTo401, suite.a_401_is_unauthorized),
        (DeafTo401, suite.a_throttle_says_when_to_come_back),
        (CrashesOnPushes, suite.no_push_breaks_receiving),
        (PushesWithoutKeys, suite.a_push_brings_news),
        (KeysByTheClock, suite.a_push_that_comes_again_has_the_same_key),
        (SignsInName, suite.a_forged_push_is_refused),
        (AnswersWithTheFirstOnly, suite.an_answer_carries_replies),
        (AnswersWithAnything, suite.an_answer_carries_replies),
        (WouldAnswerAndCannot, suite.its_features_agree_with_each_other),
        (WouldNeverKnow, suite.its_features_agree_with_each_other),
        (HasNoWayIn, suite.its_features_agree_with_each_other),
        (TakesAWordForTwoThings, suite.its_features_agree_with_each_other),
        (LiftsWhatItDoesNotKeep, suite.its_features_agree_with_each_other),
    ],
)
def test_a_broken_adapter_is_caught(broken, promise, monkeypatch):
    found = settings(fuzz.SETTINGS, phases=(Phase.generate,))  # the smallest one can take minutes
    monkeypatch.setattr(fuzz, "SETTINGS", found)
    with pytest.raises((AssertionError, AttributeError, KeyError, TypeError)):
        promise(example(broken()))


def test_an_example_must_bring_what_the_features_promise():
    with pytest.raises(AssertionError, match="poll"):
        suite.its_features_agree_with_each_other(example(Sound(), poll=[]))


def test_a_line_says_what_was_not_scripted():
    with pytest.raises(AssertionError, match="Nothing was scripted for GET"):
        ScriptedNetwork().run(Sound().poll(Credentials("x"), ""))
    with pytest.raises(AssertionError, match="1 scripted"):
        ScriptedNetwork(answer(200, {}), answer(200, {})).run(
            Sound().subscribe(Credentials("x"), None)
        )
