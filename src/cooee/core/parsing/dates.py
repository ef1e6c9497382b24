"""Parses dates and times in people's texts, by their own clock and country's customs."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateparser.date import DateDataParser

from cooee.core.phone_numbers import country_of

_MONTH_FIRST_COUNTRIES = frozenset({"US", "PH", "FM", "MH", "PW", "GU", "AS", "PR", "VI", "MP"})
_YEAR_FIRST_COUNTRIES = frozenset({"CN", "JP", "KR", "KP", "TW", "HU", "MN", "LT", "IR"})
_MAX_AHEAD = timedelta(days=20 * 366)

# As people text them, and dateparser does not know. "Saturday arvo" stays unclear, and is.
_RESPELLINGS = {
    r"\b(?:tmrw|tmr|tmw|tmrow|tomoz|tomo|tomorow|tomm?orr?ow|2mor+ow?|2mrw)\b": "tomorrow",
    r"\b(?:tdy|2day)\b": "today",
    r"\b(?:tonite|2nite|2night)\b": "tonight",
    r"\b(?:thurs|thur|thrs)\b\.?": "thursday",
    r"\b(?:weds|wednes)\b\.?": "wednesday",
    r"\b(?:noon|midday|12 ?noon)\b": "12:00",
    r"\bo'?clock\b": "",
    r"\bday after tomorrow\b": "in 2 days",
    r"^(?:the )?day after$": "unclear",
    r"\btonight,?(?: at)? (\d{1,2}(?:[:.]\d\d)?)(?: ?pm)?\b": r"today \1pm",
    r"\bhalf past (\d{1,2})\b": r"\1:30",
    r"\bquarter past (\d{1,2})\b": r"\1:15",
    r"(\d)\.(\d\d)(?= ?[ap]m\b)": r"\1:\2",
    r"^(?:on|at|by|for|around|about)\s+": "",
}
_RESPELLING_PATTERNS = [
    (re.compile(pattern, re.IGNORECASE), words) for pattern, words in _RESPELLINGS.items()
]
_BARE_NUMBER = re.compile(r"[+-]?\d{1,3}([.,]\d+)?")
_MILITARY_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)(?: ?h(?:rs|ours)?)?", re.IGNORECASE)
_EXPLICIT_YEAR = re.compile(r"\b\d{4}\b|\d[/.-]\d\d?[/.-]\d\d\b")
_PAST_WORD = re.compile(r"\b(?:ago|last|yesterday)\b", re.IGNORECASE)
_WEEKDAY_NAMES = [name.lower() for name in [*calendar.day_name, *calendar.day_abbr]]
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAY_NAMES)}|tues)\b", re.IGNORECASE)
_EXPLICIT_TIME = re.compile(r"\d ?[ap]\.?m\b|\d[:.]\d\d|\b[ap]m\b", re.IGNORECASE)


class DateNotUnderstood(ValueError):
    """The text names no day or time, or may name several."""


def parse_date(text: str, now: datetime, our_number: str) -> date:
    """Parse a day: "tomorrow", "next Tuesday", "25 Dec", "3/4" (by the country of `our_number`).

    Raises:
        DateNotUnderstood: the text names no day, or only a month or a week.
    """
    words = _respell(text)
    parsed, period = _parse_words(words, now, our_number)
    if period == "time" and not _names_day(words, now, our_number):
        raise DateNotUnderstood("That is a time without a day.")
    if period not in {"day", "time", "part_of_day"} and not any(map(str.isdigit, words)):
        raise DateNotUnderstood("That is not one day.")
    return _moved_to_future(words, parsed, now).date()


def parse_time(text: str, now: datetime) -> time:
    """Parse a time of day: "3pm", "15:30", "noon"; not "7", which may be either.

    Raises:
        DateNotUnderstood: the text names no time of day.
    """
    words = _respell(text)
    military = _MILITARY_TIME.fullmatch(words)
    if military is not None:
        return time(int(military[1]), int(military[2]))
    parsed, period = _parse_words(words, now, "")
    if period != "time" or not _EXPLICIT_TIME.search(words):
        raise DateNotUnderstood("That is not a time of day.")
    return parsed.time()


def parse_datetime(text: str, now: datetime, our_number: str) -> datetime:
    """Parse a day and a time: "tomorrow 3pm", "in two hours"; "3pm" is the next 3pm.

    The result is in the zone of `now`. A local time that a change of clocks leaves out is moved
    ahead by as much; of a local time that comes twice, the first is meant.

    Raises:
        DateNotUnderstood: the text names no time, or a day without a time.
    """
    words = _respell(text)
    parsed, period = _parse_words(words, now, our_number)
    if period != "time":
        raise DateNotUnderstood("That is a day without a time.")
    if not _EXPLICIT_TIME.search(words):  # "in 3 hours" is counted on the clock, not on the dial
        elapsed = parsed - now.replace(tzinfo=None)
        return (now.astimezone(UTC) + elapsed).astimezone(now.tzinfo)
    local = parsed
    if local < now.replace(tzinfo=None) and not _names_day(words, now, our_number):
        local += timedelta(days=1)
    local = _moved_to_future(words, local, now)
    return local.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def _respell(text: str) -> str:
    words = " ".join(text.replace("’", "'").split()).strip(" .!?,")  # noqa: RUF001 -- as phones write it
    for spelling, plain in _RESPELLING_PATTERNS:
        words = spelling.sub(plain, words)
    return words.strip()


def _parse_words(
    words: str, now: datetime, our_number: str, *required_parts: str
) -> tuple[datetime, str]:
    if not words or _BARE_NUMBER.fullmatch(words):
        raise DateNotUnderstood("A number alone is no day and no time.")
    country = country_of(our_number)
    order = (
        "MDY"
        if country in _MONTH_FIRST_COUNTRIES
        else "YMD"
        if country in _YEAR_FIRST_COUNTRIES
        else "DMY"
    )
    settings: dict[str, Any] = {
        "DATE_ORDER": order,
        "PREFER_DATES_FROM": "future",
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "RETURN_TIME_AS_PERIOD": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    if required_parts:
        settings["REQUIRE_PARTS"] = list(required_parts)
    parser = DateDataParser(languages=["en"], settings=settings)
    data = parser.get_date_data(words)
    if data.date_obj is None or data.period in {None, "year", "month"}:
        raise DateNotUnderstood("That names no day and no time.")
    return data.date_obj, str(data.period)


def _names_day(words: str, now: datetime, our_number: str) -> bool:
    if _WEEKDAY.search(words):
        return True
    try:
        _parse_words(words, now, our_number, "day")
    except DateNotUnderstood:
        return False
    return True


def _moved_to_future(words: str, parsed: datetime, now: datetime) -> datetime:
    """Move a parsed moment to the future, unless the words point to the past.

    "The 1st" is next month's where this month's is over.
    """
    local = now.replace(tzinfo=None)
    if parsed > local + _MAX_AHEAD:
        raise DateNotUnderstood("That is too far ahead to be meant.")
    if parsed.date() >= local.date() or _PAST_WORD.search(words) or _EXPLICIT_YEAR.search(words):
        return parsed
    if _WEEKDAY.search(words):
        raise DateNotUnderstood("That weekday and that day do not fit.")
    for months in (1, 2):  # the 31st is not in every month
        year, month = divmod(local.month - 1 + months, 12)
        try:
            return parsed.replace(year=local.year + year, month=month + 1)
        except ValueError:
            continue
    raise DateNotUnderstood("That day is over.")
