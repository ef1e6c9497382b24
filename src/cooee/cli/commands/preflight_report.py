"""The report of `cooee preflight`: dry-run results, grouped and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cooee.core.one_line import to_one_line

if TYPE_CHECKING:
    from cooee.runtime.preflight import DryRunOutcome, DryRunResult
    from cooee.storage import StoredDialogue

_HEADINGS: Mapping[DryRunOutcome, str] = {
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
_FAILURES: Sequence[DryRunOutcome] = ("breaks", "unreadable", "unknown")
_SURPRISES: Sequence[DryRunOutcome] = ("asks", "ends")
_ADVICE: Mapping[DryRunOutcome, str] = {
    "asks": "Where that is the old question in other words, let its answer count:"
    ' chat.ask("new words", was="old words").',
    "breaks": "As long as they break there, their next text is set aside.",
    "unreadable": "They are set aside, and nothing of them is overwritten.",
    "unknown": 'Renamed? @app.dialogue(…, was="old name") above the new one. Given up?'
    ' app.retire("old name", say="…") ends it politely.',
}


class ResultGroup:
    """The dialogues of a single outcome and line, with the first dialogue as the example."""

    def __init__(self, result: DryRunResult, person: str) -> None:
        self.result, self.person = result, person
        self.dialogues = self.people = 0
        self._last = b""

    def add(self, stored: StoredDialogue) -> None:
        """Count a further dialogue; dialogues come person by person."""
        self.dialogues += 1
        self.people += stored.conversation != self._last
        self._last = stored.conversation

    def example(self, *, numbers: bool) -> str:
        """Return the number of the example's person, masked unless `numbers`."""
        return self.person if numbers else _mask_number(self.person)

    def text(self, *, numbers: bool) -> str:
        """Return the example's text, with its person's number masked unless `numbers`."""
        words = self.result.words
        return words if numbers else words.replace(self.person, _mask_number(self.person))


class PreflightReport:
    """Dry-run results of all dialogues, group by group."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], ResultGroup] = {}

    def add(self, stored: StoredDialogue, result: DryRunResult) -> None:
        """Add a dialogue to its group."""
        group_key = (result.outcome, result.handler, result.what, result.where)
        if group_key not in self._groups:
            self._groups[group_key] = ResultGroup(result, stored.theirs)
        self._groups[group_key].add(stored)

    def is_ok(self, *, strict: bool) -> bool:
        """Say whether all dialogues go on and, if strict, go on without a question asked anew."""
        outcomes = {group.result.outcome for group in self._groups.values()}
        return outcomes.isdisjoint((*_FAILURES, *_SURPRISES) if strict else _FAILURES)

    def lines(self, *, numbers: bool) -> Iterator[str]:
        """Return the report for people, line by line."""
        if not self._groups:
            yield "Nobody is in the middle of a dialogue."
        for outcome, heading in _HEADINGS.items():
            groups = self._groups_of(outcome)
            if groups:
                yield f"{sum(group.dialogues for group in groups):>9,} {heading}"
                for group in groups:
                    for line in _group_lines(group, numbers=numbers):
                        yield f"{'':12}{line}".replace(f"{Path.cwd()}/", "")
                if outcome in _ADVICE:
                    yield f"{'':10}{_ADVICE[outcome]}"

    def as_json(self, *, numbers: bool) -> dict[str, object]:
        """Return the report for scripts."""
        groups = [group for outcome in _HEADINGS for group in self._groups_of(outcome)]
        groups_json = [_result_json(group, numbers=numbers) for group in groups]
        return {"dialogues": sum(group.dialogues for group in groups), "groups": groups_json}

    def _groups_of(self, outcome: DryRunOutcome) -> Sequence[ResultGroup]:
        found = [group for group in self._groups.values() if group.result.outcome == outcome]
        return sorted(found, key=lambda group: -group.dialogues)


def _group_lines(group: ResultGroup, *, numbers: bool) -> Iterator[str]:
    result, text = group.result, to_one_line(group.text(numbers=numbers))
    if result.outcome in {"continues", "begins", "retired"}:
        return
    people = f"{_count_people(group)}, like {group.example(numbers=numbers)}"
    yield f"{result.handler}: {_describe_result(result, text)}  ({people})"
    for frame in result.trace:
        yield from (f"    {line}" for line in frame.splitlines())


def _describe_result(result: DryRunResult, text: str) -> str:
    before = f"; before, it was at “{to_one_line(result.before)}”" if result.before else ""
    if result.outcome == "does":
        return f"{result.what}, once{before}"
    if result.outcome == "asks" and result.what == "sleeps":
        return f"{result.where} sleeps{before}"
    if result.outcome == "asks":
        return f"{result.where} “{text}”{before}"
    if result.outcome == "ends":
        last_text = f", saying “{text}”" if text else ""
        return f"{result.what}{last_text}{before}"
    if result.outcome == "breaks":
        return f"{result.what}: {text}"
    return text or "not there"


def _count_people(group: ResultGroup) -> str:
    people = "1 person" if group.people == 1 else f"{group.people:,} people"
    return people if group.people == group.dialogues else f"{group.dialogues:,} of {people}"


def _result_json(group: ResultGroup, *, numbers: bool) -> dict[str, object]:
    fields = {name: getattr(group.result, name) for name in group.result.__struct_fields__}
    counts = {"dialogues": group.dialogues, "people": group.people}
    example = {"words": group.text(numbers=numbers), "person": group.example(numbers=numbers)}
    return {**fields, **counts, **example}


def _mask_number(number: str) -> str:
    """Mask a person's number: the log of a deploy is read by many."""
    return f"{number[:3]}…{number[-3:]}"
