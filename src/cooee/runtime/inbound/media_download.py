"""The way from a picture's URL to the picture: hops, credentials, refusals."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from cooee.core.errors import PermanentFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Flow, Request, Response
from cooee.core.messages import Media

_HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({404, 408, 425, 429})  # what a picture not yet there may be answered with
_UNSAID = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def download(first: Request, allows: Callable[[str], bool]) -> Flow[Response]:
    """Make a request and go where its answers point, at most 5 times.

    What the first request carries is for its own host: no redirect takes it along.

    Args:
        first: with credentials, where the host is the company's own.
        allows: whether a URL may be asked for at all.

    Raises:
        Unauthorized: the credentials were not accepted.
        PermanentFailure: it is not to be had.
        TemporaryFailure: it may be had later.
    """
    request = first
    for _ in range(_HOPS + 1):
        if not allows(request.url):
            raise PermanentFailure("It lies where only https may lead.")
        answer = yield request
        if answer.status not in _REDIRECTS:
            return _whole(request, answer)
        onward = _joined(request.url, answer.headers.get("location", ""))
        request = Request(method="GET", url=onward, safe=True)
    raise PermanentFailure(f"It was pointed elsewhere more than {_HOPS} times.")


def _whole(request: Request, answer: Response) -> Response:
    """An answer that is the thing itself."""
    host, status = urlsplit(request.url).hostname, answer.status
    words = f"{host} answered {status}."
    if status == 200 and answer.headers.get("content-encoding", "identity") == "identity":
        return answer
    if status == 401 and "authorization" in request.headers:
        raise Unauthorized(words, status=status)
    if status in _LATER or status >= 500:
        raise TemporaryFailure(words, status=status)
    packed = f"{host} sent it packed, unasked." if status == 200 else words
    raise PermanentFailure(packed, status=status)


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def kind_of(one: Media, answer: Response) -> str:
    """What the bytes are: as they came, or, where that says nothing, as was announced.

    Raises:
        PermanentFailure: a picture was announced, and something else came, an error page say.
    """
    came = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = one.content_type.partition(";")[0].strip().lower()
    if came in _UNSAID:
        return said or "application/octet-stream"
    if said not in _UNSAID and came.partition("/")[0] != said.partition("/")[0]:
        raise PermanentFailure(f"It was to be {said:.60}, and {came:.60} came.")
    return came
