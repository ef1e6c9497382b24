"""How long a session's replies took."""

from hypothesis import given
from hypothesis import strategies as st

from cooee.phone.inspector.reply_times import ReplyTimes, ReplyTimesView


def times_of(values):
    times = ReplyTimes()
    for one in values:
        times.add(one)
    return times.view()


def test_there_is_nothing_to_say_before_the_first_reply():
    assert times_of([]) is None
    assert times_of([12.5]) == ReplyTimesView(1, 12.5, 12.5)


def test_the_median_and_the_slowest_but_one_in_a_hundred():
    assert times_of(range(1, 101)) == ReplyTimesView(100, 50, 99)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_no_fewer_replies_are_within_a_percentile_than_it_says(values):
    view = times_of(values)
    for percent, ms in ((50, view.p50_ms), (99, view.p99_ms)):
        assert sum(one <= ms for one in values) * 100 >= percent * len(values)
        assert sum(one < ms for one in values) * 100 < percent * len(values)


def test_the_latest_thousand_count():
    assert times_of([9.0] * 500 + [1.0] * 1_000) == ReplyTimesView(1_000, 1.0, 1.0)
