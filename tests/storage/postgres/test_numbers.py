"""Numbers and secrets, where several processes ask at once."""

from __future__ import annotations

import asyncio

from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Status
from cooee.storage.postgres import numbers
from cooee.testing.store_suite import OURS


async def test_processes_that_start_at_once_have_the_same_secret(here, there, aside):
    async with held_open(here.store, lambda one: numbers.get_or_add_secrets(one, "webhook")):
        asking = asyncio.create_task(there.store.secret("webhook"))
        await until_blocked(aside)
    assert await asking == await here.store.secret("webhook")
    assert list(await here.store.secrets("webhook")) == [await asking]


async def test_of_two_rotations_at_once_one_adds_a_secret(here, there, aside):
    old = await here.store.secret("webhook")
    async with held_open(here.store, lambda one: numbers.rotate_secret(one, "webhook")):
        rotating = asyncio.create_task(there.store.rotate_secret("webhook"))
        await until_blocked(aside)
    assert not await rotating
    new, kept = await here.store.secrets("webhook")
    assert (new != old, kept) == (True, old)


async def test_the_numbers_with_unsent_texts_are_those_that_have_any(here):
    assert list(await here.store.numbers_with_unsent()) == []
    await here.enqueue("news")
    assert list(await here.store.numbers_with_unsent()) == [OURS]
    outbound = await here.take_one()
    assert list(await here.store.numbers_with_unsent()) == []
    await here.record(outbound, Status.UNKNOWN)
    assert list(await here.store.numbers_with_unsent()) == [OURS]
