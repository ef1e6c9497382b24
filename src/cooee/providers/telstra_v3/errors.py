"""Telstra v3's error codes and delivery statuses, from its OpenAPI spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cooee.providers import (
    ErrorItem,
    ErrorRule,
    ErrorTable,
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    Response,
    Status,
    TemporaryFailure,
    Unauthorized,
)

_PLAN_HINT = "See the plan and the account at dev.telstra.com."
_NUMBER_HINT = (
    "The number is not this account's, or no longer: Telstra takes one away after 30 days without"
    " sending (free trial) or 18 months without traffic (paid). Check TELSTRA_NUMBER, or leave it"
    " out; a restart then finds or assigns one."
)
_URL_HINT = "Check TELSTRA_BASE_URL."
_BUG_HINT = "Telstra did not understand cooee's request: please report it."
_UNKNOWN_HINT = "Whether it was done is asked by the text's tag."

# Every code of the specification's table. A text that is at fault fails for good; where the
# account, the plan or the number is, the same text will go once that is mended, so it waits.
# A 500 may have been done: a text can be looked up, so a doubt costs a minute and no double.
_RULES_BY_CODE: Mapping[str, ErrorRule] = {
    # 400
    "FIELD_INVALID": ErrorRule(PermanentFailure, "A field is not as Telstra wants it."),
    "FIELD_MISSING": ErrorRule(PermanentFailure, _BUG_HINT),
    "FIELD_LENGTH_ERR": ErrorRule(
        PermanentFailure, "A field is too long; a text has 1600 characters."
    ),
    "TAGS_ERR": ErrorRule(PermanentFailure, _BUG_HINT),
    "SENDERNAME_ERR": ErrorRule(PermanentFailure, "A sender name has to be approved by Telstra."),
    "MODERATION_ERR": ErrorRule(
        PermanentFailure, "Telstra's filter found a swear word: reword it."
    ),
    "RECIPIENT_OPTOUT": ErrorRule(
        OptedOut, "They texted STOP, or a word like it, to this number; Telstra sends them nothing."
    ),
    "ID_INVALID": ErrorRule(PermanentFailure, "The id is no UUID of version 1."),
    "ID_NOT_ASSIGNED": ErrorRule(PermanentFailure, "Telstra has no message of that id."),
    "TIMEFRAME_ERR": ErrorRule(PermanentFailure, "Telstra forgets messages after 30 days."),
    "VIRTUAL_NUM_INVALID": ErrorRule(PermanentFailure, "A virtual number looks like 0400000000."),
    "VIRTUAL_NUM_UNASSIGNED": ErrorRule(TemporaryFailure, _NUMBER_HINT, 60),
    "UPDATE_INVALID_MSG_SENT": ErrorRule(PermanentFailure, "What is sent cannot be changed."),
    "DELETE_INVALID_MSG_SENT": ErrorRule(PermanentFailure, "What is sent cannot be deleted."),
    # 401
    "TOKEN_INVALID": ErrorRule(Unauthorized, "If a new token does not help, check the app's keys."),
    "TOKEN_EXPIRED": ErrorRule(Unauthorized, "A token lasts an hour; a new one is got by itself."),
    # 402
    "ACCOUNT_ERR": ErrorRule(TemporaryFailure, _PLAN_HINT, 900),
    "RATE_PLAN_ERR": ErrorRule(
        TemporaryFailure, f"The plan does not include this. {_PLAN_HINT}", 900
    ),
    "ACCOUNT_NOT_LINKED": ErrorRule(
        TemporaryFailure, f"The app is linked to no billing account. {_PLAN_HINT}", 900
    ),
    "ACCOUNT_LIMIT_ERROR": ErrorRule(
        TemporaryFailure, f"The account has as much of it as its plan allows. {_PLAN_HINT}", 900
    ),
    "FREE_TRIAL_INTERNATIONAL_ERR": ErrorRule(
        PermanentFailure, "A free trial texts Australian mobiles only."
    ),
    # 403
    "RESOURCE_AUTH_ERR": ErrorRule(
        TemporaryFailure, "The app may not use this: give it the Messaging API v3.", 900
    ),
    "INSUFFICIENT_SCOPE": ErrorRule(
        TemporaryFailure, "The token lacks a scope: the app may not have the product for it.", 900
    ),
    "FREE_TRIAL_ERR": ErrorRule(
        PermanentFailure,
        "A free trial texts ten numbers: the first five it texts, and those that are registered.",
    ),
    # 404
    "RESOURCE_TEMP_ERR": ErrorRule(TemporaryFailure, "Telstra cannot find it for now.", 10),
    "RESOURCE_NOT_FOUND": ErrorRule(TemporaryFailure, _URL_HINT, 60),
    "VIRTUAL_NUM_UNKNOWN": ErrorRule(TemporaryFailure, _NUMBER_HINT, 60),
    # 405, 406, 413, 415, 422
    "METHOD_INVALID": ErrorRule(PermanentFailure, _BUG_HINT),
    "MEDIA_TYPE_INVALID": ErrorRule(PermanentFailure, _BUG_HINT),
    "MULTIMEDIA_TOO_LARGE": ErrorRule(PermanentFailure, "Media of 2 MB at most."),
    "PAYLOAD_TOO_LARGE": ErrorRule(PermanentFailure, "The request is too large."),
    "PAYLOAD_MEDIA_TYPE_ERR": ErrorRule(PermanentFailure, _BUG_HINT),
    "LOGIC_ERR": ErrorRule(PermanentFailure, "Telstra cannot do this with that."),
    # 429
    "TOO_MANY_REQUESTS": ErrorRule(
        TemporaryFailure, "No rate is published; it goes on by itself.", 5
    ),
    # 500, 504
    "INTERNAL_TIMEOUT": ErrorRule(OutcomeUnknown, _UNKNOWN_HINT),
    "INTERNAL_SERVER_ERR": ErrorRule(OutcomeUnknown, _UNKNOWN_HINT),
    "NETWORK_ERR": ErrorRule(OutcomeUnknown, _UNKNOWN_HINT),
    "GATEWAY_TIMEOUT": ErrorRule(OutcomeUnknown, _UNKNOWN_HINT),
}

# Where there is no code of the table.
_RULES_BY_HTTP_STATUS: Mapping[int, ErrorRule] = {
    402: ErrorRule(TemporaryFailure, _PLAN_HINT, 900),
    403: ErrorRule(TemporaryFailure, f"The app may not do this. {_PLAN_HINT}", 900),
    404: ErrorRule(TemporaryFailure, _URL_HINT, 60),
    429: ErrorRule(TemporaryFailure, "", 5),
    500: ErrorRule(OutcomeUnknown, _UNKNOWN_HINT),
}

_STATUS_BY_WORD: Mapping[str, Status] = {
    "queued": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undeliverable": Status.UNDELIVERED,
    "expired": Status.EXPIRED,
}

# What Telstra may say to a request for delivery notification that it will not grant: the
# notification is a paid feature, and which code refuses it is written nowhere.
_NOT_IN_PLAN_CODES = frozenset({"FREE_TRIAL_ERR", "RATE_PLAN_ERR", "ACCOUNT_ERR"})
_NOTIFICATION_FIELDS = ("deliverynotification", "statuscallbackurl")


def telstra_v3_status(word: str) -> Status:
    """Return the status of Telstra's `status`; ACCEPTED for an unknown word."""
    return _STATUS_BY_WORD.get(word.strip().lower(), Status.ACCEPTED)


def refuses_notification(response: Response) -> bool:
    """Return True for a send refused for its delivery notification.

    Only a 4xx is a refusal, after which nothing was done and the text may go without.
    """
    if not 400 <= response.status < 500:
        return False
    return any(
        item.code in _NOT_IN_PLAN_CODES
        or any(name in f"{item.field} {item.reason}".lower() for name in _NOTIFICATION_FIELDS)
        for item in _parse_errors(response)
    )


def _parse_errors(response: Response) -> Sequence[ErrorItem]:
    """Return the errors in a response, in each of Telstra's shapes.

    A list of ``errors``; OAuth's ``{error, error_description}``; and a gateway's ``{fault:
    {faultstring, detail: {errorcode}}}`` (an assumption: it is the shape of the gateway that v2
    showed). An error's `value` is left out: it may be a person's number.
    """
    body = response.json()
    match body:
        case {"errors": [*items]}:
            return [_parse_error_item(item) for item in items if isinstance(item, dict)]
        case {"fault": dict() as fault}:
            detail = fault.get("detail")
            code = _string_field(detail, "errorcode") if isinstance(detail, dict) else ""
            return [ErrorItem(code, _string_field(fault, "faultstring"))]
        case dict():
            code = _string_field(body, "error") or _string_field(body, "code")
            reason = _string_field(body, "error_description") or _string_field(body, "message")
            return [ErrorItem(code, reason)]
    return []


def _parse_error_item(item: Mapping[str, Any]) -> ErrorItem:
    parts = (_string_field(item, "issue"), _string_field(item, "suggested_action"))
    return ErrorItem(
        _string_field(item, "code"), " ".join(filter(None, parts)), _string_field(item, "field")
    )


def _string_field(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


ERRORS = ErrorTable(
    provider="Telstra",
    by_code=_RULES_BY_CODE,
    by_status=_RULES_BY_HTTP_STATUS,
    parse_items=_parse_errors,
)
