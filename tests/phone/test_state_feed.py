"""Pages mirror the board: all of it first, and then whatever changes."""

import asyncio

from cooee.phone.state_feed import StateFeed


async def test_a_reader_gets_everything_and_then_what_changes_the_latest_of_each():
    board = StateFeed()
    board.publish("a", 1)
    reading = board.subscribe(5)
    assert await anext(reading) == {"a": 1}
    board.publish("a", 1)
    board.publish("b", 2)
    board.publish("b", 3)
    board.publish("a", None)
    assert await anext(reading) == {"a": None, "b": 3}
    assert await anext(board.subscribe(5)) == {"b": 3}


async def test_a_reader_hears_that_nothing_changes_and_is_let_go_at_the_end():
    board = StateFeed()
    reading = board.subscribe(0.01)
    assert await anext(reading) == {}
    assert await anext(reading) == {}
    last = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0)
    board.close()
    await last
    assert [notes async for notes in reading] == []
