"""A stopwatch for everyone who texts you: START, STOP and TIME."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cooee import App, Chat, OptedOut

COMMANDS = '"START", "STOP" and "TIME"'


@dataclass
class Stopwatch:
    started: datetime | None = None
    stopped: datetime | None = None


app = App(state=Stopwatch)


@app.on_start
async def announce() -> None:
    for friend in os.environ.get("STOPWATCH_FRIENDS", "").split():
        with suppress(OptedOut):
            await app.send(friend, f"Stopwatch app online! I understand {COMMANDS}.", key="online")


@app.on("START")
def start(chat: Chat[Stopwatch]) -> str:
    watch = chat.state
    chat.state = Stopwatch(started=chat.now)
    if watch.started and not watch.stopped:
        return "The timer has been reset to zero and restarted!"
    return "The timer is running!"


@app.on("STOP", "HALT")  # some providers keep STOP to themselves; HALT works everywhere
def stop(chat: Chat[Stopwatch]) -> str:
    watch = chat.state
    if not watch.started:
        return "Text START first."
    if watch.stopped:
        return f"The timer is already stopped, at {spoken(watch.stopped - watch.started)}."
    watch.stopped = chat.now
    return f"The timer has stopped. It ran for {spoken(watch.stopped - watch.started)}."


@app.on("TIME")
def time(chat: Chat[Stopwatch]) -> str:
    watch = chat.state
    if not watch.started:
        return "Text START first."
    if watch.stopped:
        return f"The final time is {spoken(watch.stopped - watch.started)}."
    return f"The timer stands at {spoken(chat.now - watch.started)} and is still running."


@app.on("HELP")
@app.otherwise
def explain(chat: Chat[Stopwatch]) -> str:
    return f"Sorry! I only understand {COMMANDS}."


def spoken(length: timedelta) -> str:
    """A length of time as a person writes it: "1 minute 5 seconds"."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    counts = {"day": days, "hour": hours, "minute": minutes, "second": seconds}
    parts = [f"{n} {unit}{'s' * (n != 1)}" for unit, n in counts.items() if n]
    return " ".join(parts) or "0 seconds"
