"""No handler holds up all others for ever."""

import subprocess
import sys

import pytest

HELD = """
import faulthandler, sys
from cooee.runtime.preflight.time_limit import TimedOut, TimeLimit
time_limit = TimeLimit(0.05)
time_limit.start()
{}
"""
CATCHES_EVERYTHING = """
while True:
    try:
        while True: pass
    except BaseException: pass
"""
BUSY_ELSEWHERE = """
import ctypes, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # which would end the sleep early
ctypes.PyDLL(None).sleep(60)  # with Python's own lock held, so that no signal is handled
"""


@pytest.mark.parametrize("code", [CATCHES_EVERYTHING, BUSY_ELSEWHERE])
def test_what_cannot_be_interrupted_ends_the_process_with_its_line(code):
    ended = subprocess.run(
        [sys.executable, "-c", HELD.format(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,  # half of what it would sleep
    )
    assert ended.returncode == 1
    assert 'File "<string>", line' in ended.stderr


def test_one_that_is_over_is_left_alone():
    quiet = "time_limit.stop(); time_limit.cancel(); import time; time.sleep(1); print('well')"
    ended = subprocess.run(
        [sys.executable, "-c", HELD.format(quiet)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "well\n")
