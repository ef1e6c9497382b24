"""A provider's flows: login, subscribe, send, poll and lookup keep their promises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import (
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Flow, Request, Response
from cooee.providers import Accepted, PollResult, Subscription
from cooee.testing import fuzz
from cooee.testing.fuzz import near_responses
from cooee.testing.provider_example import Example
from cooee.testing.result_checks import check_result
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

_ERROR_STATUSES = (400, 401, 403, 404, 409, 422, 429, 500, 502, 503)
_HTML_PAGE = b"<html>Bad Gateway</html>"


# When all goes well


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
    """Polled texts have the time of arrival, and a key where a text can come again."""
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


# When it does not


def a_broken_network_ends_a_flow(example: Example) -> None:
    """A network failure leaves the flow unchanged, without a further request."""
    for name, flow, script, step in example.steps():
        for failure in (OutcomeUnknown("No answer."), TemporaryFailure("No connection.")):
            network = ScriptedNetwork(*script[:step], failure)
            raised = _expect_failure(network, flow())
            assert raised is failure, f"{name} made {raised!r} of {failure!r}."
            assert len(network.requests) == step + 1


def a_401_is_unauthorized(example: Example) -> None:
    """A 401 is `Unauthorized`, for a second login; a login's own 401 is free."""
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
    """A send without an idempotency key and a poll with removal of texts are not `safe`."""
    features = example.provider.features
    unsafe = {"send": not features.idempotency, "poll": features.polling == "pop"}
    for name, (flow, script) in example.flows().items():
        network = ScriptedNetwork(*script)
        network.run(flow())
        if unsafe.get(name):
            assert not network.requests[-1].safe, f"{name} is marked as safe to repeat."


def a_text_too_long_is_refused_at_once(example: Example) -> None:
    """A too long text fails for good, before any request."""
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

    @fuzz.SETTINGS
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, flow, script, step = data.draw(st.sampled_from(steps))
        response = data.draw(near_responses(script[step]))
        result, _ = _run_to_end(flow(), chain(script[:step], repeat(response, 8)))
        if isinstance(result, ProviderFailure):
            assert str(result).isprintable()
        if isinstance(result, TemporaryFailure) and result.retry_after is not None:
            assert 0 <= result.retry_after < 10**8
        check_result(result)

    check()


def _expect_failure(network: ScriptedNetwork, flow: Flow[Any]) -> ProviderFailure:
    try:
        result = network.run(flow)
    except ProviderFailure as failure:
        return failure
    raise AssertionError(f"It returned {result!r} and should have failed.")


def _run_to_end(flow: Flow[Any], answers: Iterable[Response]) -> tuple[object, Sequence[Request]]:
    """Return the flow's result, or the raised failure, with the responses repeated."""
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
