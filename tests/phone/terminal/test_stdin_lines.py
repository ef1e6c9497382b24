"""Lines from any kind of file."""

import asyncio
import os

import pytest

from cooee.phone.terminal.stdin_lines import StdinLines


async def lines(keyboard):
    found = []
    while (line := await keyboard.next_line()) is not None:
        found.append(line)
    return found


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def test_lines_come_without_their_ends_and_the_last_needs_none(pipe):
    reading, writing = pipe
    os.write(writing, "one\r\n\ntwo ✓\nbroken \xff\nlast".encode("latin-1", "replace"))
    os.close(writing)
    assert await lines(StdinLines(reading)) == ["one", "", "two ?", "broken �", "last"]


async def test_a_letter_that_comes_in_two_pieces_is_whole(pipe):
    reading, writing = pipe
    keyboard = StdinLines(reading)
    os.write(writing, b"caf\xc3")
    await asyncio.sleep(0.05)
    os.write(writing, b"\xa9\n")
    assert await keyboard.next_line() == "café"
    os.close(writing)


async def test_the_end_stays_the_end(pipe):
    reading, writing = pipe
    os.close(writing)
    keyboard = StdinLines(reading)
    assert await keyboard.next_line() is None
    assert await keyboard.next_line() is None


async def test_a_file_and_no_file_at_all_are_read_too(tmp_path):
    (tmp_path / "lines").write_text("one\ntwo\n")
    with (tmp_path / "lines").open() as file:
        assert await lines(StdinLines(file.fileno())) == ["one", "two"]
    assert await lines(StdinLines(None)) == []


async def test_closing_ends_the_waiting_for_a_line_that_never_comes(pipe):
    reading, writing = pipe
    keyboard = StdinLines(reading)
    waiting = asyncio.create_task(keyboard.next_line())
    await asyncio.sleep(0)
    keyboard.close()
    assert await asyncio.wait_for(waiting, 60) is None
    os.close(writing)
