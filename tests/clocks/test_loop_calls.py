"""Calls from one event loop into another: in order, awaited, cancelled."""

import asyncio
import contextlib
import threading
from contextvars import ContextVar, copy_context

import pytest

from cooee.clocks.loop_calls import call_in_loop, run_in_loop

VARIABLE: ContextVar[str] = ContextVar("variable", default="")


@contextlib.contextmanager
def loop_in_thread():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_a_call_in_the_own_loop_is_made_at_once():
    made = []
    call_in_loop(asyncio.get_running_loop(), made.append, 1)
    assert made == [1]


async def test_calls_into_another_loop_run_in_its_thread_in_order():
    made = []
    with loop_in_thread() as loop:
        for n in range(100):
            call_in_loop(loop, lambda n=n: made.append((n, threading.get_ident())))
        thread_id = await run_in_loop(loop, thread_of_call)
    assert made == [(n, thread_id) for n in range(100)]
    assert thread_id != threading.get_ident()


async def thread_of_call():
    return threading.get_ident()


async def test_a_call_into_a_closed_loop_is_dropped():
    with loop_in_thread() as loop:
        pass
    call_in_loop(loop, print, "nobody")


async def test_results_and_errors_come_back():
    async def fail():
        raise LookupError("nothing there")

    async def cancel_itself():
        raise asyncio.CancelledError

    with loop_in_thread() as loop:
        assert await run_in_loop(loop, thread_of_call) != threading.get_ident()
        with pytest.raises(LookupError, match="nothing there"):
            await run_in_loop(loop, fail)
        with pytest.raises(asyncio.CancelledError):
            await run_in_loop(loop, cancel_itself)
    assert await run_in_loop(asyncio.get_running_loop(), thread_of_call) == threading.get_ident()


async def test_a_call_has_the_context_that_it_is_given():
    async def read():
        return VARIABLE.get()

    VARIABLE.set("theirs")
    context = copy_context()
    VARIABLE.set("ours")
    with loop_in_thread() as loop:
        assert await run_in_loop(loop, read, context=context) == "theirs"


async def test_a_cancellation_reaches_the_other_loop_and_is_waited_for():
    steps, begun = [], threading.Event()

    async def wait():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    with loop_in_thread() as loop:
        running = asyncio.create_task(run_in_loop(loop, wait))
        await asyncio.to_thread(begun.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert steps == ["cleaned up"]


async def test_a_cancelled_call_of_a_loop_that_stands_still_is_left_behind():
    gate = threading.Event()

    async def block():
        gate.wait()

    with loop_in_thread() as loop:
        running = asyncio.create_task(run_in_loop(loop, block))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        gate.set()
