"""The customs by which a country writes days and times."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, timedelta

import msgspec

from cooee.core.parsing.dates.languages import false_friends, languages_of

MAX_AHEAD = timedelta(days=20 * 366)
"""The horizon of a day with its year."""
MAX_AHEAD_WITHOUT_YEAR = timedelta(days=335)
"""The horizon of a day without its year: eleven months. Later means a day of the last month, which
is asked again, since next year's is a guess."""
MAX_AGE = timedelta(days=125 * 366)
"""The age of the oldest person who was born on a `Birthday`."""

_MONTH_FIRST = frozenset("US PH FM MH PW GU AS PR VI MP".split())  # noqa: SIM905 -- a row of words
_SEVERAL_ORDERS = {"CA": ("dmy", "mdy", "YMD"), "SE": ("dmy", "YMD"), "ZA": ("dmy", "YMD")}
_YEAR_FIRST = frozenset("CN JP KR KP TW HU MN LT IR".split())  # noqa: SIM905 -- a row of words
_WITH_DOTS = frozenset("DE AT CH LI LU NO DK FI IS PL CZ SK RU UA RO BG EE LV TR RS HR SI".split())  # noqa: SIM905 -- a row of words
_24_HOURS = frozenset("DE AT CH LI LU FR BE NL IT ES PT PL SE NO DK FI CZ SK HU RO BR JP".split())  # noqa: SIM905 -- a row of words


class Customs(msgspec.Struct, frozen=True):
    """How a country writes days, and the day on which a text was sent.

    `past` is for days that are over, such as birthdays: two figures of a year are the last such.
    """

    today: date
    orders: tuple[str, ...]
    languages: tuple[str, ...]
    dots: bool
    hours24: bool
    past: bool = False
    false_friends: frozenset[str] = frozenset()

    def full_year(self, figures: str) -> int:
        """Return the year of two or four figures."""
        year = int(figures)
        if len(figures) != 2:
            return year
        year += self.today.year // 100 * 100
        horizon = 0 if self.past else 20
        return year - 100 if year > self.today.year + horizon else year


def customs_of(countries: Collection[str], today: date, *, past: bool = False) -> Customs:
    """Return the customs of all the countries; of none, days first and months first."""
    orders = {order for country in countries for order in _orders_of(country)}
    return Customs(
        today,
        tuple(orders) or ("dmy", "mdy"),
        tuple(languages_of(countries)),
        dots=any(country in _WITH_DOTS for country in countries),
        hours24=bool(countries) and all(country in _24_HOURS for country in countries),
        past=past,
        false_friends=false_friends(countries),
    )


def _orders_of(country: str) -> tuple[str, ...]:
    if country in _SEVERAL_ORDERS:
        return _SEVERAL_ORDERS[country]
    return ("mdy",) if country in _MONTH_FIRST else ("ymd",) if country in _YEAR_FIRST else ("dmy",)


def written_days(figures: str, customs: Customs) -> set[tuple[int | None, int, int]]:
    """Return the (year, month, day) that a date in figures may mean; the year may be None."""
    stroke = re.sub(r"\d", "", figures)[0]
    parts = figures.split(stroke)
    found = set()
    for order in ["ymd"] if len(parts[0]) == 4 else customs.orders:
        named = _named_parts(parts, order, stroke, customs)
        if named is not None:
            year = customs.full_year(named["y"]) if "y" in named else None
            found.add((year, int(named["m"]), int(named["d"])))
    return {each for each in found if 1 <= each[1] <= 12 and 1 <= each[2] <= 31}


def _named_parts(
    parts: list[str], order: str, stroke: str, customs: Customs
) -> dict[str, str] | None:
    """Return the figures by their letter, d, m or y; None where they are hardly a date."""
    if len(parts) == 3:
        if order.lower() == "ymd" and len(parts[2]) == 4:
            return None
        named = dict(zip(order.lower(), parts, strict=True))
        return named if len(named["y"]) in {2, 4} and len(named["d"]) <= 2 else None
    if order == "YMD":  # the year first, and days first without a year
        return None
    first, second = map(int, parts)
    # "3-4" is a span of days or hours as well, "3.5" a number.
    if stroke == "-" and not (first > 12 and first > second):
        return None
    if stroke == "." and not customs.dots:
        return None
    return dict(zip(order.replace("y", ""), parts, strict=True))
