"""The errors of the simulated provider's API: ``{"error", "message"}``."""

from __future__ import annotations

from cooee.core.http_messages import Response
from cooee.net import asgi

_STATUSES = {
    "bad-request": 400,
    "text-too-long": 400,
    "bad-recipient": 400,
    "refused": 400,
    "unauthorized": 401,
    "opted-out": 403,
    "not-found": 404,
    "throttled": 429,
    "internal": 500,
    "unavailable": 503,
}
_FAULT_ERRORS = {
    "error-500": ("internal", "Something broke here. Whether it was done is not known."),
    "error-503": ("unavailable", "Closed for the moment."),
    "throttle": ("throttled", "Too many calls. Wait as long as Retry-After says."),
    "refuse": ("refused", "This text is not carried, now or later."),
    "expire-token": ("unauthorized", "This key has ended."),
}
RETRY_AFTER_S = 2
"""Seconds."""


class SimulatedAPIError(Exception):
    """An error response, by its code and with a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    @property
    def response(self) -> Response:
        """The HTTP response."""
        headers = {"retry_after": str(RETRY_AFTER_S)} if self.code == "throttled" else {}
        content = {"error": self.code, "message": self.message}
        return asgi.json_response(_STATUSES[self.code], content, **headers)


def simulated_fault_response(name: str) -> Response:
    """Return the error response of a fault."""
    return SimulatedAPIError(*_FAULT_ERRORS[name]).response
