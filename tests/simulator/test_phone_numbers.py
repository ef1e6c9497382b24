from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.simulator.phone_numbers import allocatable_numbers, parse_address


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+61491570156", "+61491570156"),
        ("0491570156", "+61491570156"),
        ("0491 570 156", "+61491570156"),
        ("+61 491-570-156", "+61491570156"),
        ("61491570156", "+61491570156"),
        (" 61491570156", "+61491570156"),
        ("+6421123456", "+6421123456"),
        ("(02) 5550 1234", "+61255501234"),
        ("19970", "19970"),
        ("CommBank", "CommBank"),
        ("Pizza 24", "Pizza 24"),
    ],
)
def test_a_number_is_read_as_people_write_it(written, read):
    assert parse_address(written) == read


@pytest.mark.parametrize(
    "written", ["", " ", "+", "12", "#!", "+0491570156", "A name too long", "é"]
)
def test_what_no_phone_could_show_is_nothing(written):
    assert parse_address(written) is None


@given(st.text())
def test_reading_an_address_twice_changes_nothing_more(written):
    once = parse_address(written)
    assert once is None or parse_address(once) == once


def test_the_numbers_of_examples_are_left_to_phones():
    people = {"+61491570156", "+61491570157", "+61491570158", "+61491570159", "+61491570110"}
    assert not people & set(allocatable_numbers())
    assert next(allocatable_numbers()) == "+61491570006"
