"""The providers' simulated HTTP APIs, and their contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cooee.core.http_messages import Request, Response
from cooee.simulator.faults import Faults


class ProviderAPI(Protocol):
    """A provider's API to the simulated network.

    `prefix` begins the paths of its requests. `real_base` is the host and path under which the
    provider itself serves its API: a program whose requests for that host are led to the simulator
    is answered as well; it is empty where there is no such provider. `faults` are the faults that
    are still to happen.
    """

    name: str
    prefix: str
    real_base: str
    faults: Faults

    def handle(self, request: Request, path: str) -> Response:
        """Answer a request; `path` is decoded, and begins behind the prefix."""
        ...

    def fault_response(self, name: str, request: Request, path: str, /) -> Response:
        """Return the provider's response to a request failed on purpose.

        The fault is error-500, error-503, throttle, refuse or expire-token. With the last, the
        token of the request ends before its time, and the request fails because of it.
        """
        ...

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        """Return the numbers in use, ``{"number", "notifyURL"}`` each, oldest first."""
        ...

    def set_switches(self, switches: Sequence[str]) -> None:
        """Switch the provider's behaviour.

        Raises:
            ValueError: there is no such switch; the message names those there are.
        """
        ...
