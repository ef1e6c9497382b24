"""Phone numbers in E.164, their countries and their time zones."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from cooee.core.country_time_zones import ZONES_OF_COUNTRY
from cooee.core.folding import spelled_in_ascii

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ODD_E164 = re.compile(
    r"\+(?:(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|(?:2[1-689]|3[578]|42|5[09]|6[789]|8[035789]|9[679])[0-9])0"
    r"|11|521|54(?!9)|78[0-9]{10}|3708[0-9]{8}|375[80]|9938)"
)
"""The beginnings of numbers that may have a trunk prefix, or an older mobile one, inside."""
_OLD_MEXICAN_MOBILE = re.compile(r"\+521([0-9]{10})")
_DIALLED_NUMBER = re.compile(r"(?:tel:)?\+? ?[0-9 ().,\[\]/-]{5,40}", re.IGNORECASE)


def is_e164(number: str) -> bool:
    """Tell whether a number is written in E.164: a plus sign and 7 to 15 digits (ITU-T E.164)."""
    return _E164.fullmatch(number) is not None


def may_be_dialled(number: str) -> bool:
    """Tell whether an E.164 number has the length of a phone of its country, or is known valid.

    A range that is newer than libphonenumber's data is no reason to refuse a number, a digit too
    many is.
    """
    if not is_e164(number):
        return False
    import phonenumbers as phones  # noqa: PLC0415 -- 0.1 s that only national numbers pay

    try:
        parsed = phones.parse(number)
    except phones.NumberParseException:
        return False
    kinds = (phones.PhoneNumberType.MOBILE, phones.PhoneNumberType.FIXED_LINE)
    lengths = {phones.is_possible_number_for_type_with_reason(parsed, kind) for kind in kinds}
    return phones.ValidationResult.IS_POSSIBLE in lengths or phones.is_valid_number(parsed)


def normalise_number(address: str, *, our_number: str) -> str:
    """Return an address as an E.164 number; an address without a number is only stripped.

    National forms (``"0491 570 156"``) and international prefixes (``"0011…"``) are read as in
    the country of `our_number`, a number of ours. All spellings of one number come to one: with
    ``tel:``, a trunk zero after the country's code, brackets, commas, invisible characters, or
    digits of another script. Short codes, sender names, numbers that no person can have and junk
    are only stripped, so that none is mistaken for a person. No address raises anything.
    """
    if is_e164(address) and not _ODD_E164.match(address):
        return address
    spelling = spelled_in_ascii(address)
    if not _DIALLED_NUMBER.fullmatch(spelling) or sum(map(str.isdigit, spelling)) > _MAX_DIGITS:
        return address.strip()
    return _parse_dialled(spelling, our_number) or address.strip()


_MAX_DIGITS = 22  # an international prefix of 4, a country code and trunk prefix of 3 each, 12 more


@lru_cache(maxsize=10_000)
def _parse_dialled(spelling: str, our_number: str) -> str:
    """Return the E.164 number in a spelling, or the empty string."""
    country = country_of(our_number)
    digits = re.sub(r"[^0-9]", "", spelling)
    if "+" in spelling:
        return _parse_international(f"+{digits}")
    national = _parse_as(digits, country)
    if national or not digits.startswith("00"):
        return national
    # 00 is the international prefix of most countries, and people keep it when they travel.
    return _parse_international(f"+{digits[2:]}")


def _parse_international(number: str) -> str:
    mobile = _OLD_MEXICAN_MOBILE.fullmatch(number)  # Mexico dropped this 1 in 2019
    return _parse_as(f"+52{mobile[1]}" if mobile else number, None)


def _parse_as(digits: str, country: str | None) -> str:
    import phonenumbers as phones  # noqa: PLC0415 -- 0.1 s that only national numbers pay

    try:
        number = phones.parse(digits, country)
    except phones.NumberParseException:
        return ""
    international = digits.startswith("+") and phones.is_possible_number(number)
    if not international and not _may_be_personal(number):
        return ""
    formatted = phones.format_number(number, phones.PhoneNumberFormat.E164)
    return formatted if _E164.fullmatch(formatted) else ""


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
    """Return the time zones that an E.164 number may be in, one for each clock; () if unknown.

    They are all zones of its country, and of each country that has such numbers: an Australian
    mobile may be on Christmas Island. An area code narrows nothing down, since people keep their
    numbers when they move, and libphonenumber's table puts Townsville into Sydney's zone.
    """
    if not _E164.fullmatch(number):
        return ()
    import phonenumbers as phones  # noqa: PLC0415 -- see above

    try:
        parsed = phones.parse(number)
    except phones.NumberParseException:
        return ()
    regions = phones.region_codes_for_country_code(parsed.country_code or 0)
    sharing = [one for one in regions if phones.is_valid_number_for_region(parsed, one)]
    zones = [ZONES_OF_COUNTRY.get(one, ()) for one in sharing or [country_of(number) or ""]]
    return tuple(dict.fromkeys(chain.from_iterable(zones)))


def certain_time_zone(number: str) -> str | None:
    """Return the time zone of an E.164 number; None where the number may be in another.

    An Australian mobile has nine, a New Zealand one two, and none is guessed.
    """
    found = possible_time_zones(number)
    return found[0] if len(found) == 1 else None
