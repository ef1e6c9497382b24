"""The pytest plug-in: an app at work, and a phone to text it with, as fixtures."""

from __future__ import annotations

import pytest

_ASYNCIO_PLUGINS = ("asyncio", "pytest_asyncio", "pytest_asyncio.plugin")


class _WithoutAsyncio:
    """The fixtures' stand-ins, which say what to install."""

    @pytest.fixture
    def kit(self) -> None:
        """An app at work; needs pytest-asyncio."""
        message = "The kit is async, so it needs pytest-asyncio: pip install 'cooee[testing]'"
        pytest.fail(message, pytrace=False)

    @pytest.fixture
    def phone(self, kit: None) -> None:
        """A phone; needs pytest-asyncio."""


def pytest_configure(config: pytest.Config) -> None:
    """Bring the fixtures, once it is known whether pytest-asyncio is there to run them.

    Every pytest that cooee is installed beside loads this plug-in, so it imports next to
    nothing, and stays out of the way where nobody asks for a phone.
    """
    plugins = config.pluginmanager
    if any(plugins.hasplugin(name) for name in _ASYNCIO_PLUGINS):
        from cooee.testing import fixtures  # noqa: PLC0415 -- it imports pytest-asyncio

        plugins.register(fixtures, "cooee-fixtures")
    else:
        plugins.register(_WithoutAsyncio(), "cooee-fixtures")
