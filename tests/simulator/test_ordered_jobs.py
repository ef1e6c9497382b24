from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.clocks.clock import VirtualClock
from cooee.simulator.ordered_jobs import OrderedJobs


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 9)), max_size=25))
def test_jobs_of_a_lane_end_in_order_and_lanes_do_not_wait_for_each_other(jobs):
    async def play():
        clock = VirtualClock()
        lanes = OrderedJobs(clock)
        ended = []

        def job(name, lane, seconds):
            async def work():
                await clock.sleep(seconds)
                ended.append((name, lane, clock.now()))

            return work

        start = clock.now()
        for name, (lane, seconds) in enumerate(jobs):
            lanes.add(lane, job(name, lane, seconds))
        assert lanes.is_idle == (not jobs)
        await clock.advance(1000)
        assert lanes.is_idle
        for lane in "abc":
            mine = [(name, seconds) for name, (own, seconds) in enumerate(jobs) if own == lane]
            done = [(name, at) for name, own, at in ended if own == lane]
            assert [name for name, _ in done] == [name for name, _ in mine]
            if mine:
                took = (done[-1][1] - start).total_seconds()
                assert abs(took - sum(seconds for _, seconds in mine)) < 0.001

    asyncio.run(play())


async def test_closing_lets_go_of_jobs_that_never_began():
    lanes = OrderedJobs(VirtualClock())

    async def never():
        raise AssertionError

    lanes.add("a", never)
    await lanes.close()
    assert lanes.is_idle
    assert lanes.is_free("a")
