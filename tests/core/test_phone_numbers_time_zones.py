"""Where a number may be: every country's clocks, as the IANA database of time zones has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from cooee.core.country_time_zones import ZONES_OF_COUNTRY
from cooee.core.phone_numbers import certain_time_zone, possible_time_zones

ZONE_TAB = Path("/usr/share/zoneinfo/zone.tab")
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
NOT_IN_ZONE_TAB = {"AC": "Atlantic/St_Helena", "TA": "Atlantic/St_Helena", "XK": "Europe/Belgrade"}
LEFT_OUT = {"Asia/Urumqi", "Europe/Simferopol"}
MOMENTS = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=5 * n) for n in range(220)]


@cache
def clock(zone: str) -> Sequence[timedelta | None]:
    """Return a zone's offsets over three years: two zones with the same ones have one clock."""
    return tuple(moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in MOMENTS)


def official_zones() -> dict[str, list[str]]:
    if not ZONE_TAB.exists():
        pytest.skip("This machine has no zone.tab.")
    zones = {region: [zone] for region, zone in NOT_IN_ZONE_TAB.items()}
    for line in ZONE_TAB.read_text().splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            zones.setdefault(country, []).append(zone)
    return zones


def example(region: str, kind: int) -> str:
    number = phonenumbers.example_number_for_type(region, kind)
    return "" if number is None else phonenumbers.format_number(number, 0)


def test_every_region_has_the_clocks_of_its_country_and_each_once() -> None:
    official = official_zones()
    for region in REGIONS:
        clocks = [clock(zone) for zone in ZONES_OF_COUNTRY[region]]
        expected = {clock(zone) for zone in official[region] if zone not in LEFT_OUT}
        assert set(clocks) == expected, region
        assert len(clocks) == len(expected), region


@pytest.mark.parametrize("kind", [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
def test_a_number_may_be_anywhere_in_its_country_and_is_certain_of_one_clock(kind: int) -> None:
    for region in REGIONS:
        number = example(region, kind)
        if not number:
            continue
        found = possible_time_zones(number)
        assert set(found) >= set(ZONES_OF_COUNTRY[region]), (region, number)
        assert certain_time_zone(number) == (found[0] if len(found) == 1 else None), region
        assert len({clock(zone) for zone in found}) == len(found), region


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+447400123456", "Europe/London"),
        ("+441481123456", "Europe/London"),  # Guernsey
        ("+393123456789", "Europe/Rome"),  # or the Vatican
        ("+4741234567", "Europe/Oslo"),  # or Svalbard
        ("+358412345678", "Europe/Helsinki"),  # or Åland
        ("+212650123456", "Africa/Casablanca"),  # which libphonenumber puts on the Canaries
        ("+213551234567", "Africa/Algiers"),  # and this one in Paris
        ("+8613123456789", "Asia/Shanghai"),
        ("+77710009998", "Asia/Almaty"),
        ("+18762101234", "America/Jamaica"),
        ("+61891641234", "Indian/Christmas"),
        ("+61491570156", None),
        ("+61893001234", None),  # Perth
        ("+61212345678", None),  # Sydney
        ("+61747711234", None),  # Townsville
        ("+6421123456", None),  # Auckland or the Chathams
        ("+64330501234", None),
        ("+12015550123", None),
        ("+5511961234567", None),
        ("+62812345678", None),
        ("+79161234567", None),
        ("+34612345678", None),
        ("+351912345678", None),
        ("+888123456789", None),
        ("INFO", None),
        ("12345", None),
    ],
)
def test_a_zone_is_certain_only_where_all_clocks_of_the_country_agree(
    number: str, zone: str | None
) -> None:
    assert certain_time_zone(number) == zone
