"""What every provider's adapter promises, ours and yours: a suite to run against it.

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
from cooee.providers import Accepted, Answerer, Credentials, News, Received, Subscription
from cooee.testing.fuzz import bodies, letters, responses
from cooee.testing.provider_example import Example, Push
from cooee.testing.scripted_network import NOON, Line, answer

__all__ = ["PROMISES", "Example", "Push"]

_NOISE = settings(deadline=None, max_examples=150, report_multiple_bugs=False)
_REFUSALS = (400, 401, 403, 404, 409, 422, 429, 500, 502, 503)
_NEWS = "https://cooee.example/hook/status/"
_PAGE = b"<html>Bad Gateway</html>"


# What it says of itself


def its_features_agree_with_each_other(example: Example) -> None:
    """No limit is senseless, and there are answers for all that is said to be there."""
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
    assert (features.lookup_settles is not None) == bool(example.lookup)
    if features.answer_within is not None:
        assert timedelta(0) < features.answer_within
        assert features.push
        assert isinstance(example.provider, Answerer)
        told = features.receipts == "callback" or features.lookup_settles is not None
        assert told, "Nothing would ever tell whether a push's answer arrived."


def its_settings_can_be_typed(example: Example) -> None:
    """They are names of environment variables, each with a word of help."""
    for setting in example.provider.settings:
        assert setting.name.isupper(), f"{setting.name} is not a variable's name."
        assert setting.help, f"{setting.name} has no help."


# What its flows do when all goes well


def a_login_brings_credentials(example: Example) -> None:
    """And they end in the future, or not at all."""
    credentials = Line(*example.login).carry(example.provider.login())
    assert credentials.secret
    assert credentials.expires_at is None or credentials.expires_at > NOON


def subscribing_brings_a_number(example: Example) -> None:
    """And says where its texts go."""
    flow, script = example.flows()["subscribe"]
    subscription = Line(*script).carry(flow())
    assert isinstance(subscription, Subscription)
    assert subscription.number


def a_text_is_accepted(example: Example) -> None:
    """Under the company's own id."""
    accepted = Line(*example.send).carry(
        example.provider.send(example.outbound, example.credentials)
    )
    assert isinstance(accepted, Accepted)
    assert accepted.provider_id


def reading_brings_texts(example: Example) -> None:
    """Stamped with the moment they came, and with a key wherever they can come again."""
    if not example.poll:
        return
    news = Line(*example.poll).carry(example.provider.poll(example.credentials, example.cursor))
    assert isinstance(news, News)
    assert news.inbounds, "The example's reading is to bring a text."
    for inbound in news.inbounds:
        assert inbound.received_at == example.poll[-1].at
        assert inbound.key or example.provider.features.polling == "pop"
    assert news.cursor or example.provider.features.polling != "cursor"
    assert bool(news.confirm) == (example.provider.features.polling == "confirm")


def a_flow_asks_the_same_again(example: Example) -> None:
    """It reads no clock, draws no lots and keeps nothing from the last time."""
    for name, (flow, script) in example.flows().items():
        first, second = Line(*script), Line(*script)
        assert first.carry(flow()) == second.carry(flow()), f"{name} came to another end."
        assert first.asked == second.asked, f"{name} asked something else."


# What its flows do when it does not


def a_broken_network_ends_a_flow(example: Example) -> None:
    """The network's failure comes out as it went in, and nothing more is asked."""
    for name, flow, script, step in example.steps():
        for failure in (OutcomeUnknown("No answer."), TemporaryFailure("No connection.")):
            line = Line(*script[:step], failure)
            caught = _failure(line, flow())
            assert caught is failure, f"{name} made {caught!r} of {failure!r}."
            assert len(line.asked) == step + 1


def a_401_is_unauthorized(example: Example) -> None:
    """So that the runtime logs in again, once; a login's own 401 may be what it likes."""
    for name, flow, script, step in example.steps():
        line = Line(*script[:step], answer(401, {}))
        caught = _failure(line, flow())
        assert name == "login" or isinstance(caught, Unauthorized), f"{name}: {caught!r}"


def a_throttle_says_when_to_come_back(example: Example) -> None:
    """429 is a `TemporaryFailure`, with the seconds of its Retry-After."""
    for name, flow, script, step in example.steps():
        line = Line(*script[:step], answer(429, {}, retry_after="7"))
        caught = _failure(line, flow())
        assert isinstance(caught, TemporaryFailure), f"{name}: {caught!r}"
        assert caught.retry_after == 7, f"{name} comes back after {caught.retry_after} s."


def an_unreadable_acceptance_is_in_doubt(example: Example) -> None:
    """A send answered by 2xx and a page, or by a gateway that gave up, may have been done."""
    for response in (answer(200, _PAGE), answer(201, {}), answer(201), answer(502, _PAGE)):
        line = Line(*example.send[:-1], response)
        flow = example.provider.send(example.outbound, example.credentials)
        caught = _failure(line, flow)
        doubt = TemporaryFailure if example.provider.features.idempotency else OutcomeUnknown
        assert type(caught) is doubt, f"{response.status} became {caught!r}."


def only_what_may_be_repeated_is_safe(example: Example) -> None:
    """Not a send without an idempotency key, nor a reading that removes."""
    features = example.provider.features
    unsafe = {"send": not features.idempotency, "poll": features.polling == "pop"}
    for name, (flow, script) in example.flows().items():
        line = Line(*script)
        line.carry(flow())
        if unsafe.get(name):
            assert not line.asked[-1].safe, f"{name} is marked as safe to repeat."


def a_text_too_long_is_refused_at_once(example: Example) -> None:
    """Before anything is asked, and for good."""
    words = "x" * (example.provider.features.max_text + 1)
    outbound = msgspec.structs.replace(example.outbound, text=words)
    line = Line()
    caught = _failure(line, example.provider.send(outbound, example.credentials))
    assert isinstance(caught, PermanentFailure)


def secrets_and_texts_stay_out_of_words(example: Example) -> None:
    """No URL, no repr and no error shows a secret, a person's number or their text."""
    hidden = [*example.secrets, example.outbound.text, example.outbound.recipient]
    shown = [repr(example.provider), repr(example.credentials), repr(example.outbound)]
    for _, flow, script, step in example.steps():
        for status in _REFUSALS:
            for response in (answer(status, {}), answer(status, _PAGE), answer(200, _PAGE)):
                end, asked = _end(flow(), chain(script[:step], repeat(response, 8)))
                shown += [str(end), repr(end), *map(repr, asked)]
                shown += [f"{request.method} {request.url}" for request in asked]
    for words in shown:
        for word in hidden:
            assert word not in words, f"Something hidden shows in {words!r}."


def no_answer_breaks_a_flow(example: Example) -> None:
    """Whatever comes, a flow returns what it should or raises a `ProviderFailure`."""
    steps = list(example.steps())

    @_NOISE
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        _, flow, script, step = data.draw(st.sampled_from(steps))
        odd = data.draw(responses(script[step]))
        end, _ = _end(flow(), chain(script[:step], repeat(odd, 8)))
        if isinstance(end, ProviderFailure):
            assert str(end).isprintable()
        if isinstance(end, TemporaryFailure) and end.retry_after is not None:
            assert 0 <= end.retry_after < 10**8
        _check(end)

    hold()


# What it makes of webhooks


def a_push_brings_news(example: Example) -> None:
    """Texts with a key, stamped with the moment they came, or receipts; the answer is a 2xx."""
    for push in example.pushes:
        received = example.provider.receive(push.request, push.tail, NOON)
        assert received.inbounds or received.receipts, f"{push.tail} brought nothing."
        assert 200 <= received.answer.status < 300
        _check(received)
        assert all(inbound.received_at == NOON for inbound in received.inbounds)


def a_push_that_comes_again_has_the_same_key(example: Example) -> None:
    """However much later."""
    for push in example.pushes:
        first = example.provider.receive(push.request, push.tail, NOON)
        again = example.provider.receive(push.request, push.tail, NOON + timedelta(minutes=2))
        assert [text.key for text in first.inbounds] == [text.key for text in again.inbounds]
        assert first.receipts == again.receipts


def a_forged_push_is_refused(example: Example) -> None:
    """Where pushes are signed: without the signature, with another body, and a day later.

    The last only where a signature carries its time; else a request that is played again falls
    to its text's key.
    """
    if not example.provider.features.signed:
        return
    for push in example.pushes:
        bare = msgspec.structs.replace(push.request, headers={})
        longer = msgspec.structs.replace(push.request, body=push.request.body + b" ")
        late = NOON + timedelta(days=1)
        forged = [(bare, NOON), (longer, NOON), (push.request, late)]
        for request, at in forged if example.stamped else forged[:2]:
            end = _receive(example, request, push.tail, at)
            assert isinstance(end, RequestRefused), f"A forged push to {push.tail} was believed."


def no_push_breaks_receiving(example: Example) -> None:
    """Whatever is pushed is received, or refused by a `RequestRefused` with a 4xx."""
    if not example.pushes:
        return

    @_NOISE
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        push = data.draw(st.sampled_from(example.pushes))
        method = data.draw(st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE", ""]))
        tail = data.draw(st.just(push.tail) | letters | letters.map(lambda word: f"status/{word}"))
        body = data.draw(bodies(push.request.body))
        headers = data.draw(st.just(push.request.headers) | st.dictionaries(letters, letters))
        odd = Request(method=method, url=push.request.url, headers=headers, body=body)
        signed = example.sign(odd) if data.draw(st.booleans()) else odd
        end = _receive(example, signed, tail, NOON)
        if isinstance(end, RequestRefused):
            assert 400 <= end.status < 500
            assert str(end).isprintable()
        _check(end)

    hold()


def an_answer_carries_replies(example: Example) -> None:
    """Each of them, in order, with the URL of its news; or it is refused, never left out."""
    provider = example.provider
    if not isinstance(provider, Answerer):
        return
    replies = [
        msgspec.structs.replace(
            example.outbound, id=f"{'0' * 32}-{place}", text=words, callback=f"{_NEWS}{place}"
        )
        for place, words in enumerate(("first words", "second words"), 1)
    ]
    answer = provider.answer(replies)
    assert 200 <= answer.status < 300
    places = [answer.body.find(one.text.encode()) for one in replies]
    assert -1 < places[0] < places[1], "A reply is missing, or not in its place."
    assert all((one.callback or "").encode() in answer.body for one in replies)
    assert answer == provider.answer(replies)
    long = msgspec.structs.replace(replies[1], text="x" * (provider.features.max_text + 1))
    try:
        provider.answer([replies[0], long])
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
    an_unreadable_acceptance_is_in_doubt,
    only_what_may_be_repeated_is_safe,
    a_text_too_long_is_refused_at_once,
    secrets_and_texts_stay_out_of_words,
    no_answer_breaks_a_flow,
    a_push_brings_news,
    a_push_that_comes_again_has_the_same_key,
    a_forged_push_is_refused,
    no_push_breaks_receiving,
    an_answer_carries_replies,
)
"""Every promise: a function of an `Example` that raises, mostly `AssertionError`, where broken."""


def _failure(line: Line, flow: Flow[Any]) -> ProviderFailure:
    try:
        result = line.carry(flow)
    except ProviderFailure as failure:
        return failure
    raise AssertionError(f"It returned {result!r} and should have failed.")


def _end(flow: Flow[Any], answers: Iterable[Response]) -> tuple[object, Sequence[Request]]:
    """What a flow returns or raises when it gets these answers, as many as it asks for."""
    asked: list[Request] = []
    try:
        asked.append(next(flow))
        for response in answers:
            asked.append(flow.send(response))  # noqa: PERF401 -- extend would swallow the flow's end
    except StopIteration as end:
        return end.value, asked
    except ProviderFailure as failure:
        return failure, asked
    raise AssertionError(f"After {len(asked)} requests it still asks.")


def _receive(
    example: Example, request: Request, tail: str, at: datetime
) -> Received | RequestRefused:
    try:
        return example.provider.receive(request, tail, at)
    except RequestRefused as refused:
        return refused


def _check(result: object) -> None:
    """What a flow or a webhook came to is fit for a store: ids, numbers and moments are sound."""
    if isinstance(result, Accepted):
        assert result.provider_id.encode()
    if isinstance(result, Credentials):
        assert result.secret.isascii()
        assert result.secret.isprintable()
    if isinstance(result, Subscription):
        assert result.number.encode()
    if isinstance(result, News | Received):
        for inbound in result.inbounds:
            _check_inbound(inbound, pushed=isinstance(result, Received))
        for receipt in result.receipts:
            assert receipt.outbound or receipt.provider_id
            assert receipt.at is None or receipt.at.tzinfo is not None
            assert receipt.word.isprintable()


def _check_inbound(inbound: Inbound, *, pushed: bool) -> None:
    assert (inbound.key and inbound.sender and inbound.recipient) or not pushed
    assert inbound.received_at.tzinfo is not None
    for word in (inbound.sender, inbound.recipient, inbound.provider_id, inbound.key):
        assert word.encode().isascii() or word.isprintable()
        assert "\x00" not in word
