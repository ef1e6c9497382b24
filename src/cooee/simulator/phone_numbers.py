"""Phone numbers as dialled on phones, and the simulator's own fictional numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

_INTERNATIONAL_NUMBER = re.compile(r"\+[1-9]\d{5,14}")
_NATIONAL_NUMBER = re.compile(r"0([2-478]\d{8})")
_NUMBER_WITHOUT_PLUS = re.compile(r"61[2-478]\d{8}")
_NAME_OR_SHORT_CODE = re.compile(r"\d{3,10}|(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,10}")

# Numbers that the Australian regulator keeps for fiction. The six that every example uses for
# people's phones are left to the phones, but for the first.
_FICTIONAL_NUMBERS = (
    "+61491570006", "+61491570313", "+61491570737", "+61491571266", "+61491571491",
    "+61491571804", "+61491572549", "+61491572665", "+61491572983", "+61491573770",
    "+61491573087", "+61491574118", "+61491574632", "+61491575254", "+61491575789",
    "+61491576398", "+61491576801", "+61491577426", "+61491577644", "+61491578957",
)  # fmt: skip


def parse_address(written: str) -> str | None:
    """Return the address of a text's end as `+61…`, a short code or a sender's name.

    National Australian numbers (`04…`) become international, and so does a number whose plus
    sign was lost in a URL. None where no phone could show the address as a sender.
    """
    stripped = written.strip()
    number = re.sub(r"[\s().-]", "", stripped)
    if national := _NATIONAL_NUMBER.fullmatch(number):
        return "+61" + national[1]
    if _INTERNATIONAL_NUMBER.fullmatch(number):
        return number
    if _NUMBER_WITHOUT_PLUS.fullmatch(number):
        return "+" + number
    return stripped if _NAME_OR_SHORT_CODE.fullmatch(stripped) else None


def allocatable_numbers() -> Iterator[str]:
    """Yield the simulator's numbers in the constant order of their allocation."""
    yield from _FICTIONAL_NUMBERS
    for count in range(
        10_000
    ):  # more clients than fiction has numbers: nothing leaves the simulator
        yield f"+6149158{count:04}"
