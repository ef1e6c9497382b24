"""Operators see every person's conversation, trouble and answers, and mend what they may."""

from datetime import timedelta

import pytest

from cooee import App
from cooee.core.errors import OptedOut, SettingError
from cooee.runtime import operations
from cooee.testing import Kit


def booking():
    app = App()

    @app.dialogue("BOOK")
    async def book(chat):
        name = await chat.ask("Name?")
        count = await chat.ask("How many?", int)
        return f"{name}, {count}."

    @app.dialogue("LATER")
    async def later(chat):
        await chat.sleep(timedelta(hours=1))
        return "It is later."

    @app.on("BREAK")
    def fail(chat):
        raise RuntimeError("broken")

    return app


async def test_every_dialogue_waits_at_a_line_the_largest_group_first():
    app = booking()
    async with Kit(app) as kit:
        people = [kit.phone() for _ in range(4)]
        for phone in people[:3]:
            await phone.text("BOOK")
        await people[3].text("LATER")
        groups = await operations.group_waiting(app, kit.store)
        asked, asleep = groups.items()
        assert (asked[0].dialogue, asked[0].state, asked[1].dialogues) == ("book", "asked", 3)
        assert asked[1].question == "Name?"
        assert (asleep[0].dialogue, asleep[0].state) == ("later", "asleep")
        assert asleep[1].until is not None
        strangers = await operations.group_waiting(App(), kit.store)
        assert {point.trouble for point in strangers} == {"not in this app"}


async def test_trouble_names_the_person_and_the_reason():
    async with Kit(booking()) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BREAK")
        await kit.wait(timedelta(days=1))
        await ben.text("BOOK")
        trouble = await operations.find_trouble(kit.store, 10)
        ((summary, text),) = trouble.texts
        assert (summary.theirs, text.text, text.status) == (anna.number, "BREAK", "set aside")
        assert "broken" in text.error
        assert trouble.counts.set_aside == 1
        assert trouble.dialogues == []
        assert await operations.count_unknown(kit.store, None) == 0


async def test_a_person_has_a_conversation_until_they_are_forgotten(tmp_path):
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        (conversation,) = await operations.conversations_of(kit.store, anna.number, 10)
        assert [text.text for text in conversation.texts] == ["BOOK", "Name?"]
        assert [dialogue.handler for dialogue in conversation.dialogues] == ["book"]
        assert await operations.forget_person(kit.store, anna.number, str(tmp_path)) == []
        with pytest.raises(SettingError, match="no conversation with"):
            await operations.conversations_of(kit.store, anna.number, 10)
        with pytest.raises(SettingError, match="no conversation with"):
            await operations.forget_person(kit.store, anna.number, str(tmp_path))


async def test_a_queued_text_is_sent_and_refused_to_who_opted_out():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        ours = await operations.choose_our_number(kit.store, None)
        assert ours == kit.number
        await operations.queue_text(kit.store, ours, anna.number, "Hello.", key=None, at=None)
        kit.service.parts.senders.wake_all()
        await kit.quiet()
        assert anna.read() == ["Hello."]
        await anna.text("STOP")
        with pytest.raises(OptedOut):
            await operations.queue_text(kit.store, ours, anna.number, "Hello?", key=None, at=None)


async def test_a_number_is_read_in_the_country_of_ours():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        national = anna.number.replace("+61", "0")
        assert await operations.read_person_number(kit.store, national) == anna.number
        with pytest.raises(SettingError, match="not a person's number"):
            await operations.read_person_number(kit.store, "Anna")
