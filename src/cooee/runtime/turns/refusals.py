"""The turn of a refusal: the app, or else the person, is told of a text that was refused."""

from __future__ import annotations

from msgspec.structs import replace

from cooee.core.app.routes import Route
from cooee.core.dialogue.refusals import apology_key, decode_refusal
from cooee.core.messages import Refusal, Reply
from cooee.runtime.turns.context import Turn, TurnContext
from cooee.runtime.turns.dialogue_turn import mark_dialogue_failures
from cooee.runtime.turns.effects import TurnFlow
from cooee.runtime.turns.open_dialogues import OpenDialogue
from cooee.runtime.turns.progress import ClaimProgress, make_drafts
from cooee.runtime.turns.routing import call_handler
from cooee.storage import NewOutbound


def tell_of_refusal(
    context: TurnContext, turn: Turn, progress: ClaimProgress, dialogue: OpenDialogue
) -> TurnFlow[ClaimProgress]:
    """Call the app's `on_refused`, or send its `sorry` for a reply; end the refusal."""
    app, draft_count = context.app, len(progress.drafts)
    with mark_dialogue_failures():
        if dialogue.read_error is not None:
            raise dialogue.read_error
        assert dialogue.journal is not None
        refusal = decode_refusal(dialogue.journal)
        if app.refusal_handler is not None:
            route = (Route(None, app.refusal_handler), {"refusal": refusal})
            progress = yield from call_handler(
                context, turn, None, progress, route, refusal_id=dialogue.id
            )
        elif refusal.is_awaited and app.sorry:
            sorry = make_drafts(context, turn, Reply(app.sorry), capped=False)
            progress = progress.with_drafts(sorry)
    # delivery rule 27: by its key such a text is known, and its own refusal is told to nobody
    told = [_with_key(draft, refusal, n) for n, draft in enumerate(progress.drafts[draft_count:])]
    drafts = (*progress.drafts[:draft_count], *told)
    dialogues = progress.dialogues.with_ended(
        progress.dialogues.by_id[dialogue.id], "told", turn.now
    )
    return replace(progress, drafts=drafts, dialogues=dialogues)


def _with_key(draft: NewOutbound, refusal: Refusal, n: int) -> NewOutbound:
    return replace(draft, key=apology_key(refusal, n, draft.text))
