"""An app over Twilio: the service, the adapter and the company's API, from end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cooee import App
from cooee.testing.kit import Kit

OUT = (
    "You have successfully been unsubscribed. You will not receive any more messages from this"
    " number. Reply START to resubscribe."
)
BACK = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help."
    " Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)


def echo() -> App:
    app = App()

    @app.on("START")
    def start(chat) -> str:
        return "Started."

    @app.otherwise
    def other(chat) -> str:
        return f"You said {chat.message.text}."

    return app


@pytest.fixture(params=[True, False], ids=["push", "poll"])
async def kit(request):
    async with Kit(echo(), provider="twilio", push=request.param) as kit:
        yield kit


async def entries(kit, phone):
    return await kit.store.history(kit.number, phone.number, 50)


async def test_texts_are_answered_in_order_and_their_delivery_is_learnt(kit):
    anna, ben = kit.phone(), kit.phone()
    for count in range(3):
        kit.send(anna, f"a{count}")
        kit.send(ben, f"b{count}")
    await kit.quiet()
    for phone, name in ((anna, "a"), (ben, "b")):
        assert phone.inbox == [f"You said {name}{count}." for count in range(3)]
    await kit.wait(600)
    statuses = {one.status for one in await entries(kit, anna) if one.direction == "out"}
    assert statuses == {"delivered"}
    assert await kit.troubles(anna) == []


async def test_a_person_who_texts_stop_hears_twilio_alone_until_they_come_back(kit):
    anna = kit.phone()
    assert await anna.text("STOP") == [OUT]
    assert await anna.text("Are you there?") == []
    assert await anna.text("START") == [BACK, "Started."]
    assert await anna.text("Hello") == ["You said Hello."]


async def test_a_text_that_came_while_we_were_away_is_answered_when_we_are_back(kit):
    anna = kit.phone()
    await anna.text("One")
    number = kit.number
    await kit.stop()
    kit.simulator.network.send_from_phone(anna.number, number, "Two")
    await kit.clock.advance(3600)
    await kit.start()
    await kit.quiet()
    assert anna.inbox == ["You said One.", "You said Two."]


@pytest.mark.parametrize("fault", ["error-503", "throttle", "expire-token", "carrier-down"])
async def test_a_failure_of_twilios_delays_a_reply_and_loses_nothing(kit, fault):
    anna = kit.phone()
    kit.fault(fault, 2, on="POST")
    kit.send(anna, "Hello")
    await kit.quiet()
    await kit.wait(timedelta(minutes=20))
    assert anna.inbox == ["You said Hello."]


async def test_a_send_whose_answer_was_lost_is_found_in_the_log_and_not_repeated(kit):
    anna = kit.phone()
    kit.fault("lose-answer", on="POST")
    kit.send(anna, "Hello")
    await kit.quiet()
    await kit.wait(timedelta(minutes=20))
    assert anna.inbox == ["You said Hello."]
    assert [one.status for one in await entries(kit, anna)] == ["handled", "delivered"]


async def test_a_doubt_that_the_log_cannot_settle_is_shown_and_nobody_is_texted_twice():
    async with Kit(echo(), provider="twilio", push=False, switches=["redaction"]) as kit:
        anna = kit.phone()
        kit.fault("lose-answer", on="POST")
        kit.send(anna, "Hello")
        await kit.quiet()
        await kit.wait(timedelta(minutes=20))
        assert anna.inbox == ["You said ."]
        assert [one.status for one in await entries(kit, anna)] == ["handled", "unknown"]


async def test_a_send_that_never_arrived_is_sent_once_more(kit):
    anna = kit.phone()
    kit.fault("garbage", on="POST")  # a page instead of an answer, and nothing done
    kit.send(anna, "Hello")
    await kit.quiet()
    await kit.wait(timedelta(minutes=20))
    assert anna.inbox == ["You said Hello."]
    assert [one.status for one in await entries(kit, anna)] == ["handled", "delivered"]


async def test_a_text_pushed_twice_is_answered_once(kit):
    anna = kit.phone()
    kit.fault("duplicate-push", 3)
    assert await anna.text("Hello") == ["You said Hello."]
    await kit.wait(300)
    assert anna.inbox == ["You said Hello."]


async def test_a_text_that_no_push_could_bring_is_found_in_the_log_within_five_minutes():
    async with Kit(echo(), provider="twilio") as kit:
        anna = kit.phone()
        web = kit._webhook_client.apps.pop("https://app.example")
        kit.send(anna, "Hello")
        await kit.clock.advance(60)
        kit._webhook_client.apps["https://app.example"] = web
        assert anna.inbox == []
        await kit.wait(300)
        assert anna.inbox == ["You said Hello."]
        assert not kit.service.is_polling


async def test_a_push_that_cannot_reach_us_is_tried_again_within_its_fifteen_seconds():
    async with Kit(echo(), provider="twilio") as kit:
        anna = kit.phone()
        web = kit._webhook_client.apps.pop("https://app.example")
        kit.send(anna, "Hello")
        await kit.clock.advance(2)
        kit._webhook_client.apps["https://app.example"] = web
        await kit.clock.advance(10)
        assert anna.inbox == ["You said Hello."]


async def test_a_forged_push_reaches_no_handler():
    from cooee.core.http_messages import Request

    async with Kit(echo(), provider="twilio") as kit:
        anna = kit.phone()
        url = kit._api.numbers_in_use()[0]["notifyURL"].partition("#")[0]
        body = f"From=%2B{anna.number[1:]}&To=%2B{kit.number[1:]}&Body=Hi&MessageSid=SM1".encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": "bm90IHR3aWxpbydzIHNpZ25hdHVyZQ==",
        }
        request = Request(method="POST", url=url, headers=headers, body=body)
        assert (await kit._webhook_client(request)).status == 403
        await kit.quiet()
        assert await entries(kit, anna) == []
