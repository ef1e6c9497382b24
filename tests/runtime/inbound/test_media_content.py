"""Whatever a server says of a file's packing and type: the file is kept, with the right type."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.runtime.inbound.media_content import choose_media_type, find_signature, unpack_content

JPEG, PNG = b"\xff\xd8\xff\xe0picture", b"\x89PNG\r\n\x1a\npicture"
SOUND = b"\x00\x00\x00\x18ftyp3gp4sound"
LIMIT = 10_000


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "identity", "Identity", "none", "binary", "utf-8", "UTF-8", '"utf-8"', "UTF8",
        "aws-chunked", "aws-chunked,", "8bit", "identity, identity", ",", "raw",
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", [JPEG, SOUND, b"x", b""])
def test_what_is_no_packing_changes_nothing(header: str, content: bytes) -> None:
    assert unpack_content(content, header, LIMIT) == (content, "")


@pytest.mark.parametrize(
    ("header", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("aws-chunked,gzip", gzip.compress),
        ("gzip, aws-chunked", gzip.compress),
        ("gzip, utf-8", gzip.compress),
        ("gzip, gzip", lambda content: gzip.compress(gzip.compress(content))),
        ("deflate, gzip", lambda content: gzip.compress(zlib.compress(content))),
    ],
)
def test_what_is_packed_is_unpacked(header: str, pack) -> None:
    assert unpack_content(pack(JPEG), header, LIMIT) == (JPEG, "")


GZIPPED = gzip.compress(JPEG, mtime=0)


@pytest.mark.parametrize(
    ("content", "header", "kind"),
    [
        (JPEG, "gzip", ""),  # the header is wrong: the file is what it should be
        (JPEG, "br", ""),
        (PNG, "deflate", ""),
        (b"BEGIN:VCARD", "gzip", ""),
        (b"a vcard of sorts", "gzip", ""),
        (GZIPPED[:-4], "gzip", "application/gzip"),
        (GZIPPED[:20], "gzip", "application/gzip"),
        (GZIPPED + b"more", "gzip", "application/gzip"),
        (b"\x1b\x0f\x00packed", "br", "application/octet-stream"),
        (b"(\xb5/\xfdpacked", "zstd", "application/octet-stream"),
        (b"packed", "x-unheard-of", "application/octet-stream"),
        (
            gzip.compress(b"x" * (LIMIT + 1), mtime=0),
            "gzip",
            "application/gzip",
        ),  # a bomb stays packed
        (GZIPPED, "br, gzip", "application/gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_kept_as_it_came(content: bytes, header: str, kind: str) -> None:
    assert unpack_content(content, header, LIMIT) == (content, kind)


@given(st.binary(), st.text() | st.sampled_from(["gzip", "deflate", "br", "gzip, deflate"]))
def test_no_header_loses_a_file_or_makes_it_larger_than_allowed(
    content: bytes, header: str
) -> None:
    unpacked, _ = unpack_content(content, header, 100)
    assert unpacked == content or 0 < len(unpacked) <= 100


TYPES = [
    ("audio/3gpp", "video/3gpp", SOUND, "audio/3gpp"),
    ("video/3gpp", "audio/3gpp", SOUND, "video/3gpp"),
    ("audio/ogg", "application/ogg", b"OggSx", "audio/ogg"),
    ("application/ogg", "audio/ogg", b"OggSx", "application/ogg"),
    ("audio/mp4", "video/mp4", b"x", "audio/mp4"),
    ("audio/webm", "video/webm", b"x", "audio/webm"),
    ("image/png", "image/jpeg; x=1", b"x", "image/jpeg"),
    ("image/jpeg; charset=UTF-8", "image/jpeg;charset=binary", JPEG, "image/jpeg"),
    ("IMAGE/JPEG", "Image/Jpeg", JPEG, "image/jpeg"),
    ("image/jpeg", "video/mp4", b"x", "video/mp4"),
    ("image/png", "application/octet-stream", b"x", "image/png"),
    ("image/png", "binary/octet-stream; charset=binary", b"x", "image/png"),
    ("image/png", "application/x-download", b"x", "image/png"),
    ("image/png", "", b"x", "image/png"),
    ("image/png", "png", b"x", "image/png"),
    ("", "", b"x", "application/octet-stream"),
    ("", "", JPEG, "image/jpeg"),
    ("application/octet-stream", "application/octet-stream", SOUND, "video/3gpp"),
    ("", "text/html", b"x", "text/html"),
    ("application/octet-stream", "image/png", b"x", "image/png"),
    ("text/vcard", "text/x-vcard", b"x", "text/x-vcard"),
    ("text/vcard", "text/plain; charset=utf-8", b"x", "text/vcard"),
    ("image/jpeg", "text/plain", JPEG, "image/jpeg"),
    ("image/jpeg", "text/html", JPEG, "image/jpeg"),
    ("application/pdf", "application/json", b"%PDF-1.7", "application/pdf"),
    ("image/jpeg", "text/html; charset=utf-8", b"<h1>Oops</h1>", ""),
    ("image/jpeg", "application/json", b"{}", ""),
    ("image/jpeg", "text/plain", b"Oops", ""),
    ("text/vcard", "text/html", b"<h1>", ""),
    ("application/json", "application/json", b"{}", "application/json"),
]


@pytest.mark.parametrize(("announced", "received", "content", "kind"), TYPES)
def test_the_type_of_a_file(announced: str, received: str, content: bytes, kind: str) -> None:
    assert choose_media_type(announced, received, content) == kind


@given(st.binary(max_size=20))
def test_the_first_bytes_never_break(content: bytes) -> None:
    assert find_signature(content) == "" or "/" in find_signature(content)
