"""The shape of a language's names and words for days and times."""

from __future__ import annotations

import msgspec


class Language(msgspec.Struct, frozen=True):
    """A language's names and words.

    Names of one month or weekday (from Monday) stand between slashes. `short_weekdays` are words
    that mean something else too, so they only confirm another day. Each line of `words` has the
    atoms (see `scanner`) before the colon, and behind it the phrases that stand for them.
    """

    months: str
    weekdays: str
    words: str
    short_weekdays: str = ""
    ordinal_endings: str = ""
