"""Places are lent for claims, and no more than there are; claims are handed over once."""

from threading import Thread

from hypothesis import given
from hypothesis import strategies as st

from cooee.runtime.turns.handed_claims import HandedClaims
from cooee.runtime.turns.places import MAX_CLAIMS
from cooee.storage import Claim


def claim(number):
    return Claim(bytes([number]), "+61491570006", "+61491570156", number, 1, None, None, [])


class World:
    """A worker with places, and how often it was woken."""

    def __init__(self, used=0):
        self.used, self.wake_count = used, 0
        self.handed = HandedClaims(lambda: self.used, self.wake)
        self.handed.is_lending = True

    def wake(self):
        self.wake_count += 1


def test_claims_are_handed_over_once_and_wake_the_worker():
    world = World()
    assert world.handed.borrow(2) == 2
    world.handed.hand_over(2, [claim(1)])
    assert (world.handed.count, world.wake_count) == (1, 1)
    assert list(world.handed.take()) == [claim(1)]
    assert (list(world.handed.take()), world.handed.count) == ([], 0)


def test_places_that_no_claim_came_for_are_free_again_and_wake_nobody():
    world = World(used=MAX_CLAIMS - 1)
    assert [world.handed.borrow(1), world.handed.borrow(1)] == [1, 0]
    world.handed.hand_over(1, [])
    assert (world.handed.borrow(1), world.wake_count) == (1, 0)


def test_a_worker_that_is_behind_lends_no_place():
    world = World()
    world.handed.is_lending = False
    assert world.handed.borrow(1) == 0


def test_a_worker_that_does_not_fetch_its_claims_gets_no_more(monkeypatch):
    # another process may run them, while a line of the app blocks this worker's loop
    world = World()
    now = 0.0
    monkeypatch.setattr("cooee.runtime.turns.handed_claims.monotonic", lambda: now)
    world.handed.hand_over(world.handed.borrow(1), [claim(1)])
    now = 0.9
    assert world.handed.borrow(1) == 1
    now = 1.1
    assert world.handed.borrow(1) == 0
    world.handed.take()
    assert world.handed.borrow(1) == 1


@given(st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=20), st.integers(0, 300))
def test_never_more_is_lent_than_there_are_places(calls, used):
    world = World(used)
    for wanted, comes_back in calls:
        lent = world.handed.borrow(wanted)
        assert 0 <= lent <= wanted
        assert used + world.handed.count <= max(MAX_CLAIMS, used)
        if comes_back:
            world.handed.hand_over(lent, [claim(1)] * lent)


def test_threads_lend_no_place_twice():
    world = World()

    def borrow_and_hand_over():
        for _ in range(500):
            world.handed.hand_over(world.handed.borrow(1), [])

    threads = [Thread(target=borrow_and_hand_over) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.handed.count == 0
