"""OAuth client credentials as both of Telstra's APIs take them (RFC 6749, section 4.4)."""

from __future__ import annotations

import string
from datetime import timedelta
from hmac import compare_digest
from random import Random
from typing import Any

from cooee.core.http_messages import Request, Response
from cooee.net import asgi

TOKEN_LIFETIME = timedelta(seconds=3599)
_TOKEN_CHARACTERS = string.ascii_letters + string.digits


class ClientCredentials:
    """The client id and secret that an API accepts; None accepts any."""

    def __init__(self, client_id: str | None, client_secret: str | None) -> None:
        self._expected = client_id, client_secret

    def is_accepted(self, client_id: str, client_secret: str) -> bool:
        """Return whether a client may log in; spaces around its keys were a cause of 401s."""
        return all(
            given and given == given.strip()
            if expected is None
            else compare_digest(given.encode(), expected.encode())
            for given, expected in zip((client_id, client_secret), self._expected, strict=True)
        )


def new_token(random: Random) -> tuple[str, dict[str, Any]]:
    """Return a token, and its JSON: `expires_in` is a string, as in Telstra's samples."""
    token = "".join(random.choices(_TOKEN_CHARACTERS, k=28))
    seconds = str(int(TOKEN_LIFETIME.total_seconds()))
    return token, {"access_token": token, "token_type": "Bearer", "expires_in": seconds}


def bearer_token(request: Request) -> str:
    """Return the token of a request, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def oauth_error(status: int, error: str, description: str) -> Response:
    """Return an error response of a login."""
    return asgi.json_response(status, {"error": error, "error_description": description})
