"""Twilio's forms are written as the standard library writes them."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from cooee.providers.twilio.forms import encode_form


@given(st.lists(st.tuples(st.sampled_from(["To", "Body", "MediaUrl"]), st.text())))
def test_a_form_is_encoded_as_by_the_standard_library(form):
    assert encode_form(form) == urlencode(form, errors="replace").encode()


def test_half_a_character_is_a_question_mark():
    assert encode_form([("Body", "a \ud83d+b")]) == b"Body=a+%3F%2Bb"
