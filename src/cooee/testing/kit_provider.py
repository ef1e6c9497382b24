"""A kit's provider: its adapter, and its API in the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cooee.providers import Provider, find_provider
from cooee.providers.simulator import simulated_providers, simulator_settings
from cooee.simulator import Simulator
from cooee.simulator.apis import ProviderAPI

SIMULATOR_URL = "http://127.0.0.1:8400"
"""The simulator's address in a kit, where no socket is opened."""


def find_api(simulator: Simulator, provider: str) -> ProviderAPI:
    """Return a provider's API in the simulator.

    Raises:
        ValueError: the simulator does not play this provider; the message names those it plays.
    """
    for api in simulator.apis:
        if api.name == provider:
            return api
    raise ValueError(
        f"The kit has no provider {provider!r}. It has {' and '.join(simulated_providers())}."
    )


def make_provider(name: str, switches: Sequence[str], settings: Mapping[str, str]) -> Provider:
    """Return a provider's adapter, set up for its API in the simulator."""
    switch_setting = {"SIMULATED_SWITCHES": ",".join(switches)} if switches else {}
    defaults = simulator_settings(name, SIMULATOR_URL, client_id="kit", credential="kit")
    return find_provider(name)({**defaults, **switch_setting, **settings})
