"""Setting: an environment variable of an adapter, and its parser."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from cooee.core.errors import SettingError
from cooee.core.setting_values import clean_value

_DEFAULT_PORTS = {"https": 443, "http": 80}
_PATH_CHARS = "/%:@!$&'()*+,;=~"  # stay as they are in a path (RFC 3986, section 3.3)


def parse_text(_name: str, value: str) -> str:
    """Return the value unchanged."""
    return value


def parse_list(_name: str, value: str) -> Sequence[str]:
    """Return the items of a list with commas between."""
    return [item.strip() for item in value.split(",") if item.strip()]


def parse_base_url(name: str, value: str) -> str:
    """Return the URL in its normal form, as `parse_http_url`.

    Raises:
        SettingError: it is not an HTTP URL.
    """
    return parse_http_url(name, value, "Leave it out, mostly.")


def parse_http_url(name: str, value: str, remedy: str) -> str:
    """Return an HTTP URL in its normal form: other spellings of it become the same text.

    Scheme and host are in small letters, a host of other scripts is written as DNS has it
    (RFC 3490), a default port and the last slash are left out. User, password and path stay.

    Args:
        name: the setting's name, for messages.
        value: the setting's value.
        remedy: what to do instead, for messages; it ends them.

    Raises:
        SettingError: it is no HTTP URL with a host, or has a query or a fragment.
    """
    shown = value.rpartition("@")[2]  # what stands before may be a password
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else host.rstrip(".").encode("idna").decode()
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    is_one_word = all(char.isprintable() and not char.isspace() for char in value)
    if parts.scheme not in _DEFAULT_PORTS or not host or not is_one_word:
        raise SettingError(f"{name} is {shown!r}, not a URL with a host. {remedy}")
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise SettingError(f"{name} has a ? or # in it: leave out that and what follows. {remedy}")
    user, at, _ = parts.netloc.rpartition("@")
    is_default = port in {None, _DEFAULT_PORTS[parts.scheme]}
    place = f"[{host}]" if ":" in host else host
    netloc = f"{user}{at}{place}" + ("" if is_default else f":{port}")
    return f"{parts.scheme}://{netloc}{quote(parts.path, safe=_PATH_CHARS).rstrip('/')}"


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
        value = clean_value(self.name, values.get(self.name, "")) or self.default
        if value is None:
            raise SettingError(f"{self.name} is missing ({self.help}): {self.name}=…")
        return self.parse(self.name, value)


def read_settings(settings: Sequence[Setting], values: Mapping[str, str]) -> tuple[Any, ...]:
    """Return the parsed value of each setting, in their order.

    Raises:
        SettingError: one is missing, or not what it should be; the message says which.
    """
    return tuple(setting.read(values) for setting in settings)
