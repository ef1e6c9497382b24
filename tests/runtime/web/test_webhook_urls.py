"""The webhook's word: kept, renewed beside the old one, and never where it can be read."""

import re

import pytest

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.errors import SettingError
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import InProcessClient
from cooee.providers.simulated.adapter import Simulated
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.providers.twilio.adapter import Twilio
from cooee.runtime.service import Service
from cooee.runtime.web.webhook_urls import WEBHOOK_SECRET_NAME, WebhookURLs
from cooee.runtime.wiring import ServiceOptions
from cooee.simulator import Simulator
from cooee.storage.sqlite.store import SQLite

UNSIGNED = TelstraV2(
    {"TELSTRA_CLIENT_ID": "id", "TELSTRA_CLIENT_SECRET": "s", "TELSTRA_BASE_URL": ""}
)
SIGNED = Twilio(
    {
        "TWILIO_ACCOUNT_SID": f"AC{0:032x}",
        "TWILIO_AUTH_TOKEN": f"{1:032x}",
        "TWILIO_BASE_URL": "https://x",
    }
)
PUBLIC = "https://texts.example.com"


@pytest.fixture
async def store(tmp_path):
    store = await SQLite.open(tmp_path / "hooks.db", now=VirtualClock().now)
    yield store
    await store.close()


def test_the_providers_of_these_tests_are_what_they_are_taken_for():
    assert not UNSIGNED.features.signed
    assert SIGNED.features.signed


@pytest.mark.parametrize(
    "url",
    ["http://texts.example.com", "http://8.8.8.8:8000", "http://[2606:4700::1111]", "http://"],
)
def test_a_provider_that_signs_nothing_is_refused_where_its_word_could_be_read(url):
    with pytest.raises(SettingError, match="export COOEE_PUBLIC_URL=https://"):
        WebhookURLs(None, UNSIGNED, url)
    WebhookURLs(None, SIGNED, url)


@pytest.mark.parametrize(
    "url",
    [
        None,
        PUBLIC,
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://192.168.1.2",
        "http://[::1]",
    ],
)
def test_it_is_welcome_by_tls_or_where_the_world_cannot_listen(url):
    WebhookURLs(None, UNSIGNED, url)


async def test_a_service_on_such_an_address_does_not_start(store):
    clock = VirtualClock()
    wire = InProcessClient(clock, {})
    service = Service(
        App(),
        UNSIGNED,
        store,
        wire,
        clock,
        options=ServiceOptions(public_url="http://texts.example.com"),
    )
    with pytest.raises(SettingError, match="signs nothing"):
        await service.open()


async def test_the_word_is_long_and_the_url_has_it(store):
    hooks = WebhookURLs(store, UNSIGNED, PUBLIC)
    await hooks.reload()
    assert re.fullmatch(rf"{PUBLIC}/telstra-v2/[\w-]{{43}}", hooks.url)


async def test_two_words_are_good_from_a_rotation_to_its_retirement(store):
    hooks = WebhookURLs(store, UNSIGNED, PUBLIC)
    assert await hooks.reload()
    (old,) = hooks.secrets
    await store.rotate_secret(WEBHOOK_SECRET_NAME)
    assert await hooks.reload()
    new = hooks.secrets[0]
    assert hooks.accepts(old)
    assert hooks.accepts(new)
    assert hooks.url.endswith(new)
    await store.retire_secret(WEBHOOK_SECRET_NAME)
    assert not await hooks.reload()
    assert (hooks.accepts(new), hooks.accepts(old)) == (True, False)


@pytest.mark.parametrize("guess", ["", "x", "guéss", "\udcff", "\ud800", "x" * 10_000, "👍"])
async def test_no_guess_is_good_and_none_breaks_it(store, guess):
    hooks = WebhookURLs(store, UNSIGNED, PUBLIC)
    await hooks.reload()
    assert not hooks.accepts(guess)
    assert not hooks.accepts(hooks.secrets[0][:-1])


async def test_a_running_app_takes_over_a_new_word_and_has_the_company_call_it(tmp_path):
    clock = VirtualClock()
    pushes = InProcessClient(clock, {})
    simulator = Simulator(clock, pushes)
    wire = InProcessClient(clock, {"http://127.0.0.1:8400": simulator.app})
    provider = Simulated({"SIMULATED_BASE_URL": "http://127.0.0.1:8400/simulated/v1"})
    store = await SQLite.open(tmp_path / "run.db", now=clock.now)
    other = await SQLite.open(tmp_path / "run.db", now=clock.now, owner=False)
    service = Service(
        App(), provider, store, wire, clock, options=ServiceOptions(public_url=PUBLIC, shared=True)
    )
    async with service:
        pushes.apps[PUBLIC] = service.endpoints
        connecting = clock.spawn(service.connect())
        await clock.wait_until_idle()
        await connecting
        (old,) = await other.secrets(WEBHOOK_SECRET_NAME)
        assert service.subscription.push_url.startswith(f"{PUBLIC}/simulated/{old}")
        await other.rotate_secret(WEBHOOK_SECRET_NAME)
        await clock.advance(5)
        new, _ = await other.secrets(WEBHOOK_SECRET_NAME)
        assert service.subscription.push_url.startswith(f"{PUBLIC}/simulated/{new}")
        statuses = {word: await ask(service, clock, word) for word in (old, new, "guess")}
        assert statuses == {old: 401, new: 401, "guess": 404}  # known, and not signed
        await other.retire_secret(WEBHOOK_SECRET_NAME)
        await clock.advance(5)
        assert await ask(service, clock, old) == 404
        await other.close()
    await simulator.close()


async def ask(service, clock, word):
    request = Request(method="POST", url=f"{PUBLIC}/simulated/{word}/text", body=b"{}")
    answer: Response = await InProcessClient(clock, {PUBLIC: service.endpoints})(request)
    return answer.status
