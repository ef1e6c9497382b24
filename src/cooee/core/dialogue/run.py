"""One run of a handler against its journal: what was recorded, and what has come to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, tzinfo
from typing import Any, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.app.chat import Chat, DialogueVerbs, Recall, Restart
from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue.call_sites import Chain, alike, users, written
from cooee.core.dialogue.journal import NOWHERE, Entry, Found, Journal, Key, View, Waiting, digest
from cooee.core.dialogue.questions import Step, Text
from cooee.core.dialogue.said_texts import Told
from cooee.core.dialogue.state_diff import Change, lay_on
from cooee.core.errors import DialogueError, Ended, ForeignAwait, NoDialogue, NotAwaited
from cooee.core.messages import Inbound
from cooee.core.parsing.answers import Circumstances


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialogue is run in.

    `program` names the app's code as it is loaded; `zone` tells what `chat.zone` is at first;
    `strict` (in tests and in preflight) raises where production warns.
    """

    call: Callable[..., Any]
    codec: StateCodec[Any]
    services: Any
    ours: str
    theirs: str
    zone: Callable[[], tzinfo]
    program: str
    recall: Recall
    strict: bool = False


Verb: TypeAlias = Coroutine[Any, Any, Any]
"""Something to await at once, where it stands."""


class Run:
    """One run of a handler, from its first line to where it stands.

    Alive, its verbs hand out what is recorded. Left, they are silent and wait for ever, so
    that `finally` can run and no loop can turn. Gone, they raise.
    """

    def __init__(
        self,
        stage: Stage,
        journal: Journal,
        text: Text | None,
        now: datetime,
        verbs: Callable[[Run], DialogueVerbs],
    ) -> None:
        self.stage, self.journal, self.text, self.now = stage, journal, text, now
        self.view = View(journal.entries)
        self.records = self.view.records
        # Where it stood, by which program, and whether this run has got there
        self.same = journal.program == stage.program
        self.waited = None if journal.waiting is None else journal.waiting.key
        self.passed = self.waited is None
        self.caught_up = journal.furthest is None
        # What has come to it
        self.turn = journal.turn + 1
        self.entries: list[Entry] = []
        self.kept = 0
        self._settled = journal.settled
        self.unsettled = set(journal.unsettled)
        if len(journal.entries) > journal.settled:
            self.unsettled.update(_since(self.records, journal.settled))
        self.told = Told()
        self.took = False
        self.standing: Waiting | None = None
        self.step: Step | None = None
        self.warnings: list[str] = []
        # Where it is now
        self.parts: tuple[str, ...] = ()
        self.last: Key = NOWHERE
        self.heard: Entry | None = None
        self._counts: dict[Key, int] = {}
        self._chains: dict[Key, Chain] = {}
        self._laid = 0
        self._chance: random.Random | None = None
        # Whether it goes on
        self.ready, self.left, self.gone = True, False, False
        self.doing = ""  # the token of what is being done once
        self.coroutine: Any = None
        self.context = copy_context()
        self.opened: tuple[str, Verb] | None = None
        self.failure: Entry | None = None
        self.fatal: Exception | None = None
        state, self.extras = stage.codec.decode(journal.base)
        self.chat: Chat[Any, Any] = self._chat(state, verbs(self))

    def _chat(self, state: Any, verbs: DialogueVerbs) -> Chat[Any, Any]:
        stage = self.stage
        return Chat(
            state=state,
            services=stage.services,
            now=self.journal.started_at,
            message=None,
            ours=stage.ours,
            theirs=stage.theirs,
            token=None,
            recall=stage.recall,
            zone=stage.zone,
            dialogue=verbs,
        )

    # What a chat delegates to

    def say(self, what: object, key: str | None) -> None:
        """Say a text, which goes out unless it did before."""
        if self.left or self.doing:
            self._may("say")
            return
        if self.opened is not None or self.failure is not None:
            self.tidy()
        try:
            self.told.add(what, key)
        except DialogueError as error:
            self.fail(error)
            raise

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Scope the keys of what is asked inside."""
        outer, self.parts = self.parts, (*self.parts, name)
        try:
            yield
        finally:
            self.parts = outer

    def end(self, what: object) -> NoReturn:
        """End the dialogue here, with a last text."""
        self.say(what, None)
        raise Ended("The dialogue was ended.")

    def restart(self) -> Restart:
        """What a handler returns to begin anew."""
        self.not_gone()
        return Restart()

    @property
    def token(self) -> str:
        """A name of this step, the same in every replay; of a once, in every attempt."""
        return self.doing or digest(self.journal.id, self.last)

    @property
    def chance(self) -> random.Random:
        """Chance that is the same in every replay, anew after each answer."""
        if self._chance is None:
            self._chance = random.Random(self.token)  # noqa: S311 -- it has to be repeatable
        return self._chance

    @property
    def message(self) -> Inbound:
        """The text that was answered last."""
        heard, began = self.heard, self.journal.started_at
        words, at = ("", began) if heard is None else (heard.raw or "", heard.at)
        media = () if heard is None else heard.media
        ours, theirs = self.stage.ours, self.stage.theirs
        return Inbound(sender=theirs, recipient=ours, text=words, received_at=at, media=media)

    def may_recall(self) -> None:
        """Let the history be read, which only a once may do."""
        if not self.doing:
            raise self.fail(ForeignAwait(foreign("chat.history(…)", users())))

    # What its verbs need

    def opened_verb(self, name: str, verb: Verb) -> Verb:
        """A verb was made, and has to be awaited before another is."""
        if self.opened is not None or self.failure is not None or self.doing or not self.ready:
            try:
                self._make_way(name)
            except Exception:
                verb.close()
                raise
        self.opened = name, verb
        return verb

    def _make_way(self, name: str) -> None:
        self._may(name)
        if self.left:
            self._close()
        else:
            self.tidy()

    def _may(self, name: str) -> None:
        self.not_gone()
        if self.doing:
            words = f"chat.{name}(…) cannot be used by what is done once: it would not be replayed."
            raise NoDialogue(words)

    def _close(self) -> str:
        """Close the verb that was not awaited, without the interpreter's complaint; its name."""
        if self.opened is None:
            return ""
        (name, verb), self.opened = self.opened, None
        verb.close()
        return name

    def tidy(self) -> None:
        """Before anything else takes effect: what came before is over, and was caught."""
        if self.opened is not None:
            name = self._close()
            words = (
                f"{self._line()}: chat.{name}(…) before this was not awaited. Write `answer = await"
                f" chat.{name}(…)`, one after the other: a dialogue waits for one thing at a time."
            )
            raise self.fail(NotAwaited(words))
        if self.failure is not None:
            failure, self.failure = self.failure, None
            self.hand(failure.key, self.record(failure))

    def _line(self) -> str:
        """Where the handler is; once it has returned, where it is written."""
        running = self.coroutine is not None and self.coroutine.cr_running
        return users() if running else written(self.stage.call)

    def place(self, kind: str, words: str) -> Key:
        """The key of what is met now: the n-th of its words in these parts."""
        first: Key = (kind, self.parts, words, 0)
        n = self._counts[first] = self._counts.get(first, -1) + 1
        return (kind, self.parts, words, n)

    def asked(self, words: str, chain: Chain) -> tuple[Key, bool]:
        """The key of a question, and whether it was met before through other calls."""
        key: Key = ("ask", self.parts, words, 0)
        first = self._chains.setdefault(key, chain)
        if first is chain:
            return key, False
        n = self._counts[key] = self._counts.get(key, 0) + 1
        return ("ask", self.parts, words, n), first != chain and not alike(first, chain)

    def carried(self, key: Key, was: str) -> Key:
        """The key from before a rewording, as long as something is known under it."""
        old: Key = (key[0], key[1], was, key[3])
        if self._knows(key) or not self._knows(old):
            return key
        return old

    def _knows(self, key: Key) -> bool:
        return key in self.records or key in self.view.held or key == self.waited

    def strays(self, key: Key) -> bool:
        """Whether the same program is about to do something new before where it stood."""
        return self.same and not self.passed and key != self.waited

    def here(self, at: datetime) -> Circumstances:
        """When and where a text was written."""
        return Circumstances(at, self.chat.zone, self.stage.ours)

    def take_text(self) -> None:
        """The text of this turn has found its question."""
        self.text, self.took = None, True

    def add(self, entry: Entry) -> int:
        """Append an entry; its place."""
        place = len(self.journal.entries) + len(self.entries)
        self.entries.append(entry)
        self.view.add(entry, place)
        return place

    def record(self, entry: Entry) -> Found:
        """Append a record."""
        self.add(entry)
        return self.records[entry.key]

    def hand(self, key: Key, found: Found) -> Entry:
        """A record's turn has come in this run: all that happened before it has happened."""
        entry, past = found.entry, found.place < self._settled
        if key == self.waited:
            self.passed = past = True
        if not self.caught_up and key == self.journal.furthest:
            self.caught_up = True
        if self._laid < len(self.view.changes):
            self.lay_until(found.place)
        if self.unsettled and key in self.unsettled:
            self.unsettled.remove(key)
            past = key == self.waited
        self.last, self._chance = key, None
        if key[0] != "once":
            if past and self.told.fresh:
                self.told.fresh.clear()  # what was said before it belongs there too
            if entry.raw is not None:
                self.heard = entry
            if entry.at > self.chat.now:  # noqa: PLR1730 -- this line is run for every answer
                self.chat.now = entry.at
        return entry

    def stand(self, key: Key, waiting: Waiting, step: Step | None) -> None:
        """The run ends here, and waits."""
        if key == self.journal.furthest:
            self.caught_up = True
        if key == self.waited:
            self.passed = True
        self.standing, self.step = waiting, step

    # State

    def lay_until(self, place: int | None) -> None:
        """Lay on what others changed up to a place in the journal; None: all of it."""
        changes, first = self.view.changes, self._laid
        while self._laid < len(changes) and (place is None or changes[self._laid][0] < place):
            self._laid += 1
        self.lay([change for _, change in changes[first : self._laid]])

    def lay(self, changes: Sequence[Change]) -> None:
        """Lay changes on the state as it is now."""
        if changes:
            chat, codec = self.chat, self.stage.codec
            chat.state, self.extras = lay_on(codec, chat.state, self.extras, changes)

    def state(self) -> bytes:
        """The state as it is now, as it is stored."""
        return self.stage.codec.encode(self.chat.state, self.extras)

    # Whether it goes on

    def fail(self, error: Exception) -> Exception:
        """Fail this turn, whatever the handler does about it; the error to raise."""
        if not self.left and self.fatal is None:
            self.fatal, self.ready = error, False
        return error

    def leave(self) -> None:
        """From here on it is silent."""
        self.ready, self.left = False, True

    def not_gone(self) -> None:
        """Raise where the turn is over.

        Raises:
            NoDialogue: a handler kept its chat.
        """
        if self.gone:
            raise NoDialogue("This chat belongs to a turn that is over. Use the one at hand.")

    def forget(self) -> None:
        """Let go of everything that a kept chat would keep."""
        self.gone, self.step = True, None
        self._close()
        self.entries, self.told, self.records = [], Told(), {}
        self._chains.clear()

    def note(self, said: Sequence[str]) -> None:
        """Note what goes out, by identity, with the last entry to be committed or as its own."""
        if self.kept < len(self.entries):
            self.entries[-1] = replace(self.entries[-1], said=tuple(said))
        else:
            self.add(Entry("said", NOWHERE, self.now, self.turn, said=tuple(said)))

    def unkept(self) -> Sequence[Entry]:
        """The entries that nobody has committed yet."""
        entries, self.kept = self.entries[self.kept :], len(self.entries)
        return tuple(entries)


def _since(records: Mapping[Key, Found], place: int) -> Sequence[Key]:
    return [key for key, found in records.items() if found.place >= place]


def foreign(what: str, where: str) -> str:
    """What to do about an await that a replay cannot wait for."""
    return (
        f"{where}: a dialogue cannot await {what}: it is run again for each text, and nothing of"
        " it lives in between. Put it into a function, and `await chat.once(that_function, …)`."
    )
