"""What one text costs, in counts: store calls, statements, threads, requests, signatures.

A text that comes to cost more fails here; a change that makes it cheaper lowers the number.
"""

from collections import Counter
from dataclasses import dataclass

import pytest

from cooee import App, Chat
from cooee.providers.twilio import signature
from cooee.runtime.turns import handler_calls, thread_call
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.writer_thread import WriterThread
from cooee.testing import Kit


@dataclass
class Count:
    texts: int = 0


def counting() -> App:
    app = App(state=Count)

    @app.otherwise
    def count(chat: Chat[Count]) -> str:
        chat.state.texts += 1
        return f"That was text {chat.state.texts}."

    return app


def asking() -> App:
    app = App()

    @app.dialogue("GO")
    async def ask(chat):
        while True:
            await chat.ask("Next?", key="next")

    return app


@pytest.fixture
def counts(monkeypatch):
    counted = Counter()

    def count(owner, name, what, *, when=lambda *_, **__: True):
        original = getattr(owner, name)

        def counting(*args, **kwargs):
            counted[what] += when(*args, **kwargs)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    def writes(*_, writes=True):
        return writes

    monkeypatch.setattr(handler_calls, "_SLOW_HANDLER_S", float("inf"))  # however busy the machine
    count(WriterThread, "submit", "store calls that write", when=writes)
    count(Transaction, "execute", "statements")
    count(thread_call.ThreadCall, "__init__", "threads")
    count(signature, "compute_signature", "signatures")
    count(signature, "parse_form_fields", "forms")
    run_batch = WriterThread._run_batch

    def count_commits(thread, connection, batch):
        before = connection.total_changes
        results = run_batch(thread, connection, batch)
        counted["commits"] += connection.total_changes > before
        return results

    monkeypatch.setattr(WriterThread, "_run_batch", count_commits)
    return counted


@pytest.mark.parametrize(
    ("app", "reply_by", "calls", "statements"),
    [
        (counting, "rest", 5, 21),
        (asking, "rest", 5, 26),
        (counting, "webhook", 5, 22),
        (asking, "webhook", 5, 27),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_text_its_reply_and_its_two_receipts_cost_no_more(
    counts, app, reply_by, calls, statements
):
    async with Kit(app(), provider="twilio", settings={"TWILIO_REPLY_BY": reply_by}) as kit:
        anna = kit.phone()
        await anna.text("GO")
        counts.clear()
        await anna.text("Fine")
        assert counts["signatures"] == counts["forms"] == 3
        assert counts["threads"] == 1
        # a wake-up between two commits is a look at the store more: never as much as a step more
        assert counts["store calls that write"] <= calls + 2
        assert counts["statements"] <= statements + 8
        # delivery rule 31: the text with its lease, the turn with its attempt, the result; and the
        # two receipts
        assert counts["commits"] <= 5
