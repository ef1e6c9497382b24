"""Twilio's own list: who texted STOP, what is said to them, and how they come back."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["STOP", "START", "HELP"]

_WORDS: dict[str, Kind] = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"
    ),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
_REPLIES: dict[Kind, str] = {
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


class Heard(NamedTuple):
    """What Twilio made of a text: a keyword of which kind, and what it says back."""

    kind: Kind
    reply: str | None


class OptOuts:
    """The people who opted out of one number's texts.

    Only a text that is one of the words and nothing else counts, in any case. What changes
    nothing is not answered, and HELP is not answered to somebody who is out (their pages, 2025).
    """

    def __init__(self) -> None:
        self._out: set[str] = set()

    def __contains__(self, person: str) -> bool:
        return person in self._out

    def hear(self, person: str, text: str) -> Heard | None:
        """Take a text in; None where it is no keyword."""
        kind = _WORDS.get(text.strip().upper())
        if kind is None:
            return None
        out = person in self
        if kind == "STOP":
            self._out.add(person)
        elif kind == "START":
            self._out.discard(person)
        answered = out if kind == "START" else not out
        return Heard(kind, _REPLIES[kind] if answered else None)
