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

_ERROR_CLASSES: Mapping[int, type[ProviderFailure]] = {
    401: Unauthorized,
    408: TemporaryFailure,
    429: TemporaryFailure,
    500: TemporaryFailure,
    501: PermanentFailure,
    503: TemporaryFailure,
}
_MAX_REASON_CHARS = 300  # characters of a company's words that an error keeps


def error_class_for_status(status: int) -> type[ProviderFailure]:
    """The failure that an HTTP status stands for, where the company says no more.

    408, 429, 500 and 503 say that nothing was done (for 500 an assumption: a gateway that
    stumbles mostly does so before it hands the request on, and every hiccup of the company
    would otherwise leave texts in doubt). Other 5xx come from a gateway that lost its own
    answer, and a 2xx that lands here could not be read: either may have been carried out.
    """
    known = _ERROR_CLASSES.get(status)
    if known is not None:
        return known
    return PermanentFailure if 300 <= status < 500 else OutcomeUnknown


def error_from_response(
    provider: str,
    request: Request,
    response: Response,
    *,
    error_class: type[ProviderFailure] | None = None,
    code: str = "",
    reason: str = "",
    hint: str = "",
    retry_after: float | None = None,
) -> ProviderFailure:
    """The failure to raise for `response`.

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
    error_class = error_class or error_class_for_status(response.status)
    if error_class is OutcomeUnknown and request.safe:
        error_class = TemporaryFailure
    message = (
        f"{provider} said: {_printable_line(reason)}"
        if reason
        else _unexplained_message(provider, response)
    )
    code = _printable_line(code)
    if not issubclass(error_class, TemporaryFailure):
        return error_class(message, code=code, status=response.status, hint=hint)
    wait_s = retry_after if response.retry_after is None else response.retry_after
    return error_class(message, code=code, status=response.status, hint=hint, retry_after=wait_s)


def _unexplained_message(provider: str, response: Response) -> str:
    if response.json() is None and response.body:
        content_type = _printable_line(response.headers.get("content-type", "")) or "something else"
        return f"{provider}'s answer is not JSON but {content_type}; a gateway on the way may have given it."
    return f"{provider}'s answer does not say what was expected, nor why."


def _printable_line(raw: str) -> str:
    """One printable line, so that nobody's answer can write into a log."""
    line = "".join(
        character if character.isprintable() else " " for character in raw[:_MAX_REASON_CHARS]
    )
    return " ".join(line.split())
