"""What a conversation should come to: the handler in memory, over what was answered so far."""

from __future__ import annotations

import copy
from collections import Counter
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from support.random_edits.programs import bound, cut, odd

MISSING, RESTART = object(), object()


@dataclass
class Item:
    name: str = ""
    kind: str = ""
    marks: int = 0

    @classmethod
    def named(cls, name: str) -> Item:
        """An item that is like no other: half of its fields are its name."""
        return cls(name, name)


@dataclass
class Answer:
    seq: int
    kind: str
    raw: str
    value: Any


@dataclass
class Text:
    words: str
    asked: Any  # the question it was given to: the last one shown
    asked_at: datetime
    received_at: datetime


@dataclass
class Known:
    """All that a person said, that time did, and that others changed, in order."""

    seq: int = 0
    answers: dict[Any, Answer] = field(default_factory=dict)
    slept: dict[Any, int] = field(default_factory=dict)
    renames: dict[Any, str] = field(default_factory=dict)
    results: dict[str, tuple[int, str]] = field(default_factory=dict)
    changes: list[tuple[int, str, Any]] = field(default_factory=list)
    early: dict[Any, int] = field(default_factory=dict)  # made before the frontier: their place
    held_texts: dict[Any, Text] = field(default_factory=dict)
    text: Text | None = None
    waiting: Any = None
    asked_at: datetime | None = None
    frontier: Any = None
    replayed: dict[str, Any] | None = None  # by the last run, if it did not meet the frontier
    change_count: int = 0  # how many changes by others that run knew
    rounds: int = 0
    n: int = 0
    s: str = ""
    log: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    re_ask: bool = False  # the question has come back, and is to be asked once more
    finished_seq: int = 0  # what was said around all up to here has gone out,
    unfinished: set[Any] = field(default_factory=set)  # except around these

    def next(self) -> int:
        self.seq += 1
        return self.seq


class Stop(BaseException):
    def __init__(self, place: Any) -> None:
        self.place = place


class Over(BaseException):
    """The handler has ended the conversation."""


class Memory:
    """A chat in memory; `known` is its own copy and learns what this run settles."""

    def __init__(self, known: Known, now: datetime) -> None:
        self.known, self.now = copy.deepcopy(known), now
        self.state = begun(known)
        self.parts: tuple[str, ...] = ()
        self.counts: dict[Any, int] = {}
        self.met: set[Any] = set()
        self.tail: list[str] = []
        self.transcript: list[str] = []
        self.applied_count = 0
        self.last: Any = None
        self.stopped: Any = None
        self.returned: Any = None
        self.over: str | None = None  # the last words, once the handler has ended
        self.wrong = False
        self.stale: Any = None

    def run(self, source: Any) -> Memory:
        coroutine = source(self)
        try:
            coroutine.send(None)
        except StopIteration as done:
            self.returned = done.value
            if done.value is not RESTART:
                self.say(done.value)
        except Stop as stop:
            self.stopped = stop.place
        except Over:
            pass
        if self.over is not None and self.stopped is None:
            self.returned = self.over
        self.apply_changes_until(self.known.seq + 1)
        return self

    # The verbs

    def ask(self, words, kind=str, **how):
        label = {str: "str", int: "int"}.get(kind) or kind.label
        return self._asked(words, label, (), **how)

    def confirm(self, words, **how):
        return self._asked(words, "yes", (), **how)

    def choose(self, words, options, **how):
        return self._asked(words, "pick", options, **how)

    def receive(self, **how):
        return self._asked("", "any", (), **how)

    def restart(self):
        return RESTART

    def end(self, words):
        self.say(words)
        self.over = self.over or words
        raise Over

    async def _asked(self, words, kind, options, *, key=None, was=None, **time):
        if self.over is not None:
            raise Over
        place = self.occurrence_key("receive" if kind == "any" else "ask", key or words)
        if kind != "any":
            former = was or ()
            place = self.known_place(place, [former] if isinstance(former, str) else former)
        answer = self.known.answers.get(place)
        value = MISSING if answer is None else fits(answer, kind, options)
        if answer is not None and value is MISSING:
            del self.known.answers[place]  # it is asked afresh
            self.known.early.pop(place, None)
            self.stale = place
        if value is MISSING:
            value = self.settle(place, kind, options, **time)
            if value is MISSING:
                if self.known.waiting != place and words:
                    self.transcript.append(words)
                raise Stop((place, words, kind, options))
        elif answer is not None and answer.kind not in {kind, "default"}:
            answer.kind, answer.value = kind, value
        if words:
            self.transcript.append(words)
        self.pass_record(place, self.known.answers[place].seq)
        return value

    def settle(self, place, kind, options, timeout=None, default=None):
        """What this question comes to now that it is the first without an answer."""
        known, text = self.known, self.known.held_texts.pop(place, None)
        asked_at = known.asked_at if known.waiting == place else None
        if text is None and known.text is not None and known.text.asked == place:
            text, known.text = known.text, None
        if text is None and self.stale == place:
            asked_at = None
        if text is not None and in_time(text, kind, timeout):
            value = parse(text.words, kind, options)
            self.wrong = value is MISSING
            self.stale = None
            if not self.wrong:
                known.answers[place] = Answer(known.next(), kind, text.words, value)
                self.mark_early(place)
            return value
        if timeout is not None and asked_at is not None and asked_at + timeout <= self.now:
            known.answers[place] = Answer(known.next(), "default", "", default)
            self.mark_early(place)
            return default
        return MISSING

    async def sleep(self, length, key=None):
        if self.over is not None:
            raise Over
        place = self.occurrence_key("sleep", key or str(length))
        known = self.known
        if place not in known.slept:
            if known.waiting != place or known.asked_at + length > self.now:
                raise Stop((place, "", "sleep", ()))
            known.slept[place] = known.next()
            self.mark_early(place)
        self.pass_record(place, known.slept[place])

    async def once(self, _, tag, former, key, was):
        assert (tag, former) == (key, was)
        done = next((name for name in (key, *was) if name in self.known.results), None)
        if done is None:
            raise Stop((("once", key), "", "once", ()))
        seq, result = self.known.results[done]
        self.apply_changes_until(seq)
        self.last = ("once", done)
        return result

    def say(self, words, key=None):
        if self.over is not None:
            return
        self.tail.append(key or words)
        self.transcript.append(words)

    @contextmanager
    def part(self, name):
        outer, self.parts = self.parts, (*self.parts, name)
        yield
        self.parts = outer

    # What they need

    def occurrence_key(self, kind, words):
        where = (kind, self.parts, words)
        self.counts[where] = self.counts.get(where, -1) + 1
        place = (*where, self.counts[where])
        self.met.add(place)
        return place

    def known_place(self, place, former):
        """The place from before all rewordings, where something is known of that one alone."""
        known = self.known.answers.keys() | self.known.held_texts.keys() | {self.known.waiting}
        if place in known:
            return place
        for words in (place[2], *former):
            old = (*place[:2], words, place[3])
            old = (*old[:2], self.known.renames.get(old, words), old[3])
            if old != place and old in known:
                self.known.renames[place] = old[2]
                self.met.add(old)
                return old
        return place

    def mark_early(self, place):
        """A record of a run that has not met the frontier comes before all that it has not met."""
        known = self.known
        ahead = self.applied_count < len(known.changes)
        if ahead and known.frontier not in {None, *self.met}:
            known.early[place] = known.early.get(self.last, self.seq_of(self.last))

    def seq_of(self, place):
        known = self.known
        if place in known.answers:
            return known.answers[place].seq
        if place is not None and place[0] == "once":
            return known.results[place[1]][0]
        return known.slept.get(place, 0)

    def pass_record(self, place, seq):
        self.apply_changes_until(self.known.early.get(place, seq))
        self.last = place
        past = seq <= self.known.finished_seq and place not in self.known.unfinished
        if past or place == self.known.waiting:
            self.tail.clear()

    def still_unfinished(self):
        known = self.known
        seqs = {place: answer.seq for place, answer in known.answers.items()} | known.slept
        recent = {place for place, seq in seqs.items() if seq > known.finished_seq}
        return (recent | known.unfinished & seqs.keys()) - self.met

    def apply_changes_until(self, seq):
        changes = self.known.changes
        while self.applied_count < len(changes) and changes[self.applied_count][0] < seq:
            _, name, value = changes[self.applied_count]
            change(self.state, name, value)
            self.applied_count += 1


def begun(known: Known) -> SimpleNamespace:
    """The state at the beginning of a round."""
    names = ("n", "s", "rounds", "log", "items")
    return SimpleNamespace(**{name: copy.deepcopy(getattr(known, name)) for name in names})


def change(state: Any, name: str, value: Any) -> None:
    """What another handler does to the state: of an item, by its name."""
    if name in {"n", "s"}:
        setattr(state, name, state.n + value if name == "n" else value)
    elif name in {"log", "items"}:
        getattr(state, name).append(copy.copy(value))
    elif name == "front":
        state.items.insert(0, copy.copy(value))
    elif name == "turn":
        state.items.reverse()
    else:
        for item in [each for each in state.items if each.name == value]:
            if name == "drop":
                state.items.remove(item)
            item.marks += 100


UNION: Any = object()


def merged(
    known: Known, stored: dict[str, Any], replayed: dict[str, Any], *, same_code: bool
) -> dict[str, Any]:
    """What is saved of a run that did not meet the frontier; UNION: all elements of both."""
    base = begun(known)
    first = known.replayed is None or not same_code
    if known.replayed is not None and not first:
        base = SimpleNamespace(**copy.deepcopy(known.replayed))
    for _, name, value in known.changes[0 if first else known.change_count :]:
        change(base, name, value)
    return {
        name: _merged_value(was, stored[name], replayed[name], first=first)
        for name, was in vars(base).items()
    }


def _merged_value(was: Any, stored: Any, replayed: Any, *, first: bool) -> Any:
    """The side that changed the value; of two, the one that counted further."""
    changed = [value for value in (stored, replayed) if value != was]
    if isinstance(was, list):
        of_was, of_stored, of_replayed = (
            Counter(map(str, each)) for each in (was, stored, replayed)
        )
        if of_stored in (of_was, of_replayed) or of_stored < of_replayed:
            return replayed
        return stored if first or of_replayed == of_was or of_replayed < of_stored else UNION
    if len(changed) < 2:
        return changed[0] if changed else was
    if isinstance(was, str):
        return stored if first else replayed
    if min(changed) < was < max(changed):
        return stored if first else stored + replayed - was
    return max(changed, key=lambda value: abs(value - was))


def in_time(text: Text, kind: str, timeout: timedelta | None) -> bool:
    if kind == "yes" and text.received_at < text.asked_at:
        return False
    return timeout is None or text.received_at <= text.asked_at + timeout


def fits(answer: Answer, kind: str, options: Any) -> Any:
    if answer.kind == "default":
        return answer.value
    if answer.kind != kind:
        return parse(answer.raw, kind, options)
    return MISSING if kind == "pick" and answer.value not in options else answer.value


def parse(words: str, kind: str, options: Any) -> Any:
    if kind in {"str", "any"}:
        return words
    if kind.startswith("cut"):
        try:
            return cut(int(kind[3:]))(words)
        except KeyError:
            return MISSING
    if kind == "int":
        return int(words) if words.isdigit() else MISSING
    if kind == "yes":
        return {"yes": True, "no": False}.get(words, MISSING)
    if words in options:
        return words
    return options[int(words) - 1] if words.isdigit() and int(words) <= len(options) else MISSING


def compiled(source: str, do: Any) -> Any:
    names = {
        "ODD": odd,
        "BOUND": bound,
        "DO": do,
        "HOURS": lambda n: timedelta(hours=n),
        "ITEM": Item.named,
        "CUT": cut,
        "ACLOSING": aclosing,
    }
    exec(compile(source, "<program>", "exec"), names)
    return names["handler"]
