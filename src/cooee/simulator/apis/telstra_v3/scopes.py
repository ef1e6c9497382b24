"""The scopes of Telstra's API v3, and the check of a request's token."""

from __future__ import annotations

from typing import Any

from cooee.core.http_messages import Request
from cooee.simulator.apis.oauth_clients import AccessToken, OAuthClients
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError

_RESOURCES = ("free-trial-numbers", "messages", "messaging", "virtual-numbers", "reports")
SCOPES = frozenset(f"{resource}:{verb}" for resource in _RESOURCES for verb in ("read", "write"))


def require_token(clients: OAuthClients[Any], request: Request) -> AccessToken:
    """Return the token of a request.

    Raises:
        TelstraV3APIError: the token is unknown, or has ended.
    """
    token = clients.token_of(request)
    if token is None:
        raise TelstraV3APIError("TOKEN_INVALID", "The token is invalid")
    if clients.has_ended(token):
        raise TelstraV3APIError("TOKEN_EXPIRED", "The token has expired")
    return token


def check_scope(token: AccessToken, method: str, path: str) -> None:
    """Check that a request is within the scopes of its token.

    Telstra's SDKs do not agree on ``messages:…`` or ``messaging:…``, so either will do.

    Raises:
        TelstraV3APIError: the token lacks the request's scope.
    """
    resource = path.strip("/").partition("/")[0]
    access = "read" if method == "GET" else "write"
    resources = {resource, "messaging"} if resource == "messages" else {resource}
    if resource in _RESOURCES and token.scopes.isdisjoint(f"{name}:{access}" for name in resources):
        raise TelstraV3APIError("INSUFFICIENT_SCOPE", f"The token lacks {resource}:{access}")
