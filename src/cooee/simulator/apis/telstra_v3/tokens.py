"""Telstra v3's tokens: an hour each, for a client id and its secret, good for some scopes."""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from hmac import compare_digest
from urllib.parse import parse_qsl

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v3.errors import Refusal
from cooee.simulator.network import Network

LIFE = timedelta(seconds=3599)
_LETTERS = string.ascii_letters + string.digits
_THINGS = ("free-trial-numbers", "messages", "messaging", "virtual-numbers", "reports")
_SCOPES = frozenset(f"{thing}:{verb}" for thing in _THINGS for verb in ("read", "write"))


class Grant(msgspec.Struct, frozen=True):
    """What a token was given for."""

    client: str
    scopes: frozenset[str]
    ends_at: datetime

    def check(self, method: str, path: str) -> None:
        """Make sure that a call is within the scopes.

        Telstra's SDKs do not agree on ``messages:…`` or ``messaging:…``, so either will do.

        Raises:
            Refusal: it is not.
        """
        thing = path.strip("/").partition("/")[0]
        verb = "read" if method == "GET" else "write"
        named = {thing, "messaging"} if thing == "messages" else {thing}
        if thing in _THINGS and self.scopes.isdisjoint(f"{name}:{verb}" for name in named):
            raise Refusal("INSUFFICIENT_SCOPE", f"The token lacks {thing}:{verb}")


class Tokens:
    """Gives tokens out, and knows whose they are until they end.

    Any client id and secret are accepted, unless the box was given its own.
    """

    def __init__(self, network: Network, client_id: str | None, client_secret: str | None) -> None:
        self._network = network
        self._client_id, self._client_secret = client_id, client_secret
        self._given: dict[str, Grant] = {}

    def give(self, request: Request) -> Response:
        """Answer ``POST /v2/oauth/token``; `expires_in` is a string.

        Without a `scope` the token is good for everything (an assumption).
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "Use client_credentials")
        client = form.get("client_id", "")
        if not self._known(client, form.get("client_secret", "")):
            return _refused(401, "invalid_client", "Client authentication failed")
        scopes = frozenset(form.get("scope", "").split()) or _SCOPES
        if not scopes <= _SCOPES:
            return _refused(400, "invalid_scope", f"There is no scope {min(scopes - _SCOPES)}")
        token = "".join(self._network.chance.choices(_LETTERS, k=28))
        self._given[token] = Grant(client, scopes, self._network.clock.now() + LIFE)
        seconds = str(int(LIFE.total_seconds()))
        content = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
        return desk.json(200, {**content, "scope": " ".join(sorted(scopes))})

    def grant(self, request: Request) -> Grant:
        """What the token of a call was given for.

        Raises:
            Refusal: it was given to nobody, or has ended.
        """
        found = self._given.get(_bearer(request))
        if found is None:
            raise Refusal("TOKEN_INVALID", "The token is invalid")
        if self._network.clock.now() >= found.ends_at:
            raise Refusal("TOKEN_EXPIRED", "The token has expired")
        return found

    def end(self, request: Request) -> None:
        """End the token that a call carries before its time."""
        token = _bearer(request)
        if token in self._given:
            now = self._network.clock.now()
            self._given[token] = msgspec.structs.replace(self._given[token], ends_at=now)

    def _known(self, client: str, secret: str) -> bool:
        given = (client, self._client_id), (secret, self._client_secret)
        return all(
            part and part == part.strip()
            if expected is None
            else compare_digest(part.encode(), expected.encode())
            for part, expected in given
        )


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _refused(status: int, error: str, words: str) -> Response:
    return desk.json(status, {"error": error, "error_description": words})
