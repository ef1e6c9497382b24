"""Verdicts on dialogues, counted, and told to a person or to a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cooee.core.one_line import one_line

if TYPE_CHECKING:
    from cooee.runtime.preflight import Fate, Verdict
    from cooee.storage import Talk

_WORDS: Mapping[Fate, str] = {
    "continues": "going on where they are",
    "begins": "still to begin",
    "does": "going on, and coming to something to be done once",
    "asks": "asked something new",
    "ends": "ending now",
    "retired": "retired",
    "breaks": "breaking",
    "unreadable": "not readable",
    "unknown": "of dialogues that this app does not have",
}
_FAILING: Sequence[Fate] = ("breaks", "unreadable", "unknown")
_STRANGE: Sequence[Fate] = ("asks", "ends")
_MEND: Mapping[Fate, str] = {
    "asks": "Where that is the old question in other words, let its answer count:"
    ' chat.ask("new words", was="old words").',
    "breaks": "As long as they break there, their next text is set aside.",
    "unreadable": "They are set aside, and nothing of them is overwritten.",
    "unknown": 'Renamed? @app.dialogue(…, was="old name") above the new one. Given up?'
    ' app.retire("old name", say="…") ends it politely.',
}


class Group:
    """Dialogues of one fate at one line, and the first of them."""

    def __init__(self, first: Verdict, person: str) -> None:
        self.first, self.person = first, person
        self.dialogues = self.people = 0
        self._last = b""

    def add(self, talk: Talk) -> None:
        """Count one more; they come person by person."""
        self.dialogues += 1
        self.people += talk.conversation != self._last
        self._last = talk.conversation

    def example(self, *, numbers: bool) -> str:
        """The number of one of them, masked unless it is wanted in full."""
        return self.person if numbers else _masked(self.person)

    def words(self, *, numbers: bool) -> str:
        """What is said there; an error may quote its person's number."""
        words = self.first.words
        return words if numbers else words.replace(self.person, _masked(self.person))


class Report:
    """What was found, group by group."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], Group] = {}

    def add(self, talk: Talk, verdict: Verdict) -> None:
        """Count a dialogue."""
        place = (verdict.fate, verdict.handler, verdict.what, verdict.where)
        if place not in self._groups:
            self._groups[place] = Group(verdict, talk.theirs)
        self._groups[place].add(talk)

    def is_well(self, *, strict: bool) -> bool:
        """Whether nothing breaks; and, if strict, nobody is asked anew and nothing ends."""
        fates = {group.first.fate for group in self._groups.values()}
        return fates.isdisjoint((*_FAILING, *_STRANGE) if strict else _FAILING)

    def lines(self, *, numbers: bool) -> Iterator[str]:
        """For a person."""
        if not self._groups:
            yield "Nobody is in the middle of a dialogue."
        for fate, heading in _WORDS.items():
            groups = self._of(fate)
            if groups:
                yield f"{sum(group.dialogues for group in groups):>9,} {heading}"
                for group in groups:
                    for line in _lines(group, numbers=numbers):
                        yield f"{'':12}{line}".replace(f"{Path.cwd()}/", "")
                if fate in _MEND:
                    yield f"{'':10}{_MEND[fate]}"

    def plain(self, *, numbers: bool) -> dict[str, object]:
        """For a script."""
        groups = [group for fate in _WORDS for group in self._of(fate)]
        told = [_plain(group, numbers=numbers) for group in groups]
        return {"dialogues": sum(group.dialogues for group in groups), "groups": told}

    def _of(self, fate: Fate) -> Sequence[Group]:
        found = [group for group in self._groups.values() if group.first.fate == fate]
        return sorted(found, key=lambda group: -group.dialogues)


def _lines(group: Group, *, numbers: bool) -> Iterator[str]:
    first, words = group.first, one_line(group.words(numbers=numbers))
    if first.fate in {"continues", "begins", "retired"}:
        return
    who = f"{_people(group)}, like {group.example(numbers=numbers)}"
    yield f"{first.handler}: {_what(first, words)}  ({who})"
    for frame in first.trace:
        yield from (f"    {line}" for line in frame.splitlines())


def _what(first: Verdict, words: str) -> str:
    instead = f"; before, it was at “{one_line(first.before)}”" if first.before else ""
    if first.fate == "does":
        return f"{first.what}, once{instead}"
    if first.fate == "asks" and first.what == "sleeps":
        return f"{first.where} sleeps{instead}"
    if first.fate == "asks":
        return f"{first.where} “{words}”{instead}"
    if first.fate == "ends":
        said = f", saying “{words}”" if words else ""
        return f"{first.what}{said}{instead}"
    if first.fate == "breaks":
        return f"{first.what}: {words}"
    return words or "not there"


def _people(group: Group) -> str:
    people = "1 person" if group.people == 1 else f"{group.people:,} people"
    return people if group.people == group.dialogues else f"{group.dialogues:,} of {people}"


def _plain(group: Group, *, numbers: bool) -> dict[str, object]:
    first = {name: getattr(group.first, name) for name in group.first.__struct_fields__}
    counted = {"dialogues": group.dialogues, "people": group.people}
    example = {"words": group.words(numbers=numbers), "person": group.example(numbers=numbers)}
    return {**first, **counted, **example}


def _masked(number: str) -> str:
    """A person's number, as far as it may stand in the log of a deploy."""
    return f"{number[:3]}…{number[-3:]}"
