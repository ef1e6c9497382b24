"""The flow that downloads one media URL: redirects, credentials, refusals."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from cooee.core.errors import PermanentFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Media

_MAX_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_RETRYABLE_STATUSES = frozenset(
    {404, 408, 425, 429}
)  # what a picture not yet there may be answered with
_GENERIC_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def download_url(first_request: Request, is_allowed: Callable[[str], bool]) -> Flow[Response]:
    """Make a request and follow its redirects, at most 5.

    What the first request carries is for its own host: no redirect takes it along.

    Args:
        first_request: with credentials, where the host is the provider's own.
        is_allowed: whether a URL may be asked for at all.

    Raises:
        Unauthorized: the credentials were not accepted.
        PermanentFailure: it is not to be had.
        TemporaryFailure: it may be had later.
    """
    request = first_request
    for _ in range(_MAX_REDIRECTS + 1):
        if not is_allowed(request.url):
            raise PermanentFailure("It lies where only https may lead.")
        response = yield request
        if response.status not in _REDIRECT_STATUSES:
            return _check_final_response(request, response)
        location = _resolve_location(request.url, response.headers.get("location", ""))
        request = Request(method="GET", url=location, safe=True)
    raise PermanentFailure(f"It was pointed elsewhere more than {_MAX_REDIRECTS} times.")


def _check_final_response(request: Request, response: Response) -> Response:
    """Check that a response is the file, and return it."""
    host, status = urlsplit(request.url).hostname, response.status
    problem = f"{host} answered {status}."
    if status == 200 and response.headers.get("content-encoding", "identity") == "identity":
        return response
    if status == 401 and "authorization" in request.headers:
        raise Unauthorized(problem, status=status)
    if status in _RETRYABLE_STATUSES or status >= 500:
        raise TemporaryFailure(problem, status=status)
    refusal = f"{host} sent it packed, unasked." if status == 200 else problem
    raise PermanentFailure(refusal, status=status)


def _resolve_location(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def media_type_of(one: Media, response: Response) -> str:
    """Return the media type of a response or, where it has none, the announced one.

    Raises:
        PermanentFailure: a picture was announced, and something else came, an error page say.
    """
    received = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    announced = one.content_type.partition(";")[0].strip().lower()
    if received in _GENERIC_TYPES:
        return announced or "application/octet-stream"
    if (
        announced not in _GENERIC_TYPES
        and received.partition("/")[0] != announced.partition("/")[0]
    ):
        raise PermanentFailure(f"It was to be {announced:.60}, and {received:.60} came.")
    return received
