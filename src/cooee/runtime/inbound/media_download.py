"""The flow that downloads one media URL: redirects, credentials, refusals."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from cooee.core.errors import PermanentFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Media
from cooee.runtime.inbound.media_content import choose_media_type, unpack_content

_MAX_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_RETRYABLE_STATUSES = frozenset(
    {404, 408, 425, 429}
)  # what a picture not yet there may be answered with


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
    if status == 200:
        return response
    if status == 401 and "authorization" in request.headers:
        raise Unauthorized(problem, status=status)
    if status in _RETRYABLE_STATUSES or status >= 500:
        raise TemporaryFailure(problem, status=status)
    raise PermanentFailure(problem, status=status)


def _resolve_location(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def media_of(one: Media, response: Response, max_bytes: int) -> tuple[bytes, str]:
    """Return the bytes and the media type of a file that came.

    Raises:
        PermanentFailure: a picture was announced, and something else came, an error page say.
    """
    encodings = response.headers.get("content-encoding", "")
    content, packed_type = unpack_content(response.body, encodings, max_bytes)
    if packed_type:
        return content, packed_type
    received = response.headers.get("content-type", "")
    media_type = choose_media_type(one.content_type, received, content)
    if not media_type:
        raise PermanentFailure(f"It was to be {one.content_type:.60}, and {received:.60} came.")
    return content, media_type
