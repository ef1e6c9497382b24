"""A provider's adapter, set up for the simulator."""

from __future__ import annotations

from cooee.providers import Provider, find_provider
from cooee.providers.simulator import simulator_settings

SIMULATED_CREDENTIAL = "made-up-secret"

_PUSH_PROVIDERS = frozenset({"simulated"})  # the simulator pushes their texts; others' are polled


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


def is_push_provider(name: str) -> bool:
    """Return whether the simulator pushes the provider's texts to the app."""
    return name in _PUSH_PROVIDERS
