"""Telstra v2's codes and delivery words, and what each means to us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cooee.core.errors import PermanentFailure, ProviderFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Status
from cooee.providers.http_errors import failure, kind_of

COMPANY = "Telstra"


class Meaning(NamedTuple):
    """The decision behind a code (None: the HTTP status decides), and what mends it."""

    kind: type[ProviderFailure] | None
    hint: str
    retry_after: float | None = None


_LOST_NUMBER = (
    "Telstra answers so where the app has no number or its number expired, where the number was"
    " created less than a minute ago, and where the keys belong to another app than the number"
    " (or to a free trial that has had its one number). Wait a minute, then check the app and"
    " its expiry at dev.telstra.com."
)
_PLAN = (
    "The plan is inactive, over its monthly credit limit, or a free trial that is used up: see"
    " the account at dev.telstra.com."
)
_SPIKE = "Too many requests at once, or the free trial's allowance is used up."
_KEYS = (
    "The token is expired or not this app's. If a new one does not help, the app may lack the"
    " product: check it at dev.telstra.com."
)

_CODES: Mapping[str, Meaning] = {
    # The text or its recipient is at fault: repeating it cannot help.
    "TO-MSISDN-NOT-VALID": Meaning(
        PermanentFailure, "The recipient is not a mobile number; it should look like +614…"
    ),
    "TO-MSISDN-TOO-LONG": Meaning(PermanentFailure, "The recipient has too many digits."),
    "FROM-MSISDN-TOO-LONG": Meaning(PermanentFailure, "The sender has more than 15 characters."),
    "SENDER-MISSING": Meaning(PermanentFailure, "The app has no number to send from."),
    "BODY-MISSING": Meaning(PermanentFailure, "The text is empty."),
    "BODY-TOO-LONG": Meaning(PermanentFailure, "Split the text; 1900 characters are sure to fit."),
    "BODY-NOT-VALID": Meaning(PermanentFailure, "The text is not UTF-8 to Telstra."),
    "DELIVERY-IMPOSSIBLE": Meaning(
        PermanentFailure, "The recipient or the sender cannot be used; some countries are closed."
    ),
    "TOO MANY DESTINATIONS": Meaning(PermanentFailure, "At most 10 recipients."),
    "Request flagged as containing suspicious content": Meaning(
        PermanentFailure, "Telstra's filter took the text for spam or fraud: reword it."
    ),
    "FREE-TRIAL-NO-BNUM": Meaning(
        PermanentFailure, "A free trial texts only numbers registered first, five at most."
    ),
    "FREE-TRIAL-INVALID-BNUM": Meaning(
        PermanentFailure, "The recipient is not among the free trial's registered numbers."
    ),
    # The account is at fault, and once it is mended the same text will go: so these wait.
    "NOT-PROVISIONED": Meaning(TemporaryFailure, _LOST_NUMBER, 60),
    "RESOURCE-NOT-FOUND": Meaning(TemporaryFailure, _LOST_NUMBER, 60),
    "MSG_Monetization_ERR": Meaning(TemporaryFailure, _PLAN, 900),
    # There is too much of it.
    "SpikeArrest": Meaning(TemporaryFailure, _SPIKE, 10),
    # It is the wrong question.
    "OLD-NONEXISTANT-MESSAGE-ID": Meaning(
        PermanentFailure, "The text is older than 7 days, or was sent without receipts."
    ),
    "Active Days Max": Meaning(PermanentFailure, "The number is already held for 5 years."),
}

# Where the code is none of these (TECH-ERR says nothing), or there is none. The literal JSON of
# SpikeArrest was never seen, and 403 stands for nothing but it and the plan: an assumption,
# which at worst repeats a refused text.
_STATUSES: Mapping[int, Meaning] = {
    401: Meaning(Unauthorized, _KEYS),
    403: Meaning(TemporaryFailure, f"{_SPIKE} {_PLAN}", 60),
    404: Meaning(TemporaryFailure, _LOST_NUMBER, 60),
    429: Meaning(TemporaryFailure, _SPIKE, 10),
    500: Meaning(None, "Telstra answers so to a body that is not JSON, too."),
}

_WORDS: Mapping[str, Status] = {
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


def standing(word: str) -> Status:
    """Where a text with Telstra's delivery word stands; no more than accepted if it is new."""
    return _WORDS.get(word.strip().upper(), Status.ACCEPTED)


def refusal(
    request: Request,
    answer: Response,
    *,
    kind: type[ProviderFailure] | None = None,
    hint: str = "",
) -> ProviderFailure:
    """The failure that Telstra's answer stands for, in any of the shapes it has.

    ``{status, code, message}``, ``{messages: [{…, status, code, message}]}`` (the first
    recipient's), OAuth's ``{error, error_description}``, and the gateway's ``{fault:
    {faultstring, detail: {errorcode}}}`` (an assumption: 500s name Apigee's policies, and that
    is Apigee's shape). A recipient's own status counts before a 2xx around it.
    """
    said = _complaint(answer.json())
    status = _own_status(said) if 200 <= answer.status < 300 else answer.status
    code = _first(said, "code", "error", "errorcode")
    words = _first(said, "message", "error_description", "faultstring")
    meaning = _CODES.get(code) or _CODES.get(words) or _STATUSES.get(status) or Meaning(None, "")
    if kind is None:
        kind = Unauthorized if status == 401 else meaning.kind or kind_of(status)
    return failure(
        COMPANY,
        request,
        answer,
        kind=kind,
        code=code,
        words=words,
        hint=hint or meaning.hint,
        retry_after=meaning.retry_after,
    )


def _complaint(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        return {}
    match body:
        case {"messages": [dict() as first, *_]}:
            return first
        case {"fault": dict() as fault}:
            detail = fault.get("detail")
            return {**fault, **detail} if isinstance(detail, dict) else fault
    return body


def _own_status(said: Mapping[str, Any]) -> int:
    own = _first(said, "status")
    return int(own) if own.isascii() and own.isdecimal() and len(own) == 3 else 200


def _first(said: Mapping[str, Any], *names: str) -> str:
    values = (said.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), "")
