"""Operations: the questions and deeds of an operator, for `cooee` commands and a console.

Each function works on an open store beside the running app, and returns data; printing is the
caller's. None of them runs a handler.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from cooee.core.dialogue.journal import decode_journal
from cooee.core.dialogue.refusals import REFUSAL_DIALOGUE
from cooee.core.errors import JournalError, NotSendable, SettingError
from cooee.core.folding import visible_text
from cooee.core.messages import Priority, conversation_id
from cooee.core.phone_numbers import is_e164, normalise_number
from cooee.runtime.inbound.media import erase_forgotten_media
from cooee.runtime.inbound.media_storage import MediaStorage
from cooee.runtime.opt_outs import refuse_if_opted_out
from cooee.runtime.outbound.outbox import store_dialogue_start
from cooee.runtime.outbound.recipients import parse_recipient
from cooee.storage import NewOutbound, ProactiveOutbound
from cooee.storage.summaries import TROUBLED

if TYPE_CHECKING:
    from cooee.core.app.app import App
    from cooee.core.app.routes import Dialogue
    from cooee.storage import (
        ConversationFilter,
        ConversationSummary,
        Counts,
        DialogueRecord,
        OptOut,
        PrunedSlice,
        Store,
        StoredDialogue,
        StoredText,
    )

_PAGE_SIZE = 500  # dialogues that are in memory at a time
_MAX_CONVERSATIONS = 1_000  # conversations that are searched for the number used last
_MAX_DIALOGUES = 100  # open dialogues of one person that are listed
_MAX_TROUBLED_TEXTS = 10_000  # texts of one conversation that are searched for trouble
_EVERY_CONVERSATION = 100_000
_TROUBLE_STATUSES = frozenset({"set aside", "unknown", "failed"})


# People and their texts


class Conversation(msgspec.Struct, frozen=True):
    """One person's conversation with one of our numbers: texts, opt-outs, open dialogues."""

    ours: str
    theirs: str
    texts: Sequence[StoredText]
    opt_outs: Sequence[OptOut]
    dialogues: Sequence[DialogueRecord]


class ConversationPage(msgspec.Struct, frozen=True):
    """A page of a list of conversations, the length of the list, and the next page's place."""

    conversations: Sequence[ConversationSummary]
    total: int
    next_page: str  # a cursor; "" on the last page


class Trouble(msgspec.Struct, frozen=True):
    """Texts and dialogues that need a person, each with its conversation, and the counts of all."""

    page: ConversationPage
    counts: Counts
    texts: Sequence[tuple[ConversationSummary, StoredText]]
    dialogues: Sequence[tuple[ConversationSummary, DialogueRecord]]


async def list_conversations(
    store: Store, matching: ConversationFilter, *, after: str = "", limit: int
) -> ConversationPage:
    """Return a page of the conversations that a filter lets through, the latest text first.

    Raises:
        SettingError: `after` is no cursor.
    """
    found = await store.conversations(matching, after=after, limit=limit + 1)
    next_page = found[limit - 1].cursor if len(found) > limit else ""
    return ConversationPage(found[:limit], await store.count_conversations(matching), next_page)


async def find_trouble(
    store: Store, limit: int, matching: ConversationFilter = TROUBLED, *, after: str = ""
) -> Trouble:
    """Return each text and dialogue set aside, and each text refused or of unknown outcome.

    Raises:
        SettingError: `after` is no cursor.
    """
    page = await list_conversations(store, matching, after=after, limit=limit)
    texts = [
        (summary, text)
        for summary in page.conversations
        for text in await store.history(summary.ours, summary.theirs, _MAX_TROUBLED_TEXTS)
        if text.status in _TROUBLE_STATUSES
    ]
    dialogues = [
        (summary, dialogue)
        for summary in page.conversations
        for dialogue in await open_dialogues(store, summary.ours, summary.theirs)
        if is_set_aside(dialogue)
    ]
    return Trouble(page, await store.counts(), texts, dialogues)


async def conversations_of(store: Store, theirs: str, limit: int) -> Sequence[Conversation]:
    """Return a person's conversations, one for each of our numbers.

    Raises:
        SettingError: the person has no conversation.
    """
    found = []
    for ours in await our_numbers_by_use(store):
        texts = await store.history(ours, theirs, limit)
        opt_outs = await store.opt_outs(ours, theirs)
        dialogues = await open_dialogues(store, ours, theirs)
        if texts or opt_outs or dialogues:
            found.append(Conversation(ours, theirs, texts, opt_outs, dialogues))
    if not found:
        raise _no_conversation(theirs)
    return found


async def count_unknown(store: Store, theirs: str | None) -> int:
    """Count the texts of unknown outcome that `Store.resend` would send again."""
    troubled = await store.conversations(TROUBLED, limit=_EVERY_CONVERSATION)
    return sum(summary.unknown for summary in troubled if theirs in {None, summary.theirs})


async def count_refused(store: Store, theirs: str | None) -> int:
    """Count the texts that `Store.resend_refused` would send again."""
    troubled = await store.conversations(TROUBLED, limit=_EVERY_CONVERSATION)
    return sum(summary.refused for summary in troubled if theirs in {None, summary.theirs})


async def forget_person(store: Store, theirs: str, media_location: str) -> Sequence[str]:
    """Erase a person and their media; return the paths of media that could not be erased now.

    Raises:
        SettingError: the person has no conversation.
    """
    if not await store.forget(theirs):
        raise _no_conversation(theirs)
    return await erase_deleted_media(store, media_location)


async def prune_history(store: Store, before: datetime) -> AsyncIterator[PrunedSlice]:
    """Delete what is older than a moment; iterate over the slices that are done."""
    after: bytes | None = b""
    while after is not None:
        done = await store.prune_history(before, after=after)
        after = done.next_slice
        yield done


async def erase_deleted_media(store: Store, media_location: str) -> Sequence[str]:
    """Erase the media of deleted texts; return the paths of media that could not be erased now."""
    await erase_forgotten_media(store, MediaStorage(media_location))
    return await store.media_to_erase()


async def queue_text(
    store: Store, ours: str, theirs: str, text: str, *, key: str | None, at: datetime | None
) -> str:
    """Queue a text that a running app sends; return its id.

    Raises:
        NotSendable: the number is one of ours, or no phone's; or the text has no words.
        OptedOut: the person opted out; the text is stored, cancelled.
    """
    theirs = parse_recipient(theirs, ours=ours, our_numbers=await store.our_numbers())
    if not visible_text(text):
        raise NotSendable('There are no words. Type: cooee send +61… "See you at 7."')
    draft = NewOutbound(text=text, priority=Priority.PROACTIVE, key=key, due_at=at)
    (id,) = await store.enqueue([ProactiveOutbound(ours, theirs, draft)])
    await refuse_if_opted_out(store, ours, theirs, "The text is kept, cancelled")
    return id


async def start_dialogue(
    store: Store,
    dialogue: Dialogue,
    inputs: Mapping[str, Any],
    *,
    ours: str,
    to: str,
    now: datetime,
    at: datetime | None,
    key: str | None,
) -> tuple[str, str, bool]:
    """Start a dialogue that a running app begins; return the person, its id, and if it is new.

    Raises:
        NotSendable: `to` is one of our numbers, or no phone's.
        OptedOut: the person opted out; nothing is begun.
    """
    theirs = parse_recipient(to, ours=ours, our_numbers=await store.our_numbers())
    id, is_new = await store_dialogue_start(
        store, dialogue, inputs, ours=ours, theirs=theirs, now=now, at=at, key=key
    )
    return theirs, id, is_new


def _no_conversation(theirs: str) -> SettingError:
    return SettingError(f"There is no conversation with {theirs}. See: cooee conversations")


# Numbers


async def our_numbers_by_use(store: Store) -> Sequence[str]:
    """Return our numbers; the number used last comes first."""
    summaries = await store.conversations(limit=_MAX_CONVERSATIONS)
    used = [summary.ours for summary in summaries]
    return list(dict.fromkeys([*used, *await store.our_numbers()]))


async def choose_our_number(store: Store, typed: str | None) -> str:
    """Return our number as it was typed, or our only number.

    Raises:
        SettingError: there is no number, or several and none was typed.
    """
    numbers = await our_numbers_by_use(store)
    if typed is not None:
        return parse_person_number(typed, near=numbers[0] if numbers else "")
    if len(numbers) == 1:
        return numbers[0]
    if numbers:
        raise SettingError(f"Our numbers are {', '.join(numbers)}. Choose one: --from {numbers[0]}")
    raise SettingError(
        "Our number is not known yet. Run the app until it is connected, or say it: --from +61…"
    )


async def read_person_number(store: Store, typed: str) -> str:
    """Parse a person's number; national forms are read in the country of our own number."""
    ours = await our_numbers_by_use(store)
    return parse_person_number(typed, near=ours[0] if ours else "")


def parse_person_number(typed: str, near: str = "") -> str:
    """Parse a person's number as E.164.

    Args:
        typed: the number as a person typed it.
        near: a number of ours, in whose country national forms are read.

    Raises:
        SettingError: the words are no number, or a national number of no known country.
    """
    number = normalise_number(typed, our_number=near)
    if is_e164(number):
        return number
    raise SettingError(
        f"{typed!r} is not a person's number. Type it with its country, like +61491570156."
    )


# Dialogues


class WaitPoint(msgspec.Struct, frozen=True):
    """A line of an app at which dialogues wait, their state, and their trouble, if any."""

    where: str
    dialogue: str
    state: str  # asked, put by, asleep, to begin, about to be asked again, unreadable
    trouble: str = ""


class WaitingGroup(msgspec.Struct):
    """The dialogues at one wait point: their number, the earliest `since`, the span of `until`."""

    question: str
    dialogues: int = 0
    since: datetime | None = None
    until: tuple[datetime, datetime] | None = None
    has_other_questions: bool = False

    def add(self, question: str, since: datetime, until: datetime | None) -> None:
        """Count one more dialogue."""
        self.dialogues += 1
        self.has_other_questions |= question != self.question
        self.since = since if self.since is None else min(self.since, since)
        if until is not None:
            first, last = self.until or (until, until)
            self.until = min(first, until), max(last, until)


async def iterate_dialogues(
    store: Store, *, handler: str = "", include_ended: bool = False
) -> AsyncIterator[StoredDialogue]:
    """Iterate over stored dialogues, person by person; of one handler, if it is named.

    A refusal is left out: no function of the app's has its name.
    """
    after = None
    while page := await store.dialogues(
        handler=handler, include_ended=include_ended, after=after, limit=_PAGE_SIZE
    ):
        for stored in page:
            if stored.dialogue.handler != REFUSAL_DIALOGUE:
                yield stored
        after = (page[-1].conversation, page[-1].dialogue.id)


async def open_dialogues(store: Store, ours: str, theirs: str) -> Sequence[DialogueRecord]:
    """Return a person's dialogues that have not ended."""
    conversation = conversation_id(ours, theirs)
    page = await store.dialogues(after=(conversation, ""), limit=_MAX_DIALOGUES)
    return [stored.dialogue for stored in page if stored.conversation == conversation]


def is_set_aside(dialogue: DialogueRecord) -> bool:
    """Say whether a dialogue's timer was set aside: it failed, and nothing is due any more."""
    return dialogue.failed_attempts > 0 and dialogue.due_at is None


async def group_waiting(app: App[Any, Any], store: Store) -> Mapping[WaitPoint, WaitingGroup]:
    """Group all open dialogues by the point at which they wait; the largest group comes first."""
    groups: dict[WaitPoint, WaitingGroup] = {}
    async for stored in iterate_dialogues(store):
        point, question, since, until = _wait_point_of(app, stored)
        groups.setdefault(point, WaitingGroup(question)).add(question, since, until)
    return dict(sorted(groups.items(), key=lambda item: -item[1].dialogues))


def _wait_point_of(
    app: App[Any, Any], stored: StoredDialogue
) -> tuple[WaitPoint, str, datetime, datetime | None]:
    """Return a dialogue's wait point, question and start of waiting; asleep, its end as well."""
    record, began = stored.dialogue, stored.started_at
    name, trouble = record.handler, _trouble_of(app, record)
    try:
        journal = decode_journal(record.head, record.entries)
    except JournalError as error:
        return WaitPoint("", name, "unreadable", str(error)), "", began, None
    waiting = journal.waiting
    if waiting is None:
        registered = app.routes.dialogue_named(name)
        where = "" if registered is None else registered.handler.location
        if journal.turn_count:
            return WaitPoint(where, name, "about to be asked again", trouble), "", began, None
        return WaitPoint(where, name, "to begin", trouble), "", began, record.due_at
    at, since = waiting.location, waiting.asked_at
    if not waiting.expects_text:
        return WaitPoint(at, name, "asleep", trouble), "", since, waiting.due_at
    state = "put by" if waiting.paused else "asked"
    return WaitPoint(at, name, state, trouble), waiting.prompt, since, None


def _trouble_of(app: App[Any, Any], dialogue: DialogueRecord) -> str:
    if dialogue.handler in app.retired_dialogues:
        return "retired"
    if app.routes.dialogue_named(dialogue.handler) is None:
        return "not in this app"
    return "set aside" if dialogue.error and dialogue.due_at is None else ""
