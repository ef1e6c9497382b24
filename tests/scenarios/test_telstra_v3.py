"""Adapter, runtime and the simulated provider's API together, as a person with a phone meets them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cooee import App, Chat, OptedOut
from cooee.core.messages import Outbound
from cooee.testing import Kit

WAYS = pytest.mark.parametrize("push", [True, False], ids=["push", "poll"])


def echo() -> App:
    app = App()

    @app.otherwise
    def again(chat: Chat) -> str:
        return f"{chat.now:%H:%M:%S} {chat.message.text}"

    return app


def telstra(app, **world) -> Kit:
    return Kit(app, provider="telstra-v3", **world)


async def statuses(kit, phone):
    history = await kit.store.history(kit.number, phone.number, 50)
    return [entry.status for entry in history if entry.direction == "out"]


@WAYS
async def test_texts_are_answered_in_both_directions_with_their_exact_times(push):
    async with telstra(echo(), push=push) as kit:
        anna, ben = kit.phone(), kit.phone()
        assert await anna.text("one ") == ["00:00:00 one "]
        await anna.wait(65)
        assert await anna.text("two") == ["00:01:05 two"]
        assert (await ben.text("three"))[0].endswith("three")
        assert await kit.troubles(anna) == []


@WAYS
@pytest.mark.parametrize("switches", [[], ["free-trial"], ["offset-counts-records"]], ids=str)
async def test_nothing_is_answered_twice_however_often_the_log_is_read(push, switches):
    async with telstra(echo(), push=push, switches=switches) as kit:
        phone = kit.phone()
        for n in range(5):
            assert len(await phone.text(f"text {n}")) == 1
            await kit.wait(30)
        await kit.restart()
        await kit.wait(timedelta(minutes=20))
        assert len(phone.inbox) == 5


async def test_a_text_sent_during_a_deploy_is_read_from_the_log_at_once_though_texts_are_pushed():
    async with telstra(echo(), push=True) as kit:
        anna = kit.phone()
        assert len(await anna.text("one")) == 1
        await kit.stop()
        kit.send(anna, "two")
        kit.send(anna, "three")
        await kit.clock.advance(5)
        await kit.start()
        await kit.wait(2)  # no push is repeated so soon
        assert [text.split()[-1] for text in anna.inbox] == ["one", "two", "three"]
        await kit.wait(timedelta(minutes=20))  # the repeated pushes come too
        assert len(anna.inbox) == 3
        assert not kit.service.is_polling


async def test_hundreds_of_texts_while_we_were_away_are_each_answered_once():
    async with telstra(echo(), push=False) as kit:
        phones = [kit.phone() for _ in range(60)]
        assert len(await phones[0].text("hello")) == 1
        await kit.stop()
        for n in range(3):
            for phone in phones:
                kit.send(phone, f"text {n}")
            await kit.clock.advance(1)
        await kit.start()
        await kit.wait(60)
        counts = [len(phone.inbox) for phone in phones]
        assert counts == [4, *[3] * 59]


async def test_history_from_before_the_first_start_is_not_answered():
    kit = telstra(echo(), push=False)
    async with kit:
        phone, number = kit.phone(), kit.number
        assert len(await phone.text("hello")) == 1
    again = telstra(echo(), push=False)
    again.simulator, again._webhook_client, again.clock = (
        kit.simulator,
        kit._webhook_client,
        kit.clock,
    )
    await again.simulator.start()
    async with again:
        await again.wait(60)
        assert again.number == number
        assert len(again.simulator.network.phone_screen(phone.number)) == 2  # hello, and its answer


@WAYS
async def test_stop_opts_out_by_telstras_list_and_start_opts_in_again(push):
    app = echo()
    async with telstra(app, push=push) as kit:
        phone = kit.phone()
        await phone.text("hello")
        assert await phone.text("Stop") == []
        with pytest.raises(OptedOut):
            await app.send(phone.number, "Still there?")
        await kit.wait(60)
        assert len(phone.inbox) == 1
        assert len(await phone.text("START")) == 1
        assert len(await phone.text("and on")) == 1


async def test_a_person_whom_only_telstra_knows_to_have_opted_out_is_believed():
    app = echo()
    async with telstra(app, push=False) as kit:
        phone = kit.phone()
        await phone.text("hello")
        kit.send(phone, "QUIT")
        (api,) = (api for api in kit.simulator.apis if api.name == "telstra-v3")
        (account,) = api._clients.accounts
        account.messages.popitem()  # the word itself never comes through
        await app.send(phone.number, "Still there?")
        await kit.wait(60)
        assert len(phone.inbox) == 1
        assert "RECIPIENT_OPTOUT" in " ".join(await kit.troubles(phone))


@WAYS
@pytest.mark.parametrize("fault", ["lose-answer", "error-500", "carrier-down", "throttle"])
async def test_a_send_that_ends_in_doubt_is_looked_up_and_arrives_once(push, fault):
    async with telstra(echo(), push=push) as kit:
        phone = kit.phone()
        kit.fault(fault, on="POST /messaging/v3/messages")
        await phone.text("hello")
        await kit.wait(timedelta(minutes=5))
        assert len(phone.inbox) == 1
        assert await statuses(kit, phone) == ["delivered"]


async def test_a_send_with_its_answer_lost_is_not_made_again():
    async with telstra(echo()) as kit:
        phone = kit.phone()
        calls = []
        api = kit._api
        whole, api.handle = (
            api.handle,
            lambda request, path: (
                calls.append(f"{request.method} {path}"),
                whole(request, path),
            )[1],
        )
        kit.fault("lose-answer", on="POST /messaging/v3/messages")
        await phone.text("hello")
        await kit.wait(timedelta(minutes=5))
        assert calls.count("POST /messaging/v3/messages") == 1
        assert len(phone.inbox) == 1


@pytest.mark.parametrize(
    ("push", "switches", "known"),
    [(True, [], "delivered"), (False, [], "delivered"), (True, ["free-trial"], "sent")],
)
async def test_what_became_of_a_text_is_known_as_far_as_the_plan_tells(push, switches, known):
    async with telstra(echo(), push=push, switches=switches) as kit:
        phone = kit.phone()
        await phone.text("hello")
        await kit.wait(timedelta(hours=1))
        assert await statuses(kit, phone) == [known]


async def test_the_way_is_changed_at_a_restart_and_tags_stay():
    async with telstra(echo()) as kit:
        (api,) = (api for api in kit.simulator.apis if api.name == "telstra-v3")
        (number,) = api._clients.accounts[0].assigned_numbers()
        assert number.reply_url.endswith("/reply/0491570006")
        number.tags = ("somebody's",)
        kit._push = False
        await kit.restart()
        assert (number.reply_url, number.tags) == (None, ("somebody's",))


async def test_the_opt_outs_can_be_listed():
    async with telstra(echo()) as kit:
        people = [kit.phone() for _ in range(3)]
        for phone in people[:2]:
            await phone.text("STOP")
        listed = await kit.service.session.call(kit._provider.opt_outs)
        assert listed == [phone.number for phone in people[:2]]


async def test_a_text_of_ours_is_found_by_its_id_and_another_is_not():
    app = echo()
    async with telstra(app) as kit:
        phone = kit.phone()
        id = await app.send(phone.number, "Hello")
        await kit.quiet()

        async def look_up(id):
            outbound = Outbound(id=id, sender=kit.number, recipient=phone.number, text="")
            ask = kit.service.session.call
            return await ask(lambda us: kit._provider.lookup(outbound, us))

        assert await look_up(id)
        assert await look_up(f"{id}0") is None
