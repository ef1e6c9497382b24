"""An app that numbers each person's texts, and dies where it is told to."""

import logging
import os
import signal
from dataclasses import dataclass

from cooee import App, Chat


@dataclass
class Count:
    texts: int = 0


app = App(state=Count, unknown=os.environ.get("COUNTING_UNKNOWN", "hold"))


@app.otherwise
def count(chat: Chat[Count]) -> str:
    chat.state.texts += 1
    Reaper.count("in-handler")
    return f"{chat.state.texts}: {chat.text}"


class Reaper(logging.Handler):
    """Kills this process, for real, at the n-th event of a name."""

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
