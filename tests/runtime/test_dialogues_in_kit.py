"""Dialogues as people meet them: in the whole house, through texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cooee import App, CannotGoBack, NoReply, hours
from cooee.testing import Kit


@dataclass
class Guest:
    name: str = ""
    visits: int = 0
    help: int = 0


def booking(**settings):
    app = App(state=Guest, **settings)
    app.booked = []

    async def reserve(name, party, day, token):
        app.booked.append((name, party, day, token))
        return f"R{len(app.booked)}"

    async def ask_name(chat):
        return await chat.ask("What's your name?")

    @app.dialogue("BOOK")
    async def book(chat, table: int | None = None):
        with chat.part("guest"):
            name = await ask_name(chat)
        chat.state.name = name
        party = await chat.ask("For how many?", int, retry="Please send a number, like 4.")
        day = await chat.choose("Which day?", ["Friday", "Saturday"])
        if not await chat.confirm(f"{day}, {party} people?"):
            return "No worries. Text BOOK to start again."
        ref = await chat.once(reserve, name, party, day, token=chat.token)
        chat.state.visits += 1
        await chat.sleep(hours(24))
        return f"See you tomorrow, {name}! Ref {ref}."

    @app.on("ASSIST", always=True)
    def assist(chat):
        chat.state.help += 1
        return f"You were asked: {chat.question}"

    @app.on("BACK", always=True)
    def back(chat):
        try:
            chat.back()
        except CannotGoBack:
            return "There is nothing to go back to."

    @app.on("NEVERMIND", always=True)
    def nevermind(chat):
        return "As you like." if chat.leave() else "Never mind what?"

    @app.otherwise
    def otherwise(chat):
        return "Text BOOK to book a table."

    app.book = book
    return app


async def test_a_whole_conversation():
    app = booking()
    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("hi") == ["Text BOOK to book a table."]
        assert await anna.text("book") == ["What's your name?"]
        assert await anna.text("Anna") == ["For how many?"]
        assert await anna.text("lots") == ["Please send a number, like 4."]
        await kit.restart()
        assert await anna.text("4") == ["Which day?\n1. Friday\n2. Saturday"]
        assert await anna.text("ASSIST") == ["You were asked: Which day?"]
        assert await anna.text("2") == ["Saturday, 4 people?"]
        assert await anna.text("yep") == []
        assert [each[:3] for each in app.booked] == [("Anna", 4, "Saturday")]
        await kit.restart()
        await kit.wait(timedelta(hours=25))
        assert anna.read() == ["See you tomorrow, Anna! Ref R1."]
        assert await kit.troubles(anna) == []
        assert await anna.text("hi") == ["Text BOOK to book a table."]
