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

SECRET = "webhook-path"  # noqa: S105 -- the name of a secret, not one
"""The secret of the store that is the word in our webhooks' path."""


class Hooks:
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
        _check(provider, public_url)
        self._store, self._public_url, self._name = store, public_url, provider.name
        self.words: Sequence[str] = ()

    async def refresh(self) -> bool:
        """Read the words again; whether the newest is another now."""
        before, self.words = self.words, await self._store.secrets(SECRET)
        return before[:1] != self.words[:1]

    @property
    def url(self) -> str | None:
        """The URL below which the company is to call us, with the newest word."""
        return hook_url(self._public_url, self._name, self.words[0]) if self._public_url else None

    def knows(self, word: str) -> bool:
        """Whether a word is good; takes as long whichever it is, and however wrong."""
        given = word.encode(errors="surrogatepass")
        good = (each.encode() for each in self.words)
        return sum(hmac.compare_digest(given, each) for each in good) > 0  # no short cut


def hook_url(public_url: str, provider: str, word: str) -> str:
    """The URL below which a provider calls us."""
    return f"{public_url}/{provider}/{word}"


def _check(provider: Provider, public_url: str | None) -> None:
    """Refuse a public address where the only proof of a caller would travel in plain view.

    A provider that signs nothing is known by the word in the path alone. Without TLS everybody
    on the way can read that word, so it is none.
    """
    if public_url is None or provider.features.signed:
        return
    parts = urlsplit(public_url)
    if parts.scheme != "https" and not _is_near(parts.hostname or ""):
        raise SettingError(
            f"{provider.name} signs nothing, so its webhooks are known by a secret path alone, and"
            " over http anybody on the way could read that. Type:\n"
            f"  export COOEE_PUBLIC_URL=https://{parts.hostname}    # TLS may end at a proxy\n"
            "or unset COOEE_PUBLIC_URL, and texts are read instead."
        )


def _is_near(host: str) -> bool:
    """Whether a host is this machine, or an address that the world cannot reach."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(str(ip_address(host)))
    except ValueError:
        return False
