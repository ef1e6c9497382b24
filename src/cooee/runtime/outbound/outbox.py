"""What we write first: texts and dialogues, once each of them is on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cooee.clocks.clock import Clock
from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue import replay as driver
from cooee.core.dialogue.journal import digest, write_head
from cooee.core.messages import Class, Reply
from cooee.core.phone_numbers import normalise
from cooee.runtime import opt_outs as consent
from cooee.runtime.outbound.quiet_hours import Night
from cooee.storage import Draft, Letter, Start, Store


class Outbox:
    """Where an app's own texts and dialogues are put; see `App.send` and `App.start`.

    Args:
        app: whose they are.
        store: where they are kept.
        clock: what tells when they are due.
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
        ours: Callable[[], Awaitable[str]],
        queued: Callable[[str], None],
        begun: Callable[[], None],
    ) -> None:
        self._app, self._store, self._clock = app, store, clock
        self._ours, self._queued, self._begun = ours, queued, begun

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
        """Queue a text; its id."""
        ours = ours or await self._ours()
        theirs, asked = normalise(to, near=ours), at or self._clock.now()
        due = Night(self._app.quiet, ours).over(theirs, asked)
        draft = Draft(
            text=self._app.worded(Reply(text)).text,
            kind=Class.STARTED,
            key=key,
            due_at=at if due == asked else due,
            good_until=None if good_for is None else asked + good_for,
        )
        (id,) = await self._store.enqueue([Letter(ours, theirs, draft)])
        await consent.refuse_if_silent(self._store, ours, theirs, "The text is kept, cancelled")
        self._queued(ours)
        return id

    async def begin(
        self,
        dialogue: Dialogue,
        to: str,
        inputs: Mapping[str, Any],
        *,
        ours: str | None,
        at: datetime | None,
        key: str | None,
    ) -> str:
        """Have a dialogue begun, in a turn of its own; its id."""
        ours = ours or await self._ours()
        theirs, now = normalise(to, near=ours), self._clock.now()
        await consent.refuse_if_silent(self._store, ours, theirs, "Nothing is begun")
        id = uuid4().hex if key is None else digest("start", dialogue.name, key)
        head = write_head(driver.begin(id, dialogue.name, dict(inputs), None, now))
        start = Start(ours=ours, theirs=theirs, id=id, handler=dialogue.name, head=head, due_at=at)
        await self._store.start([start])
        self._begun()
        return id
