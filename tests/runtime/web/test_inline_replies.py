"""Replies in the webhook's own answer: once, in order, and never in silence when it breaks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import msgspec
import pytest
from support.text_limit import lift_text_limit

from cooee import App, Reply
from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request
from cooee.core.messages import conversation_id
from cooee.net.http_client import HTTPClient
from cooee.net.http_server import serve_app
from cooee.providers.twilio.signature import compute_signature
from cooee.runtime.events import TurnsCommitted
from cooee.simulator.apis.twilio.twiml import parse_twiml
from cooee.testing.kit import Kit

PICTURE = "https://pictures.example/a.png?b=1&c=2"


def echo(*, pause=0.0) -> App:
    app = App()
    app.turns = []

    @app.otherwise
    async def other(chat):
        app.turns.append(chat.message.text)
        if pause:
            await app.clock.sleep(pause)
        for word in chat.message.text.split("|"):
            chat.say("" if word == "silence" else word)

    @app.on("picture")
    def picture(chat):
        return Reply("Look", media=[PICTURE])

    @app.on("break")
    def broken(chat):
        raise RuntimeError("It broke.")

    @app.on("leave")
    async def leave(chat):
        app.gone.set()
        return "Are you there?"

    @app.on("long")
    def long(chat):
        chat.say("before")
        chat.say("x" * 1601)

    return app


class World:
    """A kit over Twilio that keeps what the app answers its pushes, and what it asks by REST."""

    def __init__(self, app, kit):
        self.app, self.kit, self.answers, self.posts = app, kit, [], []
        app.clock = kit.clock
        self._listen()

    def _listen(self):
        kit, web, api = self.kit, self.kit.service.endpoints, self.kit.simulator.app

        async def overheard(scope, receive, send):
            heard = bytearray()

            async def hear(message):
                heard.extend(message.get("body", b""))
                await send(message)

            await web(scope, receive, hear)
            if scope["path"].endswith("/text"):
                self.answers.append(bytes(heard))

        async def watched(scope, receive, send):
            if scope["method"] == "POST" and scope["path"].endswith("/Messages.json"):
                self.posts.append(scope["path"])
            await api(scope, receive, send)

        kit._webhook_client.apps["https://app.example"] = overheard
        kit.service._resources.transport.apps["http://127.0.0.1:8400"] = watched

    async def restart(self):
        await self.kit.restart()
        self._listen()

    async def ours(self, phone):
        entries = await self.kit.store.history(self.kit.number, phone.number, 50)
        return [(one.text, one.status) for one in entries if one.direction == "out"]

    @property
    def carried(self):
        """How many replies each answer carried."""
        return [len(ET.fromstring(answer)) for answer in self.answers]


@pytest.fixture
async def world(request):
    app = echo(**getattr(request, "param", {}))
    async with Kit(app, provider="twilio", settings={"TWILIO_REPLY_BY": "webhook"}) as kit:
        yield World(app, kit)


def slow(seconds):
    return pytest.mark.parametrize("world", [{"pause": seconds}], indirect=True, ids=[f"{seconds}"])


async def test_a_reply_goes_out_in_the_answer_and_its_delivery_is_learnt(world):
    anna = world.kit.phone()
    assert await anna.text("A & B <c> 👍") == ["A & B <c> 👍"]
    assert (world.carried, world.posts) == ([1], [])
    assert await world.ours(anna) == [("A & B <c> 👍", "delivered")]
    await world.kit.wait(3600)
    assert anna.inbox == ["A & B <c> 👍"]
    assert world.posts == []


async def test_replies_go_out_together_and_in_order(world):
    anna = world.kit.phone()
    words = [f"word {count}" for count in range(10)]
    assert await anna.text("|".join(words)) == words
    assert (world.carried, world.posts) == ([10], [])


async def test_what_one_answer_cannot_hold_follows_by_rest(world):
    anna = world.kit.phone()
    words = [f"word {count}" for count in range(12)]
    assert await anna.text("|".join(words)) == words
    assert (world.carried, len(world.posts)) == ([10], 2)


async def test_each_person_gets_their_own_replies(world):
    phones = [world.kit.phone() for _ in range(4)]
    for count in range(3):
        for phone in phones:
            world.kit.send(phone, f"{count} for {phone.number}")
    await world.kit.quiet()
    for phone in phones:
        assert phone.inbox == [f"{count} for {phone.number}" for count in range(3)]
    assert (world.carried, world.posts) == ([1] * 12, [])


async def test_a_picture_goes_out_in_the_answer(world):
    anna = world.kit.phone()
    assert await anna.text("picture") == ["Look"]
    (said,) = ET.fromstring(world.answers[0])
    assert [(part.tag, part.text) for part in said] == [("Body", "Look"), ("Media", PICTURE)]
    assert "/twilio/" in said.get("statusCallback")


async def test_nothing_to_say_is_answered_at_once_and_plainly(world):
    anna = world.kit.phone()
    began = world.kit.clock.now()
    assert await anna.text("silence") == []
    assert (world.carried, world.kit.clock.now()) == ([0], began)


async def test_a_turn_that_fails_is_answered_plainly_and_its_apology_goes_by_rest(world):
    world.app.sorry = "Sorry!"
    anna = world.kit.phone()
    began = world.kit.clock.now()
    world.kit.send(anna, "break")
    await world.kit.quiet()
    assert (world.carried, world.kit.clock.now()) == ([0], began)
    await world.kit.wait(86_400)
    assert anna.inbox == ["Sorry!"]
    assert len(world.posts) == 1


@slow(7.5)
async def test_a_handler_within_the_limit_is_waited_for(world):
    anna = world.kit.phone()
    assert await anna.text("Hello") == ["Hello"]
    assert (world.carried, world.posts) == ([1], [])


@slow(9)
async def test_a_handler_over_the_limit_is_not_and_its_reply_goes_by_rest(world):
    anna = world.kit.phone()
    world.kit.send(anna, "Hello")
    await world.kit.clock.advance(8)
    assert (world.carried, anna.inbox) == ([0], [])
    await world.kit.clock.advance(1)
    assert (anna.inbox, len(world.posts)) == (["Hello"], 1)
    assert await world.ours(anna) == [("Hello", "delivered")]


async def test_what_twiml_cannot_carry_goes_by_rest_with_what_was_said_before_it(
    world, monkeypatch
):
    lift_text_limit(monkeypatch)
    world.kit.app.sorry = None
    anna = world.kit.phone()
    assert await anna.text("long") == ["before"]
    assert (world.carried, len(world.posts)) == ([0], 1)
    assert [status for _, status in await world.ours(anna)] == ["delivered", "failed"]


async def test_a_text_pushed_twice_is_answered_once_even_if_the_first_answer_is_passed_over(world):
    anna = world.kit.phone()
    world.kit.fault("duplicate-push", 3)  # the simulator minds only what the second one is answered
    world.kit.send(anna, "Hello")
    await world.kit.quiet()
    await world.kit.wait(3600)
    assert anna.inbox == ["Hello"]
    assert (world.app.turns, world.carried, len(world.posts)) == (["Hello"], [1, 0], 1)


@slow(3)
async def test_two_pushes_of_one_text_at_once_bring_one_answer(world):
    anna = world.kit.phone()
    tries = []
    app = world.kit._webhook_client.apps["https://app.example"]

    async def twice(scope, receive, send):
        if scope["path"].endswith("/text") and not tries:
            tries.append(
                world.kit.clock.spawn(world.kit._webhook_client(await _again(scope, receive)))
            )
            return  # the first try's connection breaks as soon as it was heard
        await app(scope, receive, send)

    async def _again(scope, receive):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = (await receive())["body"]
        url = f"https://app.example{scope['path']}"
        return Request(method="POST", url=url, headers=headers, body=body)

    world.kit._webhook_client.apps["https://app.example"] = twice
    world.kit.send(anna, "Hello")
    await world.kit.quiet()
    await world.kit.wait(3600)
    assert (anna.inbox, world.app.turns) == (["Hello"], ["Hello"])


async def test_a_turn_that_is_over_before_its_webhook_goes_on_keeps_nobody_waiting(world):
    anna, receiver = world.kit.phone(), world.kit.service.parts.inbound_receiver
    receive, turn_over = receiver.receive, asyncio.Event()
    world.kit.service.events.subscribe(
        lambda event: isinstance(event, TurnsCommitted) and turn_over.set()
    )

    async def receive_slowly(inbounds):
        stored = await receive(inbounds)
        await turn_over.wait()  # the worker may be in another thread, and quicker
        return stored

    receiver.receive = receive_slowly
    began = world.kit.clock.now()
    assert await anna.text("Hello") == ["Hello"]
    assert (world.app.turns, world.kit.clock.now()) == (["Hello"], began)


async def test_a_person_who_opted_out_is_told_nothing_and_nobody_waits_for_it(world):
    anna = world.kit.phone()
    began = world.kit.clock.now()
    (confirmed,) = await anna.text("STOP")
    assert "unsubscribed" in confirmed
    assert await anna.text("Hello") == []
    assert (world.carried, world.kit.clock.now()) == ([0, 0], began)


@slow(3)
async def test_a_stop_overtakes_a_reply_that_is_still_being_made(world):
    anna, kit = world.kit.phone(), world.kit
    kit.send(anna, "Hello")
    await kit.clock.advance(1)
    assert await _push(kit, anna, "STOP", "SM" + "f" * 32) == [200]
    await kit.quiet()
    await kit.wait(3600)
    assert (anna.inbox, world.posts) == ([], [])
    assert world.carried == [0]


async def test_an_answer_that_breaks_off_is_a_doubt_that_the_log_settles_by_sending_again(world):
    anna = world.kit.phone()
    assert await _push(world.kit, anna, "Hello", "SM" + "e" * 32, breaks=True) == []
    await world.kit.clock.wait_until_idle()
    assert await world.ours(anna) == [("Hello", "unknown")]
    (trouble,) = await world.kit.troubles(anna)
    assert "hung up" in trouble
    await world.kit.wait(120)
    assert (anna.inbox, len(world.posts)) == (["Hello"], 1)
    assert await world.ours(anna) == [("Hello", "delivered")]


async def test_an_answer_that_came_through_though_it_seemed_to_break_is_not_sent_again(world):
    kit, anna = world.kit, world.kit.phone()
    web = kit._webhook_client.apps["https://app.example"]

    async def no_news(scope, receive, send):
        if "/status/" in scope["path"]:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await web(scope, receive, send)

    kit._webhook_client.apps["https://app.example"] = no_news
    assert await anna.text("Hello") == ["Hello"]
    assert await world.ours(anna) == [("Hello", "unknown")]
    await kit.wait(86_400)
    assert (anna.inbox, world.posts) == (["Hello"], [])
    assert await world.ours(anna) == [("Hello", "delivered")]


async def test_a_process_that_dies_between_taking_and_answering_leaves_a_doubt(world):
    kit, anna = world.kit, world.kit.phone()
    dead = asyncio.get_running_loop().create_future()
    pushing = asyncio.ensure_future(_push(kit, anna, "Hello", "SM" + "d" * 32, send=dead))
    while await world.ours(anna) != [("Hello", "sending")]:
        assert not pushing.done(), pushing
        await asyncio.sleep(0)
    assert anna.inbox == []
    await world.restart()
    assert await world.ours(anna) == [("Hello", "unknown")]
    assert await _push(kit, anna, "Hello", "SM" + "d" * 32) == [200]  # Twilio's next try
    await kit.wait(120)
    assert (anna.inbox, world.app.turns) == (["Hello"], ["Hello"])
    pushing.cancel()
    await asyncio.gather(pushing, return_exceptions=True)


@slow(3)
async def test_a_caller_who_hangs_up_while_waiting_gets_the_reply_by_rest(world):
    kit, anna = world.kit, world.kit.phone()
    gone = asyncio.Event()
    pushing = kit.clock.spawn(_push(kit, anna, "Hello", "SM" + "c" * 32, gone=gone))
    await kit.clock.advance(1)
    gone.set()
    assert await pushing == [200]
    assert anna.inbox == []
    await kit.clock.advance(2)
    assert (anna.inbox, len(world.posts)) == (["Hello"], 1)


@slow(3)
async def test_a_connection_that_breaks_while_it_waits_is_noticed(world):
    kit, anna = world.kit, world.kit.phone()
    url = urlsplit(_hook(kit))
    request = _pushed(kit, anna, "Hello", "SM" + "9" * 32)
    head = [f"POST {url.path} HTTP/1.1", "host: app.example"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    async with serve_app(kit.service.endpoints) as port:
        _, wire = await asyncio.open_connection("127.0.0.1", port)
        wire.write("\r\n".join([*head, "", ""]).encode() + request.body)
        while not world.app.turns:
            await asyncio.sleep(0.01)
        wire.close()
        await wire.wait_closed()
        await asyncio.sleep(0.1)
        await kit.clock.advance(3)
    assert (anna.inbox, len(world.posts)) == (["Hello"], 1)
    assert await world.ours(anna) == [("Hello", "delivered")]


async def test_a_connection_that_holds_brings_the_reply(world):
    kit, anna = world.kit, world.kit.phone()
    request = _pushed(kit, anna, "Hello", "SM" + "8" * 32)
    async with (
        serve_app(kit.service.endpoints) as port,
        _closing(HTTPClient(RealClock())) as network,
    ):
        local = f"http://127.0.0.1:{port}{urlsplit(request.url).path}"
        answer = await network(msgspec.structs.replace(request, url=local))
    assert [one.body for one in parse_twiml(answer)] == ["Hello"]
    assert world.posts == []


async def test_a_caller_who_hangs_up_at_the_last_moment_gets_the_reply_by_rest(world):
    kit, anna = world.kit, world.kit.phone()
    world.app.gone = asyncio.Event()
    sid = "SM" + "7" * 32
    assert await _push(kit, anna, "leave", sid, gone=world.app.gone) == [200]
    await kit.quiet()
    assert (anna.inbox, len(world.posts)) == (["Are you there?"], 1)


async def test_an_answer_that_breaks_off_late_is_looked_into_all_the_same(world):
    kit, anna = world.kit, world.kit.phone()
    breaking = asyncio.get_running_loop().create_future()
    sid = "SM" + "6" * 32
    pushing = asyncio.ensure_future(_push(kit, anna, "Hello", sid, breaks=True, send=breaking))
    while await world.ours(anna) != [("Hello", "sending")]:
        assert not pushing.done(), pushing
        await asyncio.sleep(0)
    await kit.clock.wait_until_idle()
    breaking.set_result(None)
    await pushing
    await kit.wait(120)
    assert (anna.inbox, len(world.posts)) == (["Hello"], 1)


async def test_the_next_reply_waits_until_it_is_clear_what_became_of_an_answer(world):
    kit, anna = world.kit, world.kit.phone()
    assert await _push(kit, anna, "One", "SM" + "b" * 32) == [200]  # to nobody: no news comes
    assert await _push(kit, anna, "Two", "SM" + "a" * 32) == [200]
    await kit.clock.wait_until_idle()
    assert await world.ours(anna) == [("One", "unknown"), ("Two", "queued")]
    await kit.wait(120)
    assert anna.inbox == ["One", "Two"]


async def test_news_of_an_answer_lets_the_next_reply_go_at_once(world):
    kit, anna = world.kit, world.kit.phone()
    assert await _push(kit, anna, "One", "SM" + "b" * 32) == [200]
    assert await _push(kit, anna, "Two", "SM" + "a" * 32) == [200]
    await kit.clock.wait_until_idle()
    place = f"{conversation_id(kit.number, anna.number).hex()}-1"
    url = _hook(kit).removesuffix("text") + f"status/{place}"
    pairs = [("MessageSid", "SM" + "5" * 32), ("MessageStatus", "delivered")]
    assert (await kit._webhook_client(_signed(url, pairs))).status == 204
    await kit.clock.wait_until_idle()
    assert anna.inbox == ["Two"]
    assert await world.ours(anna) == [("One", "delivered"), ("Two", "delivered")]


async def test_without_the_setting_a_push_is_answered_before_the_turn():
    app = echo()
    async with Kit(app, provider="twilio") as kit:
        world, anna = World(app, kit), kit.phone()
        assert await anna.text("Hello") == ["Hello"]
        assert (world.carried, len(world.posts)) == ([0], 1)


def _hook(kit):
    return kit._api.numbers_in_use()[0]["notifyURL"].partition("#")[0]


def _pushed(kit, phone, words, sid):
    """The request that Twilio makes of a text."""
    ends = [("From", phone.number), ("To", kit.number)]
    pairs = [*ends, ("Body", words), ("MessageSid", sid)]
    if words == "STOP":
        pairs.append(("OptOutType", "STOP"))
    return _signed(_hook(kit), pairs)


def _signed(url, pairs):
    body = urlencode(pairs).encode()
    headers = {
        "content-length": str(len(body)),
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": compute_signature(url, pairs, "kit"),
    }
    return Request(method="POST", url=url, headers=headers, body=body)


async def _push(kit, phone, words, sid, *, breaks=False, send=None, gone=None):
    """Push a text as Twilio does, over a connection of our own making; the statuses heard."""
    request = _pushed(kit, phone, words, sid)
    unread, heard = [{"type": "http.request", "body": request.body}], []

    async def receive():
        if unread:
            return unread.pop()
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def hear(message):
        if send is not None:
            await send
        if breaks:
            raise ConnectionResetError
        heard.append(message.get("status"))

    scope = {
        "type": "http",
        "method": "POST",
        "path": urlsplit(request.url).path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in request.headers.items()],
    }
    try:
        await kit.service.endpoints(scope, receive, hear)
    except ConnectionResetError:
        assert breaks
    return [status for status in heard if status]


@asynccontextmanager
async def _closing(network):
    try:
        yield network
    finally:
        await network.close()
