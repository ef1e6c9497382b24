"""A company's adapter, told that its company is in the box."""

from __future__ import annotations

from cooee.core.errors import SettingError
from cooee.providers import Provider, Setting, find

SECRET = "made-up-secret"  # noqa: S105 -- the box takes any word, and nobody else is told it

_PREFIXES = {"simulated": "/simulated/v1", "telstra-v2": "/telstra/v2"}
_PUSHED = frozenset({"simulated"})  # companies whose face calls the app; the others' are read


def in_the_box(name: str, base: str) -> Provider:
    """The adapter for a box.

    Args:
        name: the company's, as `COOEE_PROVIDER` has it.
        base: the box's own address.

    Raises:
        SettingError: the box does not speak that company's API.
    """
    company = find(name)
    if name not in _PREFIXES:
        raise SettingError(f"The box has no {name}. It has {' and '.join(sorted(_PREFIXES))}.")
    url = base + _PREFIXES[name]
    return company({setting.name: _value(setting, url) for setting in company.settings})


def is_pushed(name: str) -> bool:
    """Whether the box's face of that company calls the app, which otherwise reads its texts."""
    return name in _PUSHED


def _value(setting: Setting, url: str) -> str:
    if setting.name.endswith("_BASE_URL"):
        return url
    return SECRET if setting.secret else setting.default or "phone"
