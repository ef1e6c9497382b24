"""Automatic replies: texts that a phone or a mail program writes while its person is away."""

from __future__ import annotations

import re

from cooee.core.folding import MAX_MATCH_CHARS, fold_text

_AWAY = r"(?:(?:i am|im|i'm|we are|we're|currently|am|is|are) (?:currently |now |presently )?)"
_FORMS = re.compile(
    "|".join(
        (
            r"^(?:auto(?:matic|mated)?[ -]?(?:reply|response|answer)|out[ -]of[ -](?:the[ -])?office|ooo)\b",
            r"\bthis is an auto(?:matic|mated)?[ -](?:reply|response|message|text)\b",
            rf"\b{_AWAY}out of (?:the )?office\b",
            rf"^(?:hi[,!.]? |hello[,!.]? |sorry[,!.]? )?{_AWAY}driving(?:$|[.,;:!-]| (?:and|but|right|with|now|at the|so)\b)",
            r"\b(?:driving|with) (?:with )?(?:do not disturb|focus)\b",
            r"\bi(?:'m| am|m) not receiving notifications\b",
            r"\bi(?:'ll| will) (?:see|read|reply to) your (?:message|text) when i\b",
            rf"\b{_AWAY}(?:away|on (?:annual |parental |maternity )?leave|on (?:holiday|vacation)) (?:until|from|till)\b",
            r"\b(?:number|inbox|mailbox|account) (?:is|are) (?:not|un)[ -]?(?:monitored|attended)\b",
            r"\bsent from my car\b|\bsent (?:by|from|via) (?:android auto|carplay)\b",
            r"^(?:automatische antwort|abwesenheitsnotiz|réponse automatique|respuesta automática|fuera de la oficina)\b",
        )
    )
)


def is_auto_reply(text: str) -> bool:
    """Tell whether a text looks like an automatic reply ("I'm driving", "Out of office").

    It changes nothing by itself: a person may say such a thing as well, so the text is an answer
    as any other, and a wrong one counts as an attempt.
    """
    return _FORMS.search(fold_text(text[:MAX_MATCH_CHARS])) is not None
