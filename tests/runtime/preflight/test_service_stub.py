"""Services that are not there: handed on, and never used."""

import operator
from contextlib import asynccontextmanager

import pytest


@asynccontextmanager
async def lifespan():
    raise AssertionError("It is not run.")
    yield


class Desk:
    tables = 4

    def reserve(self, name):
        return f"ref of {name}"


class Services:
    desk = Desk()


async def plain(chat):
    await chat.ask("Name?")


async def awaits(services):
    await services.pool


async def enters(services):
    async with services.pool:
        pass


USES = {
    "called": lambda services: services.desk.reserve("Anna"),
    "compared": lambda services: services.desk.tables == 4,
    "asked for yes or no": lambda services: not services.flag,
    "looked into": lambda services: services["desk"],
    "gone through": lambda services: list(services.tables),
    "shown": lambda services: f"{services.name}",
    "counted with": lambda services: services.tables + 1,
    "changed": lambda services: operator.setitem(services.cache, "a", 1),
    "awaited": awaits,
    "entered": enters,
}


@pytest.mark.parametrize("how", USES)
def test_every_use_is_refused_and_says_why(replay, how):
    async def handler(chat):
        value = USES[how](chat.services)
        if hasattr(value, "send"):
            await value
        await chat.ask("Name?")

    result = replay(handler, before=plain, lifespan=lifespan)
    assert (result.outcome, result.what) == ("breaks", "IORefused")
    assert f" is {how} outside of a once" in result.words
    assert "chat.services" in result.words


def test_setting_one_is_refused(replay):
    async def handler(chat):
        chat.services.count = 1
        await chat.ask("Name?")

    assert replay(handler, before=plain, lifespan=lifespan).what == "IORefused"


def test_they_can_be_handed_to_a_once(replay):
    async def handler(chat):
        await chat.ask("Name?")
        await chat.once(print, chat.services.desk.tables)
        await chat.ask("Sure?")

    result = replay(handler, "Anna", before=handler, services=Services(), lifespan=lifespan)
    assert result.outcome == "continues"


def test_what_a_service_did_once_is_known_by_its_name_and_not_done_again(replay):
    async def handler(chat):
        name = await chat.ask("Name?")
        ref = await chat.once(chat.services.desk.reserve, name)
        await chat.ask(f"{ref}. Sure?")

    result = replay(handler, "Anna", services=Services(), lifespan=lifespan)
    assert result.outcome == "continues"


def test_what_a_service_is_still_to_do_is_named_by_its_path(replay):
    async def handler(chat):
        name = await chat.ask("Name?")
        await chat.once(chat.services.desk.reserve, name)
        await chat.ask("Sure?")

    async def before(chat):
        await chat.ask("Name?")
        await chat.ask("Sure?")

    result = replay(handler, "Anna", before=before, lifespan=lifespan)
    assert (result.outcome, result.what) == ("does", "chat.services.desk.reserve")


def test_an_app_without_a_lifespan_has_none_as_it_will_have(replay):
    async def handler(chat):
        assert chat.services is None
        await chat.ask("Name?")

    assert replay(handler).outcome == "continues"
