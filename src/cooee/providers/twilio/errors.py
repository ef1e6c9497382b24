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
from cooee.providers.http_errors import failure, kind_of

COMPANY = "Twilio"


class Meaning(NamedTuple):
    """The decision behind a code (None: the HTTP status decides), and what mends it."""

    kind: type[ProviderFailure] | None
    hint: str
    retry_after: float | None = None


KEYS = (
    "Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET; the"
    " token is the primary one, and a subaccount has its own."
)
_ACCOUNT = "The account is suspended or its balance used up: see console.twilio.com."
_RECIPIENT = "The recipient is not a number that can be texted; it should look like +614…"
_SENDER = "TWILIO_NUMBER has to be a number of this account that can send texts to that country."
_SPIKE = "More requests at once than the account may make."
_QUEUE = "More texts wait at Twilio for this number than it keeps; they go out at its rate."
_HANDSET = "The phone is off, out of reach, or barred from texts; later it may work."
_REGISTER = "The sender is not registered for that country, as its law or its carriers demand."

_CODES: Mapping[int, Meaning] = {
    # Us, or the account: once mended the same text will go, so texts wait.
    20003: Meaning(Unauthorized, KEYS),
    20005: Meaning(TemporaryFailure, _ACCOUNT, 900),
    20404: Meaning(None, "Check TWILIO_ACCOUNT_SID and TWILIO_BASE_URL."),
    30002: Meaning(TemporaryFailure, _ACCOUNT, 900),
    # There is too much of it.
    14107: Meaning(TemporaryFailure, _SPIKE, 60),
    20429: Meaning(TemporaryFailure, _SPIKE, 5),
    21611: Meaning(TemporaryFailure, _QUEUE, 60),
    30001: Meaning(TemporaryFailure, _QUEUE, 60),
    63018: Meaning(TemporaryFailure, _SPIKE, 60),
    63038: Meaning(TemporaryFailure, "The account's texts of today are used up.", 3600),
    # The person said no.
    21610: Meaning(OptedOut, "They texted STOP; only they can lift it, by texting START."),
    # The text, its recipient or its sender is at fault: repeating it cannot help.
    20008: Meaning(PermanentFailure, "Test credentials cannot do this: use the live ones."),
    21211: Meaning(PermanentFailure, _RECIPIENT),
    21212: Meaning(PermanentFailure, _SENDER),
    21214: Meaning(PermanentFailure, _RECIPIENT),
    21217: Meaning(PermanentFailure, _RECIPIENT),
    21265: Meaning(PermanentFailure, "The recipient is a short code."),
    21266: Meaning(PermanentFailure, "The recipient is our own number."),
    21408: Meaning(
        PermanentFailure,
        "The account may not text that country: switch it on under Messaging, Settings, Geo"
        " permissions.",
    ),
    21601: Meaning(PermanentFailure, _SENDER),
    21602: Meaning(PermanentFailure, "The text is empty."),
    21603: Meaning(PermanentFailure, "There is no sender: set TWILIO_NUMBER."),
    21604: Meaning(PermanentFailure, "There is no recipient."),
    21606: Meaning(PermanentFailure, _SENDER),
    21608: Meaning(PermanentFailure, "A trial account texts only numbers that it has verified."),
    21609: Meaning(PermanentFailure, "COOEE_PUBLIC_URL is not a URL that Twilio can call."),
    21612: Meaning(PermanentFailure, "That number cannot be reached from ours."),
    21614: Meaning(PermanentFailure, "The recipient is not a mobile number."),
    21617: Meaning(PermanentFailure, "Split the text; 1600 characters fit."),
    21620: Meaning(PermanentFailure, "A media URL is not one that Twilio can fetch."),
    21623: Meaning(PermanentFailure, "At most 10 media go with one text."),
    21635: Meaning(PermanentFailure, "The recipient is a landline."),
    21659: Meaning(PermanentFailure, _SENDER),
    21660: Meaning(PermanentFailure, _SENDER),
    21661: Meaning(PermanentFailure, _SENDER),
    21703: Meaning(PermanentFailure, "The messaging service has no sender that could send this."),
    21705: Meaning(PermanentFailure, "TWILIO_MESSAGING_SERVICE_SID is not one of this account's."),
    # What the network says, mostly in a receipt.
    30003: Meaning(PermanentFailure, _HANDSET),
    30004: Meaning(PermanentFailure, "The person's carrier, or the person, blocks our texts."),
    30005: Meaning(PermanentFailure, "The number is not in use, or was never a mobile."),
    30006: Meaning(PermanentFailure, "The recipient is a landline, or its carrier out of reach."),
    30007: Meaning(PermanentFailure, "A carrier's filter took the text for spam: reword it."),
    30008: Meaning(PermanentFailure, "The carrier gave no reason."),
    30034: Meaning(PermanentFailure, _REGISTER),
    30036: Meaning(PermanentFailure, "It waited at Twilio for longer than it was good."),
}

_WORDS: Mapping[str, Status] = {
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
_EXPIRED = "30036"

_NUMBER = re.compile(r"\+?\d{7,}")


def standing(word: str, code: str = "") -> Status:
    """Where a text with Twilio's word stands; no more than accepted if the word is new."""
    if code == _EXPIRED:
        return Status.EXPIRED
    return _WORDS.get(word.strip().lower(), Status.ACCEPTED)


def refusal(
    request: Request,
    answer: Response,
    *,
    kind: type[ProviderFailure] | None = None,
    hint: str = "",
) -> ProviderFailure:
    """The failure that ``{code, message, more_info, status}``, or anything else, stands for.

    Twilio asks not to build on codes, as they grow finer: one that is not in the table goes by
    its HTTP status. Its words often quote a person's number, which stays out of ours.
    """
    body = answer.json()
    said = body if isinstance(body, dict) else {}
    code, words = said.get("code"), said.get("message")
    number = code if type(code) is int and abs(code) < 10**9 else 0
    meaning = _CODES.get(number, Meaning(None, KEYS if answer.status == 401 else ""))
    if kind is None:
        own = meaning.kind if answer.status >= 400 else None
        kind = Unauthorized if answer.status == 401 else own or kind_of(answer.status)
    return failure(
        COMPANY,
        request,
        answer,
        kind=kind,
        code=str(number or ""),
        words=_NUMBER.sub("(a number)", words) if isinstance(words, str) else "",
        hint=hint or meaning.hint,
        retry_after=meaning.retry_after,
    )
