"""Settings as files, shells and clusters give them: the value without its wrapping."""

from __future__ import annotations

import re

from cooee.core.errors import SettingError

_AROUND = r"[\s\x00\ufeff\u200b-\u200f\u2060\u00ad]*"  # spaces of every kind, a byte order mark
_WRAPPED = re.compile(rf"{_AROUND}(.*?){_AROUND}", re.DOTALL)
_QUOTES = (('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u2018", "\u2019"))
_LINE_ENDS = re.compile(r"[\r\n\v\f\x85\u2028\u2029\x00]")


def clean_value(name: str, value: str) -> str:
    """Return a setting's value without the spaces, line ends, byte order mark and quotes around it.

    One pair of quotes is taken off, as a shell would; `env_file` and some editors leave them.

    Raises:
        SettingError: the value has several lines.
    """
    cleaned = _strip(value)
    for opening, closing in _QUOTES:
        if len(cleaned) >= 2 and cleaned[0] == opening and cleaned[-1] == closing:
            cleaned = _strip(cleaned[1:-1])
            break
    if _LINE_ENDS.search(cleaned):
        raise SettingError(f"{name} has several lines. Give it one line, with nothing else.")
    return cleaned


def decode_file(content: bytes) -> str:
    """Decode a file of a setting: UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        UnicodeDecodeError: the file is no text.
    """
    has_utf16_mark = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if has_utf16_mark else "utf-8-sig")


def _strip(value: str) -> str:
    match = _WRAPPED.fullmatch(value)
    return match[1] if match else value
