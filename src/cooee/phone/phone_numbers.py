"""Numbers of the made-up phones."""

from __future__ import annotations

MAX_PHONES = 99


def number_of_phone(phone: int) -> str:
    """Return the number of the n-th phone; the regulator keeps the first four for fiction."""
    return f"+6149157{155 + phone:04}"


def phone_with_number(number: str) -> int | None:
    """Return the made-up phone of a number, or None."""
    suffix = number.removeprefix("+6149157")
    phone = int(suffix) - 155 if len(suffix) == 4 and suffix.isdecimal() else 0
    return phone if 1 <= phone <= MAX_PHONES and number_of_phone(phone) == number else None
