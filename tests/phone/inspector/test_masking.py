"""What would open a door is covered, and all else is shown as it is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cooee.phone.inspector.masking import MASK, mask_headers, mask_text

KEYS = st.sampled_from(["client_secret", "access_token", "secret", "password", "ACCESS_TOKEN"])


@given(KEYS, st.text(min_size=8, max_size=40), st.sampled_from(["", " "]))
def test_a_secret_in_json_is_covered_whatever_is_in_it(key, secret, space):
    body = json.dumps({"a": 1, key: secret, "z": "kept"}, separators=(",", f":{space}"))
    masked = json.loads(mask_text(body, []))
    assert masked == {"a": 1, key: MASK, "z": "kept"}


def test_a_secret_in_a_form_is_covered():
    body = "client_id=mine&client_secret=s3cr%26et&grant_type=client_credentials"
    assert (
        mask_text(body, []) == f"client_id=mine&client_secret={MASK}&grant_type=client_credentials"
    )


def test_a_known_secret_is_covered_wherever_it_stands():
    word = "W0rd_in-a-path"
    assert mask_text(f"POST /simulated/{word}/text", [word]) == f"POST /simulated/{MASK}/text"
    assert mask_headers({"location": f"/x/{word}"}, [word]) == {"location": f"/x/{MASK}"}


def test_credentials_in_headers_are_covered_and_their_kind_is_shown():
    headers = {"authorization": "Bearer abc.def", "cookie": "a=b", "accept": "text/html"}
    assert mask_headers(headers, []) == {
        "authorization": f"Bearer {MASK}",
        "cookie": MASK,
        "accept": "text/html",
    }
    assert mask_headers({"authorization": "abc"}, []) == {"authorization": MASK}


def test_words_of_people_stay_and_long_bodies_are_cut():
    assert mask_text('{"text": "my secret: none"}', []) == '{"text": "my secret: none"}'
    assert len(mask_text("x" * 10_000, [])) < 4_100
