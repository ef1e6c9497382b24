"""`cooee conversations`, `show`, `retry` and `forget`: people and their texts."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict, replace

from cooee.cli.dialogue_status import describe_dialogue
from cooee.cli.open_store import open_configured_store
from cooee.cli.options import (
    JSONOption,
    LimitOption,
    PersonArgument,
    YesOption,
    parse_moment,
)
from cooee.cli.output import ask_confirmation, show_json, show_table
from cooee.core.errors import SettingError
from cooee.core.one_line import to_one_line
from cooee.runtime.operations import (
    Conversation,
    ConversationPage,
    Trouble,
    conversations_of,
    count_refused,
    count_unknown,
    find_trouble,
    forget_person,
    list_conversations,
    read_person_number,
)
from cooee.runtime.settings import read_media_location
from cooee.storage.summaries import EVERY_CONVERSATION, ConversationFilter

if TYPE_CHECKING:
    from cooee.storage import (
        ConsentSource,
        ConversationSummary,
        Counts,
        DialogueRecord,
        OptOut,
        Store,
        StoredText,
    )

_NUMBER_BEGINNING = re.compile(r"\+[0-9]{1,15}")
_AFTER = re.compile(r"--after(=|$)")


def conversations(
    *,
    trouble: Annotated[
        bool,
        typer.Option(
            "--trouble", help="Each text that was set aside, or refused, or has no known end."
        ),
    ] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those with a text that is not answered yet.")
    ] = False,
    opted_out: Annotated[
        bool, typer.Option("--opted-out", help="Only people who have opted out.")
    ] = False,
    number: Annotated[
        str, typer.Option(metavar="NUMBER", help="Only people whose number begins so: +6149.")
    ] = "",
    ours: Annotated[
        str, typer.Option(metavar="NUMBER", help="Only conversations with this number of ours.")
    ] = "",
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only with a text since then: 2026-01-31T09:00+10:00."),
    ] = None,
    after: Annotated[
        str, typer.Option(metavar="PLACE", help="The next page: the last page says what to type.")
    ] = "",
    limit: LimitOption = 100,
    json: JSONOption = False,
) -> None:
    """List conversations, the latest first.

    The options make the list shorter; a conversation has to meet all of them. A list of more than
    --limit conversations ends with the line to type for the next page. For scripts each
    conversation has a "cursor", which --after takes.

    With --trouble, list the single texts that need a person to look: those set aside because the
    app failed, those that the provider refused for good, and those that were perhaps sent, with no
    known end.
    """
    matching = ConversationFilter(
        ours=ours,
        theirs=number,
        since=None if since is None else parse_moment(since),
        pending=waiting,
        opted_out=opted_out,
        troubled=trouble,
    )
    show_list = _list_troubles if trouble else _list_conversations
    asyncio.run(show_list(matching, after, limit, json=json))


async def _list_conversations(
    matching: ConversationFilter, after: str, limit: int, *, json: bool
) -> None:
    async with open_configured_store() as store:
        matching = await _complete_numbers(store, matching)
        page = await list_conversations(store, matching, after=after, limit=limit)
    if json:
        show_json(page.conversations)
    elif page.conversations:
        columns = ("theirs", "ours", "last", "in", "out", "waiting", "trouble", "opted out")
        show_table(columns, [_conversation_row(summary) for summary in page.conversations])
    elif matching == EVERY_CONVERSATION and not after:
        print("Nobody has said anything yet.")
    else:
        print("There is no such conversation.")
    _show_page_line(page)


async def _complete_numbers(store: Store, matching: ConversationFilter) -> ConversationFilter:
    """Return a filter with its numbers in E.164; a beginning of a number stays as it is."""
    ours, theirs = [
        number
        if not number or _NUMBER_BEGINNING.fullmatch(number)
        else await read_person_number(store, number)
        for number in (matching.ours, matching.theirs)
    ]
    return replace(matching, ours=ours, theirs=theirs)


def _show_page_line(page: ConversationPage) -> None:
    """Say how much of a list was left out, and what to type for the next page."""
    shown = len(page.conversations)
    if shown == page.total:
        return
    rest = "These are the last."
    if page.next_page:
        command = ["cooee", *_without_after(sys.argv[1:]), "--after", page.next_page]
        rest = f"The next page: {shlex.join(command)}"
    print(f"{shown:,} of {page.total:,} conversations. {rest}", file=sys.stderr)


def _without_after(typed: Sequence[str]) -> Sequence[str]:
    """Return a command line as it was typed, without its --after."""
    pairs = zip(["", *typed], typed, strict=False)
    return [word for before, word in pairs if not (before == "--after" or _AFTER.match(word))]


def _conversation_row(summary: ConversationSummary) -> Sequence[object]:
    trouble = (
        (summary.set_aside, "set aside"),
        (summary.unknown, "of unknown end"),
        (summary.refused, "refused"),
    )
    return (
        summary.theirs,
        summary.ours,
        summary.last_text_at,
        summary.texts_in,
        summary.texts_out,
        summary.pending or "",
        ", ".join(f"{count} {what}" for count, what in trouble if count),
        summary.opted_out,
    )


async def _list_troubles(
    matching: ConversationFilter, after: str, limit: int, *, json: bool
) -> None:
    async with open_configured_store() as store:
        matching = await _complete_numbers(store, matching)
        trouble = await find_trouble(store, limit, matching, after=after)
    _show_troubles(trouble, json=json)
    _show_page_line(trouble.page)


def _show_troubles(trouble: Trouble, *, json: bool) -> None:
    if json:
        show_json(_trouble_json(trouble))
        return
    if trouble.texts:
        columns = ("theirs", "when", "from", "text", "state", "tries", "why")
        rows = [(summary.theirs, *_history_row(text)) for summary, text in trouble.texts]
        show_table(columns, rows)
    for summary, dialogue in trouble.dialogues:
        print(f"{summary.theirs}  {describe_dialogue(dialogue)}")
    counts = trouble.counts
    set_aside = counts.set_aside + counts.stuck_dialogues
    print("\n".join(_advice_lines(set_aside, counts)))


def _trouble_json(trouble: Trouble) -> list[dict[str, object]]:
    texts = [{"ours": s.ours, "theirs": s.theirs, **asdict(text)} for s, text in trouble.texts]
    dialogues = [_dialogue_json(s.ours, s.theirs, dialogue) for s, dialogue in trouble.dialogues]
    return texts + dialogues


def _advice_lines(set_aside: int, counts: Counts) -> list[str]:
    lines = []
    if set_aside:
        lines.append(f"{set_aside} set aside. Mend the app, then: cooee retry")
    if counts.refused:
        words = "refused by the provider for good. Mend the reason, then"
        lines.append(f"{counts.refused} {words}: cooee retry --refused")
    if counts.unknown:
        words = "sent, perhaps: whether they arrived is not known. To send again"
        lines.append(f"{counts.unknown} {words}: cooee retry --unknown")
    if counts.lost_reads:
        words = "readings were cut off and may have taken a text each; nothing can bring it back."
        lines.append(f"{counts.lost_reads} {words}")
    return lines or ["No trouble."]


def show(person: PersonArgument, *, limit: LimitOption = 100, json: JSONOption = False) -> None:
    """Show the conversation with a person, and the state of each text."""
    asyncio.run(_show_person(person, limit, json=json))


async def _show_person(person: str, limit: int, *, json: bool) -> None:
    async with open_configured_store() as store:
        theirs = await read_person_number(store, person)
        found = await conversations_of(store, theirs, limit + 1)
    is_cut = any(len(one.texts) > limit for one in found)
    found = [replace(one, texts=one.texts[-limit:]) for one in found]
    if is_cut:
        rest = f"The last {limit:,} texts are shown. For more, type: cooee show {theirs} --limit"
        print(f"{rest} {10 * limit}", file=sys.stderr)
    if json:
        texts = [item for one in found for item in _history_json(one)]
        dialogues = [
            _dialogue_json(one.ours, one.theirs, dialogue)
            for one in found
            for dialogue in one.dialogues
        ]
        show_json(texts + dialogues)
        return
    for one in found:
        print(f"{one.theirs} with {one.ours}")
        columns = ("when", "from", "text", "state", "tries", "why")
        show_table(columns, [_history_row(text) for text in one.texts])
        for opt_out in one.opt_outs:
            print(_opt_out_line(opt_out))
        for dialogue in one.dialogues:
            print(describe_dialogue(dialogue))


def _history_json(conversation: Conversation) -> list[dict[str, object]]:
    """Return a conversation for scripts: its texts, then each opt-out with its proof."""
    numbers: dict[str, object] = {"ours": conversation.ours, "theirs": conversation.theirs}
    texts = [{**numbers, **asdict(text)} for text in conversation.texts]
    opt_outs = [
        {**numbers, "direction": "opt-out", **asdict(opt_out)} for opt_out in conversation.opt_outs
    ]
    return texts + opt_outs


def _dialogue_json(ours: str, theirs: str, dialogue: DialogueRecord) -> dict[str, object]:
    """Return a dialogue for scripts."""
    description = {"dialogue": dialogue.handler, "words": describe_dialogue(dialogue)}
    attempts = {
        "error": dialogue.error,
        "attempts": dialogue.failed_attempts,
        "due_at": dialogue.due_at,
    }
    return {"ours": ours, "theirs": theirs, "direction": "dialogue", **description, **attempts}


_OPT_OUT_SOURCES = {
    "keyword": "by the word {text}",
    "phrase": "by what they wrote: {text}",
    "provider": "by the provider's word on their text: {text}",
    "refused": "as the provider said when it refused a text of ours",
}


def _opt_out_line(opt_out: OptOut) -> str:
    """Describe an opt-out and its proof."""
    evidence = _describe_evidence(opt_out.source, opt_out.text)
    if opt_out.source == "provider" and not opt_out.text:
        evidence = "by the provider's list, or by words that are no longer kept"
    sentence = f"Opted out on {opt_out.since:%Y-%m-%d %H:%M:%SZ} {evidence}"
    if opt_out.lifted_at is None or opt_out.lifted_source is None:
        return f"{sentence}. They get no texts."
    evidence = _describe_evidence(opt_out.lifted_source, opt_out.lifted_text)
    return f"{sentence}; back since {opt_out.lifted_at:%Y-%m-%d %H:%M:%SZ} {evidence}"


def _describe_evidence(source: ConsentSource, text: str) -> str:
    return _OPT_OUT_SOURCES[source].format(text=_quote_text(text))


def _quote_text(text: str) -> str:
    return f"“{to_one_line(text)}”" if text else "(no longer kept)"


def _history_row(entry: StoredText) -> Sequence[object]:
    said_by = "them" if entry.direction == "in" else "us"
    why = "; ".join([entry.error, *entry.notes] if entry.error else entry.notes)
    return entry.at, said_by, entry.text, entry.status, entry.attempts or "", why


def retry(
    person: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="One person; everybody by default.")
    ] = None,
    *,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Send texts of unknown end again; they may come twice."),
    ] = False,
    refused: Annotated[
        bool, typer.Option("--refused", help="Send the texts again that the provider refused.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Try again the texts and dialogues that were set aside.

    A dialogue goes on where it stopped; a text is answered as if it came now, after the person's
    later texts.

    With --unknown our own texts go once more: those whose sending was cut off, so that perhaps they
    arrived. With --refused go those that the provider refused for good, each as a new text at the
    end of its conversation. cooee asks before it sends them.
    """
    if unknown and refused:
        raise SettingError("Type --unknown or --refused, one after the other.")
    asyncio.run(_resend(person, refused=refused, yes=yes) if unknown or refused else _retry(person))


async def _retry(person: str | None) -> None:
    async with open_configured_store() as store:
        theirs = None if person is None else await read_person_number(store, person)
        count = await store.retry(theirs)
    sentence = "What was set aside is tried again" if count else "Nothing was set aside"
    print(f"{sentence}: {count}." if count else f"{sentence}.")


async def _resend(person: str | None, *, refused: bool, yes: bool) -> None:
    async with open_configured_store() as store:
        theirs = None if person is None else await read_person_number(store, person)
        count = await (count_refused if refused else count_unknown)(store, theirs)
        if not count:
            print("There is no refused text." if refused else "There is no text of unknown end.")
            return
        what = "refused for good, perhaps long ago" if refused else "may have arrived already"
        verb = ("was " if count == 1 else "were ") if refused else ""
        if yes or ask_confirmation(f"{_count_texts(count)} {verb}{what}. Send again?"):
            resend = store.resend_refused if refused else store.resend
            print(f"{_count_texts(await resend(theirs))} will be sent again.")


def forget(person: PersonArgument, *, yes: YesOption = False) -> None:
    """Erase a person: their texts, their pictures, their state and their number.

    An opt-out stays, as a hash from which nobody can read the number without the key: a person who
    opted out is not texted again. The key is a file beside the database; keep a copy of it apart.
    """
    asyncio.run(_forget(person, yes=yes))


async def _forget(person: str, *, yes: bool) -> None:
    async with open_configured_store() as store:
        theirs = await read_person_number(store, person)
        question = f"Erase {theirs} and everything said? This cannot be undone."
        if not yes and not ask_confirmation(question):
            return
        not_erased = await forget_person(store, theirs, read_media_location(os.environ))
    print(f"{theirs} is erased. If they had opted out, that stays, as a hash.")
    if not_erased:
        print(f"Still to be erased, and tried again at the next start: {', '.join(not_erased)}")


def _count_texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count} texts"
