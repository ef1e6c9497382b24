"""Setting: an environment variable of an adapter, and its parser."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cooee.core.errors import SettingError


def parse_text(_name: str, value: str) -> str:
    """Return the value unchanged."""
    return value


def parse_list(_name: str, value: str) -> Sequence[str]:
    """Return the items of a list with commas between."""
    return [item.strip() for item in value.split(",") if item.strip()]


def parse_base_url(name: str, value: str) -> str:
    """Return the URL without its last slash.

    Raises:
        SettingError: it is not an HTTP URL.
    """
    if not value.startswith(("https://", "http://")):
        raise SettingError(f"{name} is {value!r}, not a URL. Leave it out, mostly.")
    return value.rstrip("/")


class Setting(msgspec.Struct, frozen=True):
    """An environment variable of a provider.

    Args:
        name: the variable's name.
        help: what to set it to, for people.
        default: its value where it is not set; None: it has to be set.
        secret: whether logs and pages mask it.
        parse: turns its name and value into what the adapter uses; raises `SettingError`.
    """

    name: str
    help: str
    default: str | None = None
    secret: bool = False
    parse: Callable[[str, str], Any] = parse_text

    def read(self, values: Mapping[str, str]) -> Any:
        """Return the parsed value, read without the spaces around it.

        Raises:
            SettingError: it is missing, or not what it should be; the message says which.
        """
        value = values.get(self.name, "").strip() or self.default
        if value is None:
            raise SettingError(f"{self.name} is missing ({self.help}): {self.name}=…")
        return self.parse(self.name, value)


def read_settings(settings: Sequence[Setting], values: Mapping[str, str]) -> tuple[Any, ...]:
    """Return the parsed value of each setting, in their order.

    Raises:
        SettingError: one is missing, or not what it should be; the message says which.
    """
    return tuple(setting.read(values) for setting in settings)
