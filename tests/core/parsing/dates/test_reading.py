"""Days and times as people text them: the table of texts, and what holds for all texts."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cooee.core.parsing.dates import (
    DateNotUnderstood,
    parse_birthday,
    parse_date,
    parse_datetime,
    parse_time,
)
from cooee.core.parsing.dates.customs import MAX_AHEAD, MAX_AHEAD_WITHOUT_YEAR
from cooee.core.parsing.dates.languages import LANGUAGES

SYDNEY = ZoneInfo("Australia/Sydney")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=SYDNEY)  # a Wednesday
AU, US = "+61491570006", "+12125550123"
NUMBERS = {
    "AU": AU, "US": US, "CA": "+14165550123", "JP": "+819012345678", "DE": "+4915112345678",
    "FR": "+33612345678", "ES": "+34612345678", "IT": "+393312345678", "PT": "+351912345678",
    "NL": "+31612345678", "DK": "+4521234567", "NO": "+4740612345", "SE": "+46701234567",
    "PL": "+48512345678",
}  # fmt: skip
PARSERS = {
    "date": parse_date, "time": parse_time, "datetime": parse_datetime, "Birthday": parse_birthday,
}  # fmt: skip


def rows():
    """Yield the type, the country, the answer and the text of each text of the table."""
    kind = country = ""
    for line in (Path(__file__).parent / "texts.txt").read_text().splitlines():
        if heading := re.fullmatch(r"\[(\w+) (\w\w)\]", line):
            kind, country = heading.groups()
        elif line and not line.startswith("#"):
            answer, _, texts = line.partition(" = ")
            yield from ((kind, country, answer, text) for text in texts.split(" | "))


ROWS = list(rows())


def understood(kind, text, number, now=NOW):
    """Return the answer as the table writes it."""
    try:
        answer = PARSERS[kind](text, now, number)
    except DateNotUnderstood:
        return "?"
    if isinstance(answer, datetime):
        return f"{answer:%Y-%m-%d %H:%M}"
    return f"{answer:%H:%M}" if isinstance(answer, time) else str(answer)


def test_the_table_has_many_texts_and_half_of_them_are_asked_again():
    refused = sum(answer == "?" for _, _, answer, _ in ROWS)
    assert len(ROWS) >= 1_000
    assert refused >= len(ROWS) / 2


@pytest.mark.parametrize("kind", PARSERS)
def test_each_text_is_what_is_meant_or_is_asked_again(kind):
    wrong = [
        (country, text, answer, found)
        for each, country, answer, text in ROWS
        if each == kind and (found := understood(kind, text, NUMBERS[country])) != answer
    ]
    assert wrong == []


# What reads back

UPCOMING = st.dates(NOW.date(), NOW.date() + MAX_AHEAD_WITHOUT_YEAR)
ANY_DAY = st.dates(date(1990, 1, 1), NOW.date() + MAX_AHEAD)
MONTHS = "January February March April May June July August September October November December"
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"


def names(day: date) -> dict[str, str]:
    month, weekday = MONTHS.split()[day.month - 1], WEEKDAYS.split()[day.weekday()]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 * (day.day // 10 != 1), "th")
    return {
        "d": f"{day.day}", "dd": f"{day.day:02}", "m": f"{day.month}", "mm": f"{day.month:02}",
        "month": month, "mon": month[:3], "weekday": weekday, "wd": weekday[:3],
        "th": f"{day.day}{ending}", "y": f"{day.year}", "yy": f"{day.year % 100:02}",
    }  # fmt: skip


WITH_YEAR = [
    "{y}-{mm}-{dd}", "{y}/{m}/{d}", "{d}/{m}/{y}", "{dd}/{mm}/{y}", "{d}.{m}.{y}", "{d}-{m}-{y}",
    "{d} {month} {y}", "{d} {mon} {y}", "{month} {d}, {y}", "{mon} {th} {y}", "{d}-{mon}-{y}",
    "the {th} of {month} {y}", "{weekday} {d} {month} {y}", "{wd}, {d}/{m}/{y}", "{d}{mon}{y}",
]  # fmt: skip
WITHOUT_YEAR = [
    "{d}/{m}", "{dd}/{mm}", "{d} {month}", "{mon} {d}", "{d}{mon}", "{th} of {month}", "{d}-{mon}",
    "{weekday} {d} {month}", "{wd} {d}/{m}", "{month} {th}", "on {weekday}, the {th} of {month}",
]  # fmt: skip


@given(ANY_DAY, st.sampled_from(WITH_YEAR))
def test_a_day_with_its_year_reads_back_in_every_spelling(day, spelling):
    assert parse_date(spelling.format(**names(day)), NOW, AU) == day


@given(UPCOMING, st.sampled_from(WITHOUT_YEAR))
def test_a_day_without_its_year_reads_back_in_every_spelling(day, spelling):
    assert parse_date(spelling.format(**names(day)), NOW, AU) == day


@given(UPCOMING, st.times(), st.sampled_from(WITHOUT_YEAR), st.sampled_from(["{c}", "{c}, "]))
def test_a_moment_reads_back_in_front_of_its_day_and_behind(day, at, spelling, order):
    at = at.replace(second=0, microsecond=0)
    wanted = datetime.combine(day, at, SYDNEY)
    exists = wanted.astimezone(UTC).astimezone(SYDNEY).replace(tzinfo=None) == datetime.combine(
        day, at
    )
    if wanted < NOW or not exists:
        return
    clock = f"{at.hour % 12 or 12}:{at.minute:02}{'pm' if at.hour >= 12 else 'am'}"
    words = spelling.format(**names(day))
    assert parse_datetime(f"{words} at {clock}", NOW, AU) == wanted
    assert parse_datetime(f"{clock} {words}", NOW, AU) == wanted
    assert parse_date(f"{words} {clock}", NOW, AU) == day


@given(
    st.datetimes(NOW.replace(tzinfo=None), NOW.replace(tzinfo=None, year=2040)),
    st.integers(-56, 56),
)
def test_a_moment_in_iso_8601_reads_back_with_its_offset(local, quarters):
    sign, (hours, minutes) = "-+"[quarters >= 0], divmod(abs(quarters) * 15, 60)
    text = f"{local.replace(microsecond=0).isoformat()}{sign}{hours:02}:{minutes:02}"
    if datetime.fromisoformat(text) > NOW:
        assert parse_datetime(text, NOW, AU) == datetime.fromisoformat(text)


@given(
    st.datetimes(NOW.replace(tzinfo=None, year=2020), NOW.replace(tzinfo=None, year=2040)),
    st.integers(0, MAX_AHEAD_WITHOUT_YEAR.days),
    st.sampled_from(WITHOUT_YEAR),
)
def test_a_day_reads_back_whenever_it_is_sent(now, ahead, spelling):
    now = now.replace(tzinfo=SYDNEY)
    day = now.date() + timedelta(ahead)
    assert parse_date(spelling.format(**names(day)), now, AU) == day


@given(
    st.datetimes(NOW.replace(tzinfo=None, year=2020), NOW.replace(tzinfo=None, year=2040)),
    st.integers(0, 6),
)
def test_a_weekday_is_the_coming_one_and_the_next_one_is_never_guessed(now, number):
    now, name = now.replace(tzinfo=SYDNEY), WEEKDAYS.split()[number]
    ahead = (number - now.weekday()) % 7
    if ahead:
        assert parse_date(name, now, AU) == now.date() + timedelta(ahead)
    else:
        with pytest.raises(DateNotUnderstood):
            parse_date(name, now, AU)
    with suppress(DateNotUnderstood):
        found = parse_date(f"next {name}", now, AU)
        assert (found.weekday(), found - now.date() <= timedelta(7)) == (number, True)
        assert now.weekday() == 6 or number <= now.weekday()  # it is in the next calendar week, too


@pytest.mark.parametrize(
    ("now", "text", "day"),
    [
        ("2026-12-31", "1 Jan", "2027-01-01"), ("2026-12-31", "the 1st", "2027-01-01"),
        ("2027-01-31", "the 31st", "2027-01-31"), ("2027-02-01", "the 31st", "2027-03-31"),
        ("2028-02-01", "29 feb", "2028-02-29"), ("2027-11-01", "29 feb", "2028-02-29"),
        ("2027-01-31", "in a month", "?"), ("2027-01-30", "in 2 months", "2027-03-30"),
        ("2026-11-29", "next monday", "?"), ("2026-11-29", "next sunday", "2026-12-06"),
        ("2026-11-28", "sunday", "2026-11-29"), ("2026-11-30", "next friday", "?"),
        ("2026-11-27", "next monday", "2026-11-30"), ("2026-12-01", "24 nov", "?"),
    ],
)  # fmt: skip
def test_a_day_at_the_edge_of_a_month_or_a_week(now, text, day):
    at = datetime.fromisoformat(f"{now}T10:00").replace(tzinfo=SYDNEY)
    assert understood("date", text, AU, at) == day


LOCAL = {"en": "AU", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "pt": "PT", "nl": "NL",
         "da": "DK", "nb": "NO", "sv": "SE", "pl": "PL"}  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_name_of_a_month_and_a_weekday_is_understood_where_it_is_spoken(code):
    number, language = NUMBERS[LOCAL[code]], LANGUAGES[code]
    for month, spellings in enumerate(language.months.split("/"), 1):
        for spelling in spellings.split():
            assert parse_date(f"5 {spelling} 2027", NOW, number) == date(2027, month, 5), spelling
    for weekday, spellings in enumerate(language.weekdays.split("/")):
        day = NOW.date() + timedelta((weekday - NOW.weekday()) % 7)
        for spelling in spellings.split():
            if day != NOW.date():
                assert parse_date(spelling.upper(), NOW, number) == day, spelling


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_language_counts_only_where_it_is_spoken(code):
    mine = {text for _, country, _, text in ROWS if country == LOCAL[code]}
    tomorrow = {"de": "morgen", "fr": "demain", "es": "mañana", "it": "domani", "pt": "amanhã",
                "nl": "overmorgen", "da": "i morgen", "nb": "i morgen", "sv": "imorgon",
                "pl": "jutro"}[code]  # fmt: skip
    assert tomorrow in mine
    assert understood("date", tomorrow, NUMBERS[LOCAL[code]]) != "?"
    assert understood("date", tomorrow, AU) == "?"


# What is asked again

UNDERSTOOD = [
    (PARSERS[kind], NUMBERS[country], text)
    for kind, country, answer, text in ROWS
    if answer != "?" and country in {"AU", "US", "DE", "ES"}
]


@given(
    st.sampled_from(UNDERSTOOD),
    st.integers(0, 8),
    st.sampled_from(["xyzzy", "not", "or", "people"]),
)
def test_no_text_with_an_unknown_word_is_accepted(known, place, word):
    parse, number, text = known
    words = text.split()
    words.insert(min(place, len(words)), word)
    with pytest.raises(DateNotUnderstood):
        parse(" ".join(words), NOW, number)


@given(
    ANY_DAY, ANY_DAY, st.sampled_from(WITH_YEAR), st.sampled_from([" ", ", ", " - ", " / ", "-"])
)
def test_two_days_are_no_day(first, second, spelling, between):
    if first != second:
        text = between.join(spelling.format(**names(day)) for day in (first, second))
        with pytest.raises(DateNotUnderstood):
            parse_date(text, NOW, AU)


@given(
    st.integers(1, 12),
    st.integers(0, 59),
    st.sampled_from(["{h}:{m:02}", "{h}", "at {h}", "{h}.{m:02}"]),
)
def test_an_hour_without_its_half_of_the_day_is_never_guessed(hour, minute, spelling):
    for day in ("", "tomorrow ", "25 december "):
        with pytest.raises(DateNotUnderstood):
            parse_datetime(day + spelling.format(h=hour, m=minute), NOW, AU)


@given(
    ANY_DAY, st.integers(1, 6), st.sampled_from(["{weekday} {d} {month} {y}", "{wd} {d}/{m}/{y}"])
)
def test_a_weekday_that_contradicts_its_date_is_asked_again(day, off, spelling):
    wrong = WEEKDAYS.split()[(day.weekday() + off) % 7]
    with pytest.raises(DateNotUnderstood):
        parse_date(spelling.format(**names(day) | {"weekday": wrong, "wd": wrong[:3]}), NOW, AU)


WORDS = sorted({word for _, _, _, text in ROWS for word in text.split()} | {"3", "25", "/", "-"})


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join))
@example("27 " * 14)
@example("h " * 30)
@example("the day after " * 5 + "tomorrow")
def test_a_day_without_its_year_is_never_beyond_its_horizon(text):
    for parse in (parse_date, parse_datetime):
        with suppress(DateNotUnderstood):
            found = parse(text, NOW, NUMBERS["DE"])
            ahead = (found if type(found) is date else found.date()) - NOW.date()
            assert ahead <= MAX_AHEAD
            if not re.search(r"\d\d|'\d|year|jahr|month|monat|week|woche", text, re.IGNORECASE):
                assert ahead <= MAX_AHEAD_WITHOUT_YEAR


@given(st.text(max_size=30) | st.text("0123456789/-:. apm", max_size=12))
def test_no_text_raises_anything_else(words):
    for parse in PARSERS.values():
        with suppress(DateNotUnderstood):
            parse(words, NOW, AU)


@given(
    st.sampled_from(UNDERSTOOD), st.sampled_from(["\u200b", "\u2060", "\ufeff", "\u00ad", "\u200e"])
)
def test_invisible_characters_change_no_day(known, mark):
    parse, number, text = known
    marked = mark + text[:1] + mark + text[1:] + mark
    assert parse(marked, NOW, number) == parse(text, NOW, number)


def test_a_long_text_costs_no_time():
    for text in ("7 " * 10_000, "10.10 " * 13, "27 " * 14, "sa di " * 12, "x" * 100_000):
        with suppress(DateNotUnderstood):
            parse_date(text, NOW, NUMBERS["DE"])


# Clocks that change, zones, and two countries


def test_a_moment_is_right_across_a_change_of_clocks():
    # Sydney's clocks go from 2:00 to 3:00 on 4 October 2026, and back on 5 April 2026.
    before = datetime(2026, 10, 3, 23, 0, tzinfo=SYDNEY)
    assert parse_datetime("tomorrow 9am", before, AU).astimezone(UTC).hour == 22
    assert parse_datetime("in 6 hours", before, AU).hour == 6
    with pytest.raises(DateNotUnderstood):  # there is no such time
        parse_datetime("tomorrow 2:30am", before, AU)
    autumn = datetime(2026, 4, 4, 23, 0, tzinfo=SYDNEY)
    assert parse_datetime("in 6 hours", autumn, AU).hour == 4
    first = parse_datetime("tomorrow 2:30am", autumn, AU)  # it comes twice
    assert first.utcoffset() == timedelta(hours=11)


def test_tomorrow_in_another_zone_is_asked_again_where_it_is_another_day_there():
    with pytest.raises(DateNotUnderstood):
        parse_datetime("tomorrow 3pm UTC", NOW, AU)  # in UTC it is Tuesday
    evening = NOW.replace(hour=20)
    found = parse_datetime("tomorrow 3pm UTC", evening, AU)
    assert found == datetime(2026, 11, 26, 15, tzinfo=UTC)


def test_where_the_countries_of_both_numbers_differ_three_four_is_asked_again():
    assert parse_date("3/4", NOW, AU, AU) == date(2027, 4, 3)
    assert parse_date("3/4", NOW, US, US) == date(2027, 3, 4)
    with pytest.raises(DateNotUnderstood):
        parse_date("3/4", NOW, AU, US)
    assert parse_date("25/12", NOW, AU, US) == date(2026, 12, 25)
    assert parse_date("übermorgen", NOW, AU, NUMBERS["DE"]) == date(2026, 11, 27)


@pytest.mark.parametrize(
    ("parse", "text", "hint"),
    [
        (parse_date, "next friday", "Which day is that? Please send its date, like 24 December."),
        (parse_date, "24 Nov", "Which year? Please send it too, like 24 December 2027."),
        (parse_time, "7", ""),
        (parse_time, "7:30", "Is that before or after noon? Please send a time like 3:30pm."),
        (parse_date, "hello", ""),
    ],
)
def test_what_is_doubtful_has_its_own_hint(parse, text, hint):
    with pytest.raises(DateNotUnderstood) as refused:
        parse(text, NOW, AU)
    assert refused.value.hint == hint
