"""A company's adapter, told that its company is in the box."""

from __future__ import annotations

from cooee.core.errors import SettingError
from cooee.providers import Provider, Setting, find_provider

SIMULATED_SECRET = "made-up-secret"

_API_PATHS = {"simulated": "/simulated/v1", "telstra-v2": "/telstra/v2"}
_PUSH_PROVIDERS = frozenset(
    {"simulated"}
)  # companies whose face calls the app; the others' are read


def make_simulated_provider(name: str, simulator_url: str) -> Provider:
    """The adapter for a box.

    Args:
        name: the company's, as `COOEE_PROVIDER` has it.
        base: the box's own address.

    Raises:
        SettingError: the box does not speak that company's API.
    """
    adapter = find_provider(name)
    if name not in _API_PATHS:
        raise SettingError(f"The box has no {name}. It has {' and '.join(sorted(_API_PATHS))}.")
    url = simulator_url + _API_PATHS[name]
    return adapter({setting.name: _simulated_setting(setting, url) for setting in adapter.settings})


def is_push_provider(name: str) -> bool:
    """Whether the box's face of that company calls the app, which otherwise reads its texts."""
    return name in _PUSH_PROVIDERS


def _simulated_setting(setting: Setting, url: str) -> str:
    if setting.name.endswith("_BASE_URL"):
        return url
    return SIMULATED_SECRET if setting.secret else setting.default or "phone"
