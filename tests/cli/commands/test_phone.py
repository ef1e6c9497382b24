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
def test_a_piped_text_is_answered_over_each_providers_api(cooee, written, provider):
    phone = cooee(
        *["phone", written(APP), "--terminal", "--provider", provider, "--poll-interval", "0.05"],
        stdin="ping\n",
    )
    assert phone.returncode == 0, phone.stderr
    assert "phone 1 ← pong" in phone.stdout


def test_a_provider_that_is_not_played_is_said_in_words(cooee, written):
    phone = cooee("phone", written(APP), "--terminal", "--provider", "pigeon")
    assert phone.returncode == 2
    assert "The simulator has no provider 'pigeon'" in phone.stderr
