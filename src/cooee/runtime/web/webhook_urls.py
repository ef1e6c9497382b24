"""Where the company may call us: a path that nobody can guess, and the one before it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from cooee.core.errors import SettingError
from cooee.net.ssrf_guard import is_public
from cooee.providers import Provider
from cooee.storage import Store

WEBHOOK_SECRET_NAME = "webhook-path"
"""The secret of the store that is the word in our webhooks' path."""


class WebhookURLs:
    """The words in our webhooks' path that are good, as the store has them.

    Args:
        store: makes the first word and keeps them all.
        provider: whose webhooks these are.
        public_url: what stands in front of our paths for the world; None where nobody calls.

    Raises:
        SettingError: our address lets strangers read the word, and nothing else would tell
            them from the company.
    """

    def __init__(self, store: Store, provider: Provider, public_url: str | None) -> None:
        _refuse_plain_http(provider, public_url)
        self._store, self._public_url, self._provider_name = store, public_url, provider.name
        self.secrets: Sequence[str] = ()

    async def reload(self) -> bool:
        """Read the words again; whether the newest is another now."""
        secrets_before, self.secrets = self.secrets, await self._store.secrets(WEBHOOK_SECRET_NAME)
        return secrets_before[:1] != self.secrets[:1]

    @property
    def url(self) -> str | None:
        """The URL below which the company is to call us, with the newest word."""
        return (
            make_webhook_base_url(self._public_url, self._provider_name, self.secrets[0])
            if self._public_url
            else None
        )

    def accepts(self, secret: str) -> bool:
        """Whether a word is good; takes as long whichever it is, and however wrong."""
        given = secret.encode(errors="surrogatepass")
        accepted = (each.encode() for each in self.secrets)
        return sum(hmac.compare_digest(given, each) for each in accepted) > 0  # no short cut


def make_webhook_base_url(public_url: str, provider: str, secret: str) -> str:
    """The URL below which a provider calls us."""
    return f"{public_url}/{provider}/{secret}"


def _refuse_plain_http(provider: Provider, public_url: str | None) -> None:
    """Refuse a public address where the only proof of a caller would travel in plain view.

    A provider that signs nothing is known by the word in the path alone. Without TLS everybody
    on the way can read that word, so it is none.
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
    """Whether a host is this machine, or an address that the world cannot reach."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(str(ip_address(host)))
    except ValueError:
        return False
