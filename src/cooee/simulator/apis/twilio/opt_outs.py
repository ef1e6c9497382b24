"""Twilio's own list: who texted STOP, what is said to them, and how they come back."""

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
    """What Twilio made of a text: a keyword of which kind, and what it says back."""

    opt_out_type: OptOutType
    reply: str | None


class TwilioOptOuts:
    """The people who opted out of one number's texts.

    Only a text that is one of the words and nothing else counts, in any case. What changes
    nothing is not answered, and HELP is not answered to somebody who is out (their pages, 2025).
    """

    def __init__(self) -> None:
        self._opted_out: set[str] = set()

    def __contains__(self, person: str) -> bool:
        return person in self._opted_out

    def apply_keyword(self, person: str, text: str) -> TwilioKeyword | None:
        """Take a text in; None where it is no keyword."""
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
