"""Twilio's default opt-out keywords: the people who texted STOP, and Twilio's own replies."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

OptOutType: TypeAlias = Literal["STOP", "START", "HELP"]

_KEYWORDS: dict[str, OptOutType] = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
_KEYWORD_REPLIES: dict[OptOutType, str] = {
    "STOP": (
        "You have successfully been unsubscribed. You will not receive any more messages from"
        " this number. Reply START to resubscribe."
    ),
    "START": (
        "You have successfully been re-subscribed to messages from this number. Reply HELP for"
        " help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
    ),
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class TwilioKeyword(NamedTuple):
    """The kind of keyword in a text, and Twilio's reply."""

    opt_out_type: OptOutType
    reply: str | None


class TwilioOptOuts:
    """The opt-outs of a number.

    A keyword counts only where it is the whole text, in any case. A keyword that changes nothing
    gets no reply, and HELP gets none from a person who has opted out.
    (https://help.twilio.com/articles/223134027, 2025)
    """

    def __init__(self) -> None:
        self._opted_out: set[str] = set()

    def __contains__(self, person: str) -> bool:
        return person in self._opted_out

    def apply_keyword(self, person: str, text: str) -> TwilioKeyword | None:
        """Apply a text's keyword to the opt-outs; return None without a keyword."""
        opt_out_type = _KEYWORDS.get(text.strip().upper())
        if opt_out_type is None:
            return None
        was_opted_out = person in self
        if opt_out_type == "STOP":
            self._opted_out.add(person)
        elif opt_out_type == "START":
            self._opted_out.discard(person)
        gets_reply = was_opted_out if opt_out_type == "START" else not was_opted_out
        return TwilioKeyword(opt_out_type, _KEYWORD_REPLIES[opt_out_type] if gets_reply else None)
