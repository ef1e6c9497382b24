"""The settings for the simulator fit the adapters on one side and the simulator on the other."""

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import SettingError
from cooee.net.http_client import InProcessClient
from cooee.providers import find_provider, provider_names
from cooee.providers.simulator import simulated_providers, simulator_settings
from cooee.simulator import Simulator

URL = "http://127.0.0.1:8400"


def test_every_provider_of_ours_is_played():
    assert sorted(simulated_providers()) == provider_names()


@pytest.mark.parametrize("name", simulated_providers())
def test_an_adapter_takes_its_settings_and_misses_none(name):
    adapter = find_provider(name)
    settings = simulator_settings(name, URL)
    assert adapter(settings) is not None
    required = {setting.name for setting in adapter.settings if setting.default is None}
    assert required <= settings.keys() <= {setting.name for setting in adapter.settings}


@pytest.mark.parametrize("name", simulated_providers())
def test_the_base_url_lies_in_the_simulators_api_of_that_name(name):
    clock = VirtualClock()
    (api,) = (one for one in Simulator(clock, InProcessClient(clock, {})).apis if one.name == name)
    (url,) = (
        value for key, value in simulator_settings(name, URL + "/").items() if key.endswith("_URL")
    )
    assert f"{url}/".startswith(f"{URL}{api.prefix}/")


def test_a_provider_that_is_not_played_is_named_with_those_that_are():
    with pytest.raises(SettingError, match=r"no provider 'pigeon'.*simulated, telstra-v2"):
        simulator_settings("pigeon", URL)
