"""Reactions to our texts: no answers, no attempts, and no wish to opt out."""

from __future__ import annotations

from cooee import App, Chat, Reaction, TooManyAttempts
from cooee.testing import Kit


def quiz() -> App:
    app = App()

    @app.dialogue("QUIZ")
    async def ask(chat: Chat) -> str:
        try:
            sure = await chat.confirm("Ready? Reply STOP to opt out", attempts=1)
        except TooManyAttempts:
            return "Too many."
        return f"{sure}, {await chat.ask('Which film did you like?')}, {await chat.receive()}"

    @app.otherwise
    def otherwise(chat: Chat) -> str:
        return f"You said {chat.text}"

    return app


async def test_a_reaction_is_no_answer_and_counts_as_no_attempt():
    async with Kit(quiz()) as kit:
        phone = kit.phone()
        assert await phone.text("hello") == ["You said hello"]
        assert await phone.text("Liked “You said hello”") == []
        assert await phone.text("QUIZ") == ["Ready? Reply STOP to opt out"]
        for reaction in ("Loved “Ready? Reply STOP to opt out”", "Liked “You said hello”", "Liked an image",
                         "\u200a\u200b👍\u200b to “\u200aReady? Reply STOP to opt out\u200a”\u200a",
                         "Removed a heart from “Ready? Reply STOP to opt out”", "Reacted 👎 to “Ready? Reply STO…”"):  # fmt: skip
            assert await phone.text(reaction) == []
        await kit.restart()
        assert (await kit.store.counts()).opted_out == 0
        assert await phone.text("yes") == ["Which film did you like?"]
        assert await phone.text("Liked “Which film did you like?”") == []
        assert await phone.text("Loved “The Matrix”") == []  # nothing of ours: an answer
        assert await phone.text("bye") == ["True, Loved “The Matrix”, bye"]
        history = await kit.store.history(kit.number, phone.number, 100)
        assert "Liked “Which film did you like?”" in [entry.text for entry in history]


async def test_an_app_may_ask_for_reactions():
    app, seen = quiz(), []

    @app.on_reaction
    def react(chat: Chat, reaction: Reaction) -> str | None:
        seen.append((reaction.emoji, reaction.quote, reaction.removed, chat.question))
        return None if reaction.removed else "Glad you like it!"

    async with Kit(app) as kit:
        phone = kit.phone()
        await phone.text("QUIZ")
        assert await phone.text("Liked “Ready? Reply STOP to opt out”") == ["Glad you like it!"]
        assert await phone.text("Removed a like from “Ready? Reply STOP to opt out”") == []
        assert await phone.text("yes") == ["Which film did you like?"]
    question = "Ready? Reply STOP to opt out"
    assert seen == [("👍", question, False, question), ("👍", question, True, question)]
