"""OAuth clients of an API (RFC 6749, 4.4): their credentials, tokens and accounts."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.network import MobileNetwork

TOKEN_LIFETIME = timedelta(seconds=3599)
_TOKEN_CHARACTERS = string.ascii_letters + string.digits

AccountT = TypeVar("AccountT")


class ClientCredentials(msgspec.Struct, frozen=True):
    """The client id and secret accepted by an API; None accepts any."""

    client_id: str | None = None
    client_secret: str | None = None

    def is_accepted(self, client_id: str, client_secret: str) -> bool:
        """Return whether a client may log in; spaces around its keys were a cause of 401s."""
        pairs = ((client_id, self.client_id), (client_secret, self.client_secret))
        return all(
            given and given == given.strip()
            if expected is None
            else compare_digest(given.encode(), expected.encode())
            for given, expected in pairs
        )


class AccessToken(msgspec.Struct, frozen=True):
    """The client id, the scopes and the end of a token."""

    client_id: str
    scopes: frozenset[str]
    ends_at: datetime


class OAuthClients(Generic[AccountT]):
    """The clients of an API: their access tokens, and an account for each client id.

    Args:
        network: the clock and the chance of the tokens.
        credentials: the only client id and secret that are accepted.
        new_account: makes the account of a client id that is new.
        scopes: the scopes of the API; an API without scopes ignores the field.
    """

    def __init__(
        self,
        network: MobileNetwork,
        credentials: ClientCredentials,
        new_account: Callable[[], AccountT],
        *,
        scopes: frozenset[str] = frozenset(),
    ) -> None:
        self._network, self._credentials, self._scopes = network, credentials, scopes
        self._new_account = new_account
        self._accounts: dict[str, AccountT] = {}
        self._tokens: dict[str, AccessToken] = {}

    @property
    def accounts(self) -> Sequence[AccountT]:
        """The accounts, oldest first."""
        return list(self._accounts.values())

    def account_of(self, token: AccessToken) -> AccountT:
        """Return the account of a token's client."""
        if token.client_id not in self._accounts:
            self._accounts[token.client_id] = self._new_account()
        return self._accounts[token.client_id]

    def issue_token(self, request: Request) -> Response:
        """Answer a login; `expires_in` is a string, as in Telstra's samples.

        Without a `scope` the token is good for every scope: an assumption. So is `token_type`,
        which was never seen from the live service, and so is the body of the errors, which v3's
        specification alone documents.
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            message = "grant_type must be client_credentials"
            return _error_response(400, "unsupported_grant_type", message)
        client_id = form.get("client_id", "")
        if not self._credentials.is_accepted(client_id, form.get("client_secret", "")):
            return _error_response(401, "invalid_client", "Client authentication failed")
        asked = frozenset(form.get("scope", "").split()) if self._scopes else frozenset()
        if unknown := asked - self._scopes:
            return _error_response(400, "invalid_scope", f"There is no scope {min(unknown)}")
        return self._new_token(client_id, asked or self._scopes)

    def token_of(self, request: Request) -> AccessToken | None:
        """Return the token of a request, ended or not; None for an unknown token."""
        return self._tokens.get(_bearer_token(request))

    def has_ended(self, token: AccessToken) -> bool:
        """Return True for a token whose time is over."""
        return self._network.clock.now() >= token.ends_at

    def revoke_token(self, request: Request) -> None:
        """End a request's token before its time."""
        token = self.token_of(request)
        if token is not None:
            ended = msgspec.structs.replace(token, ends_at=self._network.clock.now())
            self._tokens[_bearer_token(request)] = ended

    def _new_token(self, client_id: str, scopes: frozenset[str]) -> Response:
        secret = "".join(self._network.random.choices(_TOKEN_CHARACTERS, k=28))
        ends_at = self._network.clock.now() + TOKEN_LIFETIME
        self._tokens[secret] = AccessToken(client_id, scopes, ends_at)
        lifetime_s = str(int(TOKEN_LIFETIME.total_seconds()))
        body = {"access_token": secret, "token_type": "Bearer", "expires_in": lifetime_s}
        scope = {"scope": " ".join(sorted(scopes))} if scopes else {}
        return asgi.json_response(200, body | scope)


def _bearer_token(request: Request) -> str:
    """Return the token in a request's header, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _error_response(status: int, error: str, description: str) -> Response:
    return asgi.json_response(status, {"error": error, "error_description": description})
