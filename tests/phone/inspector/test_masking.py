"""What would open a door is covered, and all else is shown as it is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cooee.phone.inspector.masking import COVER, mask_headers, mask_words

KEYS = st.sampled_from(["client_secret", "access_token", "secret", "password", "ACCESS_TOKEN"])


@given(KEYS, st.text(min_size=8, max_size=40), st.sampled_from(["", " "]))
def test_a_secret_in_json_is_covered_whatever_is_in_it(key, secret, space):
    body = json.dumps({"a": 1, key: secret, "z": "kept"}, separators=(",", f":{space}"))
    masked = json.loads(mask_words(body, []))
    assert masked == {"a": 1, key: COVER, "z": "kept"}


def test_a_secret_in_a_form_is_covered():
    body = "client_id=mine&client_secret=s3cr%26et&grant_type=client_credentials"
    assert (
        mask_words(body, [])
        == f"client_id=mine&client_secret={COVER}&grant_type=client_credentials"
    )


def test_a_known_secret_is_covered_wherever_it_stands():
    word = "W0rd_in-a-path"
    assert mask_words(f"POST /simulated/{word}/text", [word]) == f"POST /simulated/{COVER}/text"
    assert mask_headers({"location": f"/x/{word}"}, [word]) == {"location": f"/x/{COVER}"}


def test_credentials_in_headers_are_covered_and_their_kind_is_shown():
    headers = {"authorization": "Bearer abc.def", "cookie": "a=b", "accept": "text/html"}
    assert mask_headers(headers, []) == {
        "authorization": f"Bearer {COVER}",
        "cookie": COVER,
        "accept": "text/html",
    }
    assert mask_headers({"authorization": "abc"}, []) == {"authorization": COVER}


def test_words_of_people_stay_and_long_bodies_are_cut():
    assert mask_words('{"text": "my secret: none"}', []) == '{"text": "my secret: none"}'
    assert len(mask_words("x" * 10_000, [])) < 4_100
