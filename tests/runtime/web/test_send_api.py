"""POST /send, POST /start and their client, over real HTTP."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest

import cooee
from cooee import App, OptedOut, PermanentFailure, SettingError, TemporaryFailure
from cooee.clocks.clock import RealClock
from cooee.core.dialogue.journal import decode_journal
from cooee.core.dialogue.value_codec import decode_value
from cooee.core.errors import OutcomeUnknown, Unauthorized
from cooee.core.http_messages import Request
from cooee.core.messages import Inbound, conversation_id, parse_outbound_id
from cooee.net.http_client import HTTPClient, InProcessClient
from cooee.net.http_server import serve_app
from cooee.providers.simulated.adapter import Simulated
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite

OURS, ANNA = "+61491570006", "+61491570156"
TOKEN = "a-token-that-nobody-guesses"


def restaurant():
    app = App()

    @app.dialogue()
    async def invite(chat, when: datetime, tables: list[int], size: Size = Size.SMALL):
        return f"{when:%d/%m %H:%M}, {tables}, {size.name}: {await chat.ask('Will you come?')}"

    return app


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Running:
    """A service with its web on a real port; the company behind it is not reached."""

    def __init__(self, service, url):
        self.service, self.url, self.store = service, url, service.store
        self.remote = cooee.connect(url, TOKEN)

    async def post(self, body, *, token=TOKEN, method="POST", kind="Bearer", path="/send"):
        headers = {"authorization": f"{kind} {token}"} if token is not None else {}
        network = HTTPClient(RealClock())
        try:
            return await network(
                Request(method=method, url=f"{self.url}{path}", headers=headers, body=body)
            )
        finally:
            await network.close()

    async def queued(self, theirs=ANNA):
        return [entry.text for entry in await self.store.history(OURS, theirs, 10)]


@pytest.fixture
async def running(tmp_path):
    async with at_work(tmp_path, TOKEN) as found:
        yield found


@asynccontextmanager
async def at_work(tmp_path, token):
    clock = RealClock()
    store = await SQLite.open(tmp_path / "letters.db", now=clock.now)
    provider = Simulated({"SIMULATED_BASE_URL": "http://nobody.test"})
    wire = InProcessClient(clock, {})
    async with (
        Service(
            restaurant(), provider, store, wire, clock, options=ServiceOptions(send_token=token)
        ) as service,
        serve_app(service.endpoints) as port,
    ):
        service.parts.worker.timer_hold.release()  # which waits for a provider that is not there
        yield Running(service, f"http://127.0.0.1:{port}")


async def test_a_text_is_queued_when_its_id_is_told(running):
    id = await running.remote.send(ANNA, "Your table is ready. 🍽", ours=OURS)
    assert await running.queued() == ["Your table is ready. 🍽"]
    assert parse_outbound_id(id) == (conversation_id(OURS, ANNA), 1)


async def test_the_answer_is_201_and_the_id(running):
    answer = await running.post(f'{{"to": "{ANNA}", "text": "hi", "ours": "{OURS}"}}'.encode())
    assert answer.status == 201
    assert list(answer.json()) == ["id"]


async def test_a_key_makes_it_one_text(running):
    ids = {await running.remote.send(ANNA, "hi", ours=OURS, key="k") for _ in range(3)}
    assert (len(ids), await running.queued()) == (1, ["hi"])


async def test_a_time_and_a_validity_are_kept(running):
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    await running.remote.send(ANNA, "hi", ours=OURS, at=at, good_for=timedelta(hours=2))
    assert list(await running.store.take(OURS, 1)) == []
    (row,) = await running.store._thread.submit(
        lambda db: db.execute("select due_at, good_until from outbound").fetchall()
    )
    assert row == (int(at.timestamp()) * 1000, (int(at.timestamp()) + 7200) * 1000)


async def test_a_number_as_dialled_is_read_in_our_numbers_country(running):
    await running.remote.send("0491 570 156", "hi", ours=OURS)
    assert await running.queued() == ["hi"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 422, "no text to send"),
        (b"{", 422, "no text to send"),
        (b"[]", 422, "object"),
        (b"\xff\xfe", 422, "no text to send"),
        (b'{"to": "+61491570156"}', 422, "text"),
        (b'{"to": 1, "text": "hi"}', 422, "to"),
        (b'{"to": "+61491570156", "text": " ", "ours": "+61491570006"}', 422, "no words"),
        (b'{"to": "Anna", "text": "hi", "ours": "+61491570006"}', 422, "'Anna' is not a number"),
        (b'{"to": "+61491570156", "text": "hi", "ours": "COOEE"}', 422, "ours="),
        (b'{"to": "+61491570156", "text": "hi", "cc": "x"}', 422, "cc"),
        (b'{"to": "+61491570156", "text": "hi", "at": "2026-01-01T09:00:00"}', 422, "offset"),
        (b'{"to": "+61491570156", "text": "hi", "at": "soon"}', 422, "at"),
        (b'{"to": "+61491570156", "text": "hi", "good_for": -1}', 422, "good_for"),
        (b'{"to": "+61491570156", "text": "hi", "good_for": 1e300}', 422, "good_for"),
        (b'{"to": "+61491570156", "text": "hi"}', 503, "not known yet"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(running, body, status, words):
    answer = await running.post(body)
    assert answer.status == status
    assert words in answer.json()["error"]
    assert await running.queued() == []


@pytest.mark.parametrize("token", [None, "", "guess", TOKEN[:-1], TOKEN + "x", "gu\u00e9ss"])
async def test_without_the_token_nobody_sends_or_learns_what_was_wrong_with_it(running, token):
    answer = await running.post(b'{"to": "+61491570156", "text": "hi"}', token=token)
    assert answer.status == 401
    assert await running.queued() == []


async def test_the_token_is_no_password_and_get_is_no_post(running):
    assert (await running.post(b"{}", kind="Basic")).status == 401
    assert (await running.post(b"", method="GET")).status == 405


async def test_where_no_token_was_set_the_door_is_shut(tmp_path):
    async with at_work(tmp_path, "") as running:
        for token in ("", TOKEN, None):
            answer = await running.post(b"{}", token=token)
            assert answer.status == 404
        assert "COOEE_SEND_TOKEN" in answer.json()["error"]


async def test_who_opted_out_is_not_texted_and_the_caller_hears_it(running):
    stop = Inbound(sender=ANNA, recipient=OURS, text="STOP", received_at=datetime.now(UTC))
    await running.store.receive([NewInbound(stop, "out")])
    with pytest.raises(OptedOut):
        await running.remote.send(ANNA, "hi", ours=OURS)
    assert list(await running.store.take(OURS, 1)) == []


async def test_failures_have_the_kinds_that_a_caller_decides_by(running):
    with pytest.raises(Unauthorized, match="token"):
        await cooee.connect(running.url, "another-token").send(ANNA, "hi")
    with pytest.raises(PermanentFailure, match="not a number"):
        await running.remote.send("Anna", "hi", ours=OURS)
    with pytest.raises(TemporaryFailure, match="not known yet"):
        await running.remote.send(ANNA, "hi")
    with pytest.raises(PermanentFailure, match="Is the URL"):
        await cooee.connect(f"{running.url}/health", TOKEN).send(ANNA, "hi")
    with pytest.raises(TemporaryFailure):
        await cooee.connect("http://127.0.0.1:9", TOKEN).send(ANNA, "hi")


async def test_a_lost_answer_is_a_doubt_unless_a_key_makes_it_harmless():
    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        remote = cooee.connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN)
        with pytest.raises(OutcomeUnknown):
            await remote.send(ANNA, "hi")
        with pytest.raises(TemporaryFailure):
            await remote.send(ANNA, "hi", key="k")


def test_the_token_may_come_from_the_environment_and_has_to_come(monkeypatch):
    monkeypatch.delenv("COOEE_SEND_TOKEN", raising=False)
    with pytest.raises(SettingError, match="COOEE_SEND_TOKEN"):
        cooee.connect("http://127.0.0.1:8000")
    monkeypatch.setenv("COOEE_SEND_TOKEN", TOKEN)
    assert TOKEN not in repr(cooee.connect("http://127.0.0.1:8000"))


# POST /start

WHEN = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
INPUTS = {"when": WHEN, "tables": [4, 5]}
START = b'{"dialogue": "invite", "to": "+61491570156", "ours": "+61491570006"'


async def begun(running):
    """The person and the inputs of each dialogue that was begun."""
    found = []
    for stored in await running.store.dialogues(include_ended=True):
        journal = decode_journal(stored.dialogue.head, stored.dialogue.entries)
        inputs = {name: decode_value(value) for name, value in journal.inputs.items()}
        found.append((stored.theirs, inputs))
    return found


async def test_a_dialogue_is_begun_with_inputs_of_its_parameters_types(running):
    id = await running.remote.start("invite", ANNA, ours=OURS, size=Size.LARGE, **INPUTS)
    assert await begun(running) == [(ANNA, {**INPUTS, "size": Size.LARGE})]
    (stored,) = await running.store.dialogues()
    assert stored.dialogue.id == id
    while not await running.queued():
        await asyncio.sleep(0.01)
    assert await running.queued() == ["Will you come?"]


async def test_a_key_begins_it_once_for_each_person(running):
    def start(to):
        return running.remote.start("invite", to, ours=OURS, key="w", **INPUTS)

    ids = {await start(ANNA) for _ in range(3)}
    await start("+61491570157")
    assert (len(ids), len(await begun(running))) == (1, 2)


async def test_a_dialogue_may_begin_later(running):
    at = datetime.now(UTC) + timedelta(days=1)
    await running.remote.start("invite", ANNA, ours=OURS, at=at, **INPUTS)
    (stored,) = await running.store.dialogues()
    assert abs(stored.dialogue.due_at - at) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 422, "no start"),
        (b'{"to": "+61491570156"}', 422, "dialogue"),
        (START + b', "inputs": []}', 422, "inputs"),
        (START + b', "when": 1}', 422, "stand in inputs: Object contains unknown field `when`"),
        (START + b"}", 422, "missing a required argument"),
        (START + b', "inputs": {"when": "soon", "tables": [1]}}', 422, "takes when as datetime"),
        (START + b', "inputs": {"when": "2026-03-04T15:30Z", "tables": 1}}', 422, "tables"),
        (START + b', "inputs": {"x": 1}}', 422, "argument"),
        (START + b', "at": "2026-01-01T09:00:00"}', 422, "offset"),
        (START.replace(b"invite", b"invent") + b"}", 422, "no dialogue 'invent'"),
        (
            START.replace(b"+61491570156", b"Anna")
            + b', "inputs": {"when": "2026-03-04T15:30Z", "tables": [1]}}',
            422,
            "'Anna' is not a number",
        ),
        (
            START.replace(b"+61491570156", b"+61491570006")
            + b', "inputs": {"when": "2026-03-04T15:30Z", "tables": [1]}}',
            422,
            "a number of ours",
        ),
        (
            START + b', "key": "", "inputs": {"when": "2026-03-04T15:30Z", "tables": [1]}}',
            422,
            "key",
        ),
    ],
)
async def test_a_start_that_makes_no_sense_is_refused_in_words(running, body, status, words):
    await running.store.add_our_number(OURS)
    answer = await running.post(body, path="/start")
    assert (answer.status, words in answer.json()["error"]) == (status, True), answer.json()
    assert await begun(running) == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_the_ends_of_time_are_moments_too(running, at):
    start = START + b', "at": "%s", "inputs": {"when": "2026-03-04T15:30Z", "tables": []}}'
    assert (await running.post(start % at.encode(), path="/start")).status in {201, 422}
    send = b'{"to": "+61491570156", "text": "hi", "ours": "+61491570006", "at": "%s"}'
    assert (await running.post(send % at.encode())).status in {201, 422}


async def test_a_start_needs_the_token_and_a_post(running):
    assert (await running.post(START + b"}", path="/start", token="guess")).status == 401
    assert (await running.post(b"", path="/start", method="GET")).status == 405
    assert await begun(running) == []


async def test_with_who_opted_out_nothing_is_begun(running):
    stop = Inbound(sender=ANNA, recipient=OURS, text="STOP", received_at=datetime.now(UTC))
    await running.store.receive([NewInbound(stop, "out")])
    with pytest.raises(OptedOut):
        await running.remote.start("invite", ANNA, ours=OURS, **INPUTS)
    assert await begun(running) == []


async def test_a_failed_start_has_the_kinds_that_a_caller_decides_by(running):
    with pytest.raises(PermanentFailure, match="no dialogue 'invent'"):
        await running.remote.start("invent", ANNA, ours=OURS)
    with pytest.raises(TemporaryFailure, match="not known yet"):
        await running.remote.start("invite", ANNA, **INPUTS)
