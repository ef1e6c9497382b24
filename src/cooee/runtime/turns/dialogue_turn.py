"""One turn of a dialogue, with all that it has to have on disk before it goes on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from msgspec.structs import replace

from cooee.core.app.chat import Chat
from cooee.core.app.routes import Dialogue, handler_of
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue import replay as driver
from cooee.core.dialogue.journal import Journal, digest
from cooee.core.dialogue.questions import Text
from cooee.core.dialogue.replay import Outcome, Ran, RunOnce
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply
from cooee.runtime.turns.context import Played, Surroundings, Turn, chat, stage
from cooee.runtime.turns.effects import Call, LeaseLost, Steps
from cooee.runtime.turns.open_dialogues import Live, begun, entries
from cooee.runtime.turns.progress import Standing, draft
from cooee.storage import Draft, Jot, Kept, Pending


class CommitFirst(Exception):
    """Before this turn can write something down, those before it have to be committed."""


class InDialogue(Exception):
    """A dialogue's turn failed: it is tried again too when the app's code is another."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def in_dialogue() -> Iterator[None]:
    """Whatever fails meanwhile has failed in a dialogue."""
    try:
        yield
    except (CommitFirst, LeaseLost, InDialogue):
        raise
    except Exception as error:
        raise InDialogue(error) from error


def begin(
    around: Surroundings,
    turn: Turn,
    standing: Standing,
    dialogue: Dialogue,
    fields: Mapping[str, Any],
) -> Steps[Standing]:
    """Begin a dialogue by a text, unless it gives way to one that asks."""
    asking = standing.dialogues.asking
    if asking is not None and dialogue.busy == "refuse":
        return replace(standing, dialogues=standing.dialogues.asked_again(asking, turn.now))
    with in_dialogue():
        id = digest(turn.name, dialogue.name)
        live = standing.dialogues.known.get(id)  # an earlier attempt may have begun it
        if live is None:
            inputs, state = dict(fields), standing.state
            live = begun(driver.begin(id, dialogue.name, inputs, state, turn.moment))
    standing, _ = yield from play(around, turn, standing, live, None)
    return standing


def play(
    around: Surroundings, turn: Turn, standing: Standing, live: Live, text: Text | None
) -> Steps[tuple[Standing, Outcome]]:
    """Run a dialogue once, for a text of its own or because it is time.

    Raises:
        CommitFirst: it has to write something down, and turns before it are not committed.
        InDialogue: it failed.
        LeaseLost: the conversation is somebody else's.
    """
    with in_dialogue():
        dialogue, journal = _found(around, live), _begun(turn, standing, live)
        around.observe(Played(turn.claim, turn.pending, dialogue.handler))
        live, outcome = yield from _outcome(around, turn, standing, live, journal, dialogue, text)
        for warning in outcome.warnings:
            around.warn(warning)
        drafts = _drafts(around, turn, outcome)
    state = standing.state if outcome.state is None else outcome.state
    dialogues = standing.dialogues.after(live, outcome, dialogue.busy, turn.now)
    dialogues = dialogues.changed(standing.state, state, turn.now, {live.id})
    return replace(standing, state=state, dialogues=dialogues).said(drafts), outcome


def heard(turn: Turn, pending: Pending) -> Text:
    """A text as a dialogue is handed it."""
    inbound = pending.inbound
    media = tuple(replace(one, content=b"") for one in inbound.media)
    return Text(inbound.text, pending.id.hex(), turn.moment, inbound.received_at, media)


def _found(around: Surroundings, live: Live) -> Dialogue:
    if live.trouble is not None:
        raise live.trouble
    found = around.app.routes.named(live.handler)
    if found is None:
        raise DialogueError(
            f"The app has no dialogue {live.handler!r} any more, and somebody is in the middle of"
            f" it. Where it has a new name, write was={live.handler!r} there; where it is gone,"
            f" app.retire({live.handler!r}, say=…)."
        )
    return found


def _begun(turn: Turn, standing: Standing, live: Live) -> Journal:
    """Its journal; before its first turn, with the person's state as it is now."""
    assert live.journal is not None
    if not live.fresh:
        return live.journal
    return replace(live.journal, base=standing.state, started_at=turn.moment)


def _outcome(  # noqa: PLR0917 -- all that a run needs, once
    around: Surroundings,
    turn: Turn,
    standing: Standing,
    live: Live,
    journal: Journal,
    dialogue: Dialogue,
    text: Text | None,
) -> Steps[tuple[Live, Outcome]]:
    """Advance a run from one effect to the next, and see to each."""
    recall, strict = around.recall(turn.claim, turn.seq), around.strict
    set_up = stage(around, dialogue, turn.claim, recall, strict=strict)
    flow, given, handler = driver.turn(set_up, journal, text, turn.now), None, dialogue.handler
    surrounded = chat(around, turn, around.app.codec.decode(standing.state)[0])
    try:
        while True:
            advance = partial(_advance, flow, given)
            step = yield Call(handler, turn.name, surrounded, advance, True, around.stuck)
            if isinstance(step, Outcome):
                break
            if not turn.first:
                raise CommitFirst
            live = yield from _jot(turn, live, journal, step.entries)
            given = None
            if isinstance(step, RunOnce):
                given = yield from _ran(turn, surrounded, step)
    finally:
        with suppress(ValueError):  # a thread that never came back is still inside
            flow.close()
    if strict:
        again = partial(driver.replay, set_up, step, turn.now)
        yield Call(handler, turn.name, surrounded, again, sync=True)
    return live, step


def _advance(flow: driver.Flow, given: Ran | None) -> Any:
    try:
        return flow.send(given)
    except StopIteration as done:
        return done.value


def _jot(
    turn: Turn, live: Live, journal: Journal, further: Sequence[journals.Entry]
) -> Steps[Live]:
    """Have entries written down now; the text stays unhandled."""
    unkept = entries(live, further)
    head = journals.write_head(journal)
    kept = Kept(id=live.id, handler=live.handler, count=live.kept, entries=unkept, head=head)
    if not (yield Jot(turn.claim, kept)):
        raise LeaseLost
    return replace(live, kept=live.kept + len(unkept))


def _ran(turn: Turn, surrounded: Chat[Any, Any], once: RunOnce) -> Steps[Ran]:
    """Do what is to be done once, in a thread or on the event loop, as it is written."""
    handler = handler_of(once.call)
    run = partial(once.call, *once.args, **once.kwargs)
    try:
        value = yield Call(handler, turn.name, surrounded, run, sync=handler.sync)
        if inspect.isawaitable(value):  # a plain function that returned something to await
            waiting = value
            value = yield Call(handler, turn.name, surrounded, lambda: waiting, sync=False)
    except Exception as error:
        return Ran(error=error)
    return Ran(value)


def _drafts(around: Surroundings, turn: Turn, outcome: Outcome) -> Sequence[Draft]:
    drafts = [draft(around, turn, said.reply, said.key) for said in outcome.says]
    last = _LAST_WORDS.get(outcome.ended)
    words = None if last is None else getattr(around.app, last)
    if words:
        key = digest(outcome.journal.id, outcome.ended)
        drafts.append(draft(around, turn, Reply(words), key, capped=False))
    return drafts


_LAST_WORDS = {"no reply": "no_reply", "too many attempts": "too_many"}
