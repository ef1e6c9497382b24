"""Routing: a text goes to an always-keyword, to the waiting question, or to a handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from msgspec.structs import replace

from cooee.core.app.offered_words import plain_word
from cooee.core.app.opt_out import OPT_OUT_QUESTION
from cooee.core.app.routes import Handler, Route
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import derive_id
from cooee.core.dialogue.outcome import TextDisposition
from cooee.core.dialogue.questions import IncomingText
from cooee.core.dialogue.state_snapshot import StateSnapshot
from cooee.core.errors import CannotGoBack
from cooee.core.messages import Reply, as_reply
from cooee.core.parsing.reactions import Reaction, read_reaction
from cooee.runtime.events import HandlerStarted
from cooee.runtime.turns.context import Turn, TurnContext, make_chat
from cooee.runtime.turns.dialogue_turn import as_dialogue_text, run_dialogue, start_dialogue
from cooee.runtime.turns.effects import HandlerCall, TurnFlow
from cooee.runtime.turns.open_dialogues import OpenDialogue, OpenDialogues
from cooee.runtime.turns.progress import ClaimProgress, make_drafts
from cooee.storage import NewOutbound, PendingText, SenderConsent

RouteMatch: TypeAlias = tuple[Route, Mapping[str, Any]]
"""A route, and the fields of its pattern."""


def route_text(
    context: TurnContext, turn: Turn, pending: PendingText, progress: ClaimProgress
) -> TurnFlow[ClaimProgress]:
    """Answer one text, by the order of precedence; return the progress after it."""
    text, draft_count = pending.inbound.text, len(progress.drafts)
    # texts rule 5: a thumb on a text of ours is for no question, and for no other handler
    reaction = read_reaction(text)
    if reaction is not None and (yield from _quotes_our_text(context, turn, reaction)):
        handler = context.app.reaction_handler
        if handler is None:
            return progress
        route = (Route(None, handler), {"reaction": reaction})
        return (yield from call_handler(context, turn, pending, progress, route))
    matched, asking = context.app.routes.find_route(text), progress.dialogues.asking
    if asking is not None and pending.consent is SenderConsent.BACK_IN:
        return (yield from _opt_back_in(context, turn, pending, progress, matched))
    # texts rule 8: to a person who is out, no question of ours is in sight
    if asking is not None and pending.consent is not SenderConsent.OUT:
        offered = _offered_words(asking)
        if matched is not None and matched[0].matcher is None and matched[0].always:  # HELP
            is_offered = plain_word(text) in offered
            matched = None if is_offered else (matched[0], {"offered": offered})
        if not (matched and matched[0].always):
            return (yield from _route_to_question(context, turn, pending, progress, matched))
    if matched is not None:
        progress = yield from call_handler(context, turn, pending, progress, matched)
    return _ask_about_opt_out(context, turn, text, progress, draft_count)


def _offered_words(asking: OpenDialogue | None) -> Sequence[str]:
    """Return the reserved words that the waiting question offers as answers (texts rule 9)."""
    return () if asking is None or asking.waiting is None else asking.waiting.offered


def _route_to_question(
    context: TurnContext,
    turn: Turn,
    pending: PendingText,
    progress: ClaimProgress,
    matched: RouteMatch | None,
) -> TurnFlow[ClaimProgress]:
    """Give a text to the waiting question, and to its handler where the question takes no text."""
    text, draft_count = pending.inbound.text, len(progress.drafts)
    asking, dialogue_text = progress.dialogues.asking, as_dialogue_text(turn, pending)
    assert asking is not None
    if matched is not None and matched[0].matcher is not None:
        dialogue_text = replace(dialogue_text, is_keyword=True)
    if context.opt_out_words is not None and context.opt_out_words.might_opt_out(text):
        prompt = context.opt_out_words.opt_out_prompt(_offered_words(asking))
        dialogue_text = replace(dialogue_text, opt_out_prompt=prompt)
    progress, disposition = yield from _answer_question(
        context, turn, dialogue_text, progress, asking
    )
    consumed = disposition not in {"unclaimed", "unasked"}
    if consumed and dialogue_text.opt_out_prompt:
        return progress  # it was asked about, or is one of the answers that the question offers
    # replay rule 17: to whom nothing was asked yet, the text is one like any other
    is_theirs = disposition == "unasked" or (matched is not None and matched[0].matcher is not None)
    if matched is not None and is_theirs and not consumed:
        progress = yield from call_handler(context, turn, pending, progress, matched)
    return _ask_about_opt_out(context, turn, text, progress, draft_count)


def _opt_back_in(
    context: TurnContext,
    turn: Turn,
    pending: PendingText,
    progress: ClaimProgress,
    matched: RouteMatch | None,
) -> TurnFlow[ClaimProgress]:
    """Ask the waiting question again, after the handler of the word that opted in, if any."""
    asking = progress.dialogues.asking
    if matched is not None and matched[0].matcher is not None:
        progress = yield from call_handler(context, turn, pending, progress, matched)
    still_asking = progress.dialogues.asking
    if asking is None or still_asking is None or still_asking.id != asking.id:
        return progress
    return progress.with_question_repeated(turn.now)


_REACTION_REACH = 50  # texts back that a person may react to


def _quotes_our_text(context: TurnContext, turn: Turn, reaction: Reaction) -> TurnFlow[bool]:
    """Tell whether a reaction is to a text that we sent; otherwise the text is a person's words."""
    read_history = context.history_reader(turn)

    async def find_quote() -> bool:
        history = await read_history(_REACTION_REACH)
        return reaction.quotes_one_of(entry.text for entry in history if entry.said_by == "us")

    handler = Handler(find_quote, "the look-up of a reaction's text", "", sync=False)
    chat = make_chat(context, turn, None)
    return bool((yield HandlerCall(handler, turn.id, chat, find_quote, sync=False)))


def end_retired_dialogue(
    context: TurnContext, turn: Turn, progress: ClaimProgress, dialogue: OpenDialogue
) -> ClaimProgress:
    """End a dialogue that the app retired, with the text that `App.retire` names."""
    reply = context.app.retired_dialogues[dialogue.handler]
    key = derive_id(dialogue.id, "retired")
    drafts = make_drafts(context, turn, reply, key) if reply else []
    dialogues = progress.dialogues.with_ended(dialogue, "retired", turn.now)
    return replace(progress, dialogues=dialogues).with_drafts(drafts)


def is_retired(context: TurnContext, dialogue: OpenDialogue) -> bool:
    """Tell whether the app retired a dialogue."""
    return dialogue.handler in context.app.retired_dialogues and dialogue.journal is not None


def _answer_question(
    context: TurnContext,
    turn: Turn,
    text: IncomingText,
    progress: ClaimProgress,
    asking: OpenDialogue,
) -> TurnFlow[tuple[ClaimProgress, TextDisposition]]:
    """Give a text to the waiting question; return how the question used it."""
    if is_retired(context, asking):
        return end_retired_dialogue(context, turn, progress, asking), "unclaimed"
    progress, outcome = yield from run_dialogue(context, turn, progress, asking, text)
    return progress, outcome.text_disposition


def call_handler(
    context: TurnContext,
    turn: Turn,
    pending: PendingText | None,
    progress: ClaimProgress,
    matched: RouteMatch,
    *,
    refusal_id: str = "",
) -> TurnFlow[ClaimProgress]:
    """Call the handler of the matched route, for a text or, without `pending`, for a refusal."""
    route, fields = matched
    context.events.publish(HandlerStarted(turn.claim, pending, route.handler))
    if route.dialogue is not None:
        return (yield from start_dialogue(context, turn, progress, route.dialogue, fields))
    app, asking = context.app, progress.dialogues.asking
    state, unknown_fields = app.state_codec.decode(progress.state)
    # Before the handler runs, since an object of the state is known by what it was before.
    snapshot = StateSnapshot(state, progress.state) if progress.dialogues.by_id else None
    interruption = _InterruptedDialogue(asking, turn) if asking and asking.journal else None
    handler_chat = make_chat(context, turn, state, interruption)
    handler = route.handler
    run = partial(handler.function, handler_chat, **fields)
    deed = turn.id if pending is not None else refusal_id
    call = HandlerCall(handler, turn.id, handler_chat, run, handler.sync, deed=deed)
    handler_chat.say((yield call))
    replies = handler_chat._replies  # noqa: SLF001 -- for the turn
    drafts = [draft for reply in replies for draft in make_drafts(context, turn, reply)]
    new_state = app.state_codec.encode(handler_chat.state, unknown_fields)
    dialogues = progress.dialogues
    if snapshot is not None:
        find_diff = partial(snapshot.diff_to, handler_chat.state, new_state)
        dialogues = dialogues.with_state_change(find_diff, turn.now, ())
    if interruption is not None:
        dialogues = interruption.apply_to(dialogues)
    return ClaimProgress(new_state, dialogues, progress.drafts).with_drafts(drafts)


class _InterruptedDialogue:
    """The waiting dialogue, as the handler that interrupts it may change it."""

    def __init__(self, dialogue: OpenDialogue, turn: Turn) -> None:
        assert dialogue.journal is not None
        self._id, self._journal, self._now = dialogue.id, dialogue.journal, turn.now
        self._undo_count, self._is_left = 0, False
        waiting = dialogue.journal.waiting
        self.question = "" if waiting is None else waiting.prompt

    def back(self) -> None:
        if self._is_left:
            raise CannotGoBack("This dialogue was just left.")
        self._journal = journals.undo_last_answer(self._journal, self._now)
        self._undo_count += 1

    def leave(self) -> None:
        self._is_left = True

    def apply_to(self, dialogues: OpenDialogues) -> OpenDialogues:
        """Return the dialogues with this one's changes."""
        dialogue = dialogues.by_id[self._id]
        if self._is_left:
            return dialogues.with_ended(dialogue, "left", self._now)
        journal = dialogue.journal
        assert journal is not None
        for _ in range(self._undo_count):  # on the journal as the handler's own changes left it
            journal = journals.undo_last_answer(journal, self._now)
        return (
            dialogues.with_journal(dialogue, journal, self._now) if self._undo_count else dialogues
        )


def _ask_about_opt_out(
    context: TurnContext, turn: Turn, text: str, progress: ClaimProgress, draft_count: int
) -> ClaimProgress:
    """Ask whether a text that a handler took, or nobody, was meant to opt out.

    A wish comes here that was stored while a question waited, and a word that the question offered
    which waited then, and which another text has answered meanwhile.
    """
    opt_out = context.opt_out_words
    if opt_out is None or opt_out.consent_of(text) not in {"wish", "out"}:
        return progress
    new_drafts = progress.drafts[draft_count:]
    if any(draft.text.startswith(OPT_OUT_QUESTION) for draft in new_drafts):
        return progress
    prompt = opt_out.opt_out_prompt(_offered_words(progress.dialogues.asking))
    return progress.with_drafts(make_drafts(context, turn, Reply(prompt)))


def failure_reply(
    context: TurnContext, turn: Turn, progress: ClaimProgress, error: Exception
) -> TurnFlow[ClaimProgress]:
    """Draft the text that a person gets when their text is set aside."""
    app = context.app
    replies = [as_reply(app.sorry)]
    if app.error_handler is not None:
        handler_chat = make_chat(context, turn, app.state_codec.new_state())
        run = partial(app.error_handler.function, handler_chat, error)
        try:
            returned = yield HandlerCall(
                app.error_handler, turn.id, handler_chat, run, app.error_handler.sync
            )
            replies = [*handler_chat._replies, as_reply(returned)]  # noqa: SLF001 -- for the turn
            return progress.with_drafts(_apologies(context, turn, replies))
        except Exception:  # an apology must not fail the turn a second time
            replies = [as_reply(app.sorry)]
    return progress.with_drafts(_apologies(context, turn, replies))


def _apologies(
    context: TurnContext, turn: Turn, replies: Sequence[Reply | None]
) -> Sequence[NewOutbound]:
    """Return drafts for a text that was set aside; each goes out once, however often it fails."""
    drafts: list[NewOutbound] = []
    for n, reply in enumerate(replies):
        if reply:
            key = derive_id(turn.id, "sorry", n, reply.text)
            drafts += make_drafts(context, turn, reply, key, capped=False)
    return drafts
