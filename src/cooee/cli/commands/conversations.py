"""`cooee conversations`, `show`, `retry` and `forget`: people, and what became of their texts."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli import dialogue_status as standing
from cooee.cli.open_store import number, our_numbers, visited
from cooee.cli.output import show_json, show_table
from cooee.core.errors import SettingError
from cooee.core.one_line import one_line

if TYPE_CHECKING:
    from cooee.storage import Dialogue, Entry, Silence, Store, Thread

AsJSON = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int, typer.Option(help="How many at most; the last ones.", min=1)]
Person = Annotated[str, typer.Argument(metavar="NUMBER", help="A person's number, like +61….")]

_TROUBLE = frozenset({"set aside", "unknown"})


def conversations(
    *,
    trouble: Annotated[
        bool,
        typer.Option(
            "--trouble", help="Each text that was set aside, or whose sending has no known end."
        ),
    ] = False,
    limit: Limit = 100,
    json: AsJSON = False,
) -> None:
    """List conversations, the latest first.

    With --trouble it is single texts that are listed, those that need a person to look: set
    aside because the app failed, or sent perhaps, with no known end.
    """
    asyncio.run(_troubles(limit, json=json) if trouble else _list(limit, json=json))


async def _list(limit: int, *, json: bool) -> None:
    async with visited() as store:
        threads = await store.threads(limit=limit)
    if json:
        show_json(threads)
    elif threads:
        columns = ("theirs", "ours", "last", "in", "out", "waiting", "trouble", "opted out")
        show_table(columns, [_thread(thread) for thread in threads])
    else:
        print("Nobody has said anything yet.")


def _thread(thread: Thread) -> Sequence[object]:
    trouble = (
        (thread.set_aside, "set aside"),
        (thread.unknown, "of unknown end"),
    )
    return (
        thread.theirs,
        thread.ours,
        thread.last_at,
        thread.texts_in,
        thread.texts_out,
        thread.pending or "",
        ", ".join(f"{count} {what}" for count, what in trouble if count),
        thread.opted_out,
    )


async def _troubles(limit: int, *, json: bool) -> None:
    async with visited() as store:
        census = await store.census()
        found = [
            (thread, entry)
            for thread in await store.threads(trouble=True, limit=limit)
            for entry in await store.history(thread.ours, thread.theirs, 10_000)
            if entry.status in _TROUBLE
        ]
        stuck = [
            (thread, dialogue)
            for thread in await store.threads(trouble=True, limit=limit)
            for dialogue in await standing.of(store, thread.ours, thread.theirs)
            if standing.stuck(dialogue)
        ]
    if json:
        texts = [{"ours": t.ours, "theirs": t.theirs, **_plain(e)} for t, e in found]
        show_json(texts + [_told_dialogue(t.ours, t.theirs, one) for t, one in stuck])
        return
    if found:
        columns = ("theirs", "when", "from", "text", "state", "tries", "why")
        show_table(columns, [(thread.theirs, *_entry(entry)) for thread, entry in found])
    for thread, dialogue in stuck:
        print(f"{thread.theirs}  {standing.told(dialogue)}")
    set_aside = census.set_aside + census.stuck
    print("\n".join(_advice(set_aside, census.unknown, census.doubtful_reads)))


def _advice(set_aside: int, unknown: int, doubtful_reads: int) -> list[str]:
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


def show(who: Person, *, limit: Limit = 100, json: AsJSON = False) -> None:
    """Show what was said with a person, and how it fared."""
    asyncio.run(_show(who, limit, json=json))


async def _show(who: str, limit: int, *, json: bool) -> None:
    async with visited() as store:
        ours = await our_numbers(store)
        theirs = number(who, near=ours[0] if ours else "")
        said = {our: await store.history(our, theirs, limit) for our in ours}
        silences = {our: await store.silences(our, theirs) for our in ours}
        talks = {our: await standing.of(store, our, theirs) for our in ours}
    said = {our: each for our, each in said.items() if each or silences[our] or talks[our]}
    if not said:
        raise SettingError(f"There is no conversation with {theirs}. See: cooee conversations")
    if json:
        told = [one for our in said for one in _told(our, theirs, said[our], silences[our])]
        talked = [_told_dialogue(our, theirs, one) for our in said for one in talks[our]]
        show_json(told + talked)
        return
    for our, entries in said.items():
        print(f"{theirs} with {our}")
        columns = ("when", "from", "text", "state", "tries", "why")
        show_table(columns, [_entry(entry) for entry in entries])
        for silence in silences[our]:
            print(_silence(silence))
        for dialogue in talks[our]:
            print(standing.told(dialogue))


def _told(
    ours: str, theirs: str, entries: Sequence[Entry], silences: Sequence[Silence]
) -> Sequence[dict[str, object]]:
    """A conversation for scripts: its texts, and after them each opt-out with its proof."""
    ends: dict[str, object] = {"ours": ours, "theirs": theirs}
    texts = [{**ends, **_plain(entry)} for entry in entries]
    return texts + [{**ends, "direction": "opt-out", **_plain(silence)} for silence in silences]


def _told_dialogue(ours: str, theirs: str, dialogue: Dialogue) -> dict[str, object]:
    """A dialogue for scripts."""
    told = {"dialogue": dialogue.handler, "words": standing.told(dialogue)}
    tried = {"error": dialogue.error, "attempts": dialogue.attempts, "due_at": dialogue.due_at}
    return {"ours": ours, "theirs": theirs, "direction": "dialogue", **told, **tried}


_PROOF = {
    "word": "by the word {text}",
    "plain words": "by what they wrote: {text}",
    "company": "by the company's word on their text: {text}",
    "refusal": "as the company said when it refused a text of ours",
}


def _silence(silence: Silence) -> str:
    """An opt-out and its proof, in words."""
    began = _PROOF.get(silence.how, silence.how).format(text=_quoted(silence.text))
    if silence.how == "company" and not silence.text:
        began = "by the company's list, or by words that are no longer kept"
    words = f"Opted out on {silence.since:%Y-%m-%d %H:%M:%SZ} {began}"
    if silence.lifted_at is None:
        return f"{words}. They get no texts."
    ended = _PROOF.get(silence.lifted_how, silence.lifted_how)
    return f"{words}; back since {silence.lifted_at:%Y-%m-%d %H:%M:%SZ} " + ended.format(
        text=_quoted(silence.lifted_text)
    )


def _quoted(text: str) -> str:
    return f"“{one_line(text)}”" if text else "(no longer kept)"


def _entry(entry: Entry) -> Sequence[object]:
    said_by = "them" if entry.direction == "in" else "us"
    why = "; ".join([entry.error, *entry.notes] if entry.error else entry.notes)
    return entry.at, said_by, entry.text, entry.status, entry.attempts or "", why


def _plain(entry: Entry | Silence) -> dict[str, object]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def retry(
    who: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="One person; everybody by default.")
    ] = None,
    *,
    unknown: Annotated[
        bool,
        typer.Option("--unknown", help="Send texts of unknown end again; they may come twice."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Try again what was set aside.

    Dialogues are woken, and texts are answered as if they came now, after whatever came since.

    With --unknown it is our own texts that go once more: those whose sending was cut off, so
    that nobody knows whether they arrived. That is asked first.
    """
    asyncio.run(_retry(who, unknown=unknown, yes=yes))


async def _retry(who: str | None, *, unknown: bool, yes: bool) -> None:
    async with visited() as store:
        theirs = None if who is None else await _number(store, who)
        if not unknown:
            count = await store.retry(theirs)
            words = "What was set aside is tried again" if count else "Nothing was set aside"
            print(f"{words}: {count}." if count else f"{words}.")
            return
        troubled = await store.threads(trouble=True, limit=100_000)
        held = sum(one.unknown for one in troubled if theirs in {None, one.theirs})
        if not held:
            print("There is no text of unknown end.")
        elif yes or _agreed(f"{_texts(held)} may have arrived already. Send again?"):
            print(f"{_texts(await store.resend(theirs))} will be sent again.")


def forget(who: Person, *, yes: Yes = False) -> None:
    """Erase a person.

    What was said goes, with the pictures they sent, what is remembered of them, and their number.

    An opt-out stays, as a hash from which the number cannot be read: whoever asked for silence
    is not texted again.
    """
    asyncio.run(_forget(who, yes=yes))


async def _forget(who: str, *, yes: bool) -> None:
    from cooee.runtime.inbound.media import sweep
    from cooee.runtime.inbound.media_storage import Shelf
    from cooee.runtime.settings import read_media

    async with visited() as store:
        theirs = await _number(store, who)
        question = f"Erase {theirs} and everything said? This cannot be undone."
        if not yes and not _agreed(question):
            return
        if not await store.forget(theirs):
            raise SettingError(f"There is no conversation with {theirs}. See: cooee conversations")
        await sweep(store, Shelf(read_media(os.environ)))
        left = await store.discarded()
        print(f"{theirs} is erased. If they had opted out, that stays, as a hash.")
        if left:
            print(f"Still to be erased, and tried again at the next start: {', '.join(left)}")


async def _number(store: Store, words: str) -> str:
    ours = await our_numbers(store)
    return number(words, near=ours[0] if ours else "")


def _agreed(question: str) -> bool:
    """Ask; who cannot be asked has not agreed."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)
        raise SettingError("Nothing was done. To go without the question: --yes") from None


def _texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count} texts"
