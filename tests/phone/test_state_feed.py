"""Pages mirror the board: all of it first, and then whatever changes."""

import asyncio

from cooee.phone.state_feed import Board


async def test_a_reader_gets_everything_and_then_what_changes_the_latest_of_each():
    board = Board()
    board.put("a", 1)
    reading = board.read(5)
    assert await anext(reading) == {"a": 1}
    board.put("a", 1)
    board.put("b", 2)
    board.put("b", 3)
    board.put("a", None)
    assert await anext(reading) == {"a": None, "b": 3}
    assert await anext(board.read(5)) == {"b": 3}


async def test_a_reader_hears_that_nothing_changes_and_is_let_go_at_the_end():
    board = Board()
    reading = board.read(0.01)
    assert await anext(reading) == {}
    assert await anext(reading) == {}
    last = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(0)
    board.close()
    await last
    assert [notes async for notes in reading] == []
