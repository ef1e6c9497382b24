"""Telstra's tokens: an hour each, for a client id and its secret."""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from hmac import compare_digest
from urllib.parse import parse_qsl

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v2.errors import Refusal
from cooee.simulator.network import Network

LIFE = timedelta(seconds=3599)
_LETTERS = string.ascii_letters + string.digits


class Tokens:
    """Gives tokens out, and knows whose they are until they end.

    Any client id and secret are accepted, unless the box was given its own.
    """

    def __init__(self, network: Network, client_id: str | None, client_secret: str | None) -> None:
        self._network = network
        self._client_id, self._client_secret = client_id, client_secret
        self._given: dict[str, tuple[str, datetime]] = {}

    def give(self, request: Request) -> Response:
        """Answer ``POST /oauth/token``: exactly three keys, and `expires_in` is a string.

        `token_type` was never seen from the live service: an assumption, as in Telstra's own
        test servers. So is the body of the errors, documented for the next version alone.
        """
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            words = "grant_type must be client_credentials"
            return _refused(400, "unsupported_grant_type", words)
        client = form.get("client_id", "")
        if not self._known(client, form.get("client_secret", "")):
            return _refused(401, "invalid_client", "Client authentication failed")
        token = "".join(self._network.chance.choices(_LETTERS, k=28))
        self._given[token] = client, self._network.clock.now() + LIFE
        seconds = str(int(LIFE.total_seconds()))
        content = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
        return desk.json(200, content)

    def client(self, request: Request) -> str:
        """Whose token a call carries.

        Raises:
            Refusal: nobody's, or one that has ended.
        """
        client, ends_at = self._given.get(_bearer(request), ("", None))
        if ends_at is None or self._network.clock.now() >= ends_at:
            words = "Invalid access token. Please try with a valid token"
            raise Refusal(401, "TECH-ERR", words)
        return client

    def end(self, request: Request) -> None:
        """End the token that a call carries before its time."""
        self._given.pop(_bearer(request), None)

    def _known(self, client: str, secret: str) -> bool:
        """Whether a client may come in; spaces around its keys were a cause of 401s."""
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
