"""Telstra v2's error codes and delivery statuses, from its OpenAPI specs (2018, 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cooee.providers import (
    ErrorItem,
    ErrorRule,
    ErrorTable,
    PermanentFailure,
    Response,
    Status,
    TemporaryFailure,
    Unauthorized,
)

_NO_NUMBER_HINT = (
    "Telstra answers so where the app has no number or its number expired, where the number was"
    " created less than a minute ago, and where the keys belong to another app than the number"
    " (or to a free trial that has had its one number). Wait a minute, then check the app and"
    " its expiry at dev.telstra.com."
)
_PLAN_HINT = (
    "The plan is inactive, over its monthly credit limit, or a free trial that is used up: see"
    " the account at dev.telstra.com."
)
_RATE_HINT = "Too many requests at once, or the free trial's allowance is used up."
_LOGIN_HINT = (
    "The token is expired or not this app's. If a new one does not help, the app may lack the"
    " product: check it at dev.telstra.com."
)

_RULES_BY_CODE: Mapping[str, ErrorRule] = {
    # The text or its recipient is at fault: repeating it cannot help.
    "TO-MSISDN-NOT-VALID": ErrorRule(
        PermanentFailure, "The recipient is not a mobile number; it should look like +614…"
    ),
    "TO-MSISDN-TOO-LONG": ErrorRule(PermanentFailure, "The recipient has too many digits."),
    "FROM-MSISDN-TOO-LONG": ErrorRule(PermanentFailure, "The sender has more than 15 characters."),
    "SENDER-MISSING": ErrorRule(PermanentFailure, "The app has no number to send from."),
    "BODY-MISSING": ErrorRule(PermanentFailure, "The text is empty."),
    "BODY-TOO-LONG": ErrorRule(
        PermanentFailure, "Split the text; 1900 characters are sure to fit."
    ),
    "BODY-NOT-VALID": ErrorRule(PermanentFailure, "The text is not UTF-8 to Telstra."),
    "DELIVERY-IMPOSSIBLE": ErrorRule(
        PermanentFailure, "The recipient or the sender cannot be used; some countries are closed."
    ),
    "TOO MANY DESTINATIONS": ErrorRule(PermanentFailure, "At most 10 recipients."),
    "Request flagged as containing suspicious content": ErrorRule(
        PermanentFailure, "Telstra's filter took the text for spam or fraud: reword it."
    ),
    "FREE-TRIAL-NO-BNUM": ErrorRule(
        PermanentFailure, "A free trial texts only numbers registered first, five at most."
    ),
    "FREE-TRIAL-INVALID-BNUM": ErrorRule(
        PermanentFailure, "The recipient is not among the free trial's registered numbers."
    ),
    # The account is at fault, and once it is mended the same text will go: so these wait.
    "NOT-PROVISIONED": ErrorRule(TemporaryFailure, _NO_NUMBER_HINT, 60),
    "RESOURCE-NOT-FOUND": ErrorRule(TemporaryFailure, _NO_NUMBER_HINT, 60),
    "MSG_Monetization_ERR": ErrorRule(TemporaryFailure, _PLAN_HINT, 900),
    # There is too much of it.
    "SpikeArrest": ErrorRule(TemporaryFailure, _RATE_HINT, 10),
    # It is the wrong question.
    "OLD-NONEXISTANT-MESSAGE-ID": ErrorRule(
        PermanentFailure, "The text is older than 7 days, or was sent without receipts."
    ),
    "Active Days Max": ErrorRule(PermanentFailure, "The number is already held for 5 years."),
}

# Where the code is none of these (TECH-ERR says nothing), or there is none. The literal JSON of
# SpikeArrest was never seen, and 403 stands for nothing but it and the plan: an assumption,
# which at worst repeats a refused text.
_RULES_BY_HTTP_STATUS: Mapping[int, ErrorRule] = {
    401: ErrorRule(Unauthorized, _LOGIN_HINT),
    403: ErrorRule(TemporaryFailure, f"{_RATE_HINT} {_PLAN_HINT}", 60),
    404: ErrorRule(TemporaryFailure, _NO_NUMBER_HINT, 60),
    429: ErrorRule(TemporaryFailure, _RATE_HINT, 10),
    500: ErrorRule(None, "Telstra answers so to a body that is not JSON, too."),
}

_STATUS_BY_WORD: Mapping[str, Status] = {
    "MESSAGEWAITING": Status.ACCEPTED,
    "PEND": Status.ACCEPTED,  # the last word where another network returns no receipt
    "UNKNOWN": Status.ACCEPTED,
    "SENT": Status.SENT,
    "DELIVRD": Status.DELIVERED,
    "READ": Status.DELIVERED,
    "UNDVBL": Status.UNDELIVERED,
    "REJECTED": Status.FAILED,  # 2018's spelling
    "REJECTD": Status.FAILED,  # 2021's
    "DELETED": Status.FAILED,
    "DELIVERYIMPOSSIBLE": Status.FAILED,
    "EXPIRED": Status.EXPIRED,
}


def telstra_v2_status(word: str) -> Status:
    """Return the status of a `deliveryStatus`; ACCEPTED for an unknown word."""
    return _STATUS_BY_WORD.get(word.strip().upper(), Status.ACCEPTED)


def _parse_first_error(response: Response) -> Sequence[ErrorItem]:
    """Return the error in a response, in any of Telstra's shapes.

    ``{status, code, message}``, ``{messages: [{…, status, code, message}]}`` (the first
    recipient's), OAuth's ``{error, error_description}``, and the gateway's ``{fault:
    {faultstring, detail: {errorcode}}}`` (an assumption: 500s name Apigee's policies, and that
    is Apigee's shape). A recipient's own status counts before a 2xx around it.
    """
    item = _error_item(response.json())
    return [
        ErrorItem(
            code=_first_string(item, "code", "error", "errorcode"),
            reason=_first_string(item, "message", "error_description", "faultstring"),
            status=_recipient_status(item) if 200 <= response.status < 300 else None,
        )
    ]


def _error_item(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        return {}
    match body:
        case {"messages": [dict() as first, *_]}:
            return first
        case {"fault": dict() as fault}:
            detail = fault.get("detail")
            return {**fault, **detail} if isinstance(detail, dict) else fault
    return body


def _recipient_status(item: Mapping[str, Any]) -> int:
    digits = _first_string(item, "status")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) == 3 else 200


def _first_string(item: Mapping[str, Any], *names: str) -> str:
    values = (item.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")


ERRORS = ErrorTable(
    provider="Telstra",
    by_code=_RULES_BY_CODE,
    by_status=_RULES_BY_HTTP_STATUS,
    parse_items=_parse_first_error,
)
