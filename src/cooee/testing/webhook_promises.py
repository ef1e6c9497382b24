"""A provider's webhooks: pushed texts, receipts and replies keep their promises."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import PermanentFailure, RequestRefused
from cooee.core.http_messages import Request
from cooee.providers import Received, RepliesInWebhook
from cooee.testing import fuzz
from cooee.testing.fuzz import any_text, request_bodies
from cooee.testing.provider_example import Example
from cooee.testing.result_checks import check_result
from cooee.testing.scripted_network import NOON

_CALLBACK_URL = "https://cooee.example/hook/status/"


def a_push_brings_news(example: Example) -> None:
    """A push brings texts with a key and a time, or receipts; its response is a 2xx."""
    for push in example.pushes:
        received = example.provider.receive(push.request, push.subpath, NOON)
        assert received.inbounds or received.receipts, f"{push.subpath} brought nothing."
        assert 200 <= received.response.status < 300
        check_result(received)
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

    @fuzz.SETTINGS
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
        check_result(result)

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


def _receive_or_refusal(
    example: Example, request: Request, subpath: str, at: datetime
) -> Received | RequestRefused:
    try:
        return example.provider.receive(request, subpath, at)
    except RequestRefused as refusal:
        return refusal
