"""Questions that have not gone out: by night, behind a failing or slow provider, or in doubt."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cooee import App, hours, minutes
from cooee.core.errors import PermanentFailure
from cooee.runtime.events import TextsCancelled
from cooee.simulator.network import NetworkConditions
from cooee.testing import Kit

NIGHT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)  # 11 pm in Sydney
UNTIL_MORNING = hours(14)  # 8 am in the last zone of the number
SEND = "POST /texts"


QUIET = ("21:00", "08:00")


def pay_app(**settings) -> App:
    app = App(**settings)

    @app.dialogue("PAY")
    async def pay(chat):
        return "Charged." if await chat.confirm("Charge $100?") else "Not charged."

    @app.otherwise
    def other(chat):
        return "Hm?"

    return app


def well_app(quiet=QUIET) -> App:
    app = App(quiet=quiet, no_reply="Another time.")

    @app.dialogue()
    async def well(chat):
        chat.say("Your order is ready.")
        count = await chat.ask("How many bags?", int, timeout=hours(2), remind=hours(1))
        return f"{count} bags it is."

    @app.on("TIME")
    def time(chat):
        return "It is late."

    @app.otherwise
    def other(chat):
        return "Hm?"

    return app


@pytest.mark.parametrize("words", ["ok", "yes", "Y"])
async def test_a_confirmation_that_waits_for_the_morning_is_not_answered_at_night(words):
    app = pay_app(quiet=QUIET)
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start("pay", anna.number)
        await kit.quiet()
        assert await anna.text(words) == ["Hm?"]
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == ["Charge $100?"]
        assert await anna.text(words) == ["Charged."]


async def test_a_question_answered_at_night_is_not_asked_in_the_morning():
    app = well_app()
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start("well", anna.number)
        await kit.quiet()
        assert await anna.text("TIME") == ["It is late."]
        assert await anna.text("3") == ["Your order is ready.", "3 bags it is."]
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == []
        history = await kit.store.history(kit.number, anna.number, 9)
        assert [
            (one.text, one.status, one.error) for one in history if one.status == "cancelled"
        ] == [("How many bags?", "cancelled", "no longer asked")]


async def test_a_long_question_is_withdrawn_with_all_of_its_parts():
    app = App(quiet=QUIET, long_texts="split")

    @app.dialogue()
    async def tell(chat):
        chat.say("Hello.")
        return f"{await chat.ask('How many bags? ' * 300)} it is."

    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start(tell, anna.number)
        await kit.quiet()
        assert await anna.text("3") == ["Hello.", "3 it is."]
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == []
        history = await kit.store.history(kit.number, anna.number, 9)
        assert [one.status for one in history].count("cancelled") == 3


async def test_what_an_unsent_question_does_not_understand_is_not_for_it():
    app = well_app()
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start("well", anna.number)
        await kit.quiet()
        assert await anna.text("good night") == ["Hm?"]
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == ["Your order is ready.", "How many bags?"]
        assert await anna.text("good morning") == ["Please send a number. How many bags?"]


async def test_the_clocks_of_a_question_start_when_it_goes_out():
    app = well_app()
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start("well", anna.number)
        await anna.follow("""
            ... 13 hours 30 minutes
            < Your order is ready.
            < How many bags?
            ... 59 minutes
            ... 1 minute
            < How many bags?
            ... 1 hour
            < Another time.
        """)


# Behind a provider that fails, is slow, or leaves us in doubt


async def send_with(kit: Kit, fault: str, *, count: int = 1, wait: float = 0.0) -> None:
    """Let the next sends fail, and start the dialogue."""
    kit.fault(fault, count, on=SEND)
    await kit.app.start("pay", "+61491570156")
    await kit.wait(wait)


FAILING = {
    "throttled": ("throttle", 1, 0.0),
    "failing": ("error-503", 2, 1.0),
}


@pytest.mark.parametrize("name", FAILING)
async def test_a_confirmation_that_the_provider_has_not_accepted_is_not_answered(name):
    fault, count, wait = FAILING[name]
    async with Kit(pay_app(), push=False) as kit:
        anna = kit.phone()
        await send_with(kit, fault, count=count, wait=wait)
        kit.send(anna, "ok")
        await kit.wait(minutes(10))
        assert sorted(anna.read()) == ["Charge $100?", "Hm?"]
        assert await anna.text("yes") == ["Charged."]


async def test_a_text_that_came_before_its_confirmation_and_is_answered_later_is_no_answer():
    app = pay_app()
    async with Kit(app) as kit:
        anna = kit.phone()
        kit.send(anna, "PAY")
        kit.send(anna, "yes")
        await kit.quiet()
        assert anna.read() == ["Charge $100?"]
        assert await anna.text("yes") == ["Charged."]


@pytest.mark.parametrize(
    ("fault", "went_out"),
    [("lose-answer", ["Charge $100?"]), ("delay:20", ["Charge $100?"]), ("carrier-down", [])],
)
async def test_a_confirmation_in_doubt_is_asked_again(fault, went_out):
    async with Kit(pay_app(), push=False) as kit:
        anna = kit.phone()
        await send_with(kit, fault, wait=1)
        assert anna.read() == went_out, "which we cannot know"
        assert await anna.text("ok") == ["Charge $100?"]
        assert await anna.text("ok") == ["Charged."]
        await kit.wait(minutes(30))
        assert anna.read() == []


async def test_a_yes_that_was_sent_before_its_question_went_out_arrives_too_late():
    async with Kit(pay_app()) as kit:
        anna = kit.phone()
        kit.simulator.network.conditions = NetworkConditions(delay=30)
        kit.send(anna, "ok")
        await kit.wait(10)
        await kit.app.start("pay", anna.number)
        await kit.quiet()
        assert anna.read() == ["Charge $100?"]
        await kit.wait(minutes(1))
        assert anna.read() == []
        assert await anna.text("ok") == ["Charged."]


@pytest.mark.parametrize("receipts", [True, False])
async def test_a_confirmation_in_the_answer_to_a_webhook_counts_from_that_answer(receipts):
    async with Kit(pay_app(), provider="twilio") as kit:
        anna, apps = kit.phone(), kit._webhook_client.apps
        [(url, app)] = apps.items()

        async def without_receipts(scope, receive, send):
            message = await receive()
            if b"MessageStatus=" not in message["body"] or receipts:
                messages = [message]
                await app(scope, lambda: _next(messages, receive), send)
                return
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        apps[url] = without_receipts
        kit.send(anna, "PAY")
        await kit.clock.wait_until_idle()
        assert anna.read() == ["Charge $100?"]
        assert await anna.text("yes") == ["Charged."]


async def _next(messages, receive):
    return messages.pop() if messages else await receive()


@pytest.mark.parametrize("dialogue", ["pay", "well"])
async def test_a_question_that_the_provider_refuses_for_good_is_asked_again(dialogue, monkeypatch):
    app = pay_app() if dialogue == "pay" else well_app(quiet=None)
    async with Kit(app) as kit:
        anna, provider = kit.phone(), kit._provider
        send = provider.send

        def refuse(outbound, credentials):
            if "?" in outbound.text:
                monkeypatch.setattr(provider, "send", send)
                raise PermanentFailure("no", code="7")
            return (yield from send(outbound, credentials))

        monkeypatch.setattr(provider, "send", refuse)
        await app.start(dialogue, anna.number)
        await kit.quiet()
        await kit.wait(1)
        anna.read()
        question, answer = (
            ("Charge $100?", "Charged.")
            if dialogue == "pay"
            else ("How many bags?", "1 bags it is.")
        )
        assert await anna.text("1" if dialogue == "well" else "yes") == [question]
        assert await anna.text("1" if dialogue == "well" else "yes") == [answer]


# A dialogue that moves on before its question goes out


def busy_app() -> App:
    app = pay_app(quiet=QUIET, no_reply="Another time.")

    @app.dialogue("BOOK")
    async def book(chat):
        return f"See you on {await chat.ask('Which day?')}."

    @app.dialogue("INSTEAD", busy="replace")
    async def instead(chat):
        return f"{await chat.ask('Which hour?')} it is."

    @app.on("LEAVE", always=True)
    def leave(chat):
        chat.leave()
        return "Left."

    return app


MOVES = {
    "paused": """
        > BOOK
        < Which day?
        > yes
        < See you on yes.
        < Charge $100?
        > yes
        < Charged.
    """,
    "replaced": """
        > INSTEAD
        < Which hour?
        > 7
        < 7 it is.
    """,
    "left": """
        > LEAVE
        < Left.
    """,
    "opted out": """
        > STOP
        > START
        < Charge $100?
        > yes
        < Charged.
    """,
}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("name", MOVES)
async def test_a_question_whose_dialogue_moved_on_at_night_does_not_arrive(name, restarts):
    app = busy_app()
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        await app.start("pay", anna.number)
        await kit.quiet()
        if restarts:
            await kit.restart()
        await anna.follow(MOVES[name])
        if restarts:
            await kit.restart()
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == []


async def test_a_reminder_that_waits_for_the_morning_is_withdrawn_with_its_question():
    app = App(quiet=QUIET, no_reply="Another time.")

    @app.dialogue("BOOK")
    async def book(chat):
        return await chat.ask("Which day?", remind=[hours(1), hours(2)], timeout=hours(4))

    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        assert await anna.text("BOOK") == ["Which day?"]
        await kit.wait(UNTIL_MORNING)
        assert anna.read() == ["Another time."]
        history = await kit.store.history(kit.number, anna.number, 9)
        assert [one.status for one in history][2:] == ["cancelled", "cancelled", "delivered"]


async def test_a_question_that_is_asked_again_by_back_counts_from_its_last_asking():
    app = App()

    @app.dialogue("PAY")
    async def pay(chat):
        amount = await chat.ask("How much?", int)
        return "Charged." if await chat.confirm(f"Charge ${amount}?") else "Not charged."

    @app.on("BACK", always=True)
    def back(chat):
        chat.back()

    async with Kit(app, push=False) as kit:
        anna = kit.phone()
        await anna.text("PAY")
        await anna.text("5")
        assert await anna.text("BACK") == ["How much?"]
        kit.fault("throttle", 1, on=SEND)
        kit.send(anna, "5")
        await kit.wait(2)
        kit.send(anna, "yes")
        await kit.wait(minutes(2))
        assert set(anna.read()) == {"Charge $5?"}
        assert await anna.text("yes") == ["Charged."]


async def test_a_question_that_comes_back_after_another_counts_from_its_last_asking():
    app = pay_app()

    @app.dialogue("BOOK", always=True)
    async def book(chat):
        return f"See you on {await chat.ask('Which day?')}."

    async with Kit(app, push=False) as kit:
        anna = kit.phone()
        assert await anna.text("PAY") == ["Charge $100?"]
        assert await anna.text("BOOK") == ["Which day?"]
        kit.fault("throttle", 1, on=SEND)
        kit.send(anna, "Friday")
        await kit.wait(2)
        kit.send(anna, "yes")  # to the day, for all that anybody knows
        await kit.wait(minutes(2))
        assert anna.read()[:2] == ["See you on Friday.", "Charge $100?"]
        assert await anna.text("yes") == ["Charged."]


async def test_a_withdrawal_is_told():
    app, cancelled = busy_app(), []
    async with Kit(app, start=NIGHT) as kit:
        anna = kit.phone()
        kit.service.events.subscribe(
            lambda event: cancelled.append(event) if isinstance(event, TextsCancelled) else None
        )
        await app.start("pay", anna.number)
        await kit.quiet()
        await anna.text("LEAVE")
        [event] = cancelled
        assert event.reason == "no longer asked"
        assert [(one.recipient, one.text) for one in event.outbounds] == [
            (anna.number, "Charge $100?")
        ]


async def test_an_answer_may_be_quicker_than_the_providers_response():
    async with Kit(pay_app(), push=False, poll_interval=2) as kit:
        session, phone = kit.service.session, kit.phone()
        transport = session._transport

        async def answer_late(request):
            response = await transport(request)
            if request.method == "POST":
                await kit.clock.sleep(0.8)
            return response

        session._transport = answer_late
        kit.send(phone, "PAY")
        while not phone.inbox:
            await kit.clock.advance(0.1)
        await kit.clock.advance(0.25)
        kit.send(phone, "yes")  # which the next poll brings, once the response is here
        await kit.wait(5)
        assert phone.inbox == ["Charge $100?", "Charged."]
