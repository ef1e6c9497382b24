"""The errors of Twilio's API: ``{"code", "message", "more_info", "status"}``."""

from __future__ import annotations

from cooee.core.http_messages import Response
from cooee.net import asgi

_ERRORS: dict[int, tuple[int, str]] = {
    20001: (400, "A parameter is not valid"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21266: (400, "'To' and 'From' number cannot be the same"),
    21402: (400, "Url is not a valid URL"),
    21403: (400, "Method is not one of GET and POST"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, message-capable Twilio phone number"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and 'From'"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21705: (400, "The Messaging Service SID is not valid"),
}
_FAULT_CODES = {"error-500": 20500, "error-503": 20503, "throttle": 20429, "expire-token": 20003}
_FAULT_CODES |= {"refuse": 21612}


class TwilioAPIError(Exception):
    """An error response of Twilio's API (https://www.twilio.com/docs/api/errors).

    Args:
        code: one of Twilio's codes. (An assumption for most: their HTTP status and message.)
        detail: the parameter's value, say; it follows the message that the code comes with.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail

    @property
    def response(self) -> Response:
        """The HTTP response."""
        status, message = _ERRORS[self.code]
        content = {
            "code": self.code,
            "message": f"{message}: {self.detail}" if self.detail else message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": status,
        }
        challenge = {"www_authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
        return asgi.json_response(status, content, **challenge)


def twilio_fault_response(name: str) -> Response:
    """Return the error response of a fault."""
    return TwilioAPIError(_FAULT_CODES[name]).response
