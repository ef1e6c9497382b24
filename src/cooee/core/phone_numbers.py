"""Phone numbers in E.164, their countries and their time zones."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALLED_NUMBER = re.compile(r"[+＋]?[\d\s().\-‐‑‒–—/]{5,40}")  # noqa: RUF001 -- as people and phones write them


def is_e164(number: str) -> bool:
    """Tell whether a number is written in E.164: a plus sign and 7 to 15 digits (ITU-T E.164)."""
    return _E164.fullmatch(number) is not None


def normalise_number(address: str, *, our_number: str) -> str:
    """Return an address as an E.164 number; an address without a number is only stripped.

    National forms (``"0491 570 156"``) and international prefixes (``"0011…"``) are read as in
    the country of `our_number`, a number of ours. Short codes, sender names, numbers that no person
    can have and junk are only stripped, so that none is mistaken for a person. No address
    raises anything.
    """
    if is_e164(address):
        return address
    address = address.strip()
    return _parse_dialled(address, our_number) if _DIALLED_NUMBER.fullmatch(address) else address


@lru_cache(maxsize=10_000)
def _parse_dialled(address: str, our_number: str) -> str:
    import phonenumbers as phones  # noqa: PLC0415 -- 0.1 s that only national numbers pay

    try:
        number = phones.parse(address, country_of(our_number))
    except phones.NumberParseException:
        return address
    international = address.startswith(("+", "＋")) and phones.is_possible_number(number)  # noqa: RUF001 -- the full-width plus
    if not international and not _may_be_personal(number):
        return address
    formatted = phones.format_number(number, phones.PhoneNumberFormat.E164)
    return formatted if _E164.fullmatch(formatted) else address


def _may_be_personal(number: PhoneNumber) -> bool:
    import phonenumbers as phones  # noqa: PLC0415 -- see above

    kind = phones.PhoneNumberType
    return phones.number_type(number) in {
        kind.MOBILE,
        kind.FIXED_LINE,
        kind.FIXED_LINE_OR_MOBILE,
        kind.VOIP,
        kind.PERSONAL_NUMBER,
        kind.PAGER,
        kind.TOLL_FREE,
    }


@lru_cache(maxsize=1_000)
def country_of(number: str) -> str | None:
    """Return the country of an E.164 number (ISO 3166-1 alpha-2), or None.

    Countries that share a code are told apart by libphonenumber's data; where it does not know
    the number, the code's main country answers.
    """
    if not _E164.fullmatch(number):
        return None
    import phonenumbers as phones  # noqa: PLC0415 -- see above

    try:
        parsed = phones.parse(number)
    except phones.NumberParseException:
        return None
    region = phones.region_code_for_number(parsed)
    region = region or phones.region_code_for_country_code(parsed.country_code or 0)
    return region if region not in {"001", "ZZ"} else None


@lru_cache(maxsize=10_000)
def possible_time_zones(number: str) -> tuple[str, ...]:
    """Return the time zones an E.164 number may be in, by libphonenumber's data; () if unknown.

    A mobile may be anywhere in its country, so it has all of its country's zones.
    """
    if not _E164.fullmatch(number):
        return ()
    import phonenumbers as phones  # noqa: PLC0415 -- see above
    from phonenumbers import timezone  # noqa: PLC0415 -- see above

    try:
        found = timezone.time_zones_for_number(phones.parse(number))
    except phones.NumberParseException:
        return ()
    return tuple(name for name in found if name != timezone.UNKNOWN_TIMEZONE)


@lru_cache(maxsize=10_000)
def certain_time_zone(number: str) -> str | None:
    """Return the time zone of an E.164 number; None where the number may be in another.

    An Australian mobile has eight, and none is guessed. In the countries of the North American
    plan mobiles have geographic numbers and keep them when their people move, so those tell
    nothing.
    """
    found = possible_time_zones(number)
    if len(found) != 1:
        return None
    import phonenumbers as phones  # noqa: PLC0415 -- see above

    kind = phones.number_type(phones.parse(number))
    return None if kind == phones.PhoneNumberType.FIXED_LINE_OR_MOBILE else found[0]
