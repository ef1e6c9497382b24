"""Each text shows its own HTTP, whichever version of the app exchanged it; the rest is apart."""

from datetime import UTC, datetime

from cooee.core.http_messages import Request, Response
from cooee.phone.inspector.exchanges import Exchanges
from cooee.phone.inspector.recorder import Recorder
from cooee.phone.inspector.story import Story
from cooee.phone.ipc_messages import HTTPExchange


def now():
    return datetime(2026, 11, 25, tzinfo=UTC)


def exchange(id, url="http://127.0.0.1/texts", status=200):
    return HTTPExchange(id, 0.0, 0.1, True, "GET", url, {}, "", status, {}, "")


def story(id="s"):
    return Story(id, "+61491570156", "hi", now(), 1)


def shown(one):
    return [exchange.id for exchange in one.exchanges]


def test_an_exchange_that_is_over_is_shown_in_every_text_that_it_brought():
    exchanges, first, second = Exchanges(), story("1"), story("2")
    assert exchanges.add(exchange("a"), None) == []
    for one in (first, second, second):
        exchanges.show_in("a", one)
    assert (shown(first), shown(second)) == (["a"], ["a"])
    assert exchanges.others() == []


def test_an_exchange_under_way_is_shown_in_every_text_once_it_is_over():
    exchanges, first, second = Exchanges(), story("1"), story("2")
    for one in (first, second, first):
        exchanges.show_in("a", one)
    assert exchanges.add(exchange("a"), first) == [first, second]
    assert (shown(first), shown(second)) == (["a"], ["a"])


def test_an_event_without_an_exchange_shows_none():
    exchanges, one = Exchanges(), story()
    exchanges.show_in("", one)
    exchanges.add(exchange(""), None)
    assert shown(one) == []


def test_the_same_call_in_a_row_is_told_once_with_its_count():
    exchanges = Exchanges()
    for id, status in (("a", 200), ("b", 200), ("c", 503), ("d", 200)):
        exchanges.add(exchange(id, status=status), None)
    assert [(one.id, count) for one, count in exchanges.others()] == [("b", 2), ("c", 1), ("d", 1)]


def test_the_oldest_of_two_hundred_make_room():
    exchanges, one = Exchanges(), story()
    for n in range(250):
        exchanges.add(exchange(str(n), url=f"http://127.0.0.1/{n}"), None)
        exchanges.show_in(str(n), one)
    exchanges.show_in("0", story("late"))
    assert exchanges.others() == []
    assert len(one.exchanges) == 250


async def test_no_two_versions_of_an_app_give_an_exchange_the_same_id(tmp_path):
    told = []
    for _ in range(2):  # a save starts a recorder of its own, in a process of its own
        recorder = Recorder(told.append, tmp_path, [], now)
        for _ in range(2):
            end = recorder.start_exchange(from_app=True)
            end(Request(method="GET", url="http://127.0.0.1/"), Response(status=200), "")
    assert len({exchange.id for exchange in told}) == 4
