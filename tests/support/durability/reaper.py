"""Kills this process, for real, where it is told to."""

import logging
import os
import signal


class Reaper(logging.Handler):
    """Dies at the n-th event of a name: a log event of cooee, or what an app counts itself."""

    point = os.environ.get("KILL_AT", "")
    left = int(os.environ.get("KILL_NTH", "1"))

    def emit(self, record):
        self.count(record.getMessage())

    @classmethod
    def count(cls, event):
        if event == cls.point:
            cls.left -= 1
            if cls.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


if Reaper.point:
    logging.getLogger("cooee").addHandler(Reaper(logging.DEBUG))
