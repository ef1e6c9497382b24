"""Parses days and times in people's texts, by their own clock and country's customs.

A wrong day taken in silence is worse than a question asked again. So a text is understood only
where each of its words is accounted for, and where all ways to understand it come to the same day
or time.
Nothing here depends on the process's locale.
"""

from cooee.core.parsing.dates.reading import (
    DateNotUnderstood,
    parse_birthday,
    parse_date,
    parse_datetime,
    parse_time,
)

__all__ = ["DateNotUnderstood", "parse_birthday", "parse_date", "parse_datetime", "parse_time"]
