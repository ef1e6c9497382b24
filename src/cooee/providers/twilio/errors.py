"""Twilio's error codes and message statuses, from twilio.com/docs/api/errors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cooee.providers import (
    ErrorItem,
    ErrorRule,
    ErrorTable,
    OptedOut,
    PermanentFailure,
    Response,
    Status,
    TemporaryFailure,
    Unauthorized,
)

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

_RULES_BY_CODE: Mapping[str, ErrorRule] = {
    # Us, or the account: once mended the same text will go, so texts wait.
    "20003": ErrorRule(Unauthorized, KEYS_HINT),
    "20005": ErrorRule(TemporaryFailure, _ACCOUNT_HINT, 900),
    "20404": ErrorRule(None, "Check TWILIO_ACCOUNT_SID and TWILIO_BASE_URL."),
    "30002": ErrorRule(TemporaryFailure, _ACCOUNT_HINT, 900),
    # There is too much of it.
    "14107": ErrorRule(TemporaryFailure, _RATE_HINT, 60),
    "20429": ErrorRule(TemporaryFailure, _RATE_HINT, 5),
    "21611": ErrorRule(TemporaryFailure, _QUEUE_HINT, 60),
    "30001": ErrorRule(TemporaryFailure, _QUEUE_HINT, 60),
    "63018": ErrorRule(TemporaryFailure, _RATE_HINT, 60),
    "63038": ErrorRule(TemporaryFailure, "The account's texts of today are used up.", 3600),
    # The person said no.
    "21610": ErrorRule(OptedOut, "They texted STOP; only they can lift it, by texting START."),
    # The text, its recipient or its sender is at fault: repeating it cannot help.
    "20008": ErrorRule(PermanentFailure, "Test credentials cannot do this: use the live ones."),
    "21211": ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    "21212": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21214": ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    "21217": ErrorRule(PermanentFailure, _RECIPIENT_HINT),
    "21265": ErrorRule(PermanentFailure, "The recipient is a short code."),
    "21266": ErrorRule(PermanentFailure, "The recipient is our own number."),
    "21408": ErrorRule(
        PermanentFailure,
        "The account may not text that country: switch it on under Messaging, Settings, Geo"
        " permissions.",
    ),
    "21601": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21602": ErrorRule(PermanentFailure, "The text is empty."),
    "21603": ErrorRule(PermanentFailure, "There is no sender: set TWILIO_NUMBER."),
    "21604": ErrorRule(PermanentFailure, "There is no recipient."),
    "21606": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21608": ErrorRule(
        PermanentFailure, "A trial account texts only numbers that it has verified."
    ),
    "21609": ErrorRule(PermanentFailure, "COOEE_PUBLIC_URL is not a URL that Twilio can call."),
    "21612": ErrorRule(PermanentFailure, "That number cannot be reached from ours."),
    "21614": ErrorRule(PermanentFailure, "The recipient is not a mobile number."),
    "21617": ErrorRule(PermanentFailure, "Split the text; 1600 characters fit."),
    "21620": ErrorRule(PermanentFailure, "A media URL is not one that Twilio can fetch."),
    "21623": ErrorRule(PermanentFailure, "At most 10 media go with one text."),
    "21635": ErrorRule(PermanentFailure, "The recipient is a landline."),
    "21659": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21660": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21661": ErrorRule(PermanentFailure, _SENDER_HINT),
    "21703": ErrorRule(
        PermanentFailure, "The messaging service has no sender that could send this."
    ),
    "21705": ErrorRule(
        PermanentFailure, "TWILIO_MESSAGING_SERVICE_SID is not one of this account's."
    ),
    # What the network says, mostly in a receipt.
    "30003": ErrorRule(PermanentFailure, _HANDSET_HINT),
    "30004": ErrorRule(PermanentFailure, "The person's carrier, or the person, blocks our texts."),
    "30005": ErrorRule(PermanentFailure, "The number is not in use, or was never a mobile."),
    "30006": ErrorRule(
        PermanentFailure, "The recipient is a landline, or its carrier out of reach."
    ),
    "30007": ErrorRule(PermanentFailure, "A carrier's filter took the text for spam: reword it."),
    "30008": ErrorRule(PermanentFailure, "The carrier gave no reason."),
    "30034": ErrorRule(PermanentFailure, _REGISTRATION_HINT),
    "30036": ErrorRule(PermanentFailure, "It waited at Twilio for longer than it was good."),
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
    """Return the status of a `MessageStatus`; ACCEPTED for an unknown word."""
    if code == _EXPIRED_CODE:
        return Status.EXPIRED
    return _STATUS_BY_WORD.get(word.strip().lower(), Status.ACCEPTED)


def _parse_error(response: Response) -> Sequence[ErrorItem]:
    """Return the error in ``{code, message, more_info, status}``.

    Twilio asks not to build on codes, as they grow finer: an unknown one goes by its HTTP status.
    Its words often quote a person's number, which stays out of ours.
    """
    body = response.json()
    fields = body if isinstance(body, dict) and response.status >= 400 else {}
    code, reason = fields.get("code"), fields.get("message")
    return [
        ErrorItem(
            code=str(code) if type(code) is int and 0 < abs(code) < 10**9 else "",
            reason=_PHONE_NUMBER.sub("(a number)", reason) if isinstance(reason, str) else "",
        )
    ]


ERRORS = ErrorTable(
    provider="Twilio",
    by_code=_RULES_BY_CODE,
    by_status={401: ErrorRule(Unauthorized, KEYS_HINT)},
    parse_items=_parse_error,
)
