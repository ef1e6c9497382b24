"""A claim played by hand: what is written before what, and who is blamed for an end."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from cooee import App
from cooee.core.dialogue.journal import encode_head
from cooee.core.dialogue.replay import new_journal
from cooee.core.dialogue.waiting import Waiting
from cooee.core.messages import Inbound
from cooee.runtime.turns.claim_turns import failed_claim_result, run_claim
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.storage import Checkpoint, Claim, DialogueRecord, PendingText, SenderConsent

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def played(attempts, *, dialogue=True, text=True):
    """What comes of a claim's given attempt: a dialogue that is to begin, and a text."""
    app, ran = App(sorry=None), []

    @app.dialogue()
    async def chase(chat):
        ran.append("chase")
        return await chat.ask("Is it paid?")

    @app.otherwise
    def otherwise(chat):
        ran.append("text")

    head = encode_head(new_journal("d", "chase", {}, None, NOW))
    due = [DialogueRecord(id="d", handler="chase", head=head, due_at=NOW)] if dialogue else []
    inbound = Inbound(sender="a", recipient="b", text="hello", received_at=NOW)
    texts = [PendingText(b"t", 3, inbound)] if text else []
    claim = Claim(b"c", "b", "a", 1, attempts, None, None, texts, 2, due)
    now = NOW + timedelta(minutes=1)
    context = TurnContext(app, None, lambda: now, lambda *_: None, code_version=lambda: "v1")
    flow = run_claim(context, claim)
    try:
        step = next(flow)
        while True:
            assert isinstance(step, HandlerCall)
            step = flow.send(step.run())
    except StopIteration as done:
        return ran, done.value


def test_a_dialogue_that_goes_before_a_text_is_blamed_before_it():
    ran, finish = played(6)
    assert ran == []
    assert (finish.failure.dialogue_id, finish.failure.seq) == ("d", 0)
    assert (finish.failure.retry_at, finish.failure.code_version) == (None, "v1")
    assert "ended 5 times while chase went on by itself" in finish.failure.error
    assert finish.handled_seq == 2, "the text has its turn in the next claim"


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_both_have_their_turn_while_there_are_attempts_left(attempts):
    ran, finish = played(attempts)
    assert ran[0] == "chase"
    assert finish.failure is None
    assert finish.handled_seq == 3


def test_a_text_alone_and_an_alarm_alone_are_blamed_themselves():
    ran, finish = played(6, dialogue=False)
    assert (ran, finish.failure.seq, finish.failure.code_version) == ([], 3, "")
    ran, finish = played(6, text=False)
    assert (ran, finish.failure.dialogue_id) == ([], "d")


@pytest.mark.parametrize("consent", list(SenderConsent))
@pytest.mark.parametrize("attempt", [1, 6])
def test_a_claim_that_fails_over_an_opt_in_asks_the_question_again_once_it_is_set_aside(
    consent, attempt
):
    head = new_journal("d", "chase", {}, None, NOW)
    head = replace(head, waiting=Waiting(("ask", (), "Paid?", 0), "Paid?", NOW))
    asking = [DialogueRecord(id="d", handler="chase", head=encode_head(head))]
    inbound = Inbound(sender="a", recipient="b", text="START", received_at=NOW)
    texts = [PendingText(b"t", 3, inbound, consent=consent)]
    claim = Claim(b"c", "b", "a", 1, attempt, None, None, texts, 2, asking)
    context = TurnContext(App(sorry=None), None, lambda: NOW, lambda *_: None)
    result = failed_claim_result(context, claim, ValueError("broken"))
    is_over = attempt == 6
    assert (result.failure.retry_at is None) is is_over
    updates = [update.due_at for update in result.dialogue_updates]
    assert updates == ([NOW] if is_over and consent is SenderConsent.BACK_IN else [])


# Before something is done once


def paying():
    """An app that pays after two answers, and what it did."""
    app, paid = App(sorry=None), []

    @app.dialogue("PAY")
    async def pay(chat):
        amount = await chat.ask("How much?", int)
        name = await chat.ask("To whom?")
        await chat.once(paid.append, (amount, name))
        return "Paid."

    return app, paid


def stored(kept):
    """A dialogue as the store brings it back."""
    return DialogueRecord(id=kept.id, handler=kept.handler, head=kept.head, entries=kept.entries)


def claimed(*words, handled=0, dialogues=()):
    texts = [
        PendingText(
            bytes([seq]), seq, Inbound(sender="a", recipient="b", text=text, received_at=NOW)
        )
        for seq, text in enumerate(words, handled + 1)
    ]
    return Claim(b"c", "b", "a", 1, 1, None, None, texts, handled, dialogues)


def run_claim_by_hand(app, claim, *, held=True):
    """Play a claim: the jots it asked for, and its end."""
    now, checkpoints = NOW + timedelta(minutes=claim.handled_seq), []
    context = TurnContext(app, None, lambda: now, lambda *_: None, code_version=lambda: "v1")
    flow = run_claim(context, claim)
    try:
        step = next(flow)
        while True:
            if isinstance(step, Checkpoint):
                checkpoints.append(step.update)
                step = flow.send(held)
                continue
            try:
                reply = step.run()
            except Exception as error:
                step = flow.throw(error)
            else:
                step = flow.send(reply)
    except StopIteration as done:
        return checkpoints, done.value


def test_what_came_before_in_a_claim_is_committed_before_anything_is_done():
    app, paid = paying()
    jots, first = run_claim_by_hand(app, claimed("PAY", "5", "Ann"))
    assert (jots, paid, first.handled_seq, first.failure) == ([], [], 2, None)
    assert [draft.text for draft in first.drafts] == ["How much?", "To whom?"]
    again = claimed("Ann", handled=2, dialogues=[stored(one) for one in first.dialogue_updates])
    jots, second = run_claim_by_hand(app, again)
    assert (paid, second.handled_seq) == ([(5, "Ann")], 3)
    assert [draft.text for draft in second.drafts] == ["Paid."]
    (kept,) = second.dialogue_updates
    written = [entry for one in (*first.dialogue_updates, *jots, kept) for entry in one.entries]
    assert len(written) == len(set(written)), "each entry once"
    assert [one.stored_count for one in jots] == [1, 3], "each behind those before it"
    assert kept.stored_count == 4


def test_nothing_is_done_and_nothing_comes_of_a_turn_whose_lease_is_lost():
    app, paid = paying()
    _, first = run_claim_by_hand(app, claimed("PAY", "5"))
    claim = claimed("Ann", handled=2, dialogues=[stored(one) for one in first.dialogue_updates])
    jots, finish = run_claim_by_hand(app, claim, held=False)
    assert len(jots) == 1
    assert (paid, finish) == ([], None)
