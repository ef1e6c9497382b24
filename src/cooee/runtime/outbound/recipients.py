"""Recipients: the numbers to which the app may write first."""

from __future__ import annotations

from collections.abc import Collection

from cooee.core.errors import NotSendable
from cooee.core.phone_numbers import may_be_dialled, normalise_number


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
