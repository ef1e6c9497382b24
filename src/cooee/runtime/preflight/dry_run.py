"""A dialogue's next turn, as it would be without a text and before anything is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from msgspec.structs import replace

from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal, View
from cooee.core.dialogue.replay import Effect, Outcome, RunOnce, turn
from cooee.core.dialogue.run import Stage
from cooee.core.errors import JournalError, TooLong
from cooee.runtime.preflight import Verdict
from cooee.runtime.preflight.app_frames import Line, raised_at
from cooee.runtime.preflight.audit_hook import Confinement
from cooee.runtime.preflight.service_stub import Absent, Onces
from cooee.runtime.preflight.time_limit import Hung, Patience
from cooee.runtime.turns.app_version import program_of
from cooee.storage import Talk

_ENOUGH = 3
"""Dialogues of one handler, at one question, that may hang before no more of them are run."""


class Rehearsal:
    """Replays dialogues one after the other, with the world shut out; nothing is written."""

    def __init__(
        self, app: App[Any, Any], confinement: Confinement, patience: Patience | None = None
    ) -> None:
        self._app, self._confinement = app, confinement
        self._patience = patience or Patience()
        self._program = program_of(app)
        self._hung = Counter[tuple[str, str]]()

    def play(self, talk: Talk) -> Verdict:
        """What the code on disk makes of a dialogue."""
        name = talk.dialogue.handler
        if name in self._app.retired:
            return Verdict(fate="retired", handler=name)
        dialogue = self._app.routes.named(name)
        if dialogue is None:
            return Verdict(fate="unknown", handler=name)
        try:
            journal = _begun(talk, journals.read(talk.dialogue.head, talk.dialogue.entries))
            now = _now(journal)
        except (JournalError, LookupError) as error:  # records may contradict each other
            kind = type(error).__name__
            return Verdict(fate="unreadable", handler=name, what=kind, words=str(error))
        return self._played(dialogue, talk, journal, now)

    def over(self) -> None:
        """No more will be replayed."""
        self._patience.over()

    def _played(self, dialogue: Dialogue, talk: Talk, journal: Journal, now: datetime) -> Verdict:
        place = (dialogue.name, _asked(journal))
        if self._hung[place] >= _ENOUGH:
            return _hung(dialogue, "Not run: others that wait for the same took too long.")
        stage = self._stage(dialogue, talk, journal)
        try:
            came = self._run(stage, journal, now)
        except Hung as error:
            self._patience.end()
            self._hung[place] += 1
            words = f"It ran for {self._patience.seconds:g} seconds and neither asked nor ended."
            return _hung(dialogue, words, error.lines)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, say: a handler may raise what it likes
            return _broken(dialogue, self._confinement.refused or error)
        if self._confinement.refused is not None:  # it caught that, and went on
            return _broken(dialogue, self._confinement.refused)
        try:
            return _gone_well(self._app, dialogue, journal, came)
        except TooLong as error:
            return _broken(dialogue, error)

    def _run(self, stage: Stage, journal: Journal, now: datetime) -> Outcome | Effect:
        flow = turn(stage, journal, None, now)
        try:
            with self._confinement:
                self._patience.begin()
                try:
                    effect = next(flow)
                except StopIteration as done:
                    outcome: Outcome = done.value
                    return outcome
                flow.close()
                return effect
        finally:
            self._patience.end()

    def _stage(self, dialogue: Dialogue, talk: Talk, journal: Journal) -> Stage:
        onces = Onces(entry.key[2] for entry in journal.entries if entry.key[0] == "once")
        services = None if self._app.services is None else Absent(self._confinement, onces)
        return Stage(
            call=dialogue.handler.call,
            codec=self._app.codec,
            services=services,
            ours=talk.ours,
            theirs=talk.theirs,
            zone=partial(self._app.zone, talk.theirs),
            program=self._program,
            recall=_no_history,
            strict=True,
        )


def _begun(talk: Talk, journal: Journal) -> Journal:
    """Its journal; before its first turn, with the person's state and the time of that turn."""
    if journal.turn:
        return journal
    due = talk.dialogue.due_at or journal.started_at
    return replace(journal, base=talk.state, started_at=max(due, journal.started_at))


def _now(journal: Journal) -> datetime:
    """A time at which nothing is due that was not when it last stood still.

    Where a turn was cut off after it had recorded something, the time of that.
    """
    waiting = journal.waiting
    now = journal.started_at if waiting is None else waiting.asked_at
    if len(journal.entries) == journal.settled:
        return now
    records = View(journal.entries).records.values()
    return max([now, *(found.entry.at for found in records if found.place >= journal.settled)])


async def _no_history(_: int) -> NoReturn:
    raise AssertionError("Only a once may recall, and none is carried out.")


# What came of it


def _gone_well(
    app: App[Any, Any], dialogue: Dialogue, journal: Journal, came: Outcome | Effect
) -> Verdict:
    name, before = dialogue.name, _asked(journal)
    if not isinstance(came, Outcome):
        what = came.name if isinstance(came, RunOnce) else ""
        return Verdict(fate="does", handler=name, what=what, before=before)
    said = [app.worded(one.reply).text for one in came.says]
    if came.ended:
        last = {"no reply": app.no_reply, "too many attempts": app.too_many}.get(came.ended)
        words = last or (said[-1] if said else "")
        return Verdict(fate="ends", handler=name, what=came.ended, words=words, before=before)
    standing = came.journal.waiting
    assert standing is not None
    where, words = standing.line, standing.prompt
    if not journal.turn:
        return Verdict(fate="begins", handler=name, where=where, words=words)
    if _stands_still(journal, came):
        return Verdict(fate="continues", handler=name)
    what = "asks" if standing.asks else "sleeps"
    return Verdict(fate="asks", handler=name, where=where, what=what, words=words, before=before)


def _stands_still(journal: Journal, came: Outcome) -> bool:
    """Whether it is where it was; or, where its turn was cut off, where that was to lead."""
    waiting, standing = journal.waiting, came.journal.waiting
    assert standing is not None
    stood = journal.furthest if waiting is None else waiting.key
    return standing.key == stood or stood in View(journal.entries).records


def _asked(journal: Journal) -> str:
    waiting = journal.waiting
    return "" if waiting is None else waiting.prompt


def _broken(dialogue: Dialogue, error: BaseException) -> Verdict:
    lines = getattr(error, "lines", None) or raised_at(error)
    return Verdict(
        fate="breaks",
        handler=dialogue.name,
        where=lines[-1].place if lines else dialogue.handler.where,
        what=type(error).__name__,
        words=str(error),
        trace=tuple(map(str, lines)),
    )


def _hung(dialogue: Dialogue, words: str, lines: Sequence[Line] = ()) -> Verdict:
    return Verdict(
        fate="breaks",
        handler=dialogue.name,
        where=lines[-1].place if lines else dialogue.handler.where,
        what="Hung",
        words=words,
        trace=tuple(map(str, lines)),
    )
