"""Settings: the COOEE_… environment variables, and the provider's own, each also as …_FILE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from cooee.core.errors import SettingError
from cooee.core.setting_values import clean_value, decode_file
from cooee.net.proxies import Proxies, read_proxies
from cooee.providers import Provider, Setting, find_provider
from cooee.providers.settings import parse_http_url
from cooee.storage.dialects import (
    absolute_path,
    check_database_url,
    database_password,
    default_media_location,
)
from cooee.storage.forget_key import check_forget_key

_MIN_TOKEN_CHARS = 16

KNOWN_SETTINGS: Sequence[Setting] = (
    Setting(
        "COOEE_DATABASE",
        "where conversations are kept: a file, or postgresql://…",
        "sqlite:///cooee.db",
    ),
    Setting("COOEE_PROVIDER", "the provider that carries our texts", "telstra-v2"),
    Setting(
        "COOEE_PUBLIC_URL", "our address in the world: texts are pushed to it; unset: read", ""
    ),
    Setting("COOEE_SUBSCRIPTION", "keep: leave push or poll as it is at the provider", ""),
    Setting("COOEE_HOST", "the address to listen on", "127.0.0.1"),
    Setting("COOEE_PORT", "the port to listen on, for webhooks and /health", "8000"),
    Setting("COOEE_METRICS_PORT", "a private port for Prometheus; unset: none", ""),
    Setting("COOEE_TRACING", "yes: make OpenTelemetry spans of each text", ""),
    Setting("COOEE_POLL_INTERVAL", "seconds to rest after reading nothing", "1"),
    Setting(
        "COOEE_CONCURRENCY",
        "the most texts handed to the provider at once; unset: as its answers allow",
        "",
    ),
    Setting(
        "COOEE_SEND_TOKEN",
        "what others show to POST /send and /start; unset: nobody may",
        "",
        secret=True,
    ),
    Setting(
        "COOEE_MEDIA", "where pictures are kept: a folder or a URL; unset: by the database", ""
    ),
    Setting("COOEE_MEDIA_LARGEST", "bytes of one picture that are kept", "10000000"),
    Setting("COOEE_MEDIA_TRUSTED", "hosts of pictures that may be private, with commas", ""),
    Setting(
        "COOEE_FORGET_KEY",
        "64 hex digits: the key to forgotten people's opt-outs, with PostgreSQL",
        "",
        secret=True,
    ),
    Setting("COOEE_LOG_LEVEL", "debug, info, warning or error", "info"),
    Setting("COOEE_LOG_PRIVATE", "yes: log numbers and words too", ""),
)


# Kubernetes sets these for a service named cooee, or cooee-something, in every container:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_NAMES = re.compile(
    r"COOEE_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


class Settings(msgspec.Struct, frozen=True):
    """The settings of one process, checked; `database` is a URL for `open_store`."""

    database: str
    provider: type[Provider]
    values: Mapping[str, str]
    public_url: str | None
    keep_direction: bool
    host: str
    port: int
    metrics_port: int | None
    poll_interval: float
    concurrency: int | None
    send_token: str
    media_location: str
    media_max_bytes: int
    media_trusted_hosts: Sequence[str]
    log_level: str
    log_private: bool
    proxies: Proxies
    forget_key: str = ""
    tracing: bool = False

    def make_provider(self) -> Provider:
        """Make the provider's adapter from its own settings."""
        return self.provider(self.values)

    @property
    def secrets(self) -> Sequence[str]:
        """The values that no log or error may show."""
        # A default is no secret: the word "simulated" would be masked in every message.
        provider_secrets = [
            self.values[one.name]
            for one in self.provider.settings
            if one.secret and self.values[one.name] != one.default
        ]
        parts = [part for value in provider_secrets for part in value.split(",")]
        urls = [self.public_url or "", *self.proxies.by_scheme.values()]
        passwords = [urlsplit(url).password or "" for url in urls]
        passwords.append(database_password(self.database))
        own = (self.send_token, self.forget_key)
        return [one for one in {*provider_secrets, *parts, *passwords, *own} if one]

    def __repr__(self) -> str:
        return f"<Settings for {self.provider.name}>"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables, or from the files that they name.

    Raises:
        SettingError: something is missing or makes no sense; all of what is missing is named.
    """
    values = {setting.name: _setting_value(environment, setting) for setting in KNOWN_SETTINGS}
    provider = find_provider(values["COOEE_PROVIDER"] or "")
    database = _check_database_url(values["COOEE_DATABASE"] or "")
    return Settings(
        database=database,
        provider=provider,
        values=_provider_values(environment, provider),
        public_url=_parse_public_url(values["COOEE_PUBLIC_URL"]),
        keep_direction=_parse_keep_direction(values["COOEE_SUBSCRIPTION"]),
        host=values["COOEE_HOST"] or "127.0.0.1",
        port=_parse_port("COOEE_PORT", values["COOEE_PORT"]) or 0,
        metrics_port=_parse_port("COOEE_METRICS_PORT", values["COOEE_METRICS_PORT"]),
        poll_interval=_parse_number_setting(
            "COOEE_POLL_INTERVAL", values["COOEE_POLL_INTERVAL"], 0.05, 3600
        ),
        concurrency=_parse_concurrency(values["COOEE_CONCURRENCY"]),
        send_token=_check_send_token(values["COOEE_SEND_TOKEN"] or ""),
        media_location=_parse_media_location(values["COOEE_MEDIA"] or "", database),
        media_max_bytes=int(
            _parse_number_setting(
                "COOEE_MEDIA_LARGEST", values["COOEE_MEDIA_LARGEST"], 1, 1_000_000_000
            )
        ),
        media_trusted_hosts=[
            host for host in _split_list(values["COOEE_MEDIA_TRUSTED"] or "") if host
        ],
        log_level=_parse_log_level(values["COOEE_LOG_LEVEL"]),
        log_private=_parse_yes("COOEE_LOG_PRIVATE", values["COOEE_LOG_PRIVATE"] or ""),
        proxies=read_proxies(environment),
        forget_key=check_forget_key(values["COOEE_FORGET_KEY"] or ""),
        tracing=_parse_tracing(values["COOEE_TRACING"] or ""),
    )


def misspelt_settings(environment: Mapping[str, str]) -> Sequence[str]:
    """Return a sentence for each variable that is nearly a setting of cooee, and so is ignored."""
    known = {name for one in KNOWN_SETTINGS for name in (one.name, f"{one.name}_FILE")}
    unknown = sorted(
        name
        for name, value in environment.items()
        if name.startswith("COOEE_") and name not in known and not _SERVICE_NAMES.fullmatch(name)
    )
    linked = sorted(name for name, value in environment.items() if _is_service_link(name, value))
    notes = [
        f"{name}={environment[name]} is how Kubernetes announces a service, so it is ignored."
        " Name the service otherwise, or set enableServiceLinks: false."
        for name in linked
        if name in known
    ]
    return notes + [
        f"{name} is no setting, so it is ignored. Did you mean {near[0]}?"
        for name in unknown
        if (near := get_close_matches(name, known, n=1, cutoff=0.85))
    ]


def read_database_url(environment: Mapping[str, str]) -> str:
    """Read COOEE_DATABASE alone, for a command that needs only the database.

    Raises:
        SettingError: the URL names no database that cooee knows.
    """
    return _check_database_url(read_setting(environment, "COOEE_DATABASE"))


def read_forget_key(environment: Mapping[str, str]) -> str:
    """Read COOEE_FORGET_KEY alone, for a command that opens the database.

    Raises:
        SettingError: the setting is no key.
    """
    return check_forget_key(read_setting(environment, "COOEE_FORGET_KEY"))


def read_media_location(environment: Mapping[str, str]) -> str:
    """Read COOEE_MEDIA alone, for a command that erases media."""
    return _parse_media_location(
        read_setting(environment, "COOEE_MEDIA"), read_database_url(environment)
    )


def read_setting(environment: Mapping[str, str], name: str) -> str:
    """Read one of cooee's own settings, or its default."""
    return (
        _setting_value(environment, next(one for one in KNOWN_SETTINGS if one.name == name)) or ""
    )


def _check_database_url(url: str) -> str:
    """Return a database URL as it was given, if a store can be opened by it."""
    if "://" not in url:  # a secret in the wrong variable, perhaps: the message does not repeat it
        raise SettingError(
            "COOEE_DATABASE is no URL. Type: export COOEE_DATABASE=sqlite:///cooee.db"
        )
    try:
        check_database_url(url)
    except SettingError as error:
        slashes = " (Four slashes begin an absolute path.)" if "sqlite:///" in str(error) else ""
        raise SettingError(f"COOEE_DATABASE is not right. {error}{slashes}") from error
    return url


def _setting_value(environment: Mapping[str, str], setting: Setting) -> str | None:
    """Return a setting's value: the variable, the text of its file, or the default."""
    direct, file = (
        clean_value(name, environment.get(name, ""))
        for name in (setting.name, f"{setting.name}_FILE")
    )
    if _is_service_link(setting.name, direct):
        direct = ""
    if direct and file:
        message = f"Both {setting.name} and {setting.name}_FILE are set. Unset one of them."
        raise SettingError(message)
    if not file:
        return direct or setting.default
    try:
        return clean_value(f"{setting.name}_FILE", decode_file(Path(file).read_bytes()))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{setting.name}_FILE cannot be read: {error}. Name a readable text file."
        raise SettingError(message) from error


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_NAMES.fullmatch(name) and _SERVICE_LINK.fullmatch(value))


def _provider_values(environment: Mapping[str, str], provider: type[Provider]) -> Mapping[str, str]:
    values = {setting.name: _setting_value(environment, setting) for setting in provider.settings}
    missing = [setting for setting in provider.settings if not values[setting.name]]
    missing = [setting for setting in missing if setting.default is None]
    if missing:
        lines = "\n".join(f"  export {s.name}=…    # {s.help}" for s in missing)
        raise SettingError(
            f"{provider.name} needs to be told more. Type:\n{lines}\n"
            "Another provider is a setting: COOEE_PROVIDER (cooee providers lists them). To try an"
            " app without an account, type: cooee phone APP"
        )
    return {name: value or "" for name, value in values.items()}


def _parse_public_url(url: str | None) -> str | None:
    if not url:
        return None
    remedy = "Type: export COOEE_PUBLIC_URL=https://texts.example.com"
    return parse_http_url("COOEE_PUBLIC_URL", url, remedy)


def _check_send_token(token: str) -> str:
    if 0 < len(token) < _MIN_TOKEN_CHARS:
        make = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        message = f"COOEE_SEND_TOKEN could be guessed. Make one of 32 letters: {make}"
        raise SettingError(message)
    return token


def _parse_media_location(location: str, database: str) -> str:
    """Return the folder or URL of media as it was named, or a folder beside the database."""
    if "://" in location:
        return location
    return str(absolute_path(location)) if location else default_media_location(database)


def _split_list(line: str) -> Sequence[str]:
    return [word.strip() for word in line.split(",")]


def _parse_keep_direction(value: str | None) -> bool:
    value = (value or "").lower()
    if value not in {"", "keep"}:
        message = f"COOEE_SUBSCRIPTION={value!r} means nothing. Set it to keep, or unset it."
        raise SettingError(message)
    return value == "keep"


def _parse_port(name: str, value: str | None) -> int | None:
    return int(_parse_number_setting(name, value, 0, 65535)) if value else None


def _parse_concurrency(value: str | None) -> int | None:
    return int(_parse_number_setting("COOEE_CONCURRENCY", value, 1, 1_000)) if value else None


def _parse_yes(name: str, value: str) -> bool:
    if value.lower() not in {"yes", "no", ""}:
        raise SettingError(f"{name}={value!r} means nothing. Set it to yes, or unset it.")
    return value.lower() == "yes"


def _parse_tracing(value: str) -> bool:
    is_on = _parse_yes("COOEE_TRACING", value)
    if is_on and not (find_spec("opentelemetry") and find_spec("opentelemetry.trace")):
        raise SettingError("COOEE_TRACING needs OpenTelemetry. Type: pip install 'cooee[tracing]'")
    return is_on


def _parse_log_level(value: str | None) -> str:
    level = (value or "info").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        message = (
            f"COOEE_LOG_LEVEL={value!r} means nothing. Set it to debug, info, warning or error."
        )
        raise SettingError(message)
    return level


def _parse_number_setting(name: str, value: str | None, minimum: float, maximum: float) -> float:
    try:
        number = float(value or "")
    except ValueError:
        number = float("nan")
    if not minimum <= number <= maximum:
        raise SettingError(f"{name}={value!r} must be a number from {minimum:g} to {maximum:g}.")
    return number
