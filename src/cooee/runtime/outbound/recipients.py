"""The two numbers of a text that the app writes first: ours, and its recipient's."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from cooee.core.errors import NotSendable
from cooee.core.phone_numbers import is_e164, may_be_dialled, normalise_number


def parse_recipient(to: str, *, ours: str, our_numbers: Collection[str]) -> str:
    """Return a person's number in E.164, as a text or a dialogue is stored under it.

    Args:
        to: the number as it was given; national forms are read in the country of `ours`.
        ours: the number that the text comes from.
        our_numbers: every number of ours.

    Raises:
        NotSendable: the words are no phone's number (empty, a short code, a sender's name, a digit
            too many), or are a number of ours, which would answer itself for ever.
    """
    theirs = normalise_number(to, our_number=ours)
    if theirs == ours or theirs in our_numbers:
        raise NotSendable(
            f"{theirs} is a number of ours, which would answer itself. Write to a person's number."
        )
    if may_be_dialled(theirs):
        return theirs
    raise NotSendable(
        f"{to[:40]!r} is not a number that can be texted. Write it with its country, like"
        " +61491570156."
    )


_SHORT_CODE = re.compile(r"[0-9]{3,8}")  # which may be a number of ours


def parse_our_number(ours: str, our_numbers: Sequence[str]) -> str:
    """Return a number of ours as it is stored; national forms are read near our other numbers.

    Raises:
        NotSendable: the words are neither a number nor a short code.
    """
    number = normalise_number(ours, our_number=our_numbers[0] if our_numbers else ours)
    if number in our_numbers or is_e164(number) or _SHORT_CODE.fullmatch(number):
        return number
    raise NotSendable(
        f"ours={ours[:40]!r} is no number of ours. Write one like +61491570006, or leave it out."
    )
