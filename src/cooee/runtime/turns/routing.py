"""Who answers a text: an always-word, the question that waits, or else another handler."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from cooee.core.app.routes import Route
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import digest
from cooee.core.errors import CannotGoBack
from cooee.core.messages import Reply, spoken
from cooee.runtime.turns.context import Played, Surroundings, Turn, chat
from cooee.runtime.turns.dialogue_turn import begin, heard, play
from cooee.runtime.turns.effects import Call, Steps
from cooee.runtime.turns.open_dialogues import Dialogues, Live
from cooee.runtime.turns.progress import Standing, draft
from cooee.storage import Pending


def answer(
    around: Surroundings, turn: Turn, pending: Pending, standing: Standing
) -> Steps[Standing]:
    """One text: what it comes to, in the order of precedence."""
    text, before = pending.inbound.text, len(standing.drafts)
    found, asking = around.app.routes.find(text), standing.dialogues.asking
    claimed = False
    if asking is not None and pending.returns:
        claimed = found is None or found[0].matcher is None
        if claimed:  # START was for us, and not for the question: it was out of sight meanwhile
            standing = replace(standing, dialogues=standing.dialogues.asked_again(asking, turn.now))
    elif asking is not None and not (found and found[0].always):
        standing, claimed = yield from _for_question(around, turn, pending, standing, asking)
        if found is not None and found[0].matcher is None:
            found = None  # what nothing else answers is not for a text that was an answer
    if found is not None and not claimed:
        standing = yield from _routed(around, turn, pending, standing, found)
    return _and_ask(around, turn, text, standing, before)


def retire(around: Surroundings, turn: Turn, standing: Standing, live: Live) -> Standing:
    """End a dialogue that the app no longer has, with the words that it left for that."""
    words = around.app.retired[live.handler]
    said = [draft(around, turn, words, digest(live.id, "retired"))] if words else []
    dialogues = standing.dialogues.ended(live, "retired", turn.now)
    return replace(standing, dialogues=dialogues).said(said)


def retired(around: Surroundings, live: Live) -> bool:
    """Whether a dialogue is one that the app no longer has, and said so."""
    return live.handler in around.app.retired and live.journal is not None


def _for_question(
    around: Surroundings, turn: Turn, pending: Pending, standing: Standing, asking: Live
) -> Steps[tuple[Standing, bool]]:
    """Hand a text to the question that waits; whether it was one for it."""
    if retired(around, asking):
        return retire(around, turn, standing, asking), False
    standing, outcome = yield from play(around, turn, standing, asking, heard(turn, pending))
    return standing, outcome.text != "unclaimed"


def _routed(
    around: Surroundings,
    turn: Turn,
    pending: Pending,
    standing: Standing,
    found: tuple[Route, Mapping[str, Any]],
) -> Steps[Standing]:
    """Call the handler that a text leads to."""
    route, fields = found
    around.observe(Played(turn.claim, pending, route.handler))
    if route.dialogue is not None:
        return (yield from begin(around, turn, standing, route.dialogue, fields))
    app, asking = around.app, standing.dialogues.asking
    state, extras = app.codec.decode(standing.state)
    interruption = _Interruption(asking, turn) if asking and asking.journal else None
    held = chat(around, turn, state, interruption)
    handler = route.handler
    run = partial(handler.call, held, **fields)
    held.say((yield Call(handler, turn.name, held, run, handler.sync)))
    drafts = [draft(around, turn, reply) for reply in held._said]  # noqa: SLF001 -- for the turn
    after = app.codec.encode(held.state, extras)
    dialogues = standing.dialogues.changed(standing.state, after, turn.now, ())
    if interruption is not None:
        dialogues = interruption.applied(dialogues)
    return Standing(after, dialogues, standing.drafts).said(drafts)


class _Interruption:
    """What a handler does about the dialogue that waits while it answers."""

    def __init__(self, live: Live, turn: Turn) -> None:
        assert live.journal is not None
        self._id, self._journal, self._now = live.id, live.journal, turn.now
        self._taken_back, self._left = 0, False
        waiting = live.journal.waiting
        self.question = "" if waiting is None else waiting.prompt

    def back(self) -> None:
        if self._left:
            raise CannotGoBack("This dialogue was just left.")
        self._journal = journals.back(self._journal, self._now)
        self._taken_back += 1

    def leave(self) -> None:
        self._left = True

    def applied(self, dialogues: Dialogues) -> Dialogues:
        """The dialogues, after what was done about this one."""
        live = dialogues.known[self._id]
        if self._left:
            return dialogues.ended(live, "left", self._now)
        journal = live.journal
        assert journal is not None
        for _ in range(self._taken_back):  # on the journal as the handler's own changes left it
            journal = journals.back(journal, self._now)
        return dialogues.taken_back(live, journal, self._now) if self._taken_back else dialogues


def _and_ask(
    around: Surroundings, turn: Turn, text: str, standing: Standing, before: int
) -> Standing:
    """With our question, where a text that was an answer may have been a wish for silence.

    Such a wish comes here only as an answer; then we ask whether it was one, and do no more.
    """
    words = around.words
    if words is None or words.hear(text) != "wish":
        return standing
    asked = any(said.text == words.question for said in standing.drafts[before:])
    return standing if asked else standing.said([draft(around, turn, Reply(words.question))])


def apology(
    around: Surroundings, turn: Turn, standing: Standing, error: Exception
) -> Steps[Standing]:
    """What a person is told when a text of theirs is set aside."""
    app = around.app
    replies = [spoken(app.sorry)]
    if app.error_handler is not None:
        held = chat(around, turn, app.codec.start())
        run = partial(app.error_handler.call, held, error)
        try:
            said = yield Call(app.error_handler, turn.name, held, run, app.error_handler.sync)
            replies = [*held._said, spoken(said)]  # noqa: SLF001 -- for the turn
            drafts = [draft(around, turn, reply, capped=False) for reply in replies if reply]
            return standing.said(drafts)
        except Exception:  # an apology must not fail the turn a second time
            replies = [spoken(app.sorry)]
    return standing.said([draft(around, turn, reply, capped=False) for reply in replies if reply])
