"""What Twilio's adapter is told, and whether any request could succeed with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from cooee.core.errors import SettingError
from cooee.providers import Setting

SETTINGS: Sequence[Setting] = (
    Setting("TWILIO_ACCOUNT_SID", "AC and 32 letters, from console.twilio.com"),
    Setting("TWILIO_AUTH_TOKEN", "the account's primary token", secret=True),
    Setting("TWILIO_API_KEY", "SK and 32 letters, to call the API with", ""),
    Setting("TWILIO_API_SECRET", "that key's secret", "", secret=True),
    Setting("TWILIO_NUMBER", "ours, if the account has several: +614…", ""),
    Setting("TWILIO_MESSAGING_SERVICE_SID", "MG and 32 letters, to send through", ""),
    Setting("TWILIO_WEBHOOK_SECRET", "shared keys' secrets, with commas", "", secret=True),
    Setting("TWILIO_REPLY_BY", "rest, or webhook: in the answer to the text's push", "rest"),
    Setting("TWILIO_BASE_URL", "where the API is", "https://api.twilio.com"),
)

_SID = re.compile(r"(AC|MG)[0-9a-fA-F]{32}")
_PHONE_NUMBER = re.compile(r"\+[1-9]\d{5,14}|\d{3,8}")


class TwilioSettings(msgspec.Struct, frozen=True):
    """The settings, checked.

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
        return f"<Told of {self.account_sid}>"


def read_settings(values: Mapping[str, str]) -> TwilioSettings:
    """Read the settings, without stray spaces.

    Raises:
        SettingError: one is missing, or is not what it should be; the message says which.
    """
    given = {setting.name: _setting_value(values, setting) for setting in SETTINGS}
    number = re.sub(r"[\s()-]", "", given["TWILIO_NUMBER"])
    _check_settings(given, number)
    sid, token = given["TWILIO_ACCOUNT_SID"], given["TWILIO_AUTH_TOKEN"]
    key, secret = given["TWILIO_API_KEY"], given["TWILIO_API_SECRET"]
    return TwilioSettings(
        account_sid=sid,
        auth_token=token,
        basic_auth=f"{key}:{secret}" if key else f"{sid}:{token}",
        number=number,
        messaging_service_sid=given["TWILIO_MESSAGING_SERVICE_SID"],
        webhook_secrets=[
            each.strip() for each in given["TWILIO_WEBHOOK_SECRET"].split(",") if each.strip()
        ],
        base_url=given["TWILIO_BASE_URL"].rstrip("/"),
        replies_in_webhook=given["TWILIO_REPLY_BY"] == "webhook",
    )


def _setting_value(values: Mapping[str, str], setting: Setting) -> str:
    value = values.get(setting.name, "").strip() or setting.default
    if value is None:
        raise SettingError(f"{setting.name} is missing ({setting.help}): {setting.name}=…")
    return value


def _check_settings(given: Mapping[str, str], number: str) -> None:
    for name, start in (("TWILIO_ACCOUNT_SID", "AC"), ("TWILIO_MESSAGING_SERVICE_SID", "MG")):
        value = given[name]
        if value and not (_SID.fullmatch(value) and value.startswith(start)):
            raise SettingError(f"{name} is not {start} and 32 letters. Copy it from the console.")
    if bool(given["TWILIO_API_KEY"]) != bool(given["TWILIO_API_SECRET"]):
        raise SettingError("TWILIO_API_KEY and TWILIO_API_SECRET go together: set both or none.")
    if number and not _PHONE_NUMBER.fullmatch(number):
        raise SettingError(f"TWILIO_NUMBER is {number!r}. Write it as +61491570006.")
    if given["TWILIO_REPLY_BY"] not in ("rest", "webhook"):
        reply_by = given["TWILIO_REPLY_BY"]
        raise SettingError(
            f"TWILIO_REPLY_BY={reply_by!r} means nothing. Set it to rest or webhook."
        )
    if not given["TWILIO_BASE_URL"].startswith(("https://", "http://")):
        raise SettingError("TWILIO_BASE_URL is not a URL. Leave it out, mostly.")
