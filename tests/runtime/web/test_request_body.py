"""The body of a request to us, from callers who mean no good."""

import asyncio

import pytest

from cooee.core.errors import RequestRefused
from cooee.runtime.web.request_body import MAX_BODY_BYTES, read_body


def arriving(*pieces, pause=0.0, ends=True):
    left = list(pieces)

    async def receive():
        await asyncio.sleep(pause)
        if left:
            piece = left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(left) or not ends}
        if ends:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": True}

    return receive


def scope(**headers):
    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return {"type": "http", "headers": named}


async def test_a_body_in_pieces_is_put_together():
    assert await read_body(scope(content_length=b"4"), arriving(b"ab", b"", b"cd")) == b"abcd"


async def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not():
    assert len(await read_body(scope(), arriving(b"x" * MAX_BODY_BYTES))) == MAX_BODY_BYTES
    with pytest.raises(RequestRefused) as caught:
        await read_body(scope(), arriving(b"x" * MAX_BODY_BYTES, b"x"))
    assert caught.value.status == 413


@pytest.mark.parametrize("announced", [b"1048577", b"9" * 30, b"-1", b"ten", b""])
async def test_an_announced_length_that_is_too_much_or_none_is_refused_unread(announced):
    async def receive():
        raise AssertionError("It was read.")

    with pytest.raises(RequestRefused) as caught:
        await read_body(scope(content_length=announced), receive)
    assert caught.value.status == 413


async def test_a_chunked_body_is_refused_as_it_grows():
    with pytest.raises(RequestRefused) as caught:
        await read_body(scope(transfer_encoding=b"chunked"), arriving(*[b"x" * 100_000] * 100))
    assert caught.value.status == 413


async def test_a_body_that_trickles_is_refused_in_time():
    async with asyncio.timeout(60):
        with pytest.raises(RequestRefused) as caught:
            await read_body(scope(), arriving(*[b"x"] * 1000, pause=0.01), timeout_s=0.1)
    assert caught.value.status == 408


async def test_a_body_that_never_ends_and_brings_nothing_is_refused_in_time():
    with pytest.raises(RequestRefused) as caught:
        await read_body(scope(), arriving(ends=False, pause=0.01), timeout_s=0.1)
    assert caught.value.status == 408


async def test_who_leaves_early_is_not_believed():
    with pytest.raises(RequestRefused) as caught:
        await read_body(scope(), arriving())
    assert caught.value.status == 400
