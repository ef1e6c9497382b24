"""`cooee conversations`, `show`, `retry` and `forget`: people, and what became of their texts."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli import dialogue_status as standing
from cooee.cli.open_store import open_configured_store, our_numbers_by_use, parse_person_number
from cooee.cli.output import show_json, show_table
from cooee.core.errors import SettingError
from cooee.core.one_line import to_one_line

if TYPE_CHECKING:
    from cooee.storage import Dialogue, Entry, Silence, Store, Thread

JSONOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
LimitOption = Annotated[int, typer.Option(help="How many at most; the last ones.", min=1)]
PersonArgument = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A person's number, like +61….")
]

_TROUBLE_STATUSES = frozenset({"set aside", "unknown"})


def conversations(
    *,
    trouble: Annotated[
        bool,
        typer.Option(
            "--trouble", help="Each text that was set aside, or whose sending has no known end."
        ),
    ] = False,
    limit: LimitOption = 100,
    json: JSONOption = False,
) -> None:
    """List conversations, the latest first.

    With --trouble it is single texts that are listed, those that need a person to look: set
    aside because the app failed, or sent perhaps, with no known end.
    """
    asyncio.run(
        _list_troubles(limit, json=json) if trouble else _list_conversations(limit, json=json)
    )


async def _list_conversations(limit: int, *, json: bool) -> None:
    async with open_configured_store() as store:
        summaries = await store.threads(limit=limit)
    if json:
        show_json(summaries)
    elif summaries:
        columns = ("theirs", "ours", "last", "in", "out", "waiting", "trouble", "opted out")
        show_table(columns, [_conversation_row(thread) for thread in summaries])
    else:
        print("Nobody has said anything yet.")


def _conversation_row(summary: Thread) -> Sequence[object]:
    trouble = (
        (summary.set_aside, "set aside"),
        (summary.unknown, "of unknown end"),
    )
    return (
        summary.theirs,
        summary.ours,
        summary.last_at,
        summary.texts_in,
        summary.texts_out,
        summary.pending or "",
        ", ".join(f"{count} {what}" for count, what in trouble if count),
        summary.opted_out,
    )


async def _list_troubles(limit: int, *, json: bool) -> None:
    async with open_configured_store() as store:
        counts = await store.census()
        troubled_texts = [
            (thread, entry)
            for thread in await store.threads(trouble=True, limit=limit)
            for entry in await store.history(thread.ours, thread.theirs, 10_000)
            if entry.status in _TROUBLE_STATUSES
        ]
        stuck_dialogues = [
            (thread, dialogue)
            for thread in await store.threads(trouble=True, limit=limit)
            for dialogue in await standing.open_dialogues(store, thread.ours, thread.theirs)
            if standing.is_stuck(dialogue)
        ]
    if json:
        texts = [{"ours": t.ours, "theirs": t.theirs, **_fields_of(e)} for t, e in troubled_texts]
        show_json(texts + [_dialogue_json(t.ours, t.theirs, one) for t, one in stuck_dialogues])
        return
    if troubled_texts:
        columns = ("theirs", "when", "from", "text", "state", "tries", "why")
        show_table(
            columns, [(thread.theirs, *_history_row(entry)) for thread, entry in troubled_texts]
        )
    for thread, dialogue in stuck_dialogues:
        print(f"{thread.theirs}  {standing.describe_dialogue(dialogue)}")
    set_aside = counts.set_aside + counts.stuck
    print("\n".join(_advice_lines(set_aside, counts.unknown, counts.doubtful_reads)))


def _advice_lines(set_aside: int, unknown: int, doubtful_reads: int) -> list[str]:
    lines = []
    if set_aside:
        lines.append(f"{set_aside} set aside. Mend the app, then: cooee retry")
    if unknown:
        words = "sent, perhaps: whether they arrived is not known. To send again"
        lines.append(f"{unknown} {words}: cooee retry --unknown")
    if doubtful_reads:
        words = "readings were cut off and may have taken a text each; nothing can bring it back."
        lines.append(f"{doubtful_reads} {words}")
    return lines or ["No trouble."]


def show(person: PersonArgument, *, limit: LimitOption = 100, json: JSONOption = False) -> None:
    """Show what was said with a person, and how it fared."""
    asyncio.run(_show_person(person, limit, json=json))


async def _show_person(person: str, limit: int, *, json: bool) -> None:
    async with open_configured_store() as store:
        ours = await our_numbers_by_use(store)
        theirs = parse_person_number(person, near=ours[0] if ours else "")
        histories = {our: await store.history(our, theirs, limit) for our in ours}
        opt_outs = {our: await store.silences(our, theirs) for our in ours}
        dialogues = {our: await standing.open_dialogues(store, our, theirs) for our in ours}
    histories = {
        our: each for our, each in histories.items() if each or opt_outs[our] or dialogues[our]
    }
    if not histories:
        raise SettingError(f"There is no conversation with {theirs}. See: cooee conversations")
    if json:
        texts_json = [
            one
            for our in histories
            for one in _history_json(our, theirs, histories[our], opt_outs[our])
        ]
        dialogues_json = [
            _dialogue_json(our, theirs, one) for our in histories for one in dialogues[our]
        ]
        show_json(texts_json + dialogues_json)
        return
    for our, entries in histories.items():
        print(f"{theirs} with {our}")
        columns = ("when", "from", "text", "state", "tries", "why")
        show_table(columns, [_history_row(entry) for entry in entries])
        for opt_out in opt_outs[our]:
            print(_opt_out_line(opt_out))
        for dialogue in dialogues[our]:
            print(standing.describe_dialogue(dialogue))


def _history_json(
    ours: str, theirs: str, entries: Sequence[Entry], opt_outs: Sequence[Silence]
) -> Sequence[dict[str, object]]:
    """A conversation for scripts: its texts, and after them each opt-out with its proof."""
    numbers: dict[str, object] = {"ours": ours, "theirs": theirs}
    texts = [{**numbers, **_fields_of(entry)} for entry in entries]
    return texts + [
        {**numbers, "direction": "opt-out", **_fields_of(silence)} for silence in opt_outs
    ]


def _dialogue_json(ours: str, theirs: str, dialogue: Dialogue) -> dict[str, object]:
    """A dialogue for scripts."""
    description = {"dialogue": dialogue.handler, "words": standing.describe_dialogue(dialogue)}
    attempts = {"error": dialogue.error, "attempts": dialogue.attempts, "due_at": dialogue.due_at}
    return {"ours": ours, "theirs": theirs, "direction": "dialogue", **description, **attempts}


_OPT_OUT_SOURCES = {
    "word": "by the word {text}",
    "plain words": "by what they wrote: {text}",
    "company": "by the company's word on their text: {text}",
    "refusal": "as the company said when it refused a text of ours",
}


def _opt_out_line(opt_out: Silence) -> str:
    """An opt-out and its proof, in words."""
    opt_out_source = _OPT_OUT_SOURCES.get(opt_out.how, opt_out.how).format(
        text=_quote_text(opt_out.text)
    )
    if opt_out.how == "company" and not opt_out.text:
        opt_out_source = "by the company's list, or by words that are no longer kept"
    sentence = f"Opted out on {opt_out.since:%Y-%m-%d %H:%M:%SZ} {opt_out_source}"
    if opt_out.lifted_at is None:
        return f"{sentence}. They get no texts."
    opt_in_source = _OPT_OUT_SOURCES.get(opt_out.lifted_how, opt_out.lifted_how)
    return f"{sentence}; back since {opt_out.lifted_at:%Y-%m-%d %H:%M:%SZ} " + opt_in_source.format(
        text=_quote_text(opt_out.lifted_text)
    )


def _quote_text(text: str) -> str:
    return f"“{to_one_line(text)}”" if text else "(no longer kept)"


def _history_row(entry: Entry) -> Sequence[object]:
    said_by = "them" if entry.direction == "in" else "us"
    why = "; ".join([entry.error, *entry.notes] if entry.error else entry.notes)
    return entry.at, said_by, entry.text, entry.status, entry.attempts or "", why


def _fields_of(entry: Entry | Silence) -> dict[str, object]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def retry(
    person: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="One person; everybody by default.")
    ] = None,
    *,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Send texts of unknown end again; they may come twice."),
    ] = False,
    yes: YesOption = False,
) -> None:
    """Try again what was set aside.

    Dialogues are woken, and texts are answered as if they came now, after whatever came since.

    With --unknown it is our own texts that go once more: those whose sending was cut off, so
    that nobody knows whether they arrived. That is asked first.
    """
    asyncio.run(_retry_set_aside(person, unknown=unknown, yes=yes))


async def _retry_set_aside(person: str | None, *, unknown: bool, yes: bool) -> None:
    async with open_configured_store() as store:
        theirs = None if person is None else await _person_number(store, person)
        if not unknown:
            count = await store.retry(theirs)
            sentence = "What was set aside is tried again" if count else "Nothing was set aside"
            print(f"{sentence}: {count}." if count else f"{sentence}.")
            return
        summaries = await store.threads(trouble=True, limit=100_000)
        unknown_count = sum(one.unknown for one in summaries if theirs in {None, one.theirs})
        if not unknown_count:
            print("There is no text of unknown end.")
        elif yes or _ask_confirmation(
            f"{_count_texts(unknown_count)} may have arrived already. Send again?"
        ):
            print(f"{_count_texts(await store.resend(theirs))} will be sent again.")


def forget(person: PersonArgument, *, yes: YesOption = False) -> None:
    """Erase a person.

    What was said goes, with the pictures they sent, what is remembered of them, and their number.

    An opt-out stays, as a hash from which the number cannot be read: whoever asked for silence
    is not texted again.
    """
    asyncio.run(_forget_person(person, yes=yes))


async def _forget_person(person: str, *, yes: bool) -> None:
    from cooee.runtime.inbound.media import erase_forgotten_media
    from cooee.runtime.inbound.media_storage import MediaStorage
    from cooee.runtime.settings import read_media_location

    async with open_configured_store() as store:
        theirs = await _person_number(store, person)
        question = f"Erase {theirs} and everything said? This cannot be undone."
        if not yes and not _ask_confirmation(question):
            return
        if not await store.forget(theirs):
            raise SettingError(f"There is no conversation with {theirs}. See: cooee conversations")
        await erase_forgotten_media(store, MediaStorage(read_media_location(os.environ)))
        not_erased = await store.discarded()
        print(f"{theirs} is erased. If they had opted out, that stays, as a hash.")
        if not_erased:
            print(f"Still to be erased, and tried again at the next start: {', '.join(not_erased)}")


async def _person_number(store: Store, typed: str) -> str:
    ours = await our_numbers_by_use(store)
    return parse_person_number(typed, near=ours[0] if ours else "")


def _ask_confirmation(question: str) -> bool:
    """Ask; who cannot be asked has not agreed."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)
        raise SettingError("Nothing was done. To go without the question: --yes") from None


def _count_texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count} texts"
