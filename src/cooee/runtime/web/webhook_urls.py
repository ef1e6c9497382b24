"""Webhook URLs: their path has a secret, and during a rotation the one before it as well."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from cooee.core.errors import SettingError
from cooee.net.ssrf_guard import is_public
from cooee.providers import Provider
from cooee.storage import Store

WEBHOOK_SECRET_NAME = "webhook-path"  # noqa: S105 -- the name of a secret, not the secret
"""The name under which the store keeps the secret in our webhooks' path."""


class WebhookURLs:
    """The secrets that are accepted in our webhooks' path, the newest first.

    Args:
        store: makes the first secret and keeps all of them.
        provider: the provider that calls the webhooks.
        public_url: the URL before our paths, as the provider calls us; None where nobody calls.

    Raises:
        SettingError: strangers can read the secret on the way, and the provider signs nothing.
    """

    def __init__(self, store: Store, provider: Provider, public_url: str | None) -> None:
        _refuse_plain_http(provider, public_url)
        self._store, self._public_url, self._provider_name = store, public_url, provider.name
        self.secrets: Sequence[str] = ()
        self._accepted: Sequence[bytes] = ()

    async def reload(self) -> bool:
        """Read the secrets again; say whether the newest has changed."""
        secrets_before, self.secrets = self.secrets, await self._store.secrets(WEBHOOK_SECRET_NAME)
        self._accepted = [secret.encode() for secret in self.secrets]
        return secrets_before[:1] != self.secrets[:1]

    @property
    def url(self) -> str | None:
        """The URL below which the provider has to call us, with the newest secret."""
        return (
            make_webhook_base_url(self._public_url, self._provider_name, self.secrets[0])
            if self._public_url
            else None
        )

    def accepts(self, secret: str) -> bool:
        """Say whether a secret is accepted, in a time that tells nothing about the secrets."""
        given = secret.encode(errors="surrogatepass")
        found = [hmac.compare_digest(given, each) for each in self._accepted]
        return sum(found) > 0  # no short cut


def make_webhook_base_url(public_url: str, provider: str, secret: str) -> str:
    """Make the URL below which a provider calls us."""
    return f"{public_url}/{provider}/{secret}"


def _refuse_plain_http(provider: Provider, public_url: str | None) -> None:
    """Refuse a public URL without TLS for a provider that signs nothing.

    Such a provider is known by the secret in the path alone, and without TLS everybody on the
    way can read the path.
    """
    if public_url is None or provider.features.signed:
        return
    parts = urlsplit(public_url)
    if parts.scheme != "https" and not _is_private_host(parts.hostname or ""):
        raise SettingError(
            f"{provider.name} signs nothing, so its webhooks are known by a secret path alone, and"
            " over http anybody on the way could read that. Type:\n"
            f"  export COOEE_PUBLIC_URL=https://{parts.hostname}    # TLS may end at a proxy\n"
            "or unset COOEE_PUBLIC_URL, and texts are read instead."
        )


def _is_private_host(host: str) -> bool:
    """Say whether a host is this machine, or an address that the Internet cannot reach."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(str(ip_address(host)))
    except ValueError:
        return False
