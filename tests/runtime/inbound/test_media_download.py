"""Following a picture's URL, one answer at a time."""

import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core.errors import PermanentFailure, ProviderFailure, TemporaryFailure, Unauthorized
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Media
from cooee.net.ssrf_guard import SSRFGuard
from cooee.runtime.inbound.media_download import download_url, media_of

KEYS = {"authorization": "Basic c2VjcmV0"}
FIRST = Request(method="GET", url="https://api.example/media/1", headers=KEYS, safe=True)
PICTURE = Response(status=200, headers={"content-type": "image/png"}, body=b"picture")


def to(location, status=307):
    return Response(status=status, headers={"location": location})


def follow(*answers, first=FIRST):
    """Play the answers; the requests that were made, and the answer at the end."""
    flow = download_url(first, SSRFGuard().may_request)
    made = [next(flow)]
    try:
        for answer in answers:
            made = [*made, flow.send(answer)]
    except StopIteration as done:
        return made, done.value
    raise AssertionError(f"It goes on to {made[-1].url}.")


def test_what_is_there_at_once_is_fetched_with_the_credentials():
    made, answer = follow(PICTURE)
    assert (answer, made) == (PICTURE, [FIRST])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://cdn.example/x?sig=1", "https://cdn.example/x?sig=1"),
        ("/media/2", "https://api.example/media/2"),
        ("//cdn.example/x", "https://cdn.example/x"),
    ],
)
def test_no_redirect_takes_credentials_along(status, location, url):
    made, answer = follow(to(location, status), PICTURE)
    assert answer is PICTURE
    assert (made[1].url, dict(made[1].headers)) == (url, {})


@pytest.mark.parametrize(
    "location", ["http://cdn.example/x", "file:///etc/passwd", "ftp://x/y", "http://[", "data:,x"]
)
def test_a_redirect_to_anything_but_https_is_not_followed(location):
    with pytest.raises(PermanentFailure, match="https"):
        follow(to(location), PICTURE)


def test_a_first_url_without_https_is_not_even_asked():
    plain = Request(method="GET", url="http://api.example/1", safe=True)
    with pytest.raises(PermanentFailure):
        next(download_url(plain, SSRFGuard().may_request))


def test_a_circle_ends():
    with pytest.raises(PermanentFailure, match="more than 5"):
        follow(*[to("https://api.example/media/1")] * 10)


def test_refused_credentials_are_to_be_renewed_and_a_stranger_gets_none():
    with pytest.raises(Unauthorized):
        follow(Response(status=401))
    with pytest.raises(PermanentFailure, match=r"cdn\.example answered 401"):
        follow(to("https://cdn.example/x"), Response(status=401))


@pytest.mark.parametrize("status", [404, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_be_there_later_is_tried_again(status):
    with pytest.raises(TemporaryFailure):
        follow(Response(status=status))


@pytest.mark.parametrize("status", [204, 206, 304, 400, 403, 410, 451])
def test_what_will_never_be_there_is_given_up(status):
    with pytest.raises(PermanentFailure):
        follow(Response(status=status))


@given(st.text(), st.integers(100, 599))
def test_no_location_and_no_status_breaks_it(location, status):
    with contextlib.suppress(ProviderFailure, AssertionError):
        follow(to(location, status), PICTURE)


def test_no_failure_says_more_of_a_url_than_its_host():
    for status in (401, 404, 403):
        with pytest.raises(ProviderFailure) as caught:
            follow(to("https://user:word@cdn.example/x?sig=word"), Response(status=status))
        assert "word" not in str(caught.value)


def test_an_error_page_is_no_picture():
    page = Response(status=200, headers={"content-type": "text/html"}, body=b"<h1>Oops</h1>")
    with pytest.raises(PermanentFailure, match="was to be image/png, and text/html came"):
        media_of(Media(content_type="image/png"), page, 100)


def test_bytes_and_type_come_from_the_headers_and_the_file():
    headers = {"content-type": "video/3gpp", "content-encoding": "gzip"}
    answer = Response(status=200, headers=headers, body=gzip.compress(b"sound"))
    assert media_of(Media(content_type="audio/3gpp"), answer, 100) == (b"sound", "audio/3gpp")
    assert media_of(Media(content_type="audio/3gpp"), answer, 4)[1] == "application/gzip"
