"""The signatures that phones write below a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.parsing import courtesies
from cooee.core.parsing.courtesies import without_signature


@pytest.mark.parametrize(
    "signature",
    [
        "Sent from my iPhone",
        "SENT VIA Yahoo Mail.",
        "Get Outlook for Android",
        "Envoyé de mon iPhone",
        "Enviado desde mi móvil",
        "Von meinem Handy gesendet",
        "Inviato da iPhone",
    ],
)
def test_a_signature_goes_and_the_words_above_it_stay(signature):
    assert without_signature(f"No, thank you\n{signature}") == "No, thank you"


pieces = st.sampled_from(
    ["sent ", "from my ", "iPhone", "envoyé de mon ", "\n", "é", "x", "\u017f", "."]
)


@given(st.lists(pieces).map("".join))
def test_the_first_look_misses_no_signature(text):
    assert without_signature(text) == courtesies._SIGNATURE.sub("", text)
