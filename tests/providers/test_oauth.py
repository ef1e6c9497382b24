"""An app's keys: their settings, the login with them, and that nothing shows them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from cooee.providers import (
    ErrorTable,
    OAuthClient,
    PermanentFailure,
    SettingError,
    TemporaryFailure,
    client_settings,
    read_settings,
)
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

CLIENT = OAuthClient(
    client_id="me",
    client_secret="hush&more",
    token_url="https://api.example/token",
    scope="read write",
    errors=ErrorTable(provider="Example", by_code={}, parse_items=lambda _: []),
    hint="Look at the keys.",
)


@pytest.mark.parametrize("lifetime", [3599, "3599"])
def test_a_login_posts_the_keys_and_brings_a_token_that_ends(lifetime):
    network = ScriptedNetwork(answer(200, {"access_token": "abc", "expires_in": lifetime}))
    credentials = network.run(CLIENT.login())
    assert (credentials.secret, credentials.expires_at) == ("abc", NOON + timedelta(seconds=3599))
    request = network.requests[0]
    assert (request.method, request.url, request.safe) == ("POST", CLIENT.token_url, True)
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": ["hush&more"],
        "scope": ["read write"],
    }


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refused_login_says_what_mends_it(status):
    with pytest.raises(PermanentFailure, match="Look at the keys"):
        ScriptedNetwork(answer(status, {})).run(CLIENT.login())


def test_a_provider_that_is_down_may_be_asked_again():
    with pytest.raises(TemporaryFailure):
        ScriptedNetwork(answer(503, {})).run(CLIENT.login())


def test_no_repr_shows_a_key():
    assert repr(CLIENT) == "<OAuthClient at https://api.example/token>"


def test_the_keys_are_two_settings_that_have_to_be_given():
    settings = client_settings("ACME", "acme.example")
    assert [(one.name, one.secret) for one in settings] == [
        ("ACME_CLIENT_ID", False),
        ("ACME_CLIENT_SECRET", True),
    ]
    with pytest.raises(SettingError, match=r"ACME_CLIENT_ID is missing \(.*acme\.example\)"):
        read_settings(settings, {"ACME_CLIENT_SECRET": "hush"})
