"""`cooee phone --terminal`, in a pipe, with every provider that the simulator plays."""

import pytest

from cooee.providers.simulator import simulated_providers

pytestmark = pytest.mark.slow

APP = """
from cooee import App

app = App()


@app.on("PING")
async def ping(chat):
    return "pong"
"""


@pytest.mark.parametrize("provider", simulated_providers())
@pytest.mark.parametrize(
    ("direction", "words"), [("--push", "pushes to it"), ("--poll", "is read by it")]
)
def test_a_piped_text_is_answered_over_each_providers_api_in_both_directions(
    cooee, written, provider, direction, words
):
    phone = cooee(
        *["phone", written(APP), "--terminal", "--provider", provider, direction],
        *["--poll-interval", "0.05"],
        stdin="ping\n",
    )
    assert phone.returncode == 0, phone.stderr
    assert "phone 1 ← pong" in phone.stdout
    assert f"the simulator's {provider} {words}" in phone.stderr


def test_the_app_has_a_thread_of_its_own(cooee, written):
    app = APP.replace('return "pong"', "return threading.current_thread().name")
    phone = cooee("phone", written(f"import threading\n{app}"), "--terminal", stdin="ping\n")
    assert "phone 1 ← cooee-app" in phone.stdout, phone.stderr


def test_a_provider_that_is_not_played_is_said_in_words(cooee, written):
    phone = cooee("phone", written(APP), "--terminal", "--provider", "pigeon")
    assert phone.returncode == 2
    assert "The simulator has no provider 'pigeon'" in phone.stderr


@pytest.mark.parametrize("kind", [["--no-browser"], ["--terminal"]])
def test_a_second_phone_says_where_the_first_is_and_ends(cooee, start, written, kind):
    first = start("phone", written(APP), "--no-browser", "--port", "0")
    url = first.until(r"http://127\.0\.0\.1:\d+/")[0]
    second = cooee("phone", "app.py", *kind, stdin="ping\n")
    assert second.returncode == 1
    assert f"A phone is open on {first.out.parent}/app-phone.db already, at {url}" in second.stderr
    assert second.stdout == ""
    assert first.process.poll() is None


def test_a_phone_on_another_database_opens_beside_the_first(start, written):
    first = start("phone", written(APP), "--no-browser")
    url = first.until(r"http://127\.0\.0\.1:\d+/")[0]
    second = start("phone", "app.py", "--no-browser", "--database", "second.db")
    assert second.until(r"http://127\.0\.0\.1:\d+/")[0] != url


def test_a_database_that_an_app_runs_on_is_refused_at_once(cooee, start, written, simulator):
    running = start("run", written(APP), COOEE_PROVIDER="telstra-v2", **simulator.settings)
    running.until_logged("connected|started")
    phone = cooee("phone", "app.py", "--no-browser", "--database", "cooee.db")
    assert (phone.returncode, phone.stdout) == (1, "")
    assert "cooee.db. Stop it first" in phone.stderr


def test_a_database_in_no_folder_is_refused_at_once(cooee, written):
    phone = cooee("phone", written(APP), "--no-browser", "--database", "missing/a.db")
    assert (phone.returncode, phone.stdout) == (1, "")
    assert "mkdir -p" in phone.stderr


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_a_start_hook_that_raises_ends_the_terminal_phone_with_its_words(start, written, seconds):
    code = f"{APP}\n\n@app.on_start\nasync def announce():\n    import asyncio\n"
    code += f"    await asyncio.sleep({seconds})\n    raise ValueError('no printer')\n"
    phone = start("phone", written(code), "--terminal")
    assert phone.process.wait(timeout=20) == 1
    words = phone.log.read_text()
    assert "cooee: announce, below @app.on_start, raised ValueError: no printer" in words
    assert "Traceback" not in words
