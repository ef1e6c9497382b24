from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cooee.providers.telstra_v2.payloads import ProvisionedNumber, days_to_add


@given(st.none() | st.integers(0, 2000))
def test_days_are_added_up_to_thirty_and_never_twice(days):
    had = ProvisionedNumber("+61491570006", None, days)
    left = (days or 0) + days_to_add(had)
    if had.expires_soon:
        assert left == 30
        assert not ProvisionedNumber("+61491570006", None, left).expires_soon
    else:
        assert days_to_add(had) == 1
