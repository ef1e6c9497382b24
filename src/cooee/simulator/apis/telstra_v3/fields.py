"""The fields of a call's JSON, each checked as Telstra v3's specification has it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v3.errors import Refusal, invalid

_VIRTUAL = re.compile(r"04\d{8}", re.ASCII)
_PERSON = re.compile(r"(?:\+61|0)4\d{8}|\+(?!61)[1-9]\d{6,14}", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def content(request: Request, known: Collection[str]) -> dict[str, Any]:
    """The JSON object in a call's body, which has no fields but the known ones.

    That unknown fields are refused is an assumption, and the kind one: a field misspelt here
    would be a field ignored there.

    Raises:
        Refusal: it is no object, or has another field.
    """
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal("FIELD_INVALID", "The body is not JSON", "body") from None
    if not isinstance(found, dict):
        raise invalid("body", "a JSON object")
    if unknown := sorted(found.keys() - set(known)):
        raise Refusal("FIELD_INVALID", "There is no such field", unknown[0][:64])
    return found


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """True or false; false where it is absent."""
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise invalid(name, "true or false")
    return value


def whole(asked: Mapping[str, Any], name: str, default: int, span: range) -> int:
    """A whole number within its span."""
    value = asked.get(name, default)
    if type(value) is not int or value not in span:
        raise invalid(name, f"a whole number from {span.start} to {span.stop - 1}")
    return value


def url(asked: Mapping[str, Any], name: str) -> str | None:
    """A URL to call. Telstra's SDKs insist on https; the box takes http too, for programs here."""
    value = asked.get(name)
    if value is not None and not desk.host_of(value):
        raise invalid(name, "a URL such as https://www.example.com/path")
    return value


def tags(asked: Mapping[str, Any], least: int = 1) -> tuple[str, ...]:
    """Up to ten tags of up to 64 characters; absent is none."""
    listed = asked.get("tags")
    if listed is None and least:
        return ()
    fit = isinstance(listed, list) and least <= len(listed) <= 10
    if not fit or not all(isinstance(one, str) and 1 <= len(one) <= 64 for one in listed or ()):
        raise Refusal("TAGS_ERR", f"tags: {least} to 10 of 1 to 64 characters", "tags")
    return tuple(listed or ())


def people(value: object, name: str, most: int) -> tuple[str, ...]:
    """One number, or a list of them: ``04…``, ``+614…``, or another country's; as ``+61…``."""
    listed: list[Any] = value if isinstance(value, list) else [value]
    if value is None or not listed:
        raise Refusal("FIELD_MISSING", f"{name} is missing", name)
    if len(listed) > most:
        raise Refusal("FIELD_LENGTH_ERR", f"{name}: {most} numbers at most", name)
    if not all(isinstance(one, str) and _PERSON.fullmatch(one) for one in listed):
        raise invalid(name, "a number such as 0412345678")
    return tuple(international(one) for one in listed)


def virtual(number: str) -> str:
    """A virtual number in a path, as ``+61…``.

    Raises:
        Refusal: it is not in national form.
    """
    if not _VIRTUAL.fullmatch(number):
        raise Refusal("VIRTUAL_NUM_INVALID", "Not a virtual number", "virtual-number", "path")
    return international(number)


def international(number: str) -> str:
    """``04…`` as ``+614…``; any other as it is."""
    return f"+61{number[1:]}" if number.startswith("0") else number


def moment(value: object, name: str, location: str = "body") -> datetime | None:
    """A time in UTC, written with its Z."""
    if value is None:
        return None
    try:
        assert isinstance(value, str)
        assert _STAMP.fullmatch(value)
        return datetime.fromisoformat(value)
    except (AssertionError, ValueError):
        raise invalid(name, "a time such as 2026-01-31T10:00:00Z", location) from None


def date(asked: Mapping[str, Any], name: str, earliest: datetime) -> datetime:
    """A day not before the earliest, at its beginning in UTC."""
    value = asked.get(name)
    if value is None:
        raise Refusal("FIELD_MISSING", f"{name} is missing", name)
    try:
        assert isinstance(value, str)
        assert _DATE.fullmatch(value)
        day = datetime.fromisoformat(f"{value}T00:00:00Z")
    except (AssertionError, ValueError):
        raise invalid(name, "a date such as 2026-01-31") from None
    if day < earliest - timedelta(days=1):
        raise invalid(name, "a date of the last three months")
    return day


def media(asked: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Up to five media: type, file name and up to 999,999 characters of base64."""
    listed = asked.get("multimedia")
    if listed is None:
        return ()
    if not isinstance(listed, list) or not 1 <= len(listed) <= 5:
        raise invalid("multimedia", "a list of 1 to 5")
    for one in listed:
        if not isinstance(one, dict) or not all(
            isinstance(one.get(name, ""), str) for name in ("type", "fileName", "payload")
        ):
            raise invalid("multimedia", "type, fileName and payload")
        if not one.get("type") or not one.get("payload"):
            raise Refusal("FIELD_MISSING", "type and payload are required", "multimedia")
        if len(one["payload"]) > 999_999:
            raise Refusal("MULTIMEDIA_TOO_LARGE", "999,999 characters at most", "multimedia")
    return listed
