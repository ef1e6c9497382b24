"""One claim, turn by turn: what each text and each alarm comes to. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from cooee.core.backoff import after
from cooee.core.dialogue.call_sites import raised
from cooee.core.errors import DialogueError, JournalError, TooLong
from cooee.core.messages import Class
from cooee.runtime.turns.context import Played, Surroundings, Turn
from cooee.runtime.turns.dialogue_turn import CommitFirst, InDialogue, play
from cooee.runtime.turns.effects import LeaseLost, Steps, Turns
from cooee.runtime.turns.open_dialogues import Dialogues, Live, opened
from cooee.runtime.turns.progress import Standing
from cooee.runtime.turns.routing import answer, apology, retire, retired
from cooee.storage import Claim, Failure, Finish, Pending

_HOPELESS = (TooLong, DialogueError, JournalError)  # the next try would go the same way
_TALKING = timedelta(minutes=10)  # after a person's last text, what we say is still a reply

Play: TypeAlias = Callable[[Turn, Standing], Steps[Standing]]


def turns(around: Surroundings, claim: Claim) -> Turns:
    """Play a claim's texts in order, or the alarms that are due where it has none.

    A failure ends it, and what came before it stands. Dialogues with something to say before
    they can take a text (begun by the app, or back after another) come before the texts.
    """
    sitting = _Sitting(around, claim)
    try:
        yield from sitting.play()
    except CommitFirst:
        pass  # the rest is for the next claim, which is due at once
    except LeaseLost:
        return None
    return sitting.finish()


class _Sitting:
    """What a claim has come to so far."""

    def __init__(self, around: Surroundings, claim: Claim) -> None:
        self._around, self._claim = around, claim
        self._standing = Standing(claim.state, opened(claim))
        self._clock = claim.now
        self._handled = claim.texts[0].seq - 1 if claim.texts else claim.handled
        self._failure: Failure | None = None
        self._uncommitted = False

    def play(self) -> Steps[None]:
        """Play all of it, or up to the first failure."""
        yield from self._ready()
        for pending in self._claim.texts:
            if self._failure is not None:
                return
            if pending.runs:
                yield from self._text(pending)
            else:
                self._handled = pending.seq
            yield from self._ready()
        if not self._claim.texts:
            yield from self._due()

    def finish(self) -> Finish:
        """What is to be committed."""
        claim, standing = self._claim, self._standing
        asks = standing.dialogues.asking is not None if standing.dialogues.known else None
        return Finish(
            claim=claim,
            handled=self._handled,
            now=self._clock,
            state=None if standing.state == claim.state else standing.state,
            drafts=standing.drafts,
            failure=self._failure,
            asks=asks,
            dialogues=standing.dialogues.to_keep(),
        )

    # Texts

    def _text(self, pending: Pending) -> Steps[None]:
        """One text; what it does not survive, its person is told of."""
        turn = self._turn(pending)
        first = pending is self._claim.texts[0]
        attempts = self._claim.attempts if first else 1

        def play(turn: Turn, standing: Standing) -> Steps[Standing]:
            if first and attempts > 1 and after(attempts - 1) is None:
                raise _ended_the_process(attempts, "it answered this text")
            return (yield from answer(self._around, turn, pending, standing))

        error = yield from self._played(turn, play)
        if error is not None:
            self._failure = self._failed(error, attempts, seq=pending.seq)
            if self._failure.retry_at is not None:
                return
            self._standing = yield from apology(self._around, turn, self._standing, _why(error))
        self._clock, self._handled = turn.moment, pending.seq

    # Dialogues by themselves

    def _ready(self) -> Steps[None]:
        """Those that have something to say before they can take a text; each once."""
        done: set[str] = set()
        while self._failure is None and self._standing.dialogues.known:
            due = self._standing.dialogues.due(self._around.now())
            ready = [live for live in due if live.ready and live.id not in done]
            if not ready:
                return
            done.add(ready[0].id)
            yield from self._by_itself(ready[0])

    def _due(self) -> Steps[None]:
        """Those whose alarm rings."""
        for live in self._standing.dialogues.due(self._around.now()):
            if self._failure is None and not self._standing.dialogues.known[live.id].ended:
                yield from self._by_itself(self._standing.dialogues.known[live.id])
        yield from self._ready()

    def _by_itself(self, live: Live) -> Steps[None]:
        attempts = self._claim.attempts
        killed = self._untouched() and attempts > 1 and after(attempts - 1) is None

        def play_it(turn: Turn, standing: Standing) -> Steps[Standing]:
            if killed:
                raise _ended_the_process(attempts, f"{live.handler} went on by itself")
            return (yield from self._alone(turn, standing, live))

        error = yield from self._played(self._turn(None), play_it)
        if error is not None:
            failed = attempts if killed else live.attempts + 1
            self._failure = self._failed(error, failed, dialogue=live.id)

    def _untouched(self) -> bool:
        """Whether what is played now is the first of this claim, and guilty if that ended it."""
        texts = self._claim.texts
        return not self._uncommitted and not (texts and self._handled >= texts[0].seq)

    def _alone(self, turn: Turn, standing: Standing, live: Live) -> Steps[Standing]:
        if retired(self._around, live):
            return retire(self._around, turn, standing, live)
        asking, found = standing.dialogues.asking, self._around.app.routes.named(live.handler)
        refuses = found is not None and found.busy == "refuse"
        if refuses and asking is not None and asking.id != live.id:
            if live.fresh:
                return _with(standing, standing.dialogues.ended(live, "refused", turn.now))
            if live.waiting is not None:
                return _with(standing, standing.dialogues.put_off(live))
        standing, _ = yield from play(self._around, turn, standing, live, None)
        return standing

    # What both have in common

    def _turn(self, pending: Pending | None) -> Turn:
        now = self._around.now()
        if pending is None:
            moment = now if self._clock is None else max(now, self._clock)
        else:
            sent = pending.inbound.sent_at or pending.inbound.received_at
            moment = sent if self._clock is None else max(sent, self._clock)
        talks = self._clock is not None and now - self._clock <= _TALKING
        kind = Class.REPLY if self._claim.texts or talks else Class.STARTED
        return Turn(self._claim, pending, now, moment, kind, not self._uncommitted)

    def _played(self, turn: Turn, play: Play) -> Steps[Exception | None]:
        """Play one turn, whole or not at all; what it raised."""
        before, claim, pending = self._standing, self._claim, turn.pending
        try:
            self._standing = after = yield from play(turn, before)
        except (CommitFirst, LeaseLost):
            raise
        except Exception as error:
            unchanged = (before.state, before.state, _why(error))
            self._around.observe(Played(claim, pending, None, True, *unchanged))
            return error
        self._uncommitted = True
        said = len(after.drafts) - len(before.drafts)
        self._around.observe(
            Played(claim, pending, None, True, before.state, after.state, None, said)
        )
        return None

    def _failed(
        self, error: Exception, attempts: int, *, seq: int = 0, dialogue: str = ""
    ) -> Failure:
        why = _why(error)
        wait = None if isinstance(why, _HOPELESS) else after(attempts)
        again_at: datetime | None = None if wait is None else self._around.now() + wait
        in_dialogue = isinstance(error, InDialogue) or dialogue
        program = self._around.program if in_dialogue and wait is None else ""
        return Failure(seq, _told(why), again_at, program, dialogue)


def _why(error: Exception) -> Exception:
    """What the app's own code raised."""
    return error.error if isinstance(error, InDialogue) else error


def _told(error: Exception) -> str:
    """An error in words, with the line of the app at which it arose."""
    words, place = f"{type(error).__name__}: {error}"[:2000], raised(error)
    return words if not place or place in words else f"{words} ({place})"


def _with(standing: Standing, dialogues: Dialogues) -> Standing:
    return replace(standing, dialogues=dialogues)


def _ended_the_process(attempts: int, what: str) -> RuntimeError:
    return RuntimeError(f"The process ended {attempts - 1} times while {what}.")
