"""The webhook's word: kept, renewed beside the old one, and never where it can be read."""

import re

import pytest

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.errors import SettingError
from cooee.core.http_messages import Request, Response
from cooee.net.http_client import InProcess
from cooee.providers.simulated.adapter import Simulated
from cooee.providers.telstra_v2.adapter import TelstraV2
from cooee.providers.twilio.adapter import Twilio
from cooee.runtime.service import Service
from cooee.runtime.web.webhook_urls import SECRET, Hooks
from cooee.simulator import Carrier
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
        Hooks(None, UNSIGNED, url)
    Hooks(None, SIGNED, url)


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
    Hooks(None, UNSIGNED, url)


async def test_a_service_on_such_an_address_does_not_start(store):
    clock = VirtualClock()
    wire = InProcess(clock, {})
    service = Service(App(), UNSIGNED, store, wire, clock, public_url="http://texts.example.com")
    with pytest.raises(SettingError, match="signs nothing"):
        await service.open()


async def test_the_word_is_long_and_the_url_has_it(store):
    hooks = Hooks(store, UNSIGNED, PUBLIC)
    await hooks.refresh()
    assert re.fullmatch(rf"{PUBLIC}/telstra-v2/[\w-]{{43}}", hooks.url)


async def test_two_words_are_good_from_a_rotation_to_its_retirement(store):
    hooks = Hooks(store, UNSIGNED, PUBLIC)
    assert await hooks.refresh()
    (old,) = hooks.words
    await store.renew_secret(SECRET)
    assert await hooks.refresh()
    new = hooks.words[0]
    assert hooks.knows(old)
    assert hooks.knows(new)
    assert hooks.url.endswith(new)
    await store.retire_secret(SECRET)
    assert not await hooks.refresh()
    assert (hooks.knows(new), hooks.knows(old)) == (True, False)


@pytest.mark.parametrize("guess", ["", "x", "guéss", "\udcff", "\ud800", "x" * 10_000, "👍"])
async def test_no_guess_is_good_and_none_breaks_it(store, guess):
    hooks = Hooks(store, UNSIGNED, PUBLIC)
    await hooks.refresh()
    assert not hooks.knows(guess)
    assert not hooks.knows(hooks.words[0][:-1])


async def test_a_running_app_takes_over_a_new_word_and_has_the_company_call_it(tmp_path):
    clock = VirtualClock()
    pushes = InProcess(clock, {})
    carrier = Carrier(clock, pushes)
    wire = InProcess(clock, {"http://127.0.0.1:8400": carrier.app})
    provider = Simulated({"SIMULATED_BASE_URL": "http://127.0.0.1:8400/simulated/v1"})
    store = await SQLite.open(tmp_path / "run.db", now=clock.now)
    other = await SQLite.open(tmp_path / "run.db", now=clock.now, owner=False)
    service = Service(App(), provider, store, wire, clock, public_url=PUBLIC, shared=True)
    async with service:
        pushes.apps[PUBLIC] = service.web
        connecting = clock.spawn(service.connect())
        await clock.idle()
        await connecting
        (old,) = await other.secrets(SECRET)
        assert service.subscription.pushes_to.startswith(f"{PUBLIC}/simulated/{old}")
        await other.renew_secret(SECRET)
        await clock.advance(5)
        new, _ = await other.secrets(SECRET)
        assert service.subscription.pushes_to.startswith(f"{PUBLIC}/simulated/{new}")
        statuses = {word: await ask(service, clock, word) for word in (old, new, "guess")}
        assert statuses == {old: 401, new: 401, "guess": 404}  # known, and not signed
        await other.retire_secret(SECRET)
        await clock.advance(5)
        assert await ask(service, clock, old) == 404
        await other.close()
    await carrier.close()


async def ask(service, clock, word):
    request = Request(method="POST", url=f"{PUBLIC}/simulated/{word}/text", body=b"{}")
    answer: Response = await InProcess(clock, {PUBLIC: service.web})(request)
    return answer.status
