"""An app that numbers each person's texts, and dies where it is told to."""

import os
from dataclasses import dataclass

from reaper import Reaper

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
