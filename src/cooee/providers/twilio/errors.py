"""Twilio's codes and delivery words, and what each means to us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from cooee.core.errors import (
    OptedOut,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Status
from cooee.providers.http_errors import error_class_for_status, error_from_response

PROVIDER_NAME = "Twilio"


class ErrorRule(NamedTuple):
    """The decision behind a code (None: the HTTP status decides), and what mends it."""

    error_class: type[ProviderFailure] | None
    hint: str
    retry_after: float | None = None


KEYS_HINT = (
    "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET; the"
    " token is the primary one, and a subaccount has its own."
)
_ACCOUNT_HINT = "The account is suspended or its balance used up: see console.twilio.com."
_RECIPIENT_HINT = "The recipient is not a number that can be texted; it should look like +614…"
_SENDER_HINT = (
    "TWILIO_NUMBER has to be a number of this account that can send texts to that country."
)
_RATE_HINT = "More requests at once than the account may make."
_QUEUE_HINT = "More texts wait at Twilio for this number than it keeps; they go out at its rate."
_HANDSET_HINT = "The phone is off, out of reach, or barred from texts; later it may work."
_REGISTRATION_HINT = (
    "The sender is not registered for that country, as its law or its carriers demand."
)

_RULES_BY_CODE: Mapping[int, ErrorRule] = {
    # Us, or the account: once mended the same text will go, so texts wait.
    20003: ErrorRule(Unauthorized, KEYS_HINT),
    20005: ErrorRule(TemporaryFailure, _ACCOUNT_HINT, 900),
    20404: ErrorRule(None, "Check TWILIO_ACCOUNT_SID and TWILIO_BASE_URL."),
    30002: ErrorRule(TemporaryFailure, _ACCOUNT_HINT, 900),
    # There is too much of it.
    14107: ErrorRule(TemporaryFailure, _RATE_HINT, 60),
    20429: ErrorRule(TemporaryFailure, _RATE_HINT, 5),
    21611: ErrorRule(TemporaryFailure, _QUEUE_HINT, 60),
    30001: ErrorRule(TemporaryFailure, _QUEUE_HINT, 60),
    63018: ErrorRule(TemporaryFailure, _RATE_HINT, 60),
    63038: ErrorRule(TemporaryFailure, "The account's texts of today are used up.", 3600),
    # The person said no.
    21610: ErrorRule(OptedOut, "They texted STOP; only they can lift it, by texting START."),
    # The text, its recipient or its sender is at fault: repeating it cannot help.
    20008: ErrorRule(PermanentFailure, "Test credentials cannot do this: use the live ones."),
    21211: ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    21212: ErrorRule(PermanentFailure, _SENDER_HINT),
    21214: ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    21217: ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    21265: ErrorRule(PermanentFailure, "The recipient is a short code."),
    21266: ErrorRule(PermanentFailure, "The recipient is our own number."),
    21408: ErrorRule(
        PermanentFailure,
        "The account may not text that country: switch it on under Messaging, Settings, Geo"
        " permissions.",
    ),
    21601: ErrorRule(PermanentFailure, _SENDER_HINT),
    21602: ErrorRule(PermanentFailure, "The text is empty."),
    21603: ErrorRule(PermanentFailure, "There is no sender: set TWILIO_NUMBER."),
    21604: ErrorRule(PermanentFailure, "There is no recipient."),
    21606: ErrorRule(PermanentFailure, _SENDER_HINT),
    21608: ErrorRule(PermanentFailure, "A trial account texts only numbers that it has verified."),
    21609: ErrorRule(PermanentFailure, "COOEE_PUBLIC_URL is not a URL that Twilio can call."),
    21612: ErrorRule(PermanentFailure, "That number cannot be reached from ours."),
    21614: ErrorRule(PermanentFailure, "The recipient is not a mobile number."),
    21617: ErrorRule(PermanentFailure, "Split the text; 1600 characters fit."),
    21620: ErrorRule(PermanentFailure, "A media URL is not one that Twilio can fetch."),
    21623: ErrorRule(PermanentFailure, "At most 10 media go with one text."),
    21635: ErrorRule(PermanentFailure, "The recipient is a landline."),
    21659: ErrorRule(PermanentFailure, _SENDER_HINT),
    21660: ErrorRule(PermanentFailure, _SENDER_HINT),
    21661: ErrorRule(PermanentFailure, _SENDER_HINT),
    21703: ErrorRule(PermanentFailure, "The messaging service has no sender that could send this."),
    21705: ErrorRule(
        PermanentFailure, "TWILIO_MESSAGING_SERVICE_SID is not one of this account's."
    ),
    # What the network says, mostly in a receipt.
    30003: ErrorRule(PermanentFailure, _HANDSET_HINT),
    30004: ErrorRule(PermanentFailure, "The person's carrier, or the person, blocks our texts."),
    30005: ErrorRule(PermanentFailure, "The number is not in use, or was never a mobile."),
    30006: ErrorRule(PermanentFailure, "The recipient is a landline, or its carrier out of reach."),
    30007: ErrorRule(PermanentFailure, "A carrier's filter took the text for spam: reword it."),
    30008: ErrorRule(PermanentFailure, "The carrier gave no reason."),
    30034: ErrorRule(PermanentFailure, _REGISTRATION_HINT),
    30036: ErrorRule(PermanentFailure, "It waited at Twilio for longer than it was good."),
}

_STATUS_BY_WORD: Mapping[str, Status] = {
    "queued": Status.ACCEPTED,
    "accepted": Status.ACCEPTED,  # by a messaging service, which has yet to choose a sender
    "scheduled": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "partially_delivered": Status.UNDELIVERED,  # a part is missing: an assumption, undocumented
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
    "receiving": Status.ACCEPTED,  # these two are of texts to us; here for the sake of the table
    "received": Status.ACCEPTED,
}
_EXPIRED_CODE = "30036"

_PHONE_NUMBER = re.compile(r"\+?\d{7,}")


def twilio_status(word: str, code: str = "") -> Status:
    """Where a text with Twilio's word stands; no more than accepted if the word is new."""
    if code == _EXPIRED_CODE:
        return Status.EXPIRED
    return _STATUS_BY_WORD.get(word.strip().lower(), Status.ACCEPTED)


def twilio_error(
    request: Request,
    response: Response,
    *,
    error_class: type[ProviderFailure] | None = None,
    hint: str = "",
) -> ProviderFailure:
    """The failure that ``{code, message, more_info, status}``, or anything else, stands for.

    Twilio asks not to build on codes, as they grow finer: one that is not in the table goes by
    its HTTP status. Its words often quote a person's number, which stays out of ours.
    """
    body = response.json()
    fields = body if isinstance(body, dict) else {}
    code, reason = fields.get("code"), fields.get("message")
    known_code = code if type(code) is int and abs(code) < 10**9 else 0
    rule = _RULES_BY_CODE.get(
        known_code, ErrorRule(None, KEYS_HINT if response.status == 401 else "")
    )
    if error_class is None:
        rule_class = rule.error_class if response.status >= 400 else None
        error_class = (
            Unauthorized
            if response.status == 401
            else rule_class or error_class_for_status(response.status)
        )
    return error_from_response(
        PROVIDER_NAME,
        request,
        response,
        error_class=error_class,
        code=str(known_code or ""),
        reason=_PHONE_NUMBER.sub("(a number)", reason) if isinstance(reason, str) else "",
        hint=hint or rule.hint,
        retry_after=rule.retry_after,
    )
