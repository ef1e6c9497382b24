"""Reading a log that is never emptied: nothing twice, nothing lost, no history answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.core.errors import PermanentFailure
from cooee.providers import Credentials
from cooee.providers.telstra_v3.adapter import TelstraV3
from cooee.providers.telstra_v3.cursor import OVERLAP, PAGE_SIZE, parse_cursor
from cooee.testing.scripted_network import NOON, answer

OURS, NATIONAL = "+61491570006", "0491570006"
US = Credentials("token")
VALUES = {"TELSTRA_CLIENT_ID": "id", "TELSTRA_CLIENT_SECRET": "secret", "TELSTRA_NUMBER": OURS}


class Log:
    """Telstra's log: what `offset` counts, how far its clock is from ours, how late it lists."""

    def __init__(self, *, unit=PAGE_SIZE, ahead=timedelta(), reverses=True):
        self.unit, self.ahead, self.reverses = unit, ahead, reverses
        self.now = NOON
        self.texts = []  # when it was made by Telstra's clock, when it can be seen by ours, item
        self.asked = 0

    def add(self, words, late=timedelta(), to=NATIONAL):
        made = self.now + self.ahead
        made = made.replace(microsecond=made.microsecond // 1000 * 1000)
        item = {
            "messageId": f"75f263c0-60b5-11ed-8456-{len(self.texts):012x}",
            "createTimestamp": made.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "to": to,
            "from": "0491570156",
            "messageContent": words,
        }
        self.texts.append((made, self.now + late, item))

    def page(self, request):
        self.asked += 1
        asked = {name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()}
        start = datetime.fromisoformat(asked.get("startTime", "2000-01-01T00:00:00Z"))
        kept = self.now + self.ahead - timedelta(days=30)
        if "startTime" in asked and start < kept:
            return answer(400, {"errors": [{"code": "FIELD_INVALID"}]}, at=self.now)
        texts = [
            (made, item)
            for made, seen, item in self.texts
            if made >= max(start, kept) and seen <= self.now
        ]
        texts.sort(key=lambda text: text[0], reverse=self.reverses and "reverse" in asked)
        first = int(asked.get("offset", "0")) * self.unit
        items = [item for _, item in texts[first : first + int(asked["limit"])]]
        return answer(200, {"messages": items, "paging": {}}, at=self.now)

    def read(self, cursor):
        """One reading: its texts, the cursor behind it, whether to read on."""
        flow = TelstraV3(VALUES).poll(US, cursor)
        try:
            request = next(flow)
            while True:
                request = flow.send(self.page(request))
        except StopIteration as end:
            news = end.value
        return [text.text for text in news.inbounds], news.cursor, news.more

    def drain(self, cursor, limit=500):
        """Read on as the runtime does, until there is no more."""
        texts = []
        for _ in range(limit):
            new, cursor, more = self.read(cursor)
            texts += new
            if not more:
                return texts, cursor
        raise AssertionError("Reading never ended.")


def test_a_first_start_begins_now_and_never_with_history():
    log = Log()
    for n in range(180):
        log.now += timedelta(seconds=1)
        log.add(f"old {n}")
    texts, cursor = log.drain("")
    assert texts == []
    log.now += timedelta(seconds=1)
    log.add("new")
    texts, cursor = log.drain(cursor)
    assert texts == ["new"]
    assert log.drain(cursor)[0] == []  # though the overlap reaches back into history


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(), timedelta(hours=3)])
def test_clocks_may_differ_by_hours(ahead):
    log = Log(ahead=ahead)
    log.add("old")
    _, cursor = log.drain("")
    read = []
    for n in range(400):
        log.now += timedelta(seconds=20)
        log.add(f"text {n}")
        texts, cursor = log.drain(cursor)
        read += texts
    assert read == [f"text {n}" for n in range(400)]


def test_a_log_that_was_empty_at_the_start_is_read_from_a_clock_that_is_behind():
    log = Log(ahead=timedelta(hours=-3))
    _, cursor = log.drain("")
    log.add("first")
    assert log.drain(cursor)[0] == ["first"]


def test_a_log_that_ignores_reverse_is_begun_by_our_own_clock():
    log = Log(reverses=False)
    for n in range(120):
        log.now += timedelta(minutes=1)
        log.add(f"old {n}")
    log.now += timedelta(minutes=1)
    _, cursor = log.drain("")
    log.now += timedelta(minutes=1)
    log.add("new")
    assert log.drain(cursor)[0] == ["new"]


def test_a_text_that_is_listed_late_is_still_read():
    log = Log()
    _, cursor = log.drain("")
    log.add("late", late=OVERLAP - timedelta(seconds=2))
    log.now += timedelta(seconds=1)
    log.add("early")
    texts, cursor = log.drain(cursor)
    assert texts == ["early"]
    log.now += OVERLAP
    assert log.drain(cursor)[0] == ["late"]


@pytest.mark.parametrize("unit", [1, PAGE_SIZE], ids=["records", "pages"])
@pytest.mark.parametrize("count", [49, 50, 51, 120])
def test_more_texts_than_a_page_with_one_stamp_are_all_read(unit, count):
    log = Log(unit=unit)
    _, cursor = log.drain("")
    log.now += timedelta(seconds=1)
    for n in range(count):
        log.add(f"text {n}")
    log.now += timedelta(seconds=1)
    log.add("later")
    texts, cursor = log.drain(cursor)
    assert sorted(texts) == sorted([*(f"text {n}" for n in range(count)), "later"])
    assert log.drain(cursor)[0] == []


def test_after_a_long_absence_everything_is_read_in_few_readings():
    log = Log()
    _, cursor = log.drain("")
    for n in range(1000):
        log.now += timedelta(seconds=1)
        log.add(f"text {n}")
    before = log.asked
    texts, cursor = log.drain(cursor)
    assert texts == [f"text {n}" for n in range(1000)]
    assert log.asked - before <= 1000 // (PAGE_SIZE - 1) + 1
    assert len(cursor) < 10_000  # however many were read


def test_an_absence_longer_than_the_log_begins_at_the_logs_beginning():
    log = Log()
    _, cursor = log.drain("")
    log.add("forgotten")
    log.now += timedelta(days=20)
    log.add("kept")
    log.now += timedelta(days=20)
    texts, cursor = log.drain(cursor)
    assert texts == ["kept"]
    log.add("new")
    assert log.drain(cursor)[0] == ["new"]


def test_a_quiet_month_keeps_the_place_fresh_and_hardly_moves_the_cursor():
    log = Log()
    _, cursor = log.drain("")
    cursors = set()
    for _ in range(45 * 24 * 2):
        log.now += timedelta(minutes=30)
        _, cursor = log.drain(cursor)
        cursors.add(cursor)
    assert len(cursors) <= 45 * 24 + 1
    log.add("hello?")
    assert log.drain(cursor)[0] == ["hello?"]


def test_texts_to_another_number_of_the_account_are_left_to_it():
    log = Log()
    _, cursor = log.drain("")
    log.add("not for us", to="0491570737")
    log.add("for us")
    assert log.drain(cursor)[0] == ["for us"]


def test_a_stamp_from_the_future_hides_nothing():
    log = Log()
    _, cursor = log.drain("")
    log.add("odd")
    log.texts[-1][2]["createTimestamp"] = "2099-01-01T00:00:00.000Z"
    texts, cursor = log.drain(cursor)
    assert texts == ["odd"]
    log.now += timedelta(minutes=1)
    log.add("next")
    assert log.drain(cursor)[0] == ["next"]


def test_a_refusal_of_a_place_that_is_not_too_old_is_a_refusal():
    flow = TelstraV3(VALUES).poll(US, Log().drain("")[1])
    next(flow)
    with pytest.raises(PermanentFailure):
        flow.send(answer(400, {"errors": [{"code": "FIELD_INVALID"}]}))


@pytest.mark.parametrize("words", ["", "c12", "{}", "[", '{"ours":1}', "\ud800", '{"ours":"+6"}'])
def test_what_is_no_cursor_of_ours_begins_now(words):
    assert parse_cursor(words) is None


def test_a_place_without_offsets_is_none():
    naive = '{"ours":"+61491570006","since":"2026-01-01T00:00:00","start":null}'
    assert parse_cursor(naive) is None
    assert parse_cursor(naive.replace(":00:00", ":00:00Z")).since == datetime(
        2026, 1, 1, tzinfo=UTC
    )


steps = st.lists(
    st.tuples(
        st.sampled_from(["text", "text", "text", "burst", "read", "wait"]),
        st.integers(0, 100_000),  # milliseconds until then
        st.integers(0, 100),  # seconds until it is listed
    ),
    max_size=60,
)


@settings(max_examples=100)
@given(steps, st.sampled_from([1, PAGE_SIZE]), st.sampled_from([-7200, 0, 7200]))
def test_every_text_is_read_once_whatever_happens(life, unit, ahead):
    log = Log(unit=unit, ahead=timedelta(seconds=ahead))
    log.add("history")
    _, cursor = log.drain("")
    read, written = [], []
    for what, pause, late in life:
        log.now += timedelta(milliseconds=pause)
        if what == "read":
            texts, cursor = log.drain(cursor)
            read += texts
        for _ in range({"text": 1, "burst": 70}.get(what, 0)):
            written.append(f"text {len(written)}")
            log.add(written[-1], late=timedelta(seconds=late))
    for _ in range(2):
        log.now += OVERLAP
        texts, cursor = log.drain(cursor)
        read += texts
    assert set(read) == set(written)
    assert len(read) == len(set(read)) or len(written) > 200  # past that the store knows them
    assert len(cursor) < 20_000
