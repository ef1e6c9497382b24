"""The process killed at each step of a question that waits for the morning."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from cooee import App, hours
from cooee.testing import Kit

NIGHT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)  # 11 pm in Sydney
MORNING = hours(14)
SWITCHES = ["idempotency"]  # a text of unknown outcome is sent again, and not twice


def shop() -> App:
    app = App(quiet=("21:00", "08:00"))

    @app.dialogue()
    async def pay(chat):
        chat.say("Ready.")
        return "Paid." if await chat.confirm("Pay?", timeout=hours(2), default=False) else "Late."

    @app.dialogue()
    async def bags(chat):
        chat.say("Ready.")
        count = await chat.ask("Bags?", int, timeout=hours(2), remind=hours(1), default=0)
        return f"{count} bags."

    @app.on("LEAVE", always=True)
    def leave(chat):
        chat.leave()

    return app


class Kills:
    """Keeps what is on disk at each event: all that a killed process leaves behind."""

    def __init__(self, kit: Kit, phone, folder) -> None:
        self.kit, self.phone, self.folder, self.moments = kit, phone, folder, []
        kit.service.events.subscribe(self.keep)

    def keep(self, _: object) -> None:
        copy = self.folder / f"{len(self.moments)}.db"
        with (
            closing(sqlite3.connect(self.kit.store.path)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        self.moments.append((copy, self.kit.clock.now(), list(self.phone.inbox)))


async def died_at(kit: Kit, copy) -> None:
    """Start the app on what a killed process left behind."""
    await kit.stop()
    path = kit.store.path
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    path.write_bytes(copy.read_bytes())
    await kit.start()


UNANSWERED = ("Ready.", "Bags?", "Bags?", "0 bags.")
ORDERS = {
    "3": [UNANSWERED, ("Ready.", "3 bags.")],
    "LEAVE": [UNANSWERED, ("Ready.",)],
}


@pytest.mark.parametrize("word", ORDERS)
async def test_no_question_that_is_over_is_asked_wherever_the_process_dies(tmp_path, word):
    async with Kit(shop(), start=NIGHT, switches=SWITCHES) as kit:
        anna = kit.phone()
        kills = Kills(kit, anna, tmp_path)
        await kit.app.start("bags", anna.number)
        await kit.quiet()
        await anna.text(word)
    seen = set()
    for copy, at, before in kills.moments:
        async with Kit(shop(), start=at, switches=SWITCHES) as kit:
            anna = kit.phone()
            await died_at(kit, copy)
            await kit.wait(MORNING + hours(4))
            # the provider of the first world would have known what it had sent before
            screen = (*before, *(text for text in anna.read() if text not in before))
            assert screen in ORDERS[word], (screen, copy)
            assert list(await kit.store.dialogues()) == []
            seen.add(screen)
    assert ORDERS[word][-1] in seen


async def test_a_yes_is_for_a_question_that_was_read_wherever_the_process_dies(tmp_path):
    async with Kit(shop(), start=NIGHT, switches=SWITCHES) as kit:
        anna = kit.phone()
        await kit.app.start("pay", anna.number)
        await kit.quiet()
        await kit.wait(MORNING - hours(1))
        kills = Kills(kit, anna, tmp_path)
        await kit.wait(hours(1))
        assert anna.read() == ["Ready.", "Pay?"]
    for copy, at, before in kills.moments:
        async with Kit(shop(), start=at, switches=SWITCHES) as kit:
            anna = kit.phone()
            await died_at(kit, copy)
            read = [*before, *anna.read()]
            first = await anna.text("yes")
            assert "Paid." not in first or "Pay?" in read, copy
            if "Paid." not in first:
                await kit.wait(120)
                assert (*first, *anna.read()).count("Pay?") >= 1, "it is asked, or once more"
                assert "Paid." in await anna.text("yes")
