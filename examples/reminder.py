"""A surgery that writes first: it asks the day before whether you come, and chases you."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from cooee import App, Chat, NoReply, OptedOut, hours


@dataclass
class Patient:
    coming: bool | None = None


app = App(state=Patient, timezone="Australia/Sydney")

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@app.on_start
async def plan() -> None:
    """Begin once for each appointment, such as APPOINTMENTS="+61491570156@2026-03-04T15:30"."""
    for booked in os.environ.get("APPOINTMENTS", "").split():
        number, _, when = booked.partition("@")
        with suppress(OptedOut):
            await app.start(appointment, number, key=booked, when=datetime.fromisoformat(when))


@app.dialogue()
async def appointment(chat: Chat[Patient], when: datetime) -> str | None:
    day, clock = DAYS[when.weekday()], spoken(when)
    await chat.sleep(until=datetime.combine(when - timedelta(days=1), time(10)))
    if chat.now > when.replace(tzinfo=chat.zone):
        return None  # it is over: we were told too late, or were down too long
    try:
        chat.state.coming = await chat.confirm(
            f"You see Dr Lee on {day} at {clock}. Will you come? YES or NO",
            key="coming",
            remind=[hours(4), (hours(8), f"Last call: will you come on {day} at {clock}?")],
            timeout=hours(10),
        )
    except NoReply:
        return "We keep your time. If you cannot come, please call 03 5550 0000."
    if not chat.state.coming:
        return "Thanks for telling us. Call 03 5550 0000 for another time."
    hour = await chat.choose(
        "See you then! When shall we remind you?",
        ["1 hour before", "2 hours before", "Not at all"],
        timeout=hours(2),
        default="1 hour before",
    )
    if hour == "Not at all":
        return "Until then."
    chat.say(f"We will, {hour}.")
    await chat.sleep(until=when - hours(int(hour[0])))
    return f"Dr Lee sees you at {clock}."


def spoken(when: datetime) -> str:
    """A time as people say it, "3:30pm": "%p" would ask for the machine's language."""
    return f"{when.hour % 12 or 12}:{when:%M}{'am' if when.hour < 12 else 'pm'}"


@app.otherwise
def otherwise(chat: Chat[Patient]) -> str:
    return "This is Dr Lee's surgery. Please call 03 5550 0000."
