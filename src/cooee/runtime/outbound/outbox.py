"""The outbox: texts and dialogues that the app starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cooee.clocks.clock import Clock
from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue import replay as driver
from cooee.core.dialogue.journal import derive_id, encode_head
from cooee.core.dialogue.outbox_keys import part_keys
from cooee.core.errors import NotSendable
from cooee.core.folding import visible_text
from cooee.core.messages import Priority, Reply
from cooee.runtime import opt_outs as consent
from cooee.runtime.events import Events, TextQueued
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.runtime.outbound.recipients import parse_our_number, parse_recipient
from cooee.storage import DialogueStart, NewOutbound, ProactiveOutbound, Store


class DurableOutbox:
    """The outbox behind `App.send` and `App.start`.

    Args:
        app: whose they are.
        store: where they are kept.
        clock: what tells when they are due.
        max_text: the most characters that the provider takes.
        ours: our number, where only one is known.
        queued: told of the number for which a text was queued.
        begun: told that a dialogue may be due.
    """

    def __init__(
        self,
        app: App[Any, Any],
        store: Store,
        clock: Clock,
        *,
        max_text: int,
        our_number: Callable[[], Awaitable[str]],
        on_queued: Callable[[str], None],
        on_started: Callable[[], None],
        events: Events,
    ) -> None:
        self._app, self._store, self._clock, self._max_text = app, store, clock, max_text
        self._our_number, self._on_queued, self._on_started = our_number, on_queued, on_started
        self._events = events

    async def send(
        self,
        to: str,
        text: str,
        *,
        ours: str | None,
        at: datetime | None,
        good_for: timedelta | None,
        key: str | None,
    ) -> str:
        """Queue a text; return its id."""
        ours, theirs = await self._parse_numbers(ours, to)
        wanted_at = at or self._clock.now()
        if not visible_text(text):
            raise NotSendable("The text has no words, and no provider sends it. Give it some.")
        due = QuietHoursGate(self._app.quiet_hours, ours).next_allowed(theirs, wanted_at)
        parts = self._app.text_policy.apply(Reply(text), max_chars=self._max_text)
        drafts = [
            NewOutbound(
                text=part.text,
                priority=Priority.PROACTIVE,
                key=part_key,
                due_at=at if due == wanted_at else due,
                good_until=None if good_for is None else wanted_at + good_for,
            )
            for part, part_key in zip(parts, part_keys(key, len(parts)), strict=True)
        ]
        ids = await self._store.enqueue([ProactiveOutbound(ours, theirs, one) for one in drafts])
        await consent.refuse_if_opted_out(self._store, ours, theirs, "The text is kept, cancelled")
        for id, draft in zip(ids, drafts, strict=True):
            self._events.publish(TextQueued(id, ours, theirs, draft.text))
        self._on_queued(ours)
        return ids[-1]

    async def start(
        self,
        dialogue: Dialogue,
        to: str,
        inputs: Mapping[str, Any],
        *,
        ours: str | None,
        at: datetime | None,
        key: str | None,
    ) -> str:
        """Store a dialogue that begins in a turn of its own; return its id."""
        (ours, theirs), now = await self._parse_numbers(ours, to), self._clock.now()
        id, _ = await store_dialogue_start(
            self._store, dialogue, inputs, ours=ours, theirs=theirs, now=now, at=at, key=key
        )
        self._on_started()
        return id

    async def _parse_numbers(self, ours: str | None, to: str) -> tuple[str, str]:
        """Return our number and a person's, as they are stored.

        Raises:
            NotSendable: `to` is no person's number.
        """
        our_numbers = await self._store.our_numbers()
        if ours:
            ours = parse_our_number(ours, our_numbers)
        else:
            ours = await self._our_number()
        return ours, parse_recipient(to, ours=ours, our_numbers=our_numbers)


async def store_dialogue_start(
    store: Store,
    dialogue: Dialogue,
    inputs: Mapping[str, Any],
    *,
    ours: str,
    theirs: str,
    now: datetime,
    at: datetime | None,
    key: str | None,
) -> tuple[str, bool]:
    """Store a dialogue that begins in a turn of its own; return its id, and whether it is new.

    Raises:
        OptedOut: the person opted out; nothing is stored.
    """
    await consent.refuse_if_opted_out(store, ours, theirs, "Nothing is begun")
    id = uuid4().hex if key is None else derive_id("start", dialogue.name, key)
    head = encode_head(driver.new_journal(id, dialogue.name, dict(inputs), None, now))
    start = DialogueStart(
        ours=ours, theirs=theirs, id=id, handler=dialogue.name, head=head, due_at=at
    )
    (is_new,) = await store.start_dialogues([start])
    return id, is_new
