"""What the provider refuses for good: the app or the person hears of it once, and it is kept."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace

from cooee import App, DefinitionError, Refusal
from cooee.core.messages import Receipt, Status
from cooee.storage.summaries import TROUBLED
from cooee.testing import Kit

PROVIDERS = {
    "simulated": "POST /texts",
    "telstra-v2": "POST /messages/sms",
    "telstra-v3": "POST /messaging/v3/messages",
    "twilio": "POST /2010-04-01",
}


@dataclass
class Desk:
    refused: list[str] = field(default_factory=list)


def echo(**options):
    app = App(**options)

    @app.otherwise
    def back(chat):
        return f"You said {chat.text}"

    return app


async def sent_states(kit, phone):
    history = await kit.store.history(kit.number, phone.number, 50)
    return [(entry.text, entry.status) for entry in history if entry.direction == "out"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_person_whose_reply_is_refused_gets_sorry_and_it_shows_as_trouble(provider):
    async with Kit(echo(sorry="Sorry!"), provider=provider, push=False) as kit:
        anna = kit.phone()
        kit.fault("refuse", on=PROVIDERS[provider])
        kit.send(anna, "hi")
        await kit.quiet()
        await kit.wait(10)
        assert anna.read() == ["Sorry!"]
        counts = await kit.store.counts()
        assert (counts.failed, counts.refused, counts.open_dialogues) == (1, 1, 0)
        (summary,) = await kit.store.conversations(TROUBLED)
        assert (summary.theirs, summary.refused) == (anna.number, 1)
        assert await kit.store.resend_refused(anna.number) == 1
        kit.service.parts.senders.wake_all()
        await kit.quiet()
        await kit.wait(10)
        assert anna.read() == ["You said hi"]
        assert list(await kit.store.conversations(TROUBLED)) == []
        assert await kit.store.resend_refused() == 0
        assert await anna.text("again") == ["You said again"]


async def test_the_app_hears_of_a_refusal_in_a_turn_of_its_own():
    app, seen = App(state=Desk, sorry="Sorry!"), []

    @app.on_refused
    def note(chat, refusal):
        seen.append((refusal.text, refusal.code, refusal.is_awaited, chat.theirs))
        chat.state.refused.append(refusal.text)
        chat.say("Please call us.")
        return "0800 123"

    @app.on("LIST")
    def listing(chat):
        return ",".join(chat.state.refused) or "none"

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("LIST") == ["none"]
        kit.fault("refuse")
        await app.send(anna.number, "Your table is free.")
        await kit.quiet()
        assert anna.read() == ["Please call us.", "0800 123"]
        assert seen == [("Your table is free.", "refused", False, anna.number)]
        assert await anna.text("LIST") == ["Your table is free."]


async def test_nobody_is_told_of_what_nobody_waits_for():
    app = echo(sorry="Sorry!")
    async with Kit(app) as kit:
        anna = kit.phone()
        kit.fault("refuse")
        await app.send(anna.number, "News!")
        await kit.quiet()
        assert anna.read() == []
        assert (await kit.store.counts()).refused == 1


@pytest.mark.parametrize("sorry", ["Sorry!", None])
async def test_the_refusal_of_an_apology_is_told_to_nobody_and_is_no_trouble(sorry):
    app, calls = echo(sorry=sorry), []

    @app.on_refused
    def note(chat, refusal):
        calls.append(refusal.text)
        return "We are sorry."

    async with Kit(app) as kit:
        anna = kit.phone()
        kit.fault("refuse", 50)
        await anna.text("hi")
        await kit.wait(timedelta(days=3))
        assert calls == ["You said hi"]
        assert await sent_states(kit, anna) == [
            ("You said hi", "failed"),
            ("We are sorry.", "failed"),
        ]
        assert (await kit.store.counts()).refused == 1


async def test_a_copy_that_is_refused_again_is_told_to_the_app_and_not_to_the_person():
    app = echo(sorry="Sorry!")
    async with Kit(app) as kit:
        anna = kit.phone()
        kit.fault("refuse")
        assert await anna.text("hi") == ["Sorry!"]
        kit.fault("refuse")
        assert await kit.store.resend_refused() == 1
        kit.service.parts.senders.wake_all()
        await kit.quiet()
        assert anna.read() == []
        assert (await kit.store.counts()).refused == 1
        assert await kit.store.resend_refused(anna.number) == 1
        kit.service.parts.senders.wake_all()
        await kit.quiet()
        assert anna.read() == ["You said hi"]


async def test_a_handler_of_refusals_that_raises_is_tried_again_then_set_aside():
    app, calls = echo(), []

    @app.on_refused
    async def broken(chat, refusal):
        calls.append(refusal.id)
        if len(calls) < 7:
            raise ValueError("no desk")
        return "At last."

    async with Kit(app) as kit:
        anna = kit.phone()
        kit.fault("refuse")
        await anna.text("hi")
        await kit.wait(timedelta(hours=1))
        assert len(calls) == 5
        (summary,) = await kit.store.conversations(TROUBLED)
        assert (summary.set_aside, summary.refused) == (1, 1)
        (trouble,) = [one for one in await kit.troubles(anna) if "no desk" in one]
        assert "a refused text" in trouble
        assert await anna.text("still there?") == ["You said still there?"]
        assert await kit.store.retry() == 1
        kit.service.parts.worker.wake()
        await kit.wait(10)
        assert anna.read() == ["At last."]
        assert len(set(calls)) == 1


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNDELIVERED])
async def test_a_receipt_of_a_refusal_counts_and_one_of_a_phone_that_is_off_does_not(status):
    async with Kit(echo(sorry="Sorry!")) as kit:
        anna = kit.phone()
        network = kit.simulator.network
        network.conditions = replace(network.conditions, delay=3_600)
        kit.send(anna, "hi")
        await kit.wait(3_601)
        *_, text = await kit.store.history(kit.number, anna.number, 9)
        receipt = Receipt(status=status, provider_status="30007", provider_id=text.provider_id)
        for _ in range(2):
            await kit.service.parts.receipt_handler.apply([receipt])
        await kit.quiet()
        counts = await kit.store.counts()
        assert counts.refused == (status is Status.FAILED)
        said = [text for text, _ in await sent_states(kit, anna)]
        assert said == ["You said hi", "Sorry!"][: 1 + counts.refused]


async def test_somebody_who_opted_out_hears_nothing_and_is_no_trouble():
    async with Kit(echo(), switches=["optout"]) as kit:
        anna = kit.phone()
        await anna.text("STOP")
        anna.read()
        counts = await kit.store.counts()
        assert (counts.refused, counts.open_dialogues) == (0, 0)


async def test_a_refusal_survives_the_end_of_the_process_and_is_told_once():
    calls = []

    def make_app():
        app = echo()

        @app.on_refused
        def note(chat, refusal):
            calls.append(refusal.text)
            return "Told."

        return app

    async with Kit(make_app()) as kit:
        anna = kit.phone()
        kit.service.parts.worker.stop()  # as if the process ended before the turn
        kit.fault("refuse")
        await kit.app.send(anna.number, "News!")
        await kit.quiet()
        assert calls == []
        assert (await kit.store.counts()).open_dialogues == 1
        await kit.deploy(make_app())
        assert (calls, anna.read()) == (["News!"], ["Told."])
        await kit.restart()
        assert (calls, anna.read()) == (["News!"], [])


async def test_there_is_one_handler_of_refusals():
    app = App()
    app.on_refused(lambda chat, refusal: None)
    with pytest.raises(DefinitionError, match="on_refused already"):
        app.on_refused(lambda chat, refusal: None)


def test_a_refusal_shows_no_words_in_logs():
    assert "secret" not in repr(Refusal(id="1", text="secret", code="x"))
