"""Faults of a provider's API, each on request and a number of times."""

from __future__ import annotations

import re

import msgspec

from cooee.core.http_messages import Request

FAULT_NAMES = (
    "lose-answer",  # the request is carried out, and the connection dropped
    "carrier-down",  # the connection is dropped, and nothing is carried out
    "error-500",
    "error-503",
    "throttle",
    "refuse",  # for good, as a provider refuses a text; nothing is carried out
    "expire-token",
    "duplicate-push",
    "delay:SECONDS",  # the request is carried out at once; the response comes so much later
    "garbage",  # 200 with a page that is no JSON; nothing is carried out
)
_DELAY = re.compile(r"delay:(\d+(?:\.\d+)?)")


class Fault(msgspec.Struct, frozen=True):
    """A kind of failure, and the number of times still to happen.

    `call_prefix` narrows it to the requests whose method and path begin with it, such as
    ``"GET /messages/sms"``.
    """

    name: str
    count: int = 1
    seconds: float = 0.0
    call_prefix: str = ""

    @property
    def notation(self) -> str:
        """The fault as text."""
        return f"delay:{self.seconds:g}" if self.name == "delay" else self.name


def parse_fault(notation: str, count: int = 1, call_prefix: str = "") -> Fault:
    """Parse the text of a fault.

    Raises:
        ValueError: there is no such fault; the message names those there are.
    """
    if delay := _DELAY.fullmatch(notation):
        return Fault("delay", count, float(delay[1]), call_prefix)
    if notation in FAULT_NAMES and ":" not in notation:
        return Fault(notation, count, 0.0, call_prefix)
    raise ValueError(f"There is no fault {notation!r}. There are {', '.join(FAULT_NAMES)}.")


class Faults:
    """The coming faults of a provider's API, oldest first."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        self.pending.append(fault)

    def clear(self) -> None:
        """Remove every fault."""
        self.pending.clear()

    def take_for_request(self, request: Request, path: str) -> Fault | None:
        """Return the fault of this request, or None; a returned fault counts as happened."""
        call = f"{request.method} {path}"
        has_token = "authorization" in request.headers
        for fault in self.pending:
            is_applicable = fault.name != "expire-token" or has_token
            if (
                fault.name != "duplicate-push"
                and is_applicable
                and call.startswith(fault.call_prefix)
            ):
                return self._take(fault)
        return None

    def take_duplicate_push(self) -> bool:
        """Return whether this push goes out twice; the fault counts as happened."""
        for fault in self.pending:
            if fault.name == "duplicate-push":
                self._take(fault)
                return True
        return False

    def _take(self, fault: Fault) -> Fault:
        index = self.pending.index(fault)
        if fault.count > 1:
            self.pending[index] = msgspec.structs.replace(fault, count=fault.count - 1)
        else:
            del self.pending[index]
        return fault
