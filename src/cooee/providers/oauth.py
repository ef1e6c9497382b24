"""OAuth 2.0 client credentials (RFC 6749, 4.4): a login with a client id and its secret."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from cooee.core.errors import PermanentFailure
from cooee.core.http_messages import Flow, Request
from cooee.providers.contract import Credentials
from cooee.providers.http_errors import ErrorTable
from cooee.providers.json_fields import add_durations, get_ascii_word, parse_int

_MAX_TOKEN_CHARS = 4096


def client_credentials_login(
    token_url: str,
    *,
    client_id: str,
    client_secret: str,
    scope: str,
    errors: ErrorTable,
    hint: str,
) -> Flow[Credentials]:
    """Get a bearer token, with the time it expires at; `expires_in` may be a string.

    Args:
        token_url: where tokens are issued.
        client_id: the app's id at the provider.
        client_secret: the secret of that id.
        scope: the scopes, with spaces between.
        errors: the provider's errors.
        hint: what mends a login that is refused.

    Raises:
        PermanentFailure: the keys are not accepted, or the URL is wrong (400, 401, 404).
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    request = Request(
        method="POST",
        url=token_url,
        headers={"content-type": "application/x-www-form-urlencoded", "accept": "*/*"},
        body=urlencode(form, errors="replace").encode(),
        safe=True,
    )
    response = yield request
    body = response.json()
    token = get_ascii_word(body, "access_token", max_chars=_MAX_TOKEN_CHARS)
    if response.status == 200 and token:
        lifetime_s = parse_int(body.get("expires_in"))
        return Credentials(token, add_durations(response.at, timedelta(seconds=1), lifetime_s))
    if response.status in (400, 401, 404):
        raise errors.error_from(request, response, error_class=PermanentFailure, hint=hint)
    raise errors.error_from(request, response)
