"""Companies' HTTP APIs, as the simulator serves them, and what the simulator wants of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cooee.core.http_messages import Request, Response
from cooee.simulator.faults import Faults


class ProviderAPI(Protocol):
    """One company's API over the network.

    `prefix` begins the paths of its calls. `real_base` is the host and path under which the company
    itself serves them, if there is one: calls that were led here under that name are answered
    as well. `faults` are what is to go wrong.
    """

    name: str
    prefix: str
    real_base: str
    faults: Faults

    def handle(self, request: Request, path: str) -> Response:
        """Do what a call asks; `path` is decoded, and begins behind the prefix."""
        ...

    def fault_response(self, name: str, request: Request, path: str, /) -> Response:
        """The answer to a call that fails on purpose.

        It is error-500, error-503, throttle, or expire-token: the token that the call carries
        ends before its time, and the call fails of that.
        """
        ...

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        """The numbers in use: ``{"number", "notifyURL"}`` each, oldest first."""
        ...

    def set_switches(self, switches: Sequence[str]) -> None:
        """Choose how it behaves.

        Raises:
            ValueError: there is no such switch; the message names those there are.
        """
        ...
