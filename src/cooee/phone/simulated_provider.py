"""A provider's adapter, set up for the simulator."""

from __future__ import annotations

import msgspec

from cooee.providers import Provider, find_provider
from cooee.providers.simulator import simulator_settings

SIMULATED_CREDENTIAL = "made-up-secret"

_PUSHED_BY_DEFAULT = frozenset({"simulated"})  # of the others, the app reads the texts


class ProviderConnection(msgspec.Struct, frozen=True):
    """How an app and the simulator speak with each other.

    Args:
        provider: the name of the provider whose API both speak.
        is_pushed: whether the simulator pushes texts; else the app reads them.
        poll_interval: seconds between two polls that bring no text.
    """

    provider: str
    is_pushed: bool
    poll_interval: float


def make_simulated_provider(name: str, simulator_url: str) -> Provider:
    """Return the adapter of a provider, set up for the simulator.

    Args:
        name: the provider's name, as `COOEE_PROVIDER` has it.
        simulator_url: the simulator's own address.

    Raises:
        SettingError: the simulator does not play that provider.
    """
    settings = simulator_settings(
        name, simulator_url, client_id="phone", credential=SIMULATED_CREDENTIAL
    )
    return find_provider(name)(settings)


def is_pushed_by_default(provider: str) -> bool:
    """Return whether texts are pushed to the app, where nobody has chosen."""
    return provider in _PUSHED_BY_DEFAULT
