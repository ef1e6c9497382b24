"""A person and a dialogue, without a runtime: what the tests here speak through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.question_texts import QuestionText, with_question_text
from cooee.core.dialogue.replay import (
    AppendEntries,
    CallOnce,
    CallResult,
    DialogueContext,
    IncomingText,
    TurnOutcome,
    check_replay,
    new_journal,
    next_round,
    run_turn,
)
from cooee.core.dialogue.state_snapshot import StateSnapshot
from cooee.core.messages import Media


@dataclass
class State:
    n: int = 0
    mail: str = ""


CODEC = StateCodec(State)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Crash(Exception):
    """The process is killed."""


async def no_history(n):
    return ["a line"] * n


class Talk:
    """Holds one dialogue; its journal is written and read between all turns."""

    def __init__(
        self,
        handler: Any,
        *,
        strict: bool = True,
        zone: Any = UTC,
        codec: StateCodec[Any] = CODEC,
        **inputs: Any,
    ) -> None:
        self.handler, self.version, self.strict, self.zone = handler, 1, strict, zone
        self.now, self.texts, self.sent = NOON, 0, list[str]()
        self.codec = codec
        self.state = codec.encode(codec.new_state())
        self.crash_at = ""
        self.outcome: TurnOutcome | None = None
        self.keys: set[str] = set()
        self.question_text: QuestionText | None = None  # None: it went out when it was asked
        self._write(new_journal("dialogue", "handler", inputs, self.state, NOON))

    # What happens

    def start(self) -> list[str]:
        return self._turn(None)

    def text(
        self,
        words: str,
        *,
        after: timedelta = timedelta(minutes=1),
        received: Any = None,
        media: tuple[Media, ...] = (),
    ) -> list[str]:
        self.now += after
        self.texts += 1
        self.last = IncomingText(words, f"m{self.texts}", self.now, received or self.now, media)
        return self._turn(self.last)

    def again(self) -> list[str]:
        """The same text once more, as after a crash."""
        return self._turn(self.last)

    def wait(self, length: timedelta) -> list[str]:
        self.now += length
        return self._turn(None)

    def edit(self, handler: Any) -> Talk:
        self.handler, self.version = handler, self.version + 1
        return self

    def other(self, change: Any) -> None:
        """Another handler changes the person's state."""
        state = self.codec.decode(self.state)[0]
        before = StateSnapshot(state, self.state)
        change(state)
        self.state = self.codec.encode(state)
        diff = before.diff_to(state, self.state)
        self._write(journals.add_state_change(self.journal, diff, self.now))

    def back(self) -> list[str]:
        self._write(journals.undo_last_answer(self.journal, self.now))
        return self._turn(None)

    # What came of it

    @property
    def journal(self) -> journals.Journal:
        return journals.decode_journal(self._head, self._entries)

    @property
    def saved(self) -> Any:
        return self.codec.decode(self.state)[0]

    @property
    def ended(self) -> str:
        return self.outcome.ended if self.outcome else ""

    @property
    def context(self) -> DialogueContext:
        return DialogueContext(
            function=self.handler,
            codec=self.codec,
            services=None,
            ours="+61491570006",
            theirs="+61491570156",
            find_zone=lambda: self.zone,
            code_version=str(self.version),
            read_history=no_history,
            strict=self.strict,
        )

    def _turn(self, text: IncomingText | None) -> list[str]:
        journal = self.journal
        if journal.waiting is not None:
            waiting = with_question_text(journal.waiting, self.question_text, self.now)
            journal = replace(journal, waiting=waiting)
        outcome = self._flow(run_turn(self.context, journal, text, self.now, self.state))
        if not outcome.ended:
            check_replay(self.context, outcome, self.now)
        self._write(outcome.journal)
        self.outcome = outcome
        self.state = outcome.state or self.state
        for said in outcome.texts:
            assert said.key not in self.keys
            self.keys.add(said.key)
        texts = [said.reply.text for said in outcome.texts]
        self.sent += texts
        if outcome.ended == "restarted":
            self._write(next_round(outcome))
            texts += self._turn(None)
        return texts

    def _flow(self, flow: Any) -> TurnOutcome:
        given = None
        try:
            while True:
                effect = flow.send(given)
                given = None
                if isinstance(effect, CallOnce):
                    self._crash("before the intent")
                    self._append(effect)
                    self._crash("before")
                    given = self._carry_out(effect)
                    self._crash("inside")
                else:
                    self._append(effect)
                    self._crash("after")
        except StopIteration as done:
            return done.value
        finally:
            flow.close()

    def _carry_out(self, effect: CallOnce) -> CallResult:
        try:
            value = effect.function(*effect.args, **effect.kwargs)
            if hasattr(value, "send"):
                try:
                    value.send(None)
                except StopIteration as done:
                    value = done.value
            return CallResult(value)
        except Exception as error:
            return CallResult(error=error)

    def _crash(self, where: str) -> None:
        if self.crash_at == where:
            self.crash_at = ""
            raise Crash

    def _append(self, effect: CallOnce | AppendEntries) -> None:
        self._write(self.journal.with_entries(effect.entries))

    def _write(self, journal: journals.Journal) -> None:
        self._head = journals.encode_head(journal)
        self._entries = [journals.encode_entry(entry) for entry in journal.entries]
