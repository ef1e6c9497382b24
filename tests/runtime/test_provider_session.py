"""A session logs in once for all its callers, and not again and again where that fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import TemporaryFailure, Unauthorized
from cooee.core.http_messages import Request, Response
from cooee.providers import Credentials
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import Redactor

CALL = Request(method="GET", url="https://company.test/")


class Company:
    """A provider whose logins are counted; it accepts the newest credentials alone."""

    name = "company"
    features = None

    def __init__(self, clock):
        self.clock, self.login_count, self.is_down, self.lifetime = clock, 0, False, None

    def login(self):
        yield CALL
        self.login_count += 1
        if self.is_down:
            raise TemporaryFailure("The login is out of order.")
        expires_at = None if self.lifetime is None else self.clock.now() + self.lifetime
        return Credentials(f"secret {self.login_count}", expires_at)

    def use(self, credentials):
        yield CALL
        if credentials.secret != f"secret {self.login_count}":
            raise Unauthorized("Not these.")
        return "done"


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def company(clock):
    return Company(clock)


def a_session(company, clock):
    async def transport(_):
        await asyncio.sleep(0)
        return Response(status=200, headers={}, body=b"")

    return ProviderSession(company, transport, clock, redactor=Redactor())


async def used(company, *sessions):
    """Use each session; return how many calls went well."""
    results = await asyncio.gather(
        *[session.call(company.use) for session in sessions], return_exceptions=True
    )
    assert all(one == "done" or isinstance(one, TemporaryFailure) for one in results)
    return results.count("done")


async def test_many_callers_share_a_login(company, clock):
    session = a_session(company, clock)
    assert await used(company, *[session] * 50) == 50
    assert company.login_count == 1


async def test_a_login_that_fails_is_repeated_with_growing_pauses(company, clock):
    session, company.is_down = a_session(company, clock), True
    for _ in range(120):
        assert await used(company, *[session] * 20) == 0
        await clock.advance(1)
    assert company.login_count <= 9  # after 1, 2, 4, 8, 16, 32, 60 seconds
    company.is_down = False
    await clock.advance(60)
    assert await used(company, session) == 1


async def test_two_programs_that_end_each_others_credentials_cause_no_storm(company, clock):
    sessions = [a_session(company, clock) for _ in range(2)]
    for _ in range(300):
        await used(company, *sessions)
        await clock.advance(1)
    assert company.login_count <= 30


async def test_refused_credentials_are_renewed_at_once_the_first_time(company, clock):
    session = a_session(company, clock)
    await used(company, session)
    company.login_count += 1  # somebody else has logged in
    assert await used(company, session) == 1


@pytest.mark.parametrize("seconds", [1, 30, 90])
async def test_credentials_of_a_short_life_are_used_for_half_of_it(company, clock, seconds):
    session, company.lifetime = a_session(company, clock), timedelta(seconds=seconds)
    assert await used(company, *[session] * 20) == 20
    assert company.login_count == 1
    await clock.advance(seconds)
    assert await used(company, *[session] * 20) == 20
    assert company.login_count == 2
