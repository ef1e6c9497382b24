"""Kills this process, for real, where it is told to."""

import os
import signal

from cooee.runtime.events import subscribe_everywhere


class Reaper:
    """Dies at the n-th event of a name: the class of a cooee event, or a point of the app's own."""

    point = os.environ.get("KILL_AT", "")
    left = int(os.environ.get("KILL_NTH", "1"))

    @classmethod
    def count(cls, event):
        if event == cls.point:
            cls.left -= 1
            if cls.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if Reaper.point:
    subscribe_everywhere(lambda event: Reaper.count(type(event).__name__))
