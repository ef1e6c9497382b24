"""Opt-out words that a question offers as answers: who gets them, and who is told."""

from enum import Enum
from typing import Literal

import pytest

from cooee import App, Chat
from cooee.core.messages import Inbound
from cooee.testing import Kit

DOUBT = "Do you want no more texts from us? Reply STOP."


class Size(Enum):
    SMALL = "s"
    REMOVE_IT = "remove"


def asking(ask):
    """An app whose dialogue asks by a function, and says what came of it."""
    app = App()

    @app.dialogue("GO")
    async def go(chat: Chat) -> str:
        return f"It is {await ask(chat)!r}."

    @app.otherwise
    def echo(chat: Chat) -> str:
        return f"You said {chat.text}."

    return app


def menu(*options):
    return lambda chat: chat.choose("Which?", list(options))


OFFERED = [
    (menu("Change", "Cancel"), "cancel", "Cancel"),
    (menu("Change", "Cancel"), "CANCEL!", "Cancel"),
    (menu("Change", "Cancel"), "Cancel, please", "Cancel"),
    (menu("Change it", "Cancel my booking"), "cancel", "Cancel my booking"),
    (menu("Alta", "Baja"), "baja", "Baja"),
    (menu("Alta", "Baja"), "Baja.", "Baja"),
    (menu("Andante", "Alto"), "ALTO", "Alto"),
    (menu("Gare", "Arrêt"), "arret", "Arrêt"),
    (menu("Gare", "Arret"), "Arrêt", "Arret"),
    (menu("Add", "Remove"), "remove", "Remove"),
    (menu("Begin", "End"), "end", "End"),
    (menu("Go", "Stop"), "stop", "Stop"),
    (menu("Go", "Stop"), "Stop. Thank you", "Stop"),
    (menu("Go", "Stop all"), "STOP ALL", "Stop all"),
    (menu("Call us", "Help"), "help", "Help"),
    (menu("Info", "Start"), "START", "Start"),
    (lambda chat: chat.confirm("Sure?"), "cancel", False),
    (lambda chat: chat.confirm("Sure?"), "Cancel, please", False),
    (lambda chat: chat.ask("Which?", Literal["keep", "cancel"]), "Cancel", "cancel"),
    (lambda chat: chat.ask("Which?", Size), "Remove", Size.REMOVE_IT),
]


@pytest.mark.parametrize(("ask", "text", "value"), OFFERED)
async def test_what_a_question_offers_is_its_answer_while_it_is_offered(ask, text, value):
    async with Kit(asking(ask)) as kit:
        phone = kit.phone()
        await phone.text("GO")
        await kit.restart()
        assert await phone.text(text) == [f"It is {value!r}."]
        assert (await kit.store.counts()).opted_out == 0
        await phone.text(text)  # nothing offers it any more
        opts_out = text.casefold() not in {"help", "start"}
        assert (await kit.store.counts()).opted_out == opts_out


NOT_OFFERED = [
    (menu("Bus stop", "Station"), "STOP"),  # only by its whole name
    (menu("Quit smoking", "Sport"), "quit"),
    (menu("Salad", "Endive"), "end"),  # the beginning of a word is not the word
    (menu("Removal", "Storage"), "remove"),
    (menu("Yes", "No"), "cancel"),
    (lambda chat: chat.ask("Name?"), "Cancel"),
    (lambda chat: chat.receive(), "Cancel"),
    (lambda chat: chat.ask("How many?", int), "end"),
    (lambda chat: chat.confirm("Sure?"), "end"),
    (menu("Change", "Cancel"), "stop"),
]


@pytest.mark.parametrize(("ask", "text"), NOT_OFFERED)
async def test_what_no_question_offers_opts_out(ask, text):
    async with Kit(asking(ask)) as kit:
        phone = kit.phone()
        await phone.text("GO")
        assert await phone.text(text) == []
        assert (await kit.store.counts()).opted_out == 1


async def test_a_word_that_may_be_several_options_is_asked_about():
    async with Kit(asking(menu("Remove cheese", "Remove onions"))) as kit:
        phone = kit.phone()
        await phone.text("GO")
        assert await phone.text("remove") == [DOUBT]
        assert await phone.text("remove onions") == ["It is 'Remove onions'."]


async def test_who_is_told_how_to_opt_out_is_told_a_word_that_does():
    async with Kit(asking(menu("Go", "Stop"))) as kit:
        phone = kit.phone()
        await phone.text("GO")
        assert await phone.text("please remove me") == [DOUBT.replace("STOP", "UNSUBSCRIBE")]
        [explained] = await phone.text("HELP")
        assert explained.endswith("reply UNSUBSCRIBE.")
        assert await phone.text("stop") == ["It is 'Stop'."]
        assert await phone.text("please remove me") == [DOUBT]
        assert (await phone.text("HELP"))[0].endswith("reply STOP.")


async def test_a_word_that_another_text_made_late_is_no_answer_to_the_next_question():
    app = App()

    @app.dialogue("GO")
    async def go(chat: Chat) -> str:
        what = await chat.choose("Which?", ["Change", "Cancel"])
        return f"{what}, {await chat.ask('Your name?')}."

    async with Kit(app) as kit:
        phone = kit.phone()
        await phone.text("GO")
        now = kit.clock.now()
        await kit.service.parts.inbound_receiver.receive(
            [
                Inbound(sender=phone.number, recipient=kit.number, text=text, received_at=now)
                for text in ("Change", "Cancel")
            ]
        )
        await kit.quiet()
        assert phone.read() == ["Your name?", DOUBT]
        assert await phone.text("Ann") == ["Change, Ann."]


async def test_what_is_offered_behind_another_question_is_not_offered():
    app = asking(menu("Change", "Cancel"))

    @app.dialogue("RATE", always=True)
    async def rate(chat: Chat) -> str:
        return f"{await chat.ask('From 1 to 5?', int)}, noted."

    async with Kit(app) as kit:
        phone, other = kit.phone(), kit.phone()
        for one in (phone, other):
            await one.text("GO")
            await one.text("RATE")
        await phone.text("cancel")
        assert (await kit.store.counts()).opted_out == 1
        assert (await other.text("5"))[0] == "5, noted."
        assert await other.text("cancel") == ["It is 'Cancel'."]
        await phone.text("START")
        assert (await phone.text("5"))[0] == "5, noted."
        assert await phone.text("cancel") == ["It is 'Cancel'."]


async def test_a_deploy_that_offers_another_menu_is_believed_from_its_next_turn():
    async with Kit(asking(menu("Change", "Cancel"))) as kit:
        phone = kit.phone()
        await phone.text("GO")
        await kit.deploy(asking(menu("Change", "Call it off")))
        assert await phone.text("what?") == [
            "Sorry, I did not understand that. Which?\n1. Change\n2. Call it off"
        ]
        assert await phone.text("cancel") == []
        assert (await kit.store.counts()).opted_out == 1


@pytest.mark.parametrize(("provider", "word"), [("twilio", "Cancel"), ("telstra-v3", "end")])
async def test_where_the_provider_acts_on_a_word_its_opt_out_holds_here_too(provider, word):
    async with Kit(asking(menu("Go on", word)), provider=provider) as kit:
        phone = kit.phone()
        await phone.text("GO")
        await phone.text(word)
        assert (await kit.store.counts()).opted_out == 1
        assert await phone.text("2") == []
        assert (await phone.text("START"))[-1] == f"Which?\n1. Go on\n2. {word}"
        assert await phone.text("2") == [f"It is {word!r}."]


@pytest.mark.parametrize("provider", ["twilio", "telstra-v3"])
async def test_where_the_provider_does_not_act_on_a_word_the_question_has_it(provider):
    async with Kit(asking(menu("Alta", "Baja")), provider=provider) as kit:
        phone = kit.phone()
        await phone.text("GO")
        assert await phone.text("baja") == ["It is 'Baja'."]


# Who is told


def told(caplog):
    records = [record for record in caplog.records if record.message == "word-taken"]
    return [(record.levelname, record.fields["note"]) for record in records]


async def test_the_app_is_told_at_its_start_of_an_answer_that_the_provider_takes(caplog):
    app = App()
    caplog.set_level("INFO", "cooee")

    @app.dialogue("GO")
    async def go(chat: Chat) -> None:
        await chat.choose("Which?", ["Change", "Cancel"])
        await chat.choose("Which?", ["Move it", "End it all", "Baja"], key="second")
        await chat.confirm("Sure?")

    async with Kit(app, provider="twilio") as kit:
        notes = kit.service.notes
        assert [note.partition(", ")[0] for note in notes] == [
            "twilio itself acts on CANCEL",
            "twilio itself acts on END",
            "twilio itself acts on CANCEL",
        ]
        line = go.__code__.co_firstlineno + 2
        for number, note in enumerate(notes):
            assert f"in go ({__file__}:{line + number})" in note
        assert [level for level, _ in told(caplog)] == ["WARNING", "INFO", "INFO"]
        await kit.phone().text("GO")  # and is not told again as it is asked
        assert len(told(caplog)) == 3
    async with Kit(app) as kit:
        assert kit.service.notes == []


async def test_of_words_that_come_from_data_the_app_is_told_once_as_they_are_asked(caplog):
    options = (word.title() for word in ("cancel", "other"))
    menu = list(options)
    app = asking(lambda chat: chat.choose("Which?", menu))
    async with Kit(app, provider="twilio") as kit:
        assert kit.service.notes == []
        for _ in range(3):
            await kit.phone().text("GO")
        [(level, note)] = told(caplog)
        assert level == "WARNING"
        assert note.startswith("twilio itself acts on CANCEL, which answers 'cancel' in go (")
