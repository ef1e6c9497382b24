"""`cooee simulator`."""

import json
import urllib.error
import urllib.request

import pytest

from cooee.providers.simulator import simulated_providers, simulator_settings

pytestmark = pytest.mark.slow


def call(url, content=None):
    body = None if content is None else json.dumps(content).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
        return json.load(answer)


def test_the_settings_of_every_provider_are_printed_with_the_right_base_url(start):
    running = start("simulator", "--port", "0")
    base = running.until(r"telstra-v2 +(http://127.0.0.1:\d+)/telstra/v2/\n")[1]
    running.until("curl .*START")
    for name in simulated_providers():
        settings = {"COOEE_PROVIDER": name, **simulator_settings(name, base)}
        lines = [f"  export {key}={value}\n" for key, value in settings.items()]
        assert "".join(lines) in running.said
    assert call(f"{base}/control/numbers") == []


def test_a_signal_ends_the_simulator_with_0(start):
    running = start("simulator", "--port", "0")
    running.until("running")
    status, seconds = running.end()
    assert (status, seconds < 60) == (0, True)


def test_a_virtual_clock_moves_only_when_it_is_moved(start):
    running = start("simulator", "--port", "0", "--virtual-clock")
    base = running.until(r"control interface +(http://\S+)/control/")[1]
    first = call(f"{base}/control/clock")
    assert first["virtual"]
    assert call(f"{base}/control/clock") == first
    assert call(f"{base}/control/clock", {"advance": 60}) != first


def test_only_the_keys_that_were_given_are_accepted(start):
    running = start("simulator", "--port", "0", "--client-id", "me", "--client-secret", "word")
    base = running.until(r"telstra-v2 +(http://\S+)/\n")[1]
    form = "grant_type=client_credentials&scope=NSMS&client_id=me&client_secret="
    right = urllib.request.Request(f"{base}/oauth/token", f"{form}word".encode())
    with urllib.request.urlopen(right) as answer:
        assert answer.status == 200
    wrong = urllib.request.Request(f"{base}/oauth/token", f"{form}other".encode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(wrong)
    refused.value.close()
    assert refused.value.code in (400, 401)
