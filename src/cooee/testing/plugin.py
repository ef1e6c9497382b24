"""The pytest plug-in: fixtures for an app's kit and phone."""

from __future__ import annotations

import pytest

_ASYNCIO_PLUGINS = ("asyncio", "pytest_asyncio", "pytest_asyncio.plugin")


class _WithoutAsyncio:
    """Stand-ins for the fixtures, with the package to install."""

    @pytest.fixture
    def kit(self) -> None:
        """Fail, since the kit needs pytest-asyncio."""
        message = "The kit is async, so it needs pytest-asyncio: pip install pytest-asyncio"
        pytest.fail(message, pytrace=False)

    @pytest.fixture
    def phone(self, kit: None) -> None:
        """Fail with `kit`."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures, or their stand-ins where pytest-asyncio is not installed.

    Every pytest with cooee installed loads this plug-in, so it imports next to nothing, and
    stays out of the way of tests without a phone.
    """
    plugins = config.pluginmanager
    if any(plugins.hasplugin(name) for name in _ASYNCIO_PLUGINS):
        from cooee.testing import fixtures  # noqa: PLC0415 -- it imports pytest-asyncio

        plugins.register(fixtures, "cooee-fixtures")
    else:
        plugins.register(_WithoutAsyncio(), "cooee-fixtures")
