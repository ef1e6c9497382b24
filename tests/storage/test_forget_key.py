"""The key of the forgotten people, as a setting."""

import pytest

from cooee.core.errors import SettingError
from cooee.storage.forget_key import (
    NO_KEY,
    ForgetKey,
    find_setting_problem,
    key_check,
    keyed_id,
    parse_forget_key,
)

KEY = bytes(range(32))


def test_a_setting_is_a_key_no_key_or_the_wish_to_give_it_up():
    assert parse_forget_key(KEY.hex().upper()) == ForgetKey(KEY)
    assert parse_forget_key("") == NO_KEY
    assert parse_forget_key("give-up") == ForgetKey(gives_up=True)


@pytest.mark.parametrize("value", ["secret", "00", "z" * 64, "0" * 63, "0" * 65, "0" * 62 + " 0"])
def test_what_is_no_key_is_refused_and_not_repeated(value):
    with pytest.raises(SettingError, match="64 hex digits") as refused:
        parse_forget_key(value)
    assert value not in str(refused.value).replace("secrets", "")


def test_a_key_is_missing_or_another_databases_or_good():
    assert find_setting_problem(NO_KEY, None) == find_setting_problem(ForgetKey(KEY), None) == ""
    assert find_setting_problem(ForgetKey(KEY), key_check(KEY)) == ""
    assert "is not set" in find_setting_problem(NO_KEY, 7)
    assert "of another database" in find_setting_problem(ForgetKey(KEY), key_check(KEY) + 1)


def test_ids_of_two_keys_have_nothing_in_common():
    one, other = keyed_id(b"1" * 32, b"c" * 16), keyed_id(b"2" * 32, b"c" * 16)
    assert len(one) == len(other) == 16
    assert len({one, other, b"c" * 16}) == 3
