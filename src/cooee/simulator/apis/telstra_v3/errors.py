"""The errors of Telstra's API v3: their codes, and their JSON."""

from __future__ import annotations

from cooee.core.http_messages import Response
from cooee.net import asgi

RETRY_AFTER_S = 2
"""Seconds that a throttled caller is told to wait."""

# Every code of the specification, its HTTP status, and what it suggests.
_ERRORS: dict[str, tuple[int, str]] = {
    "FIELD_INVALID": (400, "Check the format of the field."),
    "FIELD_MISSING": (400, "Include the field."),
    "FIELD_LENGTH_ERR": (400, "Check the length of the field."),
    "TAGS_ERR": (400, "Use up to 10 tags of up to 64 characters each."),
    "SENDERNAME_ERR": (400, "Email us to get the sender name approved."),
    "MODERATION_ERR": (400, "Reword the message."),
    "RECIPIENT_OPTOUT": (400, "Remove the recipient, who has opted out of this number."),
    "ID_INVALID": (400, "Use the UUID that was returned to you."),
    "ID_NOT_ASSIGNED": (400, "Check the id: it is assigned to nothing of yours."),
    "TIMEFRAME_ERR": (400, "Fetch messages of the last 30 days only."),
    "VIRTUAL_NUM_INVALID": (400, "Write the virtual number in national format."),
    "VIRTUAL_NUM_UNASSIGNED": (400, "Assign a virtual number; this one is no longer yours."),
    "UPDATE_INVALID_MSG_SENT": (400, "Update a message before it is sent."),
    "DELETE_INVALID_MSG_SENT": (400, "Delete a message before it is sent."),
    "TOKEN_INVALID": (401, "Generate a new token."),
    "TOKEN_EXPIRED": (401, "Generate a new token."),
    "ACCOUNT_ERR": (402, "Check your account."),
    "RATE_PLAN_ERR": (402, "Upgrade to a paid plan to use this feature."),
    "ACCOUNT_NOT_LINKED": (402, "Link your account."),
    "ACCOUNT_LIMIT_ERROR": (402, "Delete a virtual number, or raise your limit."),
    "FREE_TRIAL_INTERNATIONAL_ERR": (402, "Upgrade to a paid plan to message other countries."),
    "RESOURCE_AUTH_ERR": (403, "Check that your app may use this."),
    "INSUFFICIENT_SCOPE": (403, "Generate a token with the scope of this call."),
    "FREE_TRIAL_ERR": (403, "Check what a free trial may do."),
    "RESOURCE_TEMP_ERR": (404, "Try again later."),
    "RESOURCE_NOT_FOUND": (404, "Check the URL."),
    "VIRTUAL_NUM_UNKNOWN": (404, "Use a virtual number that is assigned to you."),
    "METHOD_INVALID": (405, "Check the method."),
    "MEDIA_TYPE_INVALID": (406, "Accept application/json."),
    "MULTIMEDIA_TOO_LARGE": (413, "Send a smaller file."),
    "PAYLOAD_TOO_LARGE": (413, "Send a smaller request."),
    "PAYLOAD_MEDIA_TYPE_ERR": (415, "Send application/json."),
    "LOGIC_ERR": (422, "Check the values against each other."),
    "TOO_MANY_REQUESTS": (429, "Wait as long as Retry-After says."),
    "INTERNAL_TIMEOUT": (500, "Try again later."),
    "INTERNAL_SERVER_ERR": (500, "Try again later."),
    "NETWORK_ERR": (500, "Try again later."),
    "GATEWAY_TIMEOUT": (504, "Try again later."),
}


class TelstraV3APIError(Exception):
    """An error response of Telstra's API v3.

    The shape is ``{"errors": [{"code", "issue", "suggested_action", …}]}``.

    Args:
        code: one of Telstra's codes.
        issue: the mistake in the request.
        field: the field with the mistake.
        location: the place of that field: body, path or query.
    """

    def __init__(self, code: str, issue: str, field: str = "", location: str = "body") -> None:
        super().__init__(code, issue, field)
        self.code, self.issue, self.field, self.location = code, issue, field, location

    @property
    def response(self) -> Response:
        """The HTTP response."""
        status, action = _ERRORS[self.code]
        error = {"code": self.code, "issue": self.issue, "suggested_action": action}
        if self.field:
            error |= {"field": self.field, "location": self.location}
        headers = {"retry_after": str(RETRY_AFTER_S)} if status == 429 else {}
        return asgi.json_response(status, {"errors": [error]}, **headers)


def invalid_field(field: str, expected: str, location: str = "body") -> TelstraV3APIError:
    """Return the error of a field with an unexpected value."""
    return TelstraV3APIError("FIELD_INVALID", f"{field}: {expected} is expected", field, location)


def telstra_v3_fault_response(name: str) -> Response:
    """Return the response of a fault: error-500, error-503, throttle or refuse.

    The specification has no 503; a 503 comes from the gateway before the API, in the gateway's own
    shape (an assumption, after what users of v2 saw of it).
    """
    if name == "throttle":
        return TelstraV3APIError("TOO_MANY_REQUESTS", "Too many requests").response
    if name == "refuse":
        return TelstraV3APIError("MODERATION_ERR", "The text has a word that is filtered").response
    if name == "error-503":
        message = "The Service is temporarily unavailable"
        detail = {"errorcode": "messaging.adaptors.http.flow.ServiceUnavailable"}
        return asgi.json_response(503, {"fault": {"faultstring": message, "detail": detail}})
    return TelstraV3APIError("INTERNAL_SERVER_ERR", "The server has met an error").response
