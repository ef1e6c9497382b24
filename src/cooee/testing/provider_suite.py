"""PROMISES: the tests that every provider's adapter passes, ours and yours.

    EXAMPLE = Example(provider=Mine({…}), …)

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    def test_my_adapter_keeps_its_promise(promise):
        promise(EXAMPLE)

It needs ``cooee[testing]``, since it plays a network full of noise (hypothesis).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.core.errors import (
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    RequestRefused,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Inbound
from cooee.providers import (
    Accepted,
    Credentials,
    PollResult,
    Received,
    RepliesInWebhook,
    Subscription,
)
from cooee.testing.fuzz import any_text, near_responses, request_bodies
from cooee.testing.provider_example import Example, Push
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

__all__ = ["PROMISES", "Example", "Push"]

_FUZZ_SETTINGS = settings(deadline=None, max_examples=150, report_multiple_bugs=False)
_ERROR_STATUSES = (400, 401, 403, 404, 409, 422, 429, 500, 502, 503)
_CALLBACK_URL = "https://cooee.example/hook/status/"
_HTML_PAGE = b"<html>Bad Gateway</html>"


# Features and settings


def its_features_agree_with_each_other(example: Example) -> None:
    """Limits make sense, and the example has responses for every declared feature."""
    features = example.provider.features
    assert features.max_text > 0
    assert features.concurrency > 0
    assert features.rate is None or features.rate > 0
    assert features.replay_window > timedelta(0)
    assert features.polling or features.push, "There is no way for a text to come in."
    assert bool(features.polling) == bool(example.poll), "Answers for `poll` belong to `polling`."
    assert features.push == bool(example.pushes), "Examples of `pushes` belong to `push`."
    assert (features.polling == "confirm") == bool(example.confirm)
    assert features.push or not features.backfill
    assert features.polling == "cursor" or not features.backfill
    assert (features.lookup_settles_after is not None) == bool(example.lookup)
    if features.reply_within is not None:
        assert timedelta(0) < features.reply_within
        assert features.push
        assert isinstance(example.provider, RepliesInWebhook)
        tells_outcome = features.receipts == "callback" or features.lookup_settles_after is not None
        assert tells_outcome, "No receipt or lookup would say whether a webhook's response arrived."


def its_settings_can_be_typed(example: Example) -> None:
    """Settings are names of environment variables, each with a help text."""
    for setting in example.provider.settings:
        assert setting.name.isupper(), f"{setting.name} is not a variable's name."
        assert setting.help, f"{setting.name} has no help."


# What its flows do when all goes well


def a_login_brings_credentials(example: Example) -> None:
    """Credentials expire in the future, or never."""
    credentials = ScriptedNetwork(*example.login).run(example.provider.login())
    assert credentials.secret
    assert credentials.expires_at is None or credentials.expires_at > NOON


def subscribing_brings_a_number(example: Example) -> None:
    """A subscription has a number, and says where its texts are pushed."""
    flow, script = example.flows()["subscribe"]
    subscription = ScriptedNetwork(*script).run(flow())
    assert isinstance(subscription, Subscription)
    assert subscription.number


def a_text_is_accepted(example: Example) -> None:
    """A send returns the provider's own id."""
    accepted = ScriptedNetwork(*example.send).run(
        example.provider.send(example.outbound, example.credentials)
    )
    assert isinstance(accepted, Accepted)
    assert accepted.provider_id


def reading_brings_texts(example: Example) -> None:
    """Polled texts have the time they came, and a key where they can come again."""
    if not example.poll:
        return
    result = ScriptedNetwork(*example.poll).run(
        example.provider.poll(example.credentials, example.cursor)
    )
    assert isinstance(result, PollResult)
    assert result.inbounds, "The example's reading is to bring a text."
    for inbound in result.inbounds:
        assert inbound.received_at == example.poll[-1].at
        assert inbound.key or example.provider.features.polling == "pop"
    assert result.cursor or example.provider.features.polling != "cursor"
    assert bool(result.confirm) == (example.provider.features.polling == "confirm")


def a_flow_asks_the_same_again(example: Example) -> None:
    """A flow reads no clock, uses no randomness and keeps no state between runs."""
    for name, (flow, script) in example.flows().items():
        first, second = ScriptedNetwork(*script), ScriptedNetwork(*script)
        assert first.run(flow()) == second.run(flow()), f"{name} came to another end."
        assert first.requests == second.requests, f"{name} asked something else."


# What its flows do when it does not


def a_broken_network_ends_a_flow(example: Example) -> None:
    """A network failure leaves the flow unchanged, without a further request."""
    for name, flow, script, step in example.steps():
        for failure in (OutcomeUnknown("No answer."), TemporaryFailure("No connection.")):
            network = ScriptedNetwork(*script[:step], failure)
            raised = _expect_failure(network, flow())
            assert raised is failure, f"{name} made {raised!r} of {failure!r}."
            assert len(network.requests) == step + 1


def a_401_is_unauthorized(example: Example) -> None:
    """A 401 is `Unauthorized`, so that the runtime logs in again; a login's own 401 is free."""
    for name, flow, script, step in example.steps():
        network = ScriptedNetwork(*script[:step], answer(401, {}))
        raised = _expect_failure(network, flow())
        assert name == "login" or isinstance(raised, Unauthorized), f"{name}: {raised!r}"


def a_throttle_says_when_to_come_back(example: Example) -> None:
    """A 429 is a `TemporaryFailure`, with the seconds of its Retry-After."""
    for name, flow, script, step in example.steps():
        network = ScriptedNetwork(*script[:step], answer(429, {}, retry_after="7"))
        raised = _expect_failure(network, flow())
        assert isinstance(raised, TemporaryFailure), f"{name}: {raised!r}"
        assert raised.retry_after == 7, f"{name} comes back after {raised.retry_after} s."


def an_unreadable_acceptance_is_unknown(example: Example) -> None:
    """A send answered by 2xx and a page, or by a gateway that gave up, may have been done."""
    for response in (
        answer(200, _HTML_PAGE),
        answer(201, {}),
        answer(201),
        answer(502, _HTML_PAGE),
    ):
        network = ScriptedNetwork(*example.send[:-1], response)
        flow = example.provider.send(example.outbound, example.credentials)
        raised = _expect_failure(network, flow)
        expected = TemporaryFailure if example.provider.features.idempotency else OutcomeUnknown
        assert type(raised) is expected, f"{response.status} became {raised!r}."


def only_what_may_be_repeated_is_safe(example: Example) -> None:
    """A send without an idempotency key and a poll that removes texts are not `safe`."""
    features = example.provider.features
    unsafe = {"send": not features.idempotency, "poll": features.polling == "pop"}
    for name, (flow, script) in example.flows().items():
        network = ScriptedNetwork(*script)
        network.run(flow())
        if unsafe.get(name):
            assert not network.requests[-1].safe, f"{name} is marked as safe to repeat."


def a_text_too_long_is_refused_at_once(example: Example) -> None:
    """A text that is too long fails for good, before any request."""
    text = "x" * (example.provider.features.max_text + 1)
    outbound = msgspec.structs.replace(example.outbound, text=text)
    network = ScriptedNetwork()
    raised = _expect_failure(network, example.provider.send(outbound, example.credentials))
    assert isinstance(raised, PermanentFailure)


def secrets_and_texts_stay_hidden(example: Example) -> None:
    """No URL, no repr and no error shows a secret, a person's number or their text."""
    hidden = [*example.secrets, example.outbound.text, example.outbound.recipient]
    shown = [repr(example.provider), repr(example.credentials), repr(example.outbound)]
    for _, flow, script, step in example.steps():
        for status in _ERROR_STATUSES:
            for response in (
                answer(status, {}),
                answer(status, _HTML_PAGE),
                answer(200, _HTML_PAGE),
            ):
                result, requests = _run_to_end(flow(), chain(script[:step], repeat(response, 8)))
                shown += [str(result), repr(result), *map(repr, requests)]
                shown += [f"{request.method} {request.url}" for request in requests]
    for output in shown:
        for secret in hidden:
            assert secret not in output, f"Something hidden shows in {output!r}."


def no_answer_breaks_a_flow(example: Example) -> None:
    """A flow returns a sound result or raises a `ProviderFailure`, for every response."""
    steps = list(example.steps())

    @_FUZZ_SETTINGS
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, flow, script, step = data.draw(st.sampled_from(steps))
        response = data.draw(near_responses(script[step]))
        result, _ = _run_to_end(flow(), chain(script[:step], repeat(response, 8)))
        if isinstance(result, ProviderFailure):
            assert str(result).isprintable()
        if isinstance(result, TemporaryFailure) and result.retry_after is not None:
            assert 0 <= result.retry_after < 10**8
        _check_result(result)

    check()


# What it makes of webhooks


def a_push_brings_news(example: Example) -> None:
    """A push brings texts with a key and a time, or receipts; its response is a 2xx."""
    for push in example.pushes:
        received = example.provider.receive(push.request, push.subpath, NOON)
        assert received.inbounds or received.receipts, f"{push.subpath} brought nothing."
        assert 200 <= received.response.status < 300
        _check_result(received)
        assert all(inbound.received_at == NOON for inbound in received.inbounds)


def a_push_that_comes_again_has_the_same_key(example: Example) -> None:
    """A repeated push has the same key, however much later."""
    for push in example.pushes:
        first = example.provider.receive(push.request, push.subpath, NOON)
        second = example.provider.receive(push.request, push.subpath, NOON + timedelta(minutes=2))
        assert [text.key for text in first.inbounds] == [text.key for text in second.inbounds]
        assert first.receipts == second.receipts


def a_forged_push_is_refused(example: Example) -> None:
    """A signed push is refused without its signature, with another body, and a day later.

    A day later only where a signature carries its time; else a replayed request is known by its
    text's key.
    """
    if not example.provider.features.signed:
        return
    for push in example.pushes:
        unsigned = msgspec.structs.replace(push.request, headers={})
        longer = msgspec.structs.replace(push.request, body=push.request.body + b" ")
        a_day_later = NOON + timedelta(days=1)
        forged = [(unsigned, NOON), (longer, NOON), (push.request, a_day_later)]
        for request, at in forged if example.stamped else forged[:2]:
            result = _receive_or_refusal(example, request, push.subpath, at)
            assert isinstance(result, RequestRefused), (
                f"A forged push to {push.subpath} was believed."
            )


def no_push_breaks_receiving(example: Example) -> None:
    """Every push is received, or refused by a `RequestRefused` with a 4xx."""
    if not example.pushes:
        return

    @_FUZZ_SETTINGS
    @given(st.data())
    def check(data: st.DataObject) -> None:
        push = data.draw(st.sampled_from(example.pushes))
        method = data.draw(st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE", ""]))
        subpath = data.draw(
            st.just(push.subpath) | any_text | any_text.map(lambda word: f"status/{word}")
        )
        body = data.draw(request_bodies(push.request.body))
        headers = data.draw(st.just(push.request.headers) | st.dictionaries(any_text, any_text))
        request = Request(method=method, url=push.request.url, headers=headers, body=body)
        signed = example.sign(request) if data.draw(st.booleans()) else request
        result = _receive_or_refusal(example, signed, subpath, NOON)
        if isinstance(result, RequestRefused):
            assert 400 <= result.status < 500
            assert str(result).isprintable()
        _check_result(result)

    check()


def an_answer_carries_replies(example: Example) -> None:
    """A response carries each reply, in order, with its callback URL, or is refused."""
    provider = example.provider
    if not isinstance(provider, RepliesInWebhook):
        return
    replies = [
        msgspec.structs.replace(
            example.outbound,
            id=f"{'0' * 32}-{place}",
            text=text,
            callback=f"{_CALLBACK_URL}{place}",
        )
        for place, text in enumerate(("first words", "second words"), 1)
    ]
    response = provider.webhook_response(replies)
    assert 200 <= response.status < 300
    places = [response.body.find(one.text.encode()) for one in replies]
    assert -1 < places[0] < places[1], "A reply is missing, or not in its place."
    assert all((one.callback or "").encode() in response.body for one in replies)
    assert response == provider.webhook_response(replies)
    too_long = msgspec.structs.replace(replies[1], text="x" * (provider.features.max_text + 1))
    try:
        provider.webhook_response([replies[0], too_long])
    except PermanentFailure:
        return
    raise AssertionError("A text too long was put into an answer.")


PROMISES: Sequence[Callable[[Example], None]] = (
    its_features_agree_with_each_other,
    its_settings_can_be_typed,
    a_login_brings_credentials,
    subscribing_brings_a_number,
    a_text_is_accepted,
    reading_brings_texts,
    a_flow_asks_the_same_again,
    a_broken_network_ends_a_flow,
    a_401_is_unauthorized,
    a_throttle_says_when_to_come_back,
    an_unreadable_acceptance_is_unknown,
    only_what_may_be_repeated_is_safe,
    a_text_too_long_is_refused_at_once,
    secrets_and_texts_stay_hidden,
    no_answer_breaks_a_flow,
    a_push_brings_news,
    a_push_that_comes_again_has_the_same_key,
    a_forged_push_is_refused,
    no_push_breaks_receiving,
    an_answer_carries_replies,
)
"""Every promise: a function of an `Example` that raises, mostly `AssertionError`, where broken."""


def _expect_failure(network: ScriptedNetwork, flow: Flow[Any]) -> ProviderFailure:
    try:
        result = network.run(flow)
    except ProviderFailure as failure:
        return failure
    raise AssertionError(f"It returned {result!r} and should have failed.")


def _run_to_end(flow: Flow[Any], answers: Iterable[Response]) -> tuple[object, Sequence[Request]]:
    """Return the flow's result, or the failure it raises, with these responses repeated."""
    requests: list[Request] = []
    try:
        requests.append(next(flow))
        for response in answers:
            requests.append(flow.send(response))  # noqa: PERF401 -- extend would swallow the flow's end
    except StopIteration as stop:
        return stop.value, requests
    except ProviderFailure as failure:
        return failure, requests
    raise AssertionError(f"After {len(requests)} requests it still asks.")


def _receive_or_refusal(
    example: Example, request: Request, subpath: str, at: datetime
) -> Received | RequestRefused:
    try:
        return example.provider.receive(request, subpath, at)
    except RequestRefused as refusal:
        return refusal


def _check_result(result: object) -> None:
    """Check that a result of a flow or a webhook is fit for a store."""
    if isinstance(result, Accepted):
        assert result.provider_id.encode()
    if isinstance(result, Credentials):
        assert result.secret.isascii()
        assert result.secret.isprintable()
    if isinstance(result, Subscription):
        assert result.number.encode()
    if isinstance(result, PollResult | Received):
        for inbound in result.inbounds:
            _check_inbound(inbound, is_pushed=isinstance(result, Received))
        for receipt in result.receipts:
            assert receipt.outbound_id or receipt.provider_id
            assert receipt.at is None or receipt.at.tzinfo is not None
            assert receipt.provider_status.isprintable()


def _check_inbound(inbound: Inbound, *, is_pushed: bool) -> None:
    assert (inbound.key and inbound.sender and inbound.recipient) or not is_pushed
    assert inbound.received_at.tzinfo is not None
    for word in (inbound.sender, inbound.recipient, inbound.provider_id, inbound.key):
        assert word.encode().isascii() or word.isprintable()
        assert "\x00" not in word
