"""Failures of the network: what was never sent, and what was sent without an answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from cooee.core.errors import OutcomeUnknown, ProviderFailure, TemporaryFailure
from cooee.core.http_messages import Request

_REFUSED = (
    "nothing listens there. Start the server (the simulator: cooee simulator), or mend the URL"
)


def no_answer_error(request: Request, reason: str) -> ProviderFailure:
    """Return the failure for a lost response: temporary where the request is safe to repeat."""
    message = f"No answer from {urlsplit(request.url).netloc}: {reason}."
    return TemporaryFailure(message) if request.safe else OutcomeUnknown(message)


def not_connected_error(request: Request, reason: str) -> TemporaryFailure:
    """Return the failure for a request that was never sent."""
    return TemporaryFailure(f"Could not connect to {urlsplit(request.url).netloc}: {reason}.")


def connect_error(request: Request, cause: BaseException) -> TemporaryFailure:
    """Return the failure for a connection that could not be made, for this cause."""
    is_refused = isinstance(cause, ConnectionRefusedError)
    return not_connected_error(request, _REFUSED if is_refused else describe_error(cause))


def describe_error(error: BaseException) -> str:
    """Return an error's words, or its name where it has none."""
    return str(error).strip().rstrip(".") or type(error).__name__
