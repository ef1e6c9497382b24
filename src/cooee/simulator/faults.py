"""What can be made to go wrong at a company, so many times, on request."""

from __future__ import annotations

import re

import msgspec

from cooee.core.http_messages import Request

NAMES = (
    "lose-answer",  # the work is done, and the connection dropped
    "carrier-down",  # the connection is dropped, and nothing done
    "error-500",
    "error-503",
    "throttle",
    "expire-token",
    "duplicate-push",
    "delay:SECONDS",  # the work is done at once, and the answer comes so much later
    "garbage",  # 200 with a page that is no JSON, and nothing done
)
_DELAY = re.compile(r"delay:(\d+(?:\.\d+)?)")


class Fault(msgspec.Struct, frozen=True):
    """One thing to go wrong, `count` times more.

    `on` narrows it to the calls whose method and path begin so, such as ``"GET /messages/sms"``.
    """

    name: str
    count: int = 1
    seconds: float = 0.0
    on: str = ""

    @property
    def words(self) -> str:
        """The fault as people write it."""
        return f"delay:{self.seconds:g}" if self.name == "delay" else self.name


def fault(words: str, count: int = 1, on: str = "") -> Fault:
    """Read a fault as people write it.

    Raises:
        ValueError: there is no such fault; the message names those there are.
    """
    if delay := _DELAY.fullmatch(words):
        return Fault("delay", count, float(delay[1]), on)
    if words in NAMES and ":" not in words:
        return Fault(words, count, 0.0, on)
    raise ValueError(f"There is no fault {words!r}. There are {', '.join(NAMES)}.")


class Faults:
    """What is still to go wrong at one company, first asked for first."""

    def __init__(self) -> None:
        self.left: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self.left.append(fault)

    def clear(self) -> None:
        """Let all be well again."""
        self.left.clear()

    def for_call(self, request: Request, path: str) -> Fault | None:
        """What goes wrong with this call, if anything; it counts as happened."""
        call = f"{request.method} {path}"
        token = "authorization" in request.headers
        for fault in self.left:
            fits = fault.name != "expire-token" or token
            if fault.name != "duplicate-push" and fits and call.startswith(fault.on):
                return self._use(fault)
        return None

    def for_push(self) -> bool:
        """Whether this push goes out twice; it counts as happened."""
        for fault in self.left:
            if fault.name == "duplicate-push":
                self._use(fault)
                return True
        return False

    def _use(self, fault: Fault) -> Fault:
        place = self.left.index(fault)
        if fault.count > 1:
            self.left[place] = msgspec.structs.replace(fault, count=fault.count - 1)
        else:
            del self.left[place]
        return fault
