"""An app that moves from a file to a server and back, while people are in the middle of dialogues."""

from __future__ import annotations

from datetime import timedelta

from cooee import App, Chat
from cooee.storage import open_store
from cooee.storage.copying import copy_rows
from cooee.storage.dialects import open_rows
from cooee.testing import Kit
from cooee.testing import kit as kit_module

app = App()


@app.dialogue("BOOK")
async def book(chat: Chat) -> str:
    name = await chat.ask("What's your name?")
    party = await chat.ask("For how many?", int, timeout=timedelta(days=30), default=1)
    chat.say(f"Thanks, {name}.")
    await chat.sleep(timedelta(days=2))
    chat.say(f"See you, {name}!")
    stars = await chat.ask("How was it, 1 to 5?", int)
    return f"{name}, party of {party}: {stars} stars."


async def copy(kit: Kit, source: str, target: str) -> None:
    """Move a kit's app, which is stopped, to another database."""
    rows = [
        await open_rows(url, now=kit.clock.now, is_source=url == source) for url in (source, target)
    ]
    await copy_rows(*rows, 7, lambda count: None)
    for one in rows:
        await one.close()


async def test_everybody_goes_on_where_they_are(tmp_path, migrated_url, monkeypatch):
    """A kit has a clock of its own, so the app runs on files; on a server its people are at rest."""
    file, back = f"sqlite:///{tmp_path}/cooee.db", f"sqlite:///{tmp_path}/back.db"
    databases = [file, back]

    async def open_next(path, *, now):
        return await open_store(databases.pop(0), now=now)

    monkeypatch.setattr(kit_module, "open_store", open_next)
    async with Kit(app) as kit:
        anna, bert = kit.phone(), kit.phone()
        assert list(await anna.text("BOOK")) == ["What's your name?"]
        assert list(await anna.text("Anna")) == ["For how many?"]
        assert list(await anna.text("4")) == ["Thanks, Anna."]
        assert list(await bert.text("BOOK")) == ["What's your name?"]
        await kit.stop()
        await copy(kit, file, migrated_url)
        await copy(kit, migrated_url, back)
        await kit.start()
        assert list(await bert.text("Bert")) == ["For how many?"]
        assert list(await bert.text("2")) == ["Thanks, Bert."]
        await anna.wait(timedelta(days=2))
        assert list(anna.read()) == ["See you, Anna!", "How was it, 1 to 5?"]
        assert list(await anna.text("5")) == ["Anna, party of 4: 5 stars."]
        assert list(bert.read()) == ["See you, Bert!", "How was it, 1 to 5?"]
        assert list(await bert.text("3")) == ["Bert, party of 2: 3 stars."]
