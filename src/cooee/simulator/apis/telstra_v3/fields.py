"""The fields of a request's JSON, each checked by Telstra v3's specification."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError, invalid_field

_VIRTUAL_NUMBER = re.compile(r"04\d{8}", re.ASCII)
_PERSON_NUMBER = re.compile(r"(?:\+61|0)4\d{8}|\+(?!61)[1-9]\d{6,14}", re.ASCII)
_UTC_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_json_object(request: Request, known_fields: Collection[str]) -> dict[str, Any]:
    """Return the JSON object in a request's body.

    That unknown fields are refused is an assumption, and the kind one: Telstra would ignore a
    misspelt field, and the simulator shows the mistake.

    Raises:
        TelstraV3APIError: the body is no JSON object, or has an unknown field.
    """
    try:
        content = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TelstraV3APIError("FIELD_INVALID", "The body is not JSON", "body") from None
    if not isinstance(content, dict):
        raise invalid_field("body", "a JSON object")
    if unknown := sorted(content.keys() - set(known_fields)):
        raise TelstraV3APIError("FIELD_INVALID", "There is no such field", unknown[0][:64])
    return content


def get_flag(body: Mapping[str, Any], name: str) -> bool:
    """Return true or false; false where the field is absent."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise invalid_field(name, "true or false")
    return value


def get_whole_number(body: Mapping[str, Any], name: str, default: int, allowed: range) -> int:
    """Return a whole number within its range."""
    value = body.get(name, default)
    if type(value) is not int or value not in allowed:
        raise invalid_field(name, f"a whole number from {allowed.start} to {allowed.stop - 1}")
    return value


def get_url(body: Mapping[str, Any], name: str) -> str | None:
    """Return a webhook's URL. Telstra's SDKs insist on https; the simulator takes http too."""
    value = body.get(name)
    if value is not None and not asgi.host_of(value):
        raise invalid_field(name, "a URL such as https://www.example.com/path")
    return value


def get_tags(body: Mapping[str, Any], minimum: int = 1) -> tuple[str, ...]:
    """Return up to ten tags of up to 64 characters; none where the field is absent."""
    items = body.get("tags")
    if items is None and minimum:
        return ()
    is_valid = isinstance(items, list) and minimum <= len(items) <= 10
    if not is_valid or not all(isinstance(tag, str) and 1 <= len(tag) <= 64 for tag in items or ()):
        raise TelstraV3APIError("TAGS_ERR", f"tags: {minimum} to 10 of 1 to 64 characters", "tags")
    return tuple(items or ())


def parse_person_numbers(value: object, name: str, maximum: int) -> tuple[str, ...]:
    """Return a number, or a list of numbers (``04…``, ``+614…``, another country's) as ``+61…``."""
    numbers: list[Any] = value if isinstance(value, list) else [value]
    if value is None or not numbers:
        raise TelstraV3APIError("FIELD_MISSING", f"{name} is missing", name)
    if len(numbers) > maximum:
        raise TelstraV3APIError("FIELD_LENGTH_ERR", f"{name}: {maximum} numbers at most", name)
    if not all(isinstance(number, str) and _PERSON_NUMBER.fullmatch(number) for number in numbers):
        raise invalid_field(name, "a number such as 0412345678")
    return tuple(to_e164(one) for one in numbers)


def check_virtual_number(number: str) -> str:
    """Return a virtual number in a path, as ``+61…``.

    Raises:
        TelstraV3APIError: the number is not in national form.
    """
    if not _VIRTUAL_NUMBER.fullmatch(number):
        raise TelstraV3APIError(
            "VIRTUAL_NUM_INVALID", "Not a virtual number", "virtual-number", "path"
        )
    return to_e164(number)


def to_e164(number: str) -> str:
    """Return ``04…`` as ``+614…``, and any other number unchanged."""
    return f"+61{number[1:]}" if number.startswith("0") else number


def parse_utc_time(value: object, name: str, location: str = "body") -> datetime | None:
    """Return a time in UTC, written with a Z."""
    if value is None:
        return None
    try:
        assert isinstance(value, str)
        assert _UTC_TIMESTAMP.fullmatch(value)
        return datetime.fromisoformat(value)
    except (AssertionError, ValueError):
        raise invalid_field(name, "a time such as 2026-01-31T10:00:00Z", location) from None


def get_date(body: Mapping[str, Any], name: str, earliest: datetime) -> datetime:
    """Return a day not before the earliest, at its beginning in UTC."""
    value = body.get(name)
    if value is None:
        raise TelstraV3APIError("FIELD_MISSING", f"{name} is missing", name)
    try:
        assert isinstance(value, str)
        assert _DATE.fullmatch(value)
        day = datetime.fromisoformat(f"{value}T00:00:00Z")
    except (AssertionError, ValueError):
        raise invalid_field(name, "a date such as 2026-01-31") from None
    if day < earliest - timedelta(days=1):
        raise invalid_field(name, "a date of the last three months")
    return day


def get_media(body: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Return up to five media: type, file name and up to 999,999 characters of base64."""
    items = body.get("multimedia")
    if items is None:
        return ()
    if not isinstance(items, list) or not 1 <= len(items) <= 5:
        raise invalid_field("multimedia", "a list of 1 to 5")
    for item in items:
        if not isinstance(item, dict) or not all(
            isinstance(item.get(name, ""), str) for name in ("type", "fileName", "payload")
        ):
            raise invalid_field("multimedia", "type, fileName and payload")
        if not item.get("type") or not item.get("payload"):
            raise TelstraV3APIError("FIELD_MISSING", "type and payload are required", "multimedia")
        if len(item["payload"]) > 999_999:
            raise TelstraV3APIError(
                "MULTIMEDIA_TOO_LARGE", "999,999 characters at most", "multimedia"
            )
    return items
