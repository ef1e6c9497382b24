from __future__ import annotations

import pytest

from cooee.providers import Setting, SettingError, parse_base_url, parse_list, read_settings


def test_a_setting_is_read_without_the_spaces_around_it():
    assert Setting("A_KEY", "a key").read({"A_KEY": " k \n"}) == "k"


@pytest.mark.parametrize("values", [{}, {"A_KEY": ""}, {"A_KEY": "  "}])
def test_a_setting_that_is_not_set_is_its_default_or_missing(values):
    assert Setting("A_KEY", "a key", "any").read(values) == "any"
    assert Setting("A_KEY", "a key", "").read(values) == ""
    with pytest.raises(SettingError, match=r"A_KEY is missing \(a key\): A_KEY=…"):
        Setting("A_KEY", "a key").read(values)


def test_a_base_url_is_a_url_without_its_last_slash():
    setting = Setting(
        "A_BASE_URL", "where the API is", "https://a.example/v1/", parse=parse_base_url
    )
    assert setting.read({}) == "https://a.example/v1"
    with pytest.raises(SettingError, match=r"A_BASE_URL is 'a\.example', not a URL"):
        setting.read({"A_BASE_URL": "a.example"})


def test_a_list_has_commas_between():
    assert Setting("A_LIST", "words", "", parse=parse_list).read({"A_LIST": "a, b,,c "}) == [
        "a",
        "b",
        "c",
    ]


def test_settings_are_read_in_their_order():
    one, other = (
        Setting("ONE", "the first"),
        Setting("OTHER", "the second", "2", parse=lambda _, value: int(value)),
    )
    assert read_settings([one, other], {"ONE": " 1 ", "THIRD": "3"}) == ("1", 2)
    with pytest.raises(SettingError, match=r"ONE is missing \(the first\): ONE=…"):
        read_settings([other, one], {})
