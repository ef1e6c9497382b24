"""Days and times in a person's words, as of their own clock and by their country's customs."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateparser.date import DateDataParser

from cooee.core.phone_numbers import country

_MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW", "GU", "AS", "PR", "VI", "MP"})
_YEAR_FIRST = frozenset({"CN", "JP", "KR", "KP", "TW", "HU", "MN", "LT", "IR"})
_FARTHEST = timedelta(days=20 * 366)

# As people text them, and dateparser does not know. "Saturday arvo" stays unclear, and is.
_TEXTED = {
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
_SPELLINGS = [(re.compile(pattern, re.IGNORECASE), words) for pattern, words in _TEXTED.items()]
_BARE = re.compile(r"[+-]?\d{1,3}([.,]\d+)?")
_MILITARY = re.compile(r"([01]\d|2[0-3])([0-5]\d)(?: ?h(?:rs|ours)?)?", re.IGNORECASE)
_YEAR = re.compile(r"\b\d{4}\b|\d[/.-]\d\d?[/.-]\d\d\b")
_PAST = re.compile(r"\b(?:ago|last|yesterday)\b", re.IGNORECASE)
_NAMES = [name.lower() for name in [*calendar.day_name, *calendar.day_abbr]]
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_NAMES)}|tues)\b", re.IGNORECASE)
_OF_ITS_OWN = re.compile(r"\d ?[ap]\.?m\b|\d[:.]\d\d|\b[ap]m\b", re.IGNORECASE)


class Unclear(ValueError):
    """Words that name no day or time, or may name several."""


def day(text: str, now: datetime, near: str) -> date:
    """A day: "tomorrow", "next Tuesday", "25 Dec", "3/4" (by the country of `near`).

    Raises:
        Unclear: it names none, or only a month or a week.
    """
    words = _respelt(text)
    found, period = _parsed(words, now, near)
    if period == "time" and not _names_day(words, now, near):
        raise Unclear("That is a time without a day.")
    if period not in {"day", "time", "part_of_day"} and not any(map(str.isdigit, words)):
        raise Unclear("That is not one day.")
    return _ahead(words, found, now).date()


def clock(text: str, now: datetime) -> time:
    """A time of day: "3pm", "15:30", "noon"; not "7", which may be either.

    Raises:
        Unclear: it names none.
    """
    words = _respelt(text)
    military = _MILITARY.fullmatch(words)
    if military is not None:
        return time(int(military[1]), int(military[2]))
    found, period = _parsed(words, now, "")
    if period != "time" or not _OF_ITS_OWN.search(words):
        raise Unclear("That is not a time of day.")
    return found.time()


def moment(text: str, now: datetime, near: str) -> datetime:
    """A day and a time: "tomorrow 3pm", "in two hours"; a time alone is the next such time.

    It is given in the zone of `now`. A local time that a change of clocks left out is moved
    ahead by as much, and of one that came twice the first is meant.

    Raises:
        Unclear: it names none, or a day without a time.
    """
    words = _respelt(text)
    found, period = _parsed(words, now, near)
    if period != "time":
        raise Unclear("That is a day without a time.")
    if not _OF_ITS_OWN.search(words):  # "in 3 hours" is counted on the clock, not on the dial
        passed = found - now.replace(tzinfo=None)
        return (now.astimezone(UTC) + passed).astimezone(now.tzinfo)
    local = found
    if local < now.replace(tzinfo=None) and not _names_day(words, now, near):
        local += timedelta(days=1)
    local = _ahead(words, local, now)
    return local.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def _respelt(text: str) -> str:
    words = " ".join(text.replace("’", "'").split()).strip(" .!?,")  # noqa: RUF001 -- as phones write it
    for spelling, plain in _SPELLINGS:
        words = spelling.sub(plain, words)
    return words.strip()


def _parsed(words: str, now: datetime, near: str, *parts: str) -> tuple[datetime, str]:
    if not words or _BARE.fullmatch(words):
        raise Unclear("A number alone is no day and no time.")
    region = country(near)
    order = "MDY" if region in _MONTH_FIRST else "YMD" if region in _YEAR_FIRST else "DMY"
    settings: dict[str, Any] = {
        "DATE_ORDER": order,
        "PREFER_DATES_FROM": "future",
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "RETURN_TIME_AS_PERIOD": True,
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    if parts:
        settings["REQUIRE_PARTS"] = list(parts)
    parser = DateDataParser(languages=["en"], settings=settings)
    data = parser.get_date_data(words)
    if data.date_obj is None or data.period in {None, "year", "month"}:
        raise Unclear("That names no day and no time.")
    return data.date_obj, str(data.period)


def _names_day(words: str, now: datetime, near: str) -> bool:
    if _WEEKDAY.search(words):
        return True
    try:
        _parsed(words, now, near, "day")
    except Unclear:
        return False
    return True


def _ahead(words: str, found: datetime, now: datetime) -> datetime:
    """What was named, in the future unless the words point to the past.

    "The 1st" is next month's where this month's is over.
    """
    local = now.replace(tzinfo=None)
    if found > local + _FARTHEST:
        raise Unclear("That is too far ahead to be meant.")
    if found.date() >= local.date() or _PAST.search(words) or _YEAR.search(words):
        return found
    if _WEEKDAY.search(words):
        raise Unclear("That weekday and that day do not fit.")
    for months in (1, 2):  # the 31st is not in every month
        year, month = divmod(local.month - 1 + months, 12)
        try:
            return found.replace(year=local.year + year, month=month + 1)
        except ValueError:
            continue
    raise Unclear("That day is over.")
