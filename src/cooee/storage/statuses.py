"""InboundStatus, SenderConsent and ConsentSource: the numbers and words of stored rows.

The numbers of outbound texts are `cooee.core.messages.Status` and `Priority`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class InboundStatus(IntEnum):
    """The stored status of an inbound text.

    A pending text is handled as soon as the conversation's `handled_seq` reaches its number.
    """

    PENDING = 0
    SET_ASIDE = 1
    OPT_OUT = 2  # no handler sees the text


class SenderConsent(IntEnum):
    """The stored consent of a text's sender, as the text was received."""

    IN = 0
    OUT = 1  # the sender had opted out, and saw no question of ours
    BACK_IN = 2  # the text itself lifted the sender's opt-out


class ConsentSource(StrEnum):
    """The evidence of an opt-out or an opt-in (law 10)."""

    KEYWORD = "keyword"  # the person's text was an opt-out or opt-in word
    PHRASE = "phrase"  # the person's text asked in plain words for no more texts
    PROVIDER = "provider"  # the provider said so of the person's text, or lists the person
    REFUSED = "refused"  # the provider refused a text of ours, since the person opted out
