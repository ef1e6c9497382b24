"""The bytes and the type of a file that was fetched: unpacked where they are packed, never lost."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

# What servers and object stores write as Content-Encoding though nothing is packed.
_NOT_PACKED = frozenset(
    {"", "identity", "none", "binary", "8bit", "7bit", "raw", "utf-8", "utf8", "aws-chunked"}
)
_GZIP, _UNKNOWN = "application/gzip", "application/octet-stream"
_GZIP_NAMES = frozenset({"gzip", "x-gzip"})
_WINDOW_BITS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}  # zlib; -15: no header
# (offset, bytes, type): the first bytes of what people send (the formats' own specifications)
_SIGNATURES = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
    (0, b"\x1f\x8b", "application/gzip"),
)


def unpack_content(content: bytes, encodings: str, max_bytes: int) -> tuple[bytes, str]:
    """Return a body unpacked, and the type that its bytes have where they stay packed.

    What cannot be unpacked, or would have more than `max_bytes`, stays as it came.

    Args:
        content: the body.
        encodings: the header ``Content-Encoding``; many servers write there what is none.
        max_bytes: bytes that the unpacked body may have.
    """
    unpacked = content
    for encoding in reversed([one.strip(" \t\"'").lower() for one in encodings.split(",")]):
        if encoding in _NOT_PACKED:
            continue
        result = _unpack(unpacked, _WINDOW_BITS.get(encoding, ()), max_bytes)
        if result is None:
            return content, _packed_type(content, encoding)
        unpacked = result
    return unpacked, ""


def _packed_type(content: bytes, encoding: str) -> str:
    """Return the type of what stays packed; "" where the header is wrong, and nothing is packed."""
    signature = find_signature(content)
    if signature == _GZIP or (encoding not in _GZIP_NAMES and not signature):
        return signature or _UNKNOWN
    return ""


def _unpack(content: bytes, window_bits: Sequence[int], max_bytes: int) -> bytes | None:
    for bits in window_bits:
        unpacker = zlib.decompressobj(bits)
        try:
            unpacked = unpacker.decompress(content, max_bytes + 1)
        except zlib.error:
            continue
        is_whole = unpacker.eof and not unpacker.unused_data.strip(b"\0")
        if is_whole and unpacked and len(unpacked) <= max_bytes:
            return unpacked
    return None


def find_signature(content: bytes) -> str:
    """Return the media type that a file's first bytes tell; "" where they tell none."""
    for offset, signature, media_type in _SIGNATURES:
        if content.startswith(signature, offset):
            return media_type
    return ""


_GENERIC_TYPES = frozenset(
    {
        "application/octet-stream",
        "binary/octet-stream",
        "application/binary",
        "application/download",
        "application/force-download",
        "application/x-download",
        "application/unknown",
        "unknown/unknown",
    }
)
_PAGE_TYPES = frozenset(
    {
        "text/html",
        "application/xhtml+xml",
        "application/json",
        "application/problem+json",
        "application/xml",
        "text/xml",
        "text/plain",
    }
)


def choose_media_type(announced: str, received: str, content: bytes) -> str:
    """Return the type of a file: what came, what was announced, or what its first bytes tell.

    Returns "" for an error page, or other words, where a file was announced.

    Args:
        announced: the type in the provider's notice, with or without parameters.
        received: the header ``Content-Type``; "" where there was none.
        content: the file.
    """
    announced, received = _plain_type(announced), _plain_type(received)
    signature = find_signature(content)
    if not received:
        return announced or signature or _UNKNOWN
    if not announced:
        return received
    if received in _PAGE_TYPES and received != announced:
        if announced.startswith("text/") and received == "text/plain":
            return announced
        return announced if signature else ""
    # one container holds sound or pictures (3gpp, ogg, mp4), and the notice says which
    same_container = received.partition("/")[2] == announced.partition("/")[2]
    return announced if same_container else received


def _plain_type(value: str) -> str:
    """Return a media type without its parameters; "" for a type that says nothing."""
    plain = value.partition(";")[0].strip(" \t\"'").lower()
    main, slash, sub = plain.partition("/")
    return plain if main and slash and sub and plain not in _GENERIC_TYPES else ""
