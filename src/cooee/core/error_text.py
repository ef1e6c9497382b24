"""The words of an exception, whatever its own code does when it is asked for them."""

from __future__ import annotations

MAX_ERROR_CHARS = 2_000
"""Characters of an exception's words that are kept."""


def error_text(error: BaseException) -> str:
    """Return an exception's type, message and notes as one plain `str` that every store can hold.

    An exception whose `__str__` raises, or returns no text, is named by its type alone. Half a
    surrogate pair and NUL are written as escapes, and the message ends after `MAX_ERROR_CHARS`.
    """
    name = type(error).__name__
    try:
        notes = [note for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
        message = " ".join([f"{name}: {error}", *notes])[:MAX_ERROR_CHARS]
    except BaseException:  # its __str__ is the app's code, and may raise whatever it likes
        return name
    storable = message.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
    return storable[:MAX_ERROR_CHARS]
