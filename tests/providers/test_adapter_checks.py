from __future__ import annotations

import pytest

from cooee.providers import (
    Outbound,
    PermanentFailure,
    Request,
    RequestRefused,
    check_text_length,
    parse_webhook_path,
)

PUSH = Request(method="POST", url="https://cooee.example/hook")


def text_of(length):
    return Outbound(id="1", sender="+61491570006", recipient="+61491570156", text="x" * length)


def test_a_text_that_is_too_long_is_refused_with_the_providers_code():
    check_text_length(text_of(160), 160, "Acme", code="E1")
    with pytest.raises(PermanentFailure, match=r"161 characters; Acme takes 160.*E1.*Split it"):
        check_text_length(text_of(161), 160, "Acme", code="E1")


@pytest.mark.parametrize(
    ("subpath", "inbound_path", "found"),
    [
        ("text", "text", ("text", "")),
        ("status/7", "text", ("status", "7")),
        ("status", "text", ("status", "")),
        ("reply/0491570006", "reply/…", ("reply", "0491570006")),
        ("reply", "reply/…", ("reply", "")),
    ],
)
def test_a_push_has_a_kind_and_a_name(subpath, inbound_path, found):
    assert parse_webhook_path(PUSH, subpath, "Acme", inbound_path=inbound_path) == found


@pytest.mark.parametrize("subpath", ["", "texts", "text/7", "reply/1"])
def test_another_path_is_refused(subpath):
    with pytest.raises(RequestRefused, match="Acme pushes to text and status/… only"):
        parse_webhook_path(PUSH, subpath, "Acme", inbound_path="text")


def test_another_method_is_refused():
    request = Request(method="GET", url=PUSH.url)
    with pytest.raises(RequestRefused, match="Acme pushes by POST"):
        parse_webhook_path(request, "text", "Acme", inbound_path="text")
