"""The pytest plug-in's fixtures: kit and phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from cooee import App
    from cooee.testing import Kit, Phone

_APP_FIXTURE_HELP = """\
Write a fixture that returns your app, in conftest.py or beside the test:

    import pytest
    from stopwatch import app as stopwatch

    @pytest.fixture
    def app():
        return stopwatch
"""


@pytest.fixture
def _cooee_app(request: pytest.FixtureRequest) -> App[Any, Any]:
    """Return the app under test, from the project's own fixture `app`."""
    from cooee import App  # noqa: PLC0415 -- paid for by those who test an app

    try:
        app = request.getfixturevalue("app")
    except pytest.FixtureLookupError as error:
        if error.argname != "app":
            raise
        pytest.fail(
            f"There is no fixture 'app', so the phone has no app to text. {_APP_FIXTURE_HELP}",
            False,
        )
    if not isinstance(app, App):
        pytest.fail(
            f"The fixture 'app' returns {app!r:.80}, which is no cooee.App. {_APP_FIXTURE_HELP}",
            False,
        )
    return app


@pytest_asyncio.fixture
async def kit(_cooee_app: App[Any, Any]) -> AsyncIterator[Kit]:
    """Yield a kit with the app of the fixture `app`."""
    from cooee.testing import Kit  # noqa: PLC0415 -- the whole of cooee

    async with Kit(_cooee_app) as kit:
        yield kit


@pytest.fixture
def phone(kit: Kit) -> Phone:
    """Return a phone to text the app of the fixture `app`."""
    return kit.phone()
