"""What a process is told by its environment, each name also as …_FILE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cooee.core.errors import SettingError
from cooee.providers import Provider, Setting, find

_SHORTEST_TOKEN = 16

KNOWN: Sequence[Setting] = (
    Setting("COOEE_DATABASE", "where conversations are kept", "sqlite:///cooee.db"),
    Setting("COOEE_PROVIDER", "the company that carries our texts", "telstra-v2"),
    Setting(
        "COOEE_PUBLIC_URL", "our address in the world: texts are pushed to it; unset: read", ""
    ),
    Setting("COOEE_SUBSCRIPTION", "keep: leave push or poll as it is at the provider", ""),
    Setting("COOEE_HOST", "the address to listen on", "127.0.0.1"),
    Setting("COOEE_PORT", "the port to listen on, for webhooks and /health", "8000"),
    Setting("COOEE_POLL_INTERVAL", "seconds to rest after reading nothing", "1"),
    Setting(
        "COOEE_SEND_TOKEN", "what others show to POST /send; unset: nobody may", "", secret=True
    ),
    Setting(
        "COOEE_MEDIA", "where pictures are kept: a folder or a URL; unset: by the database", ""
    ),
    Setting("COOEE_MEDIA_LARGEST", "bytes of one picture that are kept", "10000000"),
    Setting("COOEE_MEDIA_TRUSTED", "hosts of pictures that may be private, with commas", ""),
    Setting("COOEE_LOG_LEVEL", "debug, info, warning or error", "info"),
    Setting("COOEE_LOG_PRIVATE", "yes: log numbers and words too", ""),
)


class Settings(msgspec.Struct, frozen=True):
    """Everything a process was told, checked."""

    database: Path
    provider: type[Provider]
    values: Mapping[str, str]
    public_url: str | None
    keep: bool
    host: str
    port: int
    poll_interval: float
    send_token: str
    media: str
    media_largest: int
    media_trusted: Sequence[str]
    log_level: str
    log_private: bool

    def make_provider(self) -> Provider:
        """The provider, told what it needs."""
        return self.provider(self.values)

    @property
    def secrets(self) -> Sequence[str]:
        """What nobody may read in a log or an error."""
        told = [self.values[one.name] for one in self.provider.settings if one.secret]
        parts = [part for value in told for part in value.split(",")]
        return [one for one in {*told, *parts, self.send_token} if one]

    def __repr__(self) -> str:
        return f"<Settings for {self.provider.name}>"


def read(environment: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables, or from the files they name.

    Raises:
        SettingError: something is missing or makes no sense; all of what is missing is named.
    """
    told = {setting.name: _value(environment, setting) for setting in KNOWN}
    provider = find(told["COOEE_PROVIDER"] or "")
    database = database_path(told["COOEE_DATABASE"] or "")
    return Settings(
        database=database,
        provider=provider,
        values=_provider_values(environment, provider),
        public_url=_public_url(told["COOEE_PUBLIC_URL"]),
        keep=_keep(told["COOEE_SUBSCRIPTION"]),
        host=told["COOEE_HOST"] or "127.0.0.1",
        port=int(_number("COOEE_PORT", told["COOEE_PORT"], 0, 65535)),
        poll_interval=_number("COOEE_POLL_INTERVAL", told["COOEE_POLL_INTERVAL"], 0.05, 3600),
        send_token=_token(told["COOEE_SEND_TOKEN"] or ""),
        media=_media(told["COOEE_MEDIA"] or "", database),
        media_largest=int(
            _number("COOEE_MEDIA_LARGEST", told["COOEE_MEDIA_LARGEST"], 1, 1_000_000_000)
        ),
        media_trusted=[host for host in _words(told["COOEE_MEDIA_TRUSTED"] or "") if host],
        log_level=_level(told["COOEE_LOG_LEVEL"]),
        log_private=told["COOEE_LOG_PRIVATE"] == "yes",
    )


def read_database(environment: Mapping[str, str]) -> Path:
    """Only where the database is: all that a command needs that looks into it."""
    return database_path(read_one(environment, "COOEE_DATABASE"))


def read_media(environment: Mapping[str, str]) -> str:
    """Only where pictures are kept."""
    return _media(read_one(environment, "COOEE_MEDIA"), read_database(environment))


def read_one(environment: Mapping[str, str], name: str) -> str:
    """One of cooee's own settings, as it was told or by default."""
    return _value(environment, next(one for one in KNOWN if one.name == name)) or ""


def database_path(url: str) -> Path:
    """The file that a database URL names, absolute.

    Raises:
        SettingError: it is no URL of a database that we know.
    """
    if not url.startswith("sqlite:///") or url == "sqlite:///":
        kind, colon, _ = url.partition("://")  # no more of it: it may hold a password
        told = f" ({kind:.20}://…)" if colon else ""
        raise SettingError(
            f"COOEE_DATABASE{told} names no database file. "
            "Type: export COOEE_DATABASE=sqlite:///cooee.db (four slashes for an absolute path)"
        )
    return Path(url.removeprefix("sqlite:///")).expanduser().absolute()


def _value(environment: Mapping[str, str], setting: Setting) -> str | None:
    """A setting's value: the variable itself, the file it names, or the default."""
    direct, file = environment.get(setting.name), environment.get(f"{setting.name}_FILE")
    if direct is not None and file is not None:
        words = f"Both {setting.name} and {setting.name}_FILE are set. Unset one of them."
        raise SettingError(words)
    if file is None:
        return direct if direct is not None else setting.default
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        words = f"{setting.name}_FILE cannot be read: {error}. Name a readable text file."
        raise SettingError(words) from error


def _provider_values(environment: Mapping[str, str], provider: type[Provider]) -> Mapping[str, str]:
    values = {setting.name: _value(environment, setting) for setting in provider.settings}
    missing = [setting for setting in provider.settings if not values[setting.name]]
    missing = [setting for setting in missing if setting.default is None]
    if missing:
        lines = "\n".join(f"  export {s.name}=…    # {s.help}" for s in missing)
        raise SettingError(f"{provider.name} needs to be told more. Type:\n{lines}")
    return {name: value or "" for name, value in values.items()}


def _public_url(url: str | None) -> str | None:
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        raise SettingError(
            f"COOEE_PUBLIC_URL={url.rpartition('@')[2]!r} is no URL. "
            "Type: export COOEE_PUBLIC_URL=https://texts.example.com"
        )
    return url.rstrip("/")


def _token(word: str) -> str:
    if 0 < len(word) < _SHORTEST_TOKEN:
        make = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        words = f"COOEE_SEND_TOKEN could be guessed. Make one of 32 letters: {make}"
        raise SettingError(words)
    return word


def _media(place: str, database: Path) -> str:
    """The folder or URL for pictures: the one that was named, or a folder beside the database."""
    if "://" in place:
        return place
    return str(Path(place).expanduser().absolute() if place else f"{database}-media")


def _words(line: str) -> Sequence[str]:
    return [word.strip() for word in line.split(",")]


def _keep(word: str | None) -> bool:
    if word not in {None, "", "keep"}:
        words = f"COOEE_SUBSCRIPTION={word!r} means nothing. Set it to keep, or unset it."
        raise SettingError(words)
    return word == "keep"


def _level(word: str | None) -> str:
    level = (word or "info").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        words = f"COOEE_LOG_LEVEL={word!r} means nothing. Set it to debug, info, warning or error."
        raise SettingError(words)
    return level


def _number(name: str, word: str | None, least: float, most: float) -> float:
    try:
        number = float(word or "")
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise SettingError(f"{name}={word!r} must be a number from {least:g} to {most:g}.")
    return number
