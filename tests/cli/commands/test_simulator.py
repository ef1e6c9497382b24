"""`cooee simulator`."""

import json
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.slow


def call(url, content=None):
    body = None if content is None else json.dumps(content).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as answer:
        return json.load(answer)


def test_the_box_says_where_everything_is_and_what_to_type(start):
    simulator = start("simulator", "--port", "0")
    base = simulator.until(r"telstra-v2 +(http://127.0.0.1:\d+)/telstra/v2/\n")[1]
    simulator.until("curl .*START")
    for line in (
        "export COOEE_PROVIDER=telstra-v2",
        "export TELSTRA_CLIENT_ID=any",
        "export TELSTRA_CLIENT_SECRET=any",
        f"export TELSTRA_BASE_URL={base}/telstra/v2",
    ):
        assert line in simulator.said
    assert call(f"{base}/control/numbers") == []


def test_a_signal_closes_the_box_with_0(start):
    simulator = start("simulator", "--port", "0")
    simulator.until("open")
    status, seconds = simulator.end()
    assert (status, seconds < 5) == (0, True)


def test_a_virtual_clock_moves_only_when_it_is_moved(start):
    simulator = start("simulator", "--port", "0", "--virtual-clock")
    base = simulator.until(r"control interface +(http://\S+)/control/")[1]
    first = call(f"{base}/control/clock")
    assert first["virtual"]
    assert call(f"{base}/control/clock") == first
    assert call(f"{base}/control/clock", {"advance": 60}) != first


def test_only_the_keys_that_were_given_are_accepted(start):
    simulator = start("simulator", "--port", "0", "--client-id", "me", "--client-secret", "word")
    base = simulator.until(r"telstra-v2 +(http://\S+)/\n")[1]
    form = "grant_type=client_credentials&scope=NSMS&client_id=me&client_secret="
    right = urllib.request.Request(f"{base}/oauth/token", f"{form}word".encode())
    with urllib.request.urlopen(right) as answer:
        assert answer.status == 200
    wrong = urllib.request.Request(f"{base}/oauth/token", f"{form}other".encode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(wrong)
    refused.value.close()
    assert refused.value.code in (400, 401)
