"""What an HTTP answer means where it is not the one that was hoped for."""

from __future__ import annotations

from collections.abc import Mapping

from cooee.core.errors import (
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request, Response

_KINDS: Mapping[int, type[ProviderFailure]] = {
    401: Unauthorized,
    408: TemporaryFailure,
    429: TemporaryFailure,
    500: TemporaryFailure,
    501: PermanentFailure,
    503: TemporaryFailure,
}
_LONGEST = 300  # characters of a company's words that an error keeps


def kind_of(status: int) -> type[ProviderFailure]:
    """The failure that an HTTP status stands for, where the company says no more.

    408, 429, 500 and 503 say that nothing was done (for 500 an assumption: a gateway that
    stumbles mostly does so before it hands the request on, and every hiccup of the company
    would otherwise leave texts in doubt). Other 5xx come from a gateway that lost its own
    answer, and a 2xx that lands here could not be read: either may have been carried out.
    """
    known = _KINDS.get(status)
    if known is not None:
        return known
    return PermanentFailure if 300 <= status < 500 else OutcomeUnknown


def failure(
    company: str,
    request: Request,
    answer: Response,
    *,
    kind: type[ProviderFailure] | None = None,
    code: str = "",
    words: str = "",
    hint: str = "",
    retry_after: float | None = None,
) -> ProviderFailure:
    """The failure to raise for `answer`.

    Args:
        company: whose answer it is, as people call it.
        request: what was asked; a `safe` one is never in doubt, only to be made again.
        answer: what came.
        kind: the decision, where more is known than the HTTP status says.
        code: the company's own code.
        words: the company's own words.
        hint: what usually mends it.
        retry_after: seconds to wait where the answer names none.
    """
    kind = kind or kind_of(answer.status)
    if kind is OutcomeUnknown and request.safe:
        kind = TemporaryFailure
    message = f"{company} said: {_tame(words)}" if words else _unexplained(company, answer)
    code = _tame(code)
    if not issubclass(kind, TemporaryFailure):
        return kind(message, code=code, status=answer.status, hint=hint)
    wait = retry_after if answer.retry_after is None else answer.retry_after
    return kind(message, code=code, status=answer.status, hint=hint, retry_after=wait)


def _unexplained(company: str, answer: Response) -> str:
    if answer.json() is None and answer.body:
        kind = _tame(answer.headers.get("content-type", "")) or "something else"
        return f"{company}'s answer is not JSON but {kind}; a gateway on the way may have given it."
    return f"{company}'s answer does not say what was expected, nor why."


def _tame(words: str) -> str:
    """One printable line, so that nobody's answer can write into a log."""
    line = "".join(letter if letter.isprintable() else " " for letter in words[:_LONGEST])
    return " ".join(line.split())
