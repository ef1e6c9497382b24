"""The access tokens of Telstra's API v3: an hour each, for a client id, its secret and scopes."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.apis.client_credentials import (
    TOKEN_LIFETIME,
    ClientCredentials,
    bearer_token,
    new_token,
    oauth_error,
)
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError
from cooee.simulator.network import MobileNetwork

_RESOURCES = ("free-trial-numbers", "messages", "messaging", "virtual-numbers", "reports")
_SCOPES = frozenset(f"{thing}:{verb}" for thing in _RESOURCES for verb in ("read", "write"))


class TokenGrant(msgspec.Struct, frozen=True):
    """The client id, the scopes and the end of a token."""

    client_id: str
    scopes: frozenset[str]
    ends_at: datetime

    def check_scope(self, method: str, path: str) -> None:
        """Check that a request is within the scopes.

        Telstra's SDKs do not agree on ``messages:…`` or ``messaging:…``, so either will do.

        Raises:
            TelstraV3APIError: the token lacks the request's scope.
        """
        resource = path.strip("/").partition("/")[0]
        access = "read" if method == "GET" else "write"
        resources = {resource, "messaging"} if resource == "messages" else {resource}
        if resource in _RESOURCES and self.scopes.isdisjoint(
            f"{name}:{access}" for name in resources
        ):
            raise TelstraV3APIError("INSUFFICIENT_SCOPE", f"The token lacks {resource}:{access}")


class TelstraV3Tokens:
    """Issues tokens, and says whose a token is until it ends.

    Any client id and secret are accepted, unless the simulator was given the only ones.
    """

    def __init__(
        self, network: MobileNetwork, client_id: str | None, client_secret: str | None
    ) -> None:
        self._network = network
        self._credentials = ClientCredentials(client_id, client_secret)
        self._issued: dict[str, TokenGrant] = {}

    def issue_token(self, request: Request) -> Response:
        """Answer ``POST /v2/oauth/token``; `expires_in` is a string.

        Without a `scope` the token is good for everything (an assumption).
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return oauth_error(400, "unsupported_grant_type", "Use client_credentials")
        client_id = form.get("client_id", "")
        if not self._credentials.is_accepted(client_id, form.get("client_secret", "")):
            return oauth_error(401, "invalid_client", "Client authentication failed")
        scopes = frozenset(form.get("scope", "").split()) or _SCOPES
        if not scopes <= _SCOPES:
            return oauth_error(400, "invalid_scope", f"There is no scope {min(scopes - _SCOPES)}")
        token, content = new_token(self._network.random)
        self._issued[token] = TokenGrant(
            client_id, scopes, self._network.clock.now() + TOKEN_LIFETIME
        )
        return asgi.json_response(200, {**content, "scope": " ".join(sorted(scopes))})

    def grant_of(self, request: Request) -> TokenGrant:
        """Return the grant of a request's token.

        Raises:
            TelstraV3APIError: the token is unknown, or has ended.
        """
        grant = self._issued.get(bearer_token(request))
        if grant is None:
            raise TelstraV3APIError("TOKEN_INVALID", "The token is invalid")
        if self._network.clock.now() >= grant.ends_at:
            raise TelstraV3APIError("TOKEN_EXPIRED", "The token has expired")
        return grant

    def revoke_token(self, request: Request) -> None:
        """End a request's token before its time."""
        token = bearer_token(request)
        if token in self._issued:
            now = self._network.clock.now()
            self._issued[token] = msgspec.structs.replace(self._issued[token], ends_at=now)
