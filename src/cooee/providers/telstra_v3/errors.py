"""Telstra v3's codes and delivery words, and what each means to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Status
from cooee.providers.http_errors import failure, kind_of

COMPANY = "Telstra"


class Meaning(NamedTuple):
    """The decision behind a code, what mends it, and the seconds until another try may help."""

    kind: type[ProviderFailure]
    hint: str = ""
    retry_after: float | None = None


class Complaint(NamedTuple):
    """One item of Telstra's ``errors``, as far as it can be read."""

    code: str
    words: str
    field: str = ""


_PLAN = "See the plan and the account at dev.telstra.com."
_NUMBER = (
    "The number is not this account's, or no longer: Telstra takes one away after 30 days without"
    " sending (free trial) or 18 months without traffic (paid). Check TELSTRA_NUMBER, or leave it"
    " out; a restart then finds or assigns one."
)
_URL = "Check TELSTRA_BASE_URL."
_BUG = "Telstra did not understand cooee's request: please report it."
_DOUBT = "Whether it was done is asked by the text's tag."

# Every code of the specification's table. A text that is at fault fails for good; where the
# account, the plan or the number is, the same text will go once that is mended, so it waits.
# A 500 may have been done: a text can be looked up, so a doubt costs a minute and no double.
_CODES: Mapping[str, Meaning] = {
    # 400
    "FIELD_INVALID": Meaning(PermanentFailure, "A field is not as Telstra wants it."),
    "FIELD_MISSING": Meaning(PermanentFailure, _BUG),
    "FIELD_LENGTH_ERR": Meaning(
        PermanentFailure, "A field is too long; a text has 1600 characters."
    ),
    "TAGS_ERR": Meaning(PermanentFailure, _BUG),
    "SENDERNAME_ERR": Meaning(PermanentFailure, "A sender name has to be approved by Telstra."),
    "MODERATION_ERR": Meaning(PermanentFailure, "Telstra's filter found a swear word: reword it."),
    "RECIPIENT_OPTOUT": Meaning(
        OptedOut, "They texted STOP, or a word like it, to this number; Telstra sends them nothing."
    ),
    "ID_INVALID": Meaning(PermanentFailure, "The id is no UUID of version 1."),
    "ID_NOT_ASSIGNED": Meaning(PermanentFailure, "Telstra has no message of that id."),
    "TIMEFRAME_ERR": Meaning(PermanentFailure, "Telstra forgets messages after 30 days."),
    "VIRTUAL_NUM_INVALID": Meaning(PermanentFailure, "A virtual number looks like 0400000000."),
    "VIRTUAL_NUM_UNASSIGNED": Meaning(TemporaryFailure, _NUMBER, 60),
    "UPDATE_INVALID_MSG_SENT": Meaning(PermanentFailure, "What is sent cannot be changed."),
    "DELETE_INVALID_MSG_SENT": Meaning(PermanentFailure, "What is sent cannot be deleted."),
    # 401
    "TOKEN_INVALID": Meaning(Unauthorized, "If a new token does not help, check the app's keys."),
    "TOKEN_EXPIRED": Meaning(Unauthorized, "A token lasts an hour; a new one is got by itself."),
    # 402
    "ACCOUNT_ERR": Meaning(TemporaryFailure, _PLAN, 900),
    "RATE_PLAN_ERR": Meaning(TemporaryFailure, f"The plan does not include this. {_PLAN}", 900),
    "ACCOUNT_NOT_LINKED": Meaning(
        TemporaryFailure, f"The app is linked to no billing account. {_PLAN}", 900
    ),
    "ACCOUNT_LIMIT_ERROR": Meaning(
        TemporaryFailure, f"The account has as much of it as its plan allows. {_PLAN}", 900
    ),
    "FREE_TRIAL_INTERNATIONAL_ERR": Meaning(
        PermanentFailure, "A free trial texts Australian mobiles only."
    ),
    # 403
    "RESOURCE_AUTH_ERR": Meaning(
        TemporaryFailure, "The app may not use this: give it the Messaging API v3.", 900
    ),
    "INSUFFICIENT_SCOPE": Meaning(
        TemporaryFailure, "The token lacks a scope: the app may not have the product for it.", 900
    ),
    "FREE_TRIAL_ERR": Meaning(
        PermanentFailure,
        "A free trial texts ten numbers: the first five it texts, and those that are registered.",
    ),
    # 404
    "RESOURCE_TEMP_ERR": Meaning(TemporaryFailure, "Telstra cannot find it for now.", 10),
    "RESOURCE_NOT_FOUND": Meaning(TemporaryFailure, _URL, 60),
    "VIRTUAL_NUM_UNKNOWN": Meaning(TemporaryFailure, _NUMBER, 60),
    # 405, 406, 413, 415, 422
    "METHOD_INVALID": Meaning(PermanentFailure, _BUG),
    "MEDIA_TYPE_INVALID": Meaning(PermanentFailure, _BUG),
    "MULTIMEDIA_TOO_LARGE": Meaning(PermanentFailure, "Media of 2 MB at most."),
    "PAYLOAD_TOO_LARGE": Meaning(PermanentFailure, "The request is too large."),
    "PAYLOAD_MEDIA_TYPE_ERR": Meaning(PermanentFailure, _BUG),
    "LOGIC_ERR": Meaning(PermanentFailure, "Telstra cannot do this with that."),
    # 429
    "TOO_MANY_REQUESTS": Meaning(
        TemporaryFailure, "No rate is published; it goes on by itself.", 5
    ),
    # 500, 504
    "INTERNAL_TIMEOUT": Meaning(OutcomeUnknown, _DOUBT),
    "INTERNAL_SERVER_ERR": Meaning(OutcomeUnknown, _DOUBT),
    "NETWORK_ERR": Meaning(OutcomeUnknown, _DOUBT),
    "GATEWAY_TIMEOUT": Meaning(OutcomeUnknown, _DOUBT),
}

# Where there is no code of the table.
_STATUSES: Mapping[int, Meaning] = {
    402: Meaning(TemporaryFailure, _PLAN, 900),
    403: Meaning(TemporaryFailure, f"The app may not do this. {_PLAN}", 900),
    404: Meaning(TemporaryFailure, _URL, 60),
    429: Meaning(TemporaryFailure, "", 5),
    500: Meaning(OutcomeUnknown, _DOUBT),
}

_WORDS: Mapping[str, Status] = {
    "queued": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undeliverable": Status.UNDELIVERED,
    "expired": Status.EXPIRED,
}

# What Telstra may say to a request for delivery notification that it will not grant: the
# notification is a paid feature, and which code refuses it is written nowhere.
_NOT_IN_THE_PLAN = frozenset({"FREE_TRIAL_ERR", "RATE_PLAN_ERR", "ACCOUNT_ERR"})
_NOTIFICATION = ("deliverynotification", "statuscallbackurl")


def standing(word: str) -> Status:
    """Where a text with Telstra's delivery word stands; no more than accepted if it is new."""
    return _WORDS.get(word.strip().lower(), Status.ACCEPTED)


def refusal(
    request: Request,
    answer: Response,
    *,
    kind: type[ProviderFailure] | None = None,
    hint: str = "",
) -> ProviderFailure:
    """The failure that Telstra's answer stands for.

    Of several ``errors`` the first whose code is known decides, but an opt-out before all. A
    401 is always `Unauthorized`. An OAuth ``{error, error_description}`` is read too, and a
    gateway's ``{fault: {faultstring, detail: {errorcode}}}`` (an assumption: it is the shape of
    the gateway that v2 showed). `value` is left out: it may be a person's number.
    """
    said = _decisive(complaints(answer.json()))
    meaning = _CODES.get(said.code) or _STATUSES.get(answer.status)
    if kind is None:
        known = kind_of(answer.status) if meaning is None else meaning.kind
        kind = Unauthorized if answer.status == 401 else known
    return failure(
        COMPANY,
        request,
        answer,
        kind=kind,
        code=said.code,
        words=f"{said.words} ({said.field})" if said.field else said.words,
        hint=hint or (meaning.hint if meaning else ""),
        retry_after=meaning.retry_after if meaning else None,
    )


def refuses_notification(answer: Response) -> bool:
    """Whether a send was refused for the delivery notification that it asked for.

    Only a 4xx is a refusal, after which nothing was done and the text may go without.
    """
    if not 400 <= answer.status < 500:
        return False
    return any(
        complaint.code in _NOT_IN_THE_PLAN
        or any(name in f"{complaint.field} {complaint.words}".lower() for name in _NOTIFICATION)
        for complaint in complaints(answer.json())
    )


def complaints(body: Any) -> Sequence[Complaint]:
    """What an answer that says no complains of, in each of the shapes it has."""
    match body:
        case {"errors": [*items]}:
            return [_complaint(item) for item in items if isinstance(item, dict)]
        case {"fault": dict() as fault}:
            detail = fault.get("detail")
            code = _text(detail, "errorcode") if isinstance(detail, dict) else ""
            return [Complaint(code, _text(fault, "faultstring"))]
        case dict():
            code = _text(body, "error") or _text(body, "code")
            return [Complaint(code, _text(body, "error_description") or _text(body, "message"))]
    return []


def _complaint(item: Mapping[str, Any]) -> Complaint:
    words = (_text(item, "issue"), _text(item, "suggested_action"))
    return Complaint(_text(item, "code"), " ".join(filter(None, words)), _text(item, "field"))


def _decisive(said: Sequence[Complaint]) -> Complaint:
    known = [complaint for complaint in said if complaint.code in _CODES]
    optouts = [complaint for complaint in known if _CODES[complaint.code].kind is OptedOut]
    return next(iter([*optouts, *known, *said]), Complaint("", ""))


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
