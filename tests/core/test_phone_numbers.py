from __future__ import annotations

import subprocess
import sys
import time

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.phone_numbers import country_of, normalise_number

OURS = "+61491570006"


@pytest.mark.parametrize(
    "written",
    [
        "+61491570156",
        "0491570156",
        "0491 570 156",
        "(0491) 570-156",
        " 0491 570 156\n",
        "491570156",
        "61491570156",
        "+61 491 570 156",
        "+61 (0) 491 570 156",
        "＋61491570156",  # noqa: RUF001 -- a full-width plus
        "0011 61 491 570 156",
        "\uff10\uff14\uff19\uff11\uff15\uff17\uff10\uff11\uff15\uff16",  # full-width digits
        "٠٤٩١٥٧٠١٥٦",
    ],
)
def test_one_number_is_one_however_it_is_written(written: str) -> None:
    assert normalise_number(written, our_number=OURS) == "+61491570156"


@pytest.mark.parametrize(
    ("written", "near", "number"),
    [
        ("0011 44 7911 123456", OURS, "+447911123456"),
        ("00 61 491 570 156", "+447911123456", "+61491570156"),
        ("07911 123456", "+447911123456", "+447911123456"),
        ("(604) 555-0123", "+16045550123", "+16045550123"),
        ("011 61 491 570 156", "+16045550123", "+61491570156"),
        ("021 123 4567", "+64211234567", "+64211234567"),
        ("+44 7911 123456", "MyShop", "+447911123456"),
    ],
)
def test_the_country_is_that_of_our_own_number(written: str, near: str, number: str) -> None:
    assert normalise_number(written, our_number=near) == number


@pytest.mark.parametrize(
    "address",
    [
        "",
        "106",
        "000",
        "12345",
        "191234",
        "19712345",
        "131126",
        "9374 4000",
        "1901234567",
        "TELSTRA",
        "1300TAXIS",
        "MyBank123456",
        "0491 570 156 ext. 5",
        "call 0491570156",
        "0491570156\x00",
        "04915701560491570156",
        "+",
        "+0",
        "+61",
        "+1 604 555",
        "-----",
        "(.)",
        "\ud800",
        "²²²²²²²²²",
        "0491\n",
        "tel:0491570156",
        "+999 123 456 789",
    ],
)
def test_what_no_person_can_be_reached_at_stays_as_it_came(address: str) -> None:
    assert normalise_number(address, our_number=OURS) == address.strip()


def test_a_national_number_is_not_guessed_at_beside_a_sender_name() -> None:
    assert normalise_number("0491 570 156", our_number="MyShop") == "0491 570 156"


@given(
    st.text() | st.text("0123456789+ ()-.٣３\x00", max_size=24),
    st.sampled_from([OURS, "+16045550123", "MyShop", "", "+999"]),
)
def test_no_address_raises_and_the_answer_is_settled(address: str, near: str) -> None:
    once = normalise_number(address, our_number=near)
    assert normalise_number(once, our_number=near) == once


@given(
    st.sampled_from(["AU", "NZ", "GB", "US", "CA", "DE", "IT", "SG"]), st.sampled_from([0, 1, 2])
)
def test_every_countrys_mobiles_are_read_in_every_common_form(region: str, form: int) -> None:
    # 0, 1, 2: E.164, international, national
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert normalise_number(phonenumbers.format_number(example, form), our_number=number) == number


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+61491570156", "AU"),
        ("+16045550123", "CA"),
        ("+12125550123", "US"),
        ("+447400123456", "GB"),
        ("+447911123456", "GG"),
        ("+61000000000", "AU"),  # no such number, and Australia all the same
        ("+80012345678", None),
        ("+9991234567", None),
        ("0491570156", None),
        ("TELSTRA", None),
        ("", None),
        ("+61491570156\n", None),
        ("+\u0666\u0661491570156", None),
    ],
)
def test_a_number_has_a_country_or_none(number: str, region: str | None) -> None:
    assert country_of(number) == region


def test_a_number_that_needs_nothing_costs_next_to_nothing() -> None:
    numbers = [f"+614{n:08}" for n in range(20_000)]
    start = time.process_time()
    for number in numbers:
        normalise_number(number, our_number=OURS)
    assert (time.process_time() - start) / len(numbers) < 1e-5  # measured: 0.3 µs; reading: 50


def test_numbers_do_not_weigh_on_the_import() -> None:
    program = (
        "import sys, cooee, cooee.core.phone_numbers; assert 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
