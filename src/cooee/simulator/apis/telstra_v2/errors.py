"""The errors of Telstra's API v2: their codes, messages and JSON."""

from __future__ import annotations

from cooee.core.http_messages import Response
from cooee.net import asgi

DOCS_HINT = "Refer to API docs at https://dev.telstra.com"

_MESSAGES = {
    "RESOURCE-NOT-FOUND": f"Invalid resource. {DOCS_HINT}",
    "FREE-TRIAL-NO-BNUM": "Register the numbers that your free trial may text first",
    "FREE-TRIAL-INVALID-BNUM": "A free trial may text registered numbers only",
    "FREE-TRIAL-MAX-BNUM": "A free trial may register five numbers",
    "SpikeArrest": "The API call rate limit has been exceeded",
    "Too Many Requests": "Too many requests. Reduce the concurrent calls and try again",
    "Active Days Max": "Your provisioned number is already valid for more than 5 years",
    "DR-NOTIFY-URL-MISSING": "notifyURL is missing, and receiptOff is not true",
    "TOO MANY DESTINATIONS": "Do not use more than 10 recipients in a single call",
}


class TelstraV2APIError(Exception):
    """An error response of Telstra's API v2.

    The shape is ``{"status", "code", "message"}``, and `status` is a string.

    Args:
        status: the HTTP status.
        code: one of Telstra's codes.
        message: by default the message that the code comes with, else a pointer to Telstra's pages.
    """

    def __init__(self, status: int, code: str, message: str | None = None) -> None:
        super().__init__(status, code, message)
        self.status, self.code = status, code
        self.message = _MESSAGES.get(code, DOCS_HINT) if message is None else message

    @property
    def response(self) -> Response:
        """The HTTP response."""
        content = {"status": str(self.status), "code": self.code, "message": self.message}
        return asgi.json_response(self.status, content)


def invalid_parameter(problem: str) -> TelstraV2APIError:
    """Return the error of a parameter without a code of its own (TECH-ERR is an assumption)."""
    return TelstraV2APIError(400, "TECH-ERR", f"Invalid {problem}. {DOCS_HINT}")


def malformed_json(reason: str) -> TelstraV2APIError:
    """Return the error of a gateway in front of Telstra's API for a body without JSON: 500.

    Observed by a user who sent a form (issue 1 of Telstra's repository).
    """
    message = (
        "Technical error : JSONThreatProtection[cp_JSONThreatProtection.DoSAEvaluation]: "
        f"Execution failed. reason: {reason} : An error has occurred while processing your "
        "request, please refer to API Docs for summary on the issue"
    )
    return TelstraV2APIError(500, "TECH-ERR", message)


def telstra_v2_fault_response(name: str, *, is_send: bool) -> Response:
    """Return the response of a fault: error-500, error-503, throttle or refuse.

    The pages name 429 for sending alone and SpikeArrest for all; the literal JSON of neither
    was ever seen, so the general shape is assumed.
    """
    if name == "throttle":
        limit = (429, "Too Many Requests") if is_send else (403, "SpikeArrest")
        return TelstraV2APIError(*limit).response
    if name == "refuse":
        message = "Request flagged as containing suspicious content"
        return TelstraV2APIError(400, message, message).response
    if name == "error-503":
        message = "The service requested is currently unavailable"
        return TelstraV2APIError(503, "TECH-ERR", message).response
    message = "Technical error : Unable to route the message to a Target Endpoint"
    return TelstraV2APIError(500, "TECH-ERR", message).response
