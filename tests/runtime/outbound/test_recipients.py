"""Recipients: persons' numbers, in every country, and nothing that answers itself."""

import phonenumbers
import pytest

from cooee.core.errors import NotSendable
from cooee.runtime.outbound.recipients import parse_our_number, parse_recipient

OURS = "+61491570006"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_mobile_of_every_country_may_be_written_to(region):
    form, kind = phonenumbers.PhoneNumberFormat, phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(region, kind)
    example = example or phonenumbers.example_number(region)
    e164 = phonenumbers.format_number(example, form.E164)
    spelled = phonenumbers.format_number(example, form.INTERNATIONAL)
    for to in (e164, spelled):
        assert parse_recipient(to, ours=OURS, our_numbers=[]) == e164


@pytest.mark.parametrize("to", ["", "INFO", "19927", "4", "+611", "+" + "6" * 40, "Anna <0491>"])
def test_a_short_code_a_name_and_junk_are_no_recipients(to):
    with pytest.raises(NotSendable, match="is not a number that can be texted"):
        parse_recipient(to, ours=OURS, our_numbers=[OURS])


@pytest.mark.parametrize(
    ("ours", "stored"),
    [("0491570006", OURS), ("+61 491 570 006", OURS), ("12345", "12345"), ("Shop", "Shop")],
)
def test_a_number_of_ours_is_read_near_the_others(ours, stored):
    assert parse_our_number(ours, [OURS, "Shop"]) == stored


@pytest.mark.parametrize("ours", ["junk", "+", "me@x.y"])
def test_what_is_no_number_of_ours_is_refused(ours):
    with pytest.raises(NotSendable, match="is no number of ours"):
        parse_our_number(ours, [OURS])
