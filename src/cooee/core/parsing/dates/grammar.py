"""The grammar: how atoms make phrases, and phrases a whole text.

Every atom belongs to exactly one phrase: a word that no phrase takes makes the text no day. Where a
text can be divided in several ways, all are returned, and what they disagree on is ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache

from cooee.core.parsing.dates import clock_phrases as clocks
from cooee.core.parsing.dates import day_phrases as days
from cooee.core.parsing.dates.atoms import MAX_CHARS, Atom, atom_sequences, fold
from cooee.core.parsing.dates.customs import Customs
from cooee.core.parsing.dates.durations import DURATION, Duration, parse_duration
from cooee.core.parsing.dates.parts import ClockPart, DayPart, ElapsedPart, HalfPart, Part, ZonePart

Builder = Callable[[Sequence[Atom], Customs], Sequence[Part | None]]
_MAX_PHRASE_ATOMS = 9


def divisions(text: str, customs: Customs) -> Iterator[list[Part]]:
    """Yield the parts of a text, once for each way to divide it into phrases of a language."""
    if len(text) > MAX_CHARS:
        return
    for language in customs.languages:
        if language == "en" and customs.false_friends & set(re.findall("[a-z]+", fold(text))):
            continue
        for sequence in atom_sequences(text, language):
            atoms = _without_weight(sequence)
            if atoms is not None:
                yield from _divide(_with_years(atoms), customs)


def _without_weight(sequence: Sequence[Atom]) -> list[Atom] | None:
    """Return the atoms that count; None where their order says something else than a day."""
    codes = "".join(atom.code for atom in sequence)
    # "2nd Wednesday" is not Wednesday the 2nd, "for 7" is 7 people, and "the 25th of" lacks a word.
    if re.search("[Ooy]W", re.sub("[_fd]", "", codes)) or re.search(
        "f(?:[Nn](?![AcMKO>])|[_s]*$)", codes
    ):
        return None
    found: list[Atom] = []
    for atom, previous in zip(sequence, ["", *codes], strict=False):
        if atom.code in "oN" and previous == "d":  # "am 25.", "le 25"
            found.append(Atom("O", atom.value))
        elif atom.code not in "_fd":
            found.append(atom)
    return found


def _with_years(found: list[Atom]) -> list[Atom]:
    """Return the atoms with the four figures of a year as such, where there is a month's name."""
    if not any(atom.code == "M" for atom in found):
        return found
    return [
        Atom("Y", atom.value) if atom.code == "N" and _YEAR.fullmatch(atom.value) else atom
        for atom in found
    ]


_YEAR = re.compile("(?:19|20)[0-9]{2}")


def _divide(atoms: Sequence[Atom], customs: Customs, start: int = 0) -> Iterator[list[Part]]:
    while start < len(atoms) and atoms[start].code == "s":
        start += 1
    # dates rule 1: a division ends where no atom is left.
    if start == len(atoms):
        yield []
        return
    codes = "".join(atom.code for atom in atoms)
    for end in range(start + 1, min(len(atoms), start + _MAX_PHRASE_ATOMS) + 1):
        for build in _builders(codes[start:end]):
            parts = build(atoms[start:end], customs)
            kept = [part for part in parts if part is not None]
            if kept and len(kept) == len(parts):
                for others in _divide(atoms, customs, end):
                    yield [*kept, *others]


@lru_cache(maxsize=4_096)
def _builders(codes: str) -> list[Builder]:
    return [build for form, build in _PHRASES if form.fullmatch(codes)]


# Phrases of several kinds of parts


def _one(build: Callable[[Sequence[Atom], Customs], Part | None]) -> Builder:
    return lambda atoms, customs: [build([a for a in atoms if a.code not in "@~"], customs)]


def _clock(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    return [clocks.clock_time(atoms, customs)]


def _hour(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    return [clocks.hour_alone(atoms, customs)]  # "at 19" is a time, "19" is not


def _part_of_day(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    """Return "evening", "in the evening", "this evening"; not "last night"."""
    half = HalfPart(atoms[-1].value)
    if atoms[0].code in "Rw":
        return [days.from_today(atoms, customs), half]
    if atoms[0].code == "W":
        return [days.weekday(atoms, customs), half]
    if atoms[0].code != "X":
        return [half]
    is_today = atoms[0].value == "this"
    return [days.from_today([Atom("R", "0")], customs), half] if is_today else [None]


def _ahead(duration: Duration | None, customs: Customs, sign: int = 1) -> Part | None:
    """Return the day or the moment so long after now, or before it."""
    if duration is None:
        return None
    if duration.is_of_hours:
        return ElapsedPart(sign * duration.rest)
    return days.shifted(days.from_today([Atom("R", "0")], customs), duration, sign)


def _in_duration(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    return [_ahead(parse_duration([a for a in atoms if a.code in "NnaHU&"]), customs)]


def _ago(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    return [_ahead(parse_duration([a for a in atoms if a.code != "G"]), customs, -1)]


def _today_in(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    duration = parse_duration(atoms[2:])
    return [days.shifted(days.from_today(atoms[:1], customs), duration)]


def _week_after(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    """Return "friday week", "tomorrow week", "a week on friday"."""
    day = next(atom for atom in atoms if atom.code in "WR")
    if next(atom.value for atom in atoms if atom.code == "U") != "week":
        return [None]
    named = days.weekday([day], customs) if day.code == "W" else days.from_today([day], customs)
    return [days.shifted(named, Duration(0, timedelta(weeks=1)))]


def _counted(atoms: Sequence[Atom], customs: Customs) -> Sequence[Part | None]:
    """Return "2 days after tomorrow", "2 hours after noon", "the day before Friday"."""
    place = next(i for i, atom in enumerate(atoms) if atom.code in "FB")
    head = list(atoms[:place])
    if head[0].code == "U" and head[0].value.endswith("s"):  # "days after Friday": how many?
        return [None]
    duration = parse_duration([Atom("a"), *head] if head[0].code == "U" else head)
    sign = 1 if atoms[place].code == "F" else -1
    found: list[Part | None] = []
    for build in _builders("".join(atom.code for atom in atoms[place + 1 :])):
        for part in build(atoms[place + 1 :], customs):
            if isinstance(part, DayPart):
                found.append(days.shifted(part, duration, sign) if duration else None)
            elif isinstance(part, ClockPart) and not part.needs_part_of_day:
                found.append(clocks.shifted_clock(part, duration, sign))
    return found if len(found) == 1 else [None]


def _zone(atoms: Sequence[Atom], _: Customs) -> Sequence[Part | None]:
    sign, figures = atoms[0].value[0], atoms[0].value[1:].replace(":", "")
    hours, minutes = (figures, "0") if len(figures) <= 2 else (figures[:-2], figures[-2:])
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > timedelta(hours=14) or int(minutes) > 59:
        return [None]
    return [ZonePart(-offset if sign == "-" else offset)]


_DAY_ANCHOR = "R|W|O|D|[NOoy]MY?|M[NOoy]Y?"
_CLOCK_ANCHOR = "K|CA?|NA"
_PHRASES: list[tuple[re.Pattern[str], Builder]] = [
    (re.compile(form), build)
    for form, build in [
        ("D", _one(days.written_date)),
        ("[NOoy]M[NY]?|M[NOoy]Y?|YM[NOoy]", _one(days.month_and_day)),
        ("[NOo]", _one(days.day_of_month)),
        ("[Ooy]XU|XU[Ooy]", _one(days.day_of_a_month)),
        ("[Ww]", _one(days.weekday)),
        ("XW|WX", _one(days.chosen_weekday)),
        ("WXU|XUW", _one(days.weekday_of_week)),
        ("R", _one(days.from_today)),
        ("[RW]U|aUW", _week_after),
        (f"i{DURATION}|{DURATION}Fj", _in_duration),
        (f"Ri{DURATION}", _today_in),
        (f"G{DURATION}|{DURATION}G", _ago),
        (f"(?:{DURATION}|U)[FB](?:{_DAY_ANCHOR}|{_CLOCK_ANCHOR})", _counted),
        ("[@i]?P|XP|[XWR]p|A", _part_of_day),
        ("@?~?C(?:A|c|U)?", _clock),
        ("@?~?[Nn](?:A|cA?)|@~?[Nn]|N|NU", _hour),
        ("~?[Nn]", _one(clocks.bare_hour)),
        ("@?~?[NC]?K", _one(clocks.noon_or_midnight)),
        ("@?~?[HqNn]U?[<>][Nn](?:A|cA?)?", _one(clocks.minutes_past)),
        ("Z", _zone),
        ("j", lambda _, __: [ElapsedPart(timedelta())]),
    ]
]
