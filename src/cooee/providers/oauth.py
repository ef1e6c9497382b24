"""OAuth 2.0 client credentials (RFC 6749, 4.4): an app's two keys, and the login."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import msgspec

from cooee.core.errors import PermanentFailure
from cooee.core.http_messages import Flow, Request
from cooee.providers.contract import Credentials
from cooee.providers.http_errors import ErrorTable
from cooee.providers.json_fields import add_durations, get_ascii_word, parse_int
from cooee.providers.settings import Setting

_MAX_TOKEN_CHARS = 4096


def client_settings(prefix: str, source: str) -> tuple[Setting, Setting]:
    """Return the settings of an app's keys: its client id and its client secret.

    Args:
        prefix: begins both names, such as ``"TELSTRA"``.
        source: where the keys are to be had, such as ``"dev.telstra.com"``.
    """
    return (
        Setting(f"{prefix}_CLIENT_ID", f"the app's client id, from {source}"),
        Setting(f"{prefix}_CLIENT_SECRET", "the app's client secret", secret=True),
    )


class OAuthClient(msgspec.Struct, frozen=True, kw_only=True):
    """An app with a login by client credentials.

    Args:
        client_id: the app's id at the provider.
        client_secret: the secret of that id.
        token_url: where tokens are issued.
        scope: the scopes, with spaces between.
        errors: the provider's errors.
        hint: what mends a login that is refused.
    """

    client_id: str
    client_secret: str
    token_url: str
    scope: str
    errors: ErrorTable
    hint: str

    def login(self) -> Flow[Credentials]:
        """Get a bearer token, with its expiry; `expires_in` may be a string.

        Raises:
            PermanentFailure: the keys are not accepted, or the URL is wrong (400, 401, 404).
        """
        response = yield (request := self._token_request())
        body = response.json()
        token = get_ascii_word(body, "access_token", max_chars=_MAX_TOKEN_CHARS)
        if response.status == 200 and token:
            lifetime_s = parse_int(body.get("expires_in"))
            return Credentials(token, add_durations(response.at, timedelta(seconds=1), lifetime_s))
        if response.status in (400, 401, 404):
            raise self.errors.error_from(
                request, response, error_class=PermanentFailure, hint=self.hint
            )
        raise self.errors.error_from(request, response)

    def _token_request(self) -> Request:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }
        return Request(
            method="POST",
            url=self.token_url,
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "*/*"},
            body=urlencode(form, errors="replace").encode(),
            safe=True,
        )

    def __repr__(self) -> str:  # without the keys, which tracebacks and logs would show
        return f"<OAuthClient at {self.token_url}>"
