from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.clocks.clock import RealClock, VirtualClock
from cooee.simulator.network import MobileNetwork, NetworkConditions

OURS = "+61491570006"
PHONES = ["+61491570156", "+61491570157", "+61491570158"]


class FakeNumber:
    """A number of ours that keeps what arrives."""

    def __init__(self, *, in_use: bool = True) -> None:
        self.in_use = in_use
        self.arrived = []

    @property
    def unread_count(self) -> int:
        return 0

    def receive(self, text) -> bool:
        if self.in_use:
            self.arrived.append(text)
        return self.in_use


def network(clock=None, seed=0, **conditions):
    network = MobileNetwork(
        clock or VirtualClock(), seed=seed, conditions=NetworkConditions(**conditions)
    )
    network.our_numbers[OURS] = FakeNumber()
    return network


def words(network, phone):
    return [(entry.direction, entry.text.text) for entry in network.phone_screen(phone)]


async def test_a_phones_text_arrives_at_once_where_nothing_delays_it():
    net = network()
    text = net.send_from_phone(PHONES[0], OURS, "Hello")
    assert net.our_numbers[OURS].arrived == [text]
    assert (text.status, text.sender) == ("delivered", PHONES[0])
    assert words(net, PHONES[0]) == [("from_phone", "Hello")]
    assert net.is_idle


async def test_a_delayed_text_arrives_then_and_not_before():
    clock = VirtualClock()
    net = network(clock, delay=3)
    news = []
    net.send_from_number(
        OURS, PHONES[0], "Hello", on_receipt=lambda text: news.append((text.status, clock.now()))
    )
    start = clock.now()
    await clock.advance(2.9)
    assert words(net, PHONES[0]) == []
    assert not net.is_idle
    await clock.advance(0.1)
    assert words(net, PHONES[0]) == [("to_phone", "Hello")]
    assert net.phone_screen(PHONES[0])[0].shown_at == start + timedelta(seconds=3)
    assert news == []
    await clock.advance(3)
    assert news == [("delivered", start + timedelta(seconds=6))]
    assert net.is_idle


async def test_on_a_real_clock_a_delay_takes_its_time():
    net = network(RealClock(), delay=0.05)
    net.send_from_phone(PHONES[0], OURS, "Hello")
    assert net.our_numbers[OURS].arrived == []
    async with asyncio.timeout(60):
        while not net.is_idle:
            await asyncio.sleep(0.01)
    assert [text.text for text in net.our_numbers[OURS].arrived] == ["Hello"]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    weather=st.fixed_dictionaries(
        {
            "delay": st.floats(0, 10),
            "spread": st.floats(0, 10),
            "duplicates": st.floats(0, 1),
            "loss": st.floats(0, 0.5),
        }
    ),
    sends=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 4)), max_size=30),
)
def test_texts_between_two_numbers_stay_in_order_whatever_the_weather(seed, weather, sends):
    async def play():
        clock = VirtualClock()
        net = network(clock, seed, **weather)
        sent = {phone: [] for phone in PHONES}
        for who, pause in sends:
            sent[PHONES[who]].append(net.send_from_phone(PHONES[who], OURS, "x"))
            await clock.advance(pause)
        await clock.advance(60)
        assert net.is_idle
        for phone, texts in sent.items():
            arrived = [text for text in net.our_numbers[OURS].arrived if text.sender == phone]
            once = list(dict.fromkeys(arrived))
            assert once == [text for text in texts if text.status == "delivered"]
            assert all(text.status in {"delivered", "lost"} for text in texts)
            assert arrived == sorted(arrived, key=texts.index), "a double comes right behind"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("share", "copies", "status"), [(0.0, 1, "delivered"), (1.0, 2, "delivered")]
)
async def test_duplicates_arrive_twice_with_one_receipt(share, copies, status):
    net = network(duplicates=share)
    news = []
    net.send_from_number(OURS, PHONES[0], "Hello", on_receipt=news.append)
    await net.clock.advance(1)
    assert len(net.phone_screen(PHONES[0])) == copies
    assert [text.status for text in news] == [status]


async def test_a_text_does_not_overtake_one_that_set_out_in_worse_weather():
    net = network(delay=3)
    net.send_from_phone(PHONES[0], OURS, "first")
    net.conditions = NetworkConditions()
    net.send_from_phone(PHONES[0], OURS, "second")
    net.send_from_phone(PHONES[1], OURS, "somebody else's")
    await net.clock.advance(3)
    arrived = [text.text for text in net.our_numbers[OURS].arrived]
    assert arrived == ["somebody else's", "first", "second"]


async def test_a_lost_text_never_arrives_and_nobody_is_told():
    net = network(loss=1)
    news = []
    text = net.send_from_number(OURS, PHONES[0], "Hello", on_receipt=news.append)
    await net.clock.advance(3600)
    assert (net.phone_screen(PHONES[0]), news, text.status) == ([], [], "lost")
    assert net.is_idle


async def test_a_network_without_receipts_delivers_and_tells_nobody():
    net = network(receipts=False)
    news = []
    net.send_from_number(OURS, PHONES[0], "Hello", on_receipt=news.append)
    await net.clock.advance(3600)
    assert len(net.phone_screen(PHONES[0])) == 1
    assert news == []


async def test_a_text_to_a_number_that_nobody_holds_is_undelivered():
    net = network()
    assert net.send_from_phone(PHONES[0], "+61491578888", "Hello").status == "undelivered"
    assert words(net, "+61491578888") == []
    assert words(net, PHONES[0]) == [("from_phone", "Hello")]


async def test_a_text_to_a_number_no_longer_in_use_is_undelivered():
    net = network()
    net.our_numbers[OURS].in_use = False
    assert net.send_from_phone(PHONES[0], OURS, "Hello").status == "undelivered"


async def test_a_number_of_ours_that_texts_itself_gets_the_text():
    net = network()
    text = net.send_from_number(OURS, OURS, "Round trip")
    assert net.our_numbers[OURS].arrived == [text]


async def test_texts_wait_for_a_phone_that_is_off_and_come_in_order():
    net = network()
    net.switch_phone(PHONES[0], on=False)
    for text in "abc":
        net.send_from_number(OURS, PHONES[0], text)
    await net.clock.advance(3600)
    assert net.phone_screen(PHONES[0]) == []
    assert not net.is_idle
    net.switch_phone(PHONES[0], on=True)
    await net.clock.advance(0)
    assert [text for _, text in words(net, PHONES[0])] == ["a", "b", "c"]
    assert net.is_idle


async def test_a_text_expires_at_a_phone_that_stays_off():
    clock = VirtualClock()
    net = network(clock)
    net.switch_phone(PHONES[0], on=False)
    news = []
    text = net.send_from_number(OURS, PHONES[0], "Hello", validity_s=60, on_receipt=news.append)
    await clock.advance(59)
    assert text.status == "sent"
    await clock.advance(1)
    assert [text.status for text in news] == ["expired"]
    net.switch_phone(PHONES[0], on=True)
    await clock.advance(1)
    assert net.phone_screen(PHONES[0]) == []


async def test_a_text_that_waits_holds_up_no_later_one():
    net = network()
    net.send_from_number(OURS, PHONES[0], "later", delay_s=60)
    net.send_from_number(OURS, PHONES[0], "now")
    assert [text for _, text in words(net, PHONES[0])] == ["now"]
    await net.clock.advance(60)
    assert [text for _, text in words(net, PHONES[0])] == ["now", "later"]


async def test_closing_drops_what_is_in_flight_and_leaves_the_network_usable():
    net = network(delay=5)
    net.send_from_number(OURS, PHONES[0], "Hello")
    await net.close()
    assert net.is_idle
    await net.clock.advance(10)
    assert net.phone_screen(PHONES[0]) == []
    net.send_from_number(OURS, PHONES[0], "Again")
    await net.clock.advance(10)
    assert len(net.phone_screen(PHONES[0])) == 1


async def test_the_first_number_given_out_is_always_the_same():
    assert network().allocate_number() == network().allocate_number() == OURS


async def test_a_thousand_numbers_are_all_different():
    net = network()
    assert len({net.allocate_number() for _ in range(1000)}) == 1000


async def test_a_word_that_is_no_number_is_refused_in_words():
    with pytest.raises(ValueError, match=r"'#!' is not a number. Write it as \+61491570156"):
        network().send_from_phone("#!", OURS, "Hello")
