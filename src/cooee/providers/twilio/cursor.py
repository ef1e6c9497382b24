"""TwilioCursor: how far the log was polled; and a text of ours looked up in the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from cooee.providers import Outbound, PermanentFailure
from cooee.providers.twilio.payloads import LoggedMessage

OVERLAP = timedelta(minutes=2)
"""How much later a text may show up in the log than younger ones: an assumption."""
_MAX_REQUEST_TIME = timedelta(minutes=2)  # a request that is longer under way was given up
_CLOCK_SLACK = timedelta(seconds=5)  # whole seconds, and an answer's time on its way
_NON_ALPHANUMERIC = re.compile(r"[\W_]+")


# How far the log was read


class TwilioCursor(msgspec.Struct, frozen=True):
    """A position in the log: texts before `since` are read, and of later texts `seen_sids`."""

    since: Annotated[int, msgspec.Meta(ge=0, le=2**36)]  # unix seconds
    seen_sids: frozenset[str] = frozenset()

    @property
    def since_time(self) -> datetime:
        """Return `since` as a datetime."""
        return datetime.fromtimestamp(self.since, UTC)

    def unread_messages(self, messages: Sequence[LoggedMessage]) -> Sequence[LoggedMessage]:
        """Return the unread texts, oldest first.

        A text that is still *receiving* counts: its body is assumed to be there, and a
        text passed over now might never be read again.
        """
        new = {
            each.sid: each
            for each in reversed(messages)
            if not each.is_outbound
            and each.created_at >= self.since_time
            and each.sid not in self.seen_sids
        }
        return sorted(new.values(), key=lambda each: each.created_at)

    def encode_after(self, messages: Sequence[LoggedMessage]) -> str:
        """Return the stored cursor behind the given texts, read and unread."""
        latest = max((each.created_at for each in messages), default=self.since_time)
        # A text may be listed late, with an earlier stamp: the overlap reads it all the same. Never
        # backwards, or the log of a quiet number would be read from its beginning.
        since = max(self.since_time, latest - OVERLAP)
        seen_sids = frozenset(
            each.sid for each in messages if not each.is_outbound and each.created_at >= since
        )
        return msgspec.json.encode(
            TwilioCursor(int(since.timestamp()), seen_sids), order="sorted"
        ).decode()


def first_cursor(messages: Sequence[LoggedMessage]) -> str:
    """Return the cursor behind all texts of the log's first page, all history.

    An empty log has no history, so its cursor begins in 1970: no clock is read.
    """
    created = max((each.created_at for each in messages), default=datetime.fromtimestamp(0, UTC))
    return TwilioCursor(int(created.timestamp())).encode_after(messages)


def parse_cursor(cursor: str) -> TwilioCursor:
    """Return the position of a stored cursor.

    Raises:
        PermanentFailure: it is none of ours.
    """
    try:
        return msgspec.json.decode(cursor, type=TwilioCursor)
    except msgspec.DecodeError as error:
        raise PermanentFailure("The cursor of the last reading is not one of Twilio's.") from error


# A text of ours in the log


def lookup_candidates(
    outbound: Outbound, messages: Sequence[LoggedMessage], began_at: datetime
) -> Sequence[LoggedMessage]:
    """Return the texts with the same ends as an attempt, perhaps the attempt's own."""
    # Twilio has no tag of ours, so only the two ends and the time can tell the attempt.
    first, last = began_at - _CLOCK_SLACK, began_at + _MAX_REQUEST_TIME
    return [
        each
        for each in messages
        if each.is_outbound
        and each.sender == outbound.sender
        and each.recipient == outbound.recipient
        and first <= each.created_at <= last
    ]


def same_text(sent_text: str, logged_text: str) -> bool | None:
    """Return True for the same text, False for another, None for a hidden or similar text.

    Twilio may put a notice in front (a trial account's), write punctuation in other letters
    (smart encoding) or hide the text (redaction), so letters and digits alone decide.
    """
    if sent_text.strip() == logged_text.strip():
        return True
    sent_letters, logged_letters = (
        _NON_ALPHANUMERIC.sub("", words).casefold() for words in (sent_text, logged_text)
    )
    if not sent_letters or not logged_letters:
        return None
    if logged_letters.endswith(sent_letters):
        return True
    is_similar = sent_letters[:8] == logged_letters[:8] and abs(
        len(sent_letters) - len(logged_letters)
    ) * 10 <= len(sent_letters)
    return None if is_similar else False
