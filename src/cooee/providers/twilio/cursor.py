"""Twilio's log of texts: how far it was read, and whether a text of ours is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from cooee.core.errors import PermanentFailure
from cooee.core.messages import Outbound
from cooee.providers.twilio.payloads import Message

OVERLAP = timedelta(minutes=2)
"""How much later a text may show up in the log than younger ones: an assumption."""
_WITHIN = timedelta(minutes=2)  # a request that is longer under way was given up
_SLACK = timedelta(seconds=5)  # whole seconds, and an answer's time on its way
_NOT_WORDS = re.compile(r"[\W_]+")


# How far the log was read


class Bookmark(msgspec.Struct, frozen=True):
    """Everything before `since` is read, and of what came later, the texts that were `seen`."""

    since: Annotated[int, msgspec.Meta(ge=0, le=2**36)]  # unix seconds
    seen: frozenset[str] = frozenset()

    @property
    def moment(self) -> datetime:
        """`since` as a moment."""
        return datetime.fromtimestamp(self.since, UTC)

    def unread(self, messages: Sequence[Message]) -> Sequence[Message]:
        """What is new, oldest first.

        A text that is still *receiving* counts: its words are assumed to be there, and what
        is passed over now might never be met again.
        """
        new = {
            each.sid: each
            for each in reversed(messages)
            if not each.ours and each.created >= self.moment and each.sid not in self.seen
        }
        return sorted(new.values(), key=lambda each: each.created)

    def after(self, messages: Sequence[Message]) -> str:
        """The cursor behind these, the unread ones and others, as a word for the store."""
        latest = max((each.created for each in messages), default=self.moment)
        since = max(self.moment, latest - OVERLAP)
        seen = frozenset(each.sid for each in messages if not each.ours and each.created >= since)
        return msgspec.json.encode(Bookmark(int(since.timestamp()), seen), order="sorted").decode()


def beginning(messages: Sequence[Message]) -> str:
    """The cursor behind all that the log holds at the first look: nothing of it is news.

    In an empty log anything will be news, so it begins with time itself: no clock is asked.
    """
    created = max((each.created for each in messages), default=datetime.fromtimestamp(0, UTC))
    return Bookmark(int(created.timestamp())).after(messages)


def bookmark(cursor: str) -> Bookmark:
    """The bookmark that a cursor is.

    Raises:
        PermanentFailure: it is none of ours.
    """
    try:
        return msgspec.json.decode(cursor, type=Bookmark)
    except msgspec.DecodeError as error:
        raise PermanentFailure("The cursor of the last reading is not one of Twilio's.") from error


# A text of ours in the log


def candidates(
    outbound: Outbound, messages: Sequence[Message], began: datetime
) -> Sequence[Message]:
    """The texts to the same person from the same number that an attempt may have become."""
    first, last = began - _SLACK, began + _WITHIN
    return [
        each
        for each in messages
        if each.ours
        and each.sender == outbound.sender
        and each.recipient == outbound.recipient
        and first <= each.created <= last
    ]


def same_words(ours: str, theirs: str) -> bool | None:
    """Whether a text in the log is ours: yes, no, or None where it cannot be told.

    Twilio may put words in front (a trial account's), write punctuation in other letters
    (smart encoding) or hide the text (redaction), so letters and digits alone decide.
    """
    if ours.strip() == theirs.strip():
        return True
    own, other = (_NOT_WORDS.sub("", words).casefold() for words in (ours, theirs))
    if not own or not other:
        return None
    if other.endswith(own):
        return True
    alike = own[:8] == other[:8] and abs(len(own) - len(other)) * 10 <= len(own)
    return None if alike else False
