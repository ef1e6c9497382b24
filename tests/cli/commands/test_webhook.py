"""`cooee webhook`: the URL to enter at a company, and a change of it, beside a running app."""

import re
import socket
import time

ANNA = "+61491570156"
APP = """
from cooee import App
app = App()

@app.otherwise
def echo(chat):
    return "heard " + chat.text
"""


def started(start, written, simulator):
    run = start("run", written(APP), **simulator.settings)
    run.until("listening")
    return run


def test_the_word_is_masked_unless_it_is_asked_for(start, written, simulator, cooee):
    started(start, written, simulator)
    public = {"COOEE_PUBLIC_URL": "https://texts.example.com", "COOEE_PROVIDER": "telstra-v2"}
    masked = cooee("webhook", **public).stdout
    assert re.search(r"^good  https://texts\.example\.com/telstra-v2/.{4}…/$", masked, re.MULTILINE)
    shown = cooee("webhook", "--show", **public).stdout
    assert re.search(
        r"^good  https://texts\.example\.com/telstra-v2/[\w-]{43}/$", shown, re.MULTILINE
    )
    assert "export COOEE_PUBLIC_URL=" in cooee("webhook").stdout


def test_two_are_good_from_a_rotation_to_its_retirement(start, written, simulator, cooee):
    started(start, written, simulator)
    (first,) = words(cooee("webhook", "--show").stdout)
    assert cooee("webhook", "--retire").returncode == 2
    second, old = words(cooee("webhook", "--rotate", "--show").stdout)
    assert (old, second != first) == (first, True)
    again = cooee("webhook", "--rotate")
    assert again.returncode == 2
    assert "cooee webhook --retire" in again.stderr
    assert words(cooee("webhook", "--retire", "--show").stdout) == [second]
    both = cooee("webhook", "--retire", "--rotate")
    assert both.returncode == 2


def words(said):
    return re.findall(r"/telstra-v2/([\w-]{43})/", said)


def test_without_a_database_it_says_what_to_do(cooee):
    run = cooee("webhook")
    assert run.returncode == 2
    assert "cooee run" in run.stderr


def test_a_running_app_has_the_company_call_its_new_word(start, written, simulator, cooee):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = {"COOEE_PUBLIC_URL": f"http://127.0.0.1:{port}", "COOEE_PORT": str(port)}
    run = start("run", written(APP), **{**simulator.settings, **public})
    run.until("listening")
    new, old = words(cooee("webhook", "--rotate", "--show", **public).stdout)
    until_called(simulator, new)
    simulator.text(ANNA, "hi")
    assert simulator.replies(ANNA, 1) == ["heard hi"]
    assert old not in run.said + run.log.read_text()
    assert new not in run.said + run.log.read_text()


def until_called(simulator, word, seconds=60):
    deadline = time.monotonic() + seconds
    while not any(word in (number["notifyURL"] or "") for number in simulator._call("/numbers")):
        assert time.monotonic() < deadline, "The company was not told."
        time.sleep(0.05)
