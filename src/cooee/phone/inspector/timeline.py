"""The story of each text: who answered it, what it changed, what it wrote, how long it took."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cooee.core.messages import Class, Status
from cooee.phone.inspector import formatting as showing
from cooee.phone.inspector import row_rules as rows
from cooee.phone.inspector.journal_view import noted
from cooee.phone.inspector.story import DID, WORDS, Letter, Story, iso, note
from cooee.phone.ipc_messages import Called, Exchanged, News, Over, Step, Turn, Wrote
from cooee.storage.sqlite.change_feed import Change, Row
from cooee.storage.sqlite.columns import stamp

Place: TypeAlias = tuple[str, int]  # a conversation, in hex, and the number of a text in it

_MOST = 120  # texts whose story is kept
_ALARM = "alarm-"  # how the ids of stories without a text begin
_UNTIL_SAVED = "It is set aside until you save a change, and is then played by itself."
_IDLE = 200  # exchanges kept that are not yet known to belong to a text


class Panel:
    """Gathers reports into stories.

    Attributes:
        stories: by the id of their text, oldest first.
        letters: every text of ours that was seen in the outbox, by its place.
        forgotten: the ids of stories that made way for newer ones; whoever reads them clears them.
    """

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.stories: dict[str, Story] = {}
        self.letters: dict[Place, Letter] = {}
        self._places: dict[Place, str] = {}
        self._claims: dict[str, list[str]] = {}
        self._at_work: dict[str, str] = {}  # whose turn is under way, by conversation
        self._handlers: dict[str, str] = {}  # by the ids of their dialogues
        self._rang: dict[str, str] = {}  # the last turn that had no text, by conversation
        self._last_at: dict[str, str] = {}  # of the newest story of each person
        self._pressed: deque[tuple[str, str, float]] = deque(maxlen=_MOST)
        self._loose: dict[int, Exchanged] = {}
        self._awaited: dict[int, str] = {}  # exchanges that are not over, and their story
        self._theirs: dict[str, str] = {}
        self._last: dict[str, int] = {}  # the text whose turn was last written, by conversation
        self._said: dict[str, list[str]] = {}  # who said the replies not yet written, by person
        self._numbers = 0

    def texted(self, theirs: str, text: str, at: float) -> None:
        """A phone sent a text, which is not here yet."""
        self._pressed.append((theirs, text, at))

    def hear(self, news: News) -> Iterator[Story]:
        """Take in a report; the stories that it changed."""
        match news:
            case Wrote():
                yield from self._wrote(news)
            case Called():
                yield from self._called(news)
            case Over():
                yield from self._over(news)
            case Step():
                yield from self._step(news)
            case Exchanged():
                yield from self._exchanged(news)

    # Rows

    def _wrote(self, wrote: Wrote) -> Iterator[Story]:
        early: list[Change] = []
        for change in wrote.changes:
            now = change.after or change.before or {}
            if change.table == "inbound" and change.verb == "insert":
                self._begin(now)
            if change.table == "inbound" and now["id"].lower() in self.stories:
                self._places[now["conversation"], now["seq"]] = now["id"].lower()
            if change.table == "outbound" and change.after is not None:
                self._keep(change.after)
            story = self._owner(change, now)
            if story is None:
                early.append(change)
                continue
            story.rows += map(showing.row, [*rows.of_same(early, now), change])
            if change.table == "dialogues" and story.alarm:
                story.text = rows.came_to(change.before or {}) or story.text
            if change.table == "answers":
                _remember(story, now)
            if now.get("program") and rows.is_aside(change.table, now):
                story.note = _UNTIL_SAVED
            yield story

    def _begin(self, row: Row) -> None:
        at = iso(row["sent_at"] or row["received_at"])
        theirs = self._theirs.get(row["conversation"], "")
        story = self._add(row["id"].lower(), theirs, row["text"], at)
        if row["status"] == 2:
            story.status = "opted out"
        for pressed in self._pressed:
            if pressed[:2] == (theirs, story.text):
                story.marks["texted"] = pressed[2]
                self._pressed.remove(pressed)
                break

    def _add(self, id: str, theirs: str, text: str, at: str) -> Story:
        self._numbers += 1
        story = self.stories[id] = Story(id, theirs, text, at, self._numbers)
        story.later = _seconds(self._last_at.get(theirs, at), at)
        self._last_at[theirs] = at
        while len(self.stories) > _MOST:
            oldest = next(iter(self.stories))
            del self.stories[oldest]
            self.forgotten.append(oldest)
        return story

    def _keep(self, row: Row) -> None:
        place = (row["conversation"], row["seq"])
        letter = self.letters.get(place)
        if letter is None:
            turn = self._speaker(row)
            id = f"{row['conversation'].lower()}-{row['seq']}"
            letter = Letter(id, row["theirs"], row["text"], iso(row["queued_at"]), turn=turn)
            self.letters[place] = letter
            if turn in self.stories:
                self.stories[turn].letters.append(letter)
        letter.status, letter.attempts = WORDS[Status(row["status"])], row["attempts"]
        letter.note = note(row)

    def _speaker(self, row: Row) -> str:
        """Which text a new reply answers; its row knows the last of those answered together."""
        said = self._said.get(row["theirs"])
        if said and (row["class"] == Class.REPLY or said[0].startswith(_ALARM)):
            return said.pop(0)
        return self._places.get((row["conversation"], row["turn"]), "")

    def _owner(self, change: Change, row: Row) -> Story | None:
        """Whose story a row belongs to."""
        conversation, seq = row.get("conversation") or row.get("id"), row.get("seq")
        at_work = self._at_work.get(str(conversation), "")
        match change.table:
            case "conversations":
                self._theirs[row["id"]] = row["theirs"]
                if at_work and rows.stands(change, row):
                    return self.stories.get(at_work)
                seq = self._last[row["id"]] = rows.meant(change, row)
            case "states":
                if at_work.startswith(_ALARM):
                    return self.stories.get(at_work)
                seq = self._last.get(str(conversation), 0)
            case "dialogues":
                self._handlers[row["id"]] = row["handler"]
                return self._of_dialogue(row["id"], at_work)
            case "answers":
                message = noted(row["entry"])[1]
                return self.stories.get(message) or self._of_dialogue(row["dialogue"], at_work)
            case "outbound" | "receipts":
                letter = self.letters.get((str(conversation), seq or 0))
                return self.stories.get(letter.turn) if letter else None
        return self.stories.get(self._places.get((str(conversation), seq or 0), ""))

    def _of_dialogue(self, id: str, at_work: str) -> Story | None:
        """The last of the turns under way that a dialogue had; it is known by its handler."""
        under_way = next((turns for turns in self._claims.values() if at_work in turns), [])
        stories = [self.stories[turn] for turn in under_way if turn in self.stories]
        own = [story for story in stories if story.handler == self._handlers.get(id)]
        return own[-1] if own else self.stories.get(at_work)

    # Turns

    def _called(self, called: Called) -> Iterator[Story]:
        for story in self._played(called.turn, called.handler):
            story.handler = called.handler
            file, _, line = called.where.rpartition(":")
            story.where = f"{Path(file).name}:{line}"
            story.marks["called"] = called.at
            yield story

    def _over(self, over: Over) -> Iterator[Story]:
        for story in self._played(over.turn):
            story.state = showing.state(over.before, over.after)
            story.trouble = over.trouble
            story.marks["over"] = over.at
            story.marks.setdefault("called", over.at)
            story.attempts += 1
            if story.alarm and over.trouble is None:
                story.text = "reminded" if over.replies else "looked at the time"
            self._said.setdefault(story.theirs, []).extend([story.id] * over.replies)
            yield story

    def _played(self, turn: Turn, handler: str = "") -> Iterator[Story]:
        """The story of a turn; a dialogue's own turn has one from its first report on."""
        self._theirs[turn.conversation] = turn.theirs
        story = self.stories.get(turn.text) if turn.text else self._ringing(turn, handler)
        if story is not None:
            self._at_work[turn.conversation] = story.id
            self._follow(turn.claim, story.id)
            yield story

    def _ringing(self, turn: Turn, handler: str) -> Story:
        last = self.stories.get(self._rang.get(turn.conversation, ""))
        if last is not None and last.status != "answered":
            again = last.trouble is not None and handler in {"", last.handler}
            if again or "over" not in last.marks:
                return last
        id = f"{_ALARM}{self._numbers + 1}"
        self._rang[turn.conversation] = id
        story = self._add(id, turn.theirs, "an alarm rang", iso(stamp(turn.now)))
        story.alarm = True
        return story

    def _follow(self, claim: str, turn: str) -> None:
        """Remember under which claim a turn is logged."""
        turns = self._claims.setdefault(claim, [])
        if turn not in turns:
            turns.append(turn)
        if claim in self.stories and turn in self.stories:
            mark = self.stories[claim].marks.get("claimed")
            if mark is not None:
                self.stories[turn].marks["claimed"] = mark

    # The log

    def _step(self, step: Step) -> Iterator[Story]:
        match step.name:
            case "received" | "received-again":
                yield from self._received(step)
            case "claimed":
                self._claims.pop(step.turn, None)  # of a claim that was never committed
                self._said.pop(self._theirs.get(step.turn.upper(), ""), None)
                for story in self._named(step.turn):
                    story.marks[step.name] = step.at
                    self._said.pop(story.theirs, None)
                    yield story
            case "finished":
                for turn in self._claims.pop(step.turn, []):
                    for story in self._named(turn):
                        story.marks[step.name] = step.at
                        story.status = "failed" if story.trouble else "answered"
                        yield story
                    self._at_work = {who: one for who, one in self._at_work.items() if one != turn}
            case "recorded":
                for story in self._of_letter(step.outbound):
                    story.marks[step.name] = step.at
                    yield story
            case "receipt":
                for story in self._of_letter(step.outbound):
                    self._awaited[step.exchange] = story.id
                    yield story
            case "turn-failed" | "turn-set-aside":
                for story in self._named(self._claims.get(step.turn, [step.turn])[-1]):
                    waits = step.name == "turn-failed"
                    story.note = "It is tried again soon." if waits else "It was set aside."
                    yield story
            case "send-failed":
                for story in self._of_letter(step.outbound):
                    story.note = step.words
                    yield story

    def _received(self, step: Step) -> Iterator[Story]:
        for story in reversed(self.stories.values()):
            if (story.theirs, story.text) != (step.theirs, step.text):
                continue
            if step.name == "received-again":
                story.again += 1
            elif "received" in story.marks:
                continue
            story.marks.setdefault("received", step.at)
            if step.exchange in self._loose:
                story.exchanges.append(self._loose.pop(step.exchange))
            elif step.exchange:
                self._awaited[step.exchange] = story.id
            yield story
            return

    # HTTP

    def _exchanged(self, exchange: Exchanged) -> Iterator[Story]:
        stories = [*self._of_letter(exchange.outbound)]
        if exchange.id in self._awaited:
            stories += self._named(self._awaited.pop(exchange.id))
        for story in stories:
            story.exchanges.append(exchange)
            yield story
        if not stories:
            self._loose[exchange.id] = exchange
            while len(self._loose) > _IDLE:
                del self._loose[next(iter(self._loose))]

    def _named(self, turn: str) -> Iterator[Story]:
        if turn in self.stories:
            yield self.stories[turn]

    def _of_letter(self, outbound: str) -> Iterator[Story]:
        conversation, _, seq = outbound.partition("-")
        letter = self.letters.get((conversation.upper(), int(seq or 0)))
        if letter is not None:
            yield from self._named(letter.turn)

    def traffic(self) -> list[tuple[Exchanged, int]]:
        """The exchanges that brought and sent no text, with how often each was made in a row."""
        runs: list[tuple[Exchanged, int]] = []
        for exchange in self._loose.values():
            if runs and _alike(runs[-1][0], exchange):
                runs[-1] = (exchange, runs[-1][1] + 1)
            else:
                runs.append((exchange, 1))
        return runs


def _remember(story: Story, row: Row) -> None:
    one, _ = noted(row["entry"])
    if one is None:
        return
    story.noted = [*(known for known in story.noted if known.question != one.question), one]
    if story.alarm:
        story.text = DID.get(one.kind, story.text)


def _seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _alike(one: Exchanged, other: Exchanged) -> bool:
    names = ("ours", "method", "url", "status", "response_body", "failure")
    return all(getattr(one, name) == getattr(other, name) for name in names)
