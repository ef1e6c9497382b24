"""Twilio's settings, each with its check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from cooee.providers import Setting, SettingError, parse_base_url, parse_list, read_settings

_SID = re.compile(r"(AC|MG)[0-9a-fA-F]{32}")
_PHONE_NUMBER = re.compile(r"\+[1-9]\d{5,14}|\d{3,8}")


def _parse_sid(prefix: str) -> Callable[[str, str], str]:
    def parse(name: str, value: str) -> str:
        if value and not (_SID.fullmatch(value) and value.startswith(prefix)):
            raise SettingError(f"{name} is not {prefix} and 32 letters. Copy it from the console.")
        return value

    return parse


def _parse_own_number(name: str, value: str) -> str:
    number = re.sub(r"[\s()-]", "", value)
    if number and not _PHONE_NUMBER.fullmatch(number):
        raise SettingError(f"{name} is {number!r}. Write it as +61491570006.")
    return number


def _parse_reply_by(name: str, value: str) -> bool:
    """Return True where replies go in the webhook's response."""
    if value not in ("rest", "webhook"):
        raise SettingError(f"{name}={value!r} means nothing. Set it to rest or webhook.")
    return value == "webhook"


SETTINGS: Sequence[Setting] = (
    Setting(
        "TWILIO_ACCOUNT_SID",
        "AC and 32 letters, from console.twilio.com",
        parse=_parse_sid("AC"),
    ),
    Setting("TWILIO_AUTH_TOKEN", "the account's primary token", secret=True),
    Setting("TWILIO_API_KEY", "SK and 32 letters, to call the API with", ""),
    Setting("TWILIO_API_SECRET", "that key's secret", "", secret=True),
    Setting(
        "TWILIO_NUMBER", "ours, if the account has several: +614…", "", parse=_parse_own_number
    ),
    Setting(
        "TWILIO_MESSAGING_SERVICE_SID",
        "MG and 32 letters, to send through",
        "",
        parse=_parse_sid("MG"),
    ),
    Setting(
        "TWILIO_WEBHOOK_SECRET",
        "shared keys' secrets, with commas",
        "",
        secret=True,
        parse=parse_list,
    ),
    Setting(
        "TWILIO_REPLY_BY",
        "rest, or webhook: in the answer to the text's push",
        "rest",
        parse=_parse_reply_by,
    ),
    Setting("TWILIO_BASE_URL", "where the API is", "https://api.twilio.com", parse=parse_base_url),
)


class TwilioSettings(msgspec.Struct, frozen=True):
    """The settings of a Twilio account.

    `basic_auth` is the user and the password of a call: an API key's, or the account's own.
    `replies_in_webhook` says that replies go in the answer to a push.
    """

    account_sid: str
    auth_token: str
    basic_auth: str
    number: str
    messaging_service_sid: str
    webhook_secrets: Sequence[str]
    base_url: str
    replies_in_webhook: bool

    def __repr__(self) -> str:  # it is full of secrets
        return f"<TwilioSettings of {self.account_sid}>"


def read_twilio_settings(values: Mapping[str, str]) -> TwilioSettings:
    """Return the settings, each checked.

    Raises:
        SettingError: one is missing, or is not what it should be; the message says which.
    """
    sid, token, key, secret, number, service_sid, webhook_secrets, in_webhook, base_url = (
        read_settings(SETTINGS, values)
    )
    if bool(key) != bool(secret):
        raise SettingError("TWILIO_API_KEY and TWILIO_API_SECRET go together: set both or none.")
    return TwilioSettings(
        account_sid=sid,
        auth_token=token,
        basic_auth=f"{key}:{secret}" if key else f"{sid}:{token}",
        number=number,
        messaging_service_sid=service_sid,
        webhook_secrets=webhook_secrets,
        base_url=base_url,
        replies_in_webhook=in_webhook,
    )
