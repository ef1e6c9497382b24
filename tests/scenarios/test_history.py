"""`chat.history` is in the order of the conversation, on every provider (delivery rule 23)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee import App, Chat
from cooee.core.messages import Inbound, Media, Priority
from cooee.storage import NewOutbound, ProactiveOutbound
from cooee.testing import Kit

PROVIDERS = [
    {"provider": "simulated"},
    {"provider": "simulated", "push": False},
    {"provider": "simulated", "push": False, "switches": ["pop"]},
    {"provider": "telstra-v2"},
    {"provider": "telstra-v2", "push": False},
    {"provider": "telstra-v3"},
    {"provider": "telstra-v3", "push": False},
    {"provider": "twilio"},
    {"provider": "twilio", "push": False},
]


def remembering(kits: list[Kit], app: App[Any, Any] | None = None) -> tuple[App[Any, Any], Any]:
    """An app that answers "one" with "re one", and the histories that its handler saw.

    Before it answers, it lets the seconds pass that stand at the end of the text.
    """
    app, seen = app or App(), list[list[str]]()

    @app.otherwise
    async def answer(chat: Chat) -> str:
        await kits[0].clock.sleep(int(chat.text.rpartition(" ")[2]))
        seen.append([f"{one.said_by}: {one.text}" for one in await chat.history(100)])
        return f"re {chat.text}"

    return app, seen


def conversation(*texts: str) -> list[str]:
    """What the history is as the last of these texts is answered."""
    answered = [line for text in texts[:-1] for line in (f"them: {text}", f"us: re {text}")]
    return [*answered, f"them: {texts[-1]}"]


@pytest.mark.parametrize("setup", PROVIDERS, ids=str)
async def test_who_texts_again_before_the_reply_is_answered_in_the_order_of_the_texts(setup):
    kits: list[Kit] = []
    app, seen = remembering(kits)
    async with Kit(app, **setup) as kit:
        kits.append(kit)
        anna = kit.phone()
        for text in ("one 0", "two 0", "three 9", "four 0"):  # at once
            kit.send(anna, text)
        await kit.quiet()
        await kit.wait(20)
        kit.send(anna, "five 20")
        await kit.wait(5)  # its reply is late
        kit.send(anna, "six 0")
        await kit.wait(30)
    texts = ["one 0", "two 0", "three 9", "four 0", "five 20", "six 0"]
    assert seen == [conversation(*texts[: n + 1]) for n in range(6)]


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["text", "write first", "restart"]),
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        max_size=8,
    )
)
async def test_every_text_is_last_in_its_own_history_and_each_reply_behind_its_text(steps):
    kits: list[Kit] = []
    app, seen = remembering(kits)
    async with Kit(app) as kit:
        kits.append(kit)
        anna, texts = kit.phone(), []
        await anna.text("begin 0")
        for n, (step, slow, pause) in enumerate(steps):
            if step == "text":
                texts.append(f"text{n} {slow}")
                kit.send(anna, texts[-1])
            elif step == "write first":
                await kit.app.send(anna.number, f"news {n}")
            else:
                await kit.restart()
            await kit.wait(pause)
        await kit.wait(60)
        final = [entry.text for entry in await kit.store.history(kit.number, anna.number, 100)]
    # a handler that a restart cut off before its commit is called again
    answered = list(dict.fromkeys(history[-1] for history in seen))
    assert answered == [
        "them: begin 0",
        *[f"them: {one}" for one in texts],
    ]
    for history in [*seen, [f"us: {text}" for text in final]]:
        assert len(set(history)) == len(history), "a text is there twice"
        for text in ("begin 0", *texts):
            if f"us: re {text}" in history and f"them: {text}" in history:
                place = history.index(f"them: {text}")
                between = history[place + 1 : history.index(f"us: re {text}")]
                assert all(line.startswith("us: news") for line in between), history


async def test_a_long_burst_hides_nothing_that_was_said_before():
    kits: list[Kit] = []
    app, seen = remembering(kits)
    async with Kit(app) as kit:
        kits.append(kit)
        anna = kit.phone()
        await anna.text("before 0")
        for n in range(150):
            kit.send(anna, f"{n:03} 0")
        await kit.quiet()
    assert seen[1] == ["them: before 0", "us: re before 0", "them: 000 0"]
    assert seen[-1] == conversation("before 0", *(f"{n:03} 0" for n in range(150)))[-100:]


async def test_a_dialogue_reads_it_with_the_answer_last():
    app, seen = App(), list[list[str]]()

    def remember(history):
        seen.append([f"{one.said_by}: {one.text}" for one in history])

    @app.dialogue("CHAT")
    async def chat_on(chat: Chat) -> str:
        chat.say("Ask me.")
        while (text := await chat.receive()) != "BYE":
            remember(await chat.once(chat.history, 100, key=f"history {text}"))
            chat.say(f"re {text}")
        return "Bye."

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("CHAT")
        for text in ("one", "two", "three"):
            kit.send(anna, text)
        await kit.quiet()
        assert await anna.text("BYE") == ["re one", "re two", "re three", "Bye."]
    first = ["them: CHAT", "us: Ask me."]
    expected = [[*first, *conversation(*["one", "two", "three"][: n + 1])] for n in range(3)]
    assert [one for n, one in enumerate(seen) if one not in seen[:n]] == expected


async def test_what_never_went_out_is_not_in_it_and_the_rest_tells_how_far_it_got():
    app, seen = App(), []

    @app.on("SHOW")
    async def show(chat: Chat) -> str:
        seen.append([(one.said_by, one.text, one.status) for one in await chat.history(10)])
        return "shown"

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("SHOW")
        later = kit.clock.now() + timedelta(days=1)
        stale = NewOutbound(text="stale", priority=Priority.PROACTIVE, good_until=kit.clock.now())
        waiting = NewOutbound(text="waiting", priority=Priority.PROACTIVE, due_at=later)
        await kit.store.enqueue(
            [ProactiveOutbound(kit.number, anna.number, one) for one in (stale, waiting)]
        )
        kit.service.parts.senders.wake_all()
        await kit.wait(60)
        await anna.text("SHOW")
    assert seen[1] == [
        ("them", "SHOW", "handled"),
        ("us", "shown", "delivered"),
        ("us", "waiting", "queued"),
        ("them", "SHOW", "pending"),
    ]


async def test_a_picture_is_in_it_too():
    app, seen = App(), []

    @app.otherwise
    async def look(chat: Chat) -> str:
        seen.append([(one.text, [each.url for each in one.media]) for one in await chat.history()])
        return "nice"

    async with Kit(app) as kit:
        anna = kit.phone()
        picture = Inbound(
            sender=anna.number,
            recipient=kit.number,
            text="",
            received_at=kit.clock.now(),
            media=(Media(url="https://pictures.example/cat.png"),),
        )
        await kit.service.parts.inbound_receiver.receive([picture])
        await kit.wait(600)
        await anna.text("well?")
    assert seen[-1][0] == ("", ["https://pictures.example/cat.png"])
    assert seen[-1][-1] == ("well?", [])
