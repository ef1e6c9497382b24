"""The access tokens of Telstra's API v2: an hour each, for a client id and its secret."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.apis.client_credentials import (
    TOKEN_LIFETIME,
    ClientCredentials,
    bearer_token,
    new_token,
    oauth_error,
)
from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError
from cooee.simulator.network import MobileNetwork


class TelstraV2Tokens:
    """Issues tokens, and says whose a token is until it ends.

    Any client id and secret are accepted, unless the simulator was given the only ones.
    """

    def __init__(
        self, network: MobileNetwork, client_id: str | None, client_secret: str | None
    ) -> None:
        self._network = network
        self._credentials = ClientCredentials(client_id, client_secret)
        self._issued: dict[str, tuple[str, datetime]] = {}

    def issue_token(self, request: Request) -> Response:
        """Answer ``POST /oauth/token``: exactly three keys, and `expires_in` is a string.

        `token_type` was never seen from the live service: an assumption, as in Telstra's own
        test servers. So is the body of the errors, documented for the next version alone.
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            message = "grant_type must be client_credentials"
            return oauth_error(400, "unsupported_grant_type", message)
        client_id = form.get("client_id", "")
        if not self._credentials.is_accepted(client_id, form.get("client_secret", "")):
            return oauth_error(401, "invalid_client", "Client authentication failed")
        token, content = new_token(self._network.random)
        self._issued[token] = client_id, self._network.clock.now() + TOKEN_LIFETIME
        return asgi.json_response(200, content)

    def client_of(self, request: Request) -> str:
        """Return the client id whose token a request carries.

        Raises:
            TelstraV2APIError: the token is unknown, or has ended.
        """
        client_id, ends_at = self._issued.get(bearer_token(request), ("", None))
        if ends_at is None or self._network.clock.now() >= ends_at:
            message = "Invalid access token. Please try with a valid token"
            raise TelstraV2APIError(401, "TECH-ERR", message)
        return client_id

    def revoke_token(self, request: Request) -> None:
        """End a request's token before its time."""
        self._issued.pop(bearer_token(request), None)
