from __future__ import annotations

import subprocess
import sys

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
        "+610491570156",
        "+61 0491 570 156",
        "+61 (0)491 570 156",
        "0011 61 0491 570 156",
        "0061 491 570 156",
        "610491570156",
        "tel:+61-491-570-156",
        "Tel: 0491 570 156",
        "[0491] 570,156",
        "0491 570 156,",
        "+ 61 491 570 156",
        "\u202a+61\u00a0491\u00a0570\u00a0156\u202c",
        "0\u200b491570156",
        "+\u0666\u0661491570156",
        "\uff080491\uff09570\uff0d156",
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
        ("+44 (0)7911 123456", OURS, "+447911123456"),
        ("+4407911123456", OURS, "+447911123456"),
        ("0044 (0) 7911 123456", "+447911123456", "+447911123456"),
        ("+39 06 6982 1234", OURS, "+390669821234"),
        ("+39 (0)6 6982 1234", OURS, "+390669821234"),
        ("06 6982 1234", "+393123456789", "+390669821234"),
        ("+2250712345678", OURS, "+2250712345678"),
        ("+5215512345678", OURS, "+525512345678"),
        ("+52 1 55 1234 5678", OURS, "+525512345678"),
        ("+52 55 1234 5678", OURS, "+525512345678"),
        ("+5491123456789", OURS, "+5491123456789"),
        ("+54 9 11 2345 6789", OURS, "+5491123456789"),
        ("011 15 2345 6789", "+5491123456789", "+5491123456789"),
        ("+541123456789", OURS, "+541123456789"),
        ("8 912 345 67 89", "+79123456789", "+79123456789"),
        ("+7 8 912 345 67 89", OURS, "+79123456789"),
        ("+36 06 20 123 4567", OURS, "+36201234567"),
        ("+116045550123", OURS, "+16045550123"),
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


def spellings_of(region: str, kind: int) -> tuple[str, set[str]]:
    """Return a country's example number in E.164, and ways to write it there and from abroad."""
    example = phonenumbers.example_number_for_type(region, kind)
    assert example is not None
    form, country = phonenumbers.PhoneNumberFormat, phonenumbers.PhoneMetadata.metadata_for_region
    number = phonenumbers.format_number(example, form.E164)
    code, national = f"+{example.country_code}", phonenumbers.national_significant_number(example)
    international = phonenumbers.format_number(example, form.INTERNATIONAL)
    prefix = country(region).international_prefix or ""
    written = {number, international, phonenumbers.format_number(example, form.NATIONAL)}
    written |= {phonenumbers.format_number(example, form.RFC3966), f"{code} ({national})"}
    if prefix.isdigit():
        written.add(prefix + number[1:])
    # Colombia had a trunk zero for its fixed lines alone, until 2021.
    if country(region).national_prefix == "0" and national[0] != "0" and region != "CO":
        written |= {f"{code}0{national}", f"{code} (0){national}"}
    digits = str.maketrans(
        "0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669"
    )
    written |= {
        international.translate(digits),
        "\u202a" + international.replace(" ", "\u2011") + "\u202c",
    }
    return number, written


COUNTRIES = [
    "AE",
    "AR",
    "AT",
    "AU",
    "BE",
    "BG",
    "BR",
    "CA",
    "CH",
    "CL",
    "CN",
    "CO",
    "CZ",
    "DE",
    "DK",
    "EG",
    "ES",
    "FI",
    "FR",
    "GB",
    "GR",
    "HK",
    "HR",
    "HU",
    "ID",
    "IE",
    "IL",
    "IN",
    "IS",
    "IT",
    "JP",
    "KE",
    "KR",
    "LT",
    "LU",
    "LV",
    "MA",
    "MX",
    "MY",
    "NG",
    "NL",
    "NO",
    "NZ",
    "PE",
    "PH",
    "PK",
    "PL",
    "PT",
    "RO",
    "RS",
    "RU",
    "SA",
    "SE",
    "SG",
    "SI",
    "SK",
    "TH",
    "TR",
    "TW",
    "UA",
    "US",
    "VN",
    "ZA",
    "CI",
    "SM",
]


@pytest.mark.parametrize("region", COUNTRIES)
def test_all_spellings_of_a_number_are_one_person(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number, written = spellings_of(region, kind)
        read = {one: normalise_number(one, our_number=number) for one in written}
        assert {one: found for one, found in read.items() if found != number} == {}


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


def test_a_number_that_needs_nothing_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []  # which takes 50 µs, where a look takes 0.3
    parse = phonenumbers.parse
    monkeypatch.setattr(phonenumbers, "parse", lambda *args: parsed.append(args[0]) or parse(*args))
    for n in range(1_000):
        assert normalise_number(f"+614{n:08}", our_number=OURS) == f"+614{n:08}"
    assert parsed == []
    normalise_number("0491 570 159", our_number=OURS)
    assert parsed[-1] == "0491570159"


def test_numbers_do_not_weigh_on_the_import() -> None:
    program = (
        "import sys, cooee, cooee.core.phone_numbers; assert 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
