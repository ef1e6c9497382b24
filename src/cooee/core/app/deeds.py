"""Deeds: what a handler or a once sends is sent once, however often it is run again."""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar, Token
from hashlib import blake2b
from typing import Self


class Deed:
    """One call of the app's code that is repeated as a whole where it is cut off.

    ``with Deed(token):`` surrounds the call. (No generator does: its end would write to the
    exception that passes, and a frozen one lets nobody.)

    Args:
        token: the call's id, the same at every attempt; "" for a call that is no deed.
    """

    def __init__(self, token: str) -> None:
        self._token, self._counts = token, Counter[tuple[str, ...]]()
        self._outer: Token[Deed | None] | None = None

    def __enter__(self) -> Self:
        self._outer = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._outer is not None:
            _current.reset(self._outer)

    def next_key(self, *what: str) -> str | None:
        """Return the key of what is sent now: equal for the same in another attempt.

        Of two equal texts of one attempt each has its own, so both are sent.
        """
        if not self._token:
            return None
        self._counts[what] += 1
        parts = repr((self._token, what, self._counts[what]))
        return blake2b(parts.encode(errors="surrogatepass"), digest_size=16).hexdigest()


_current: ContextVar[Deed | None] = ContextVar("deed", default=None)


def key_in_deed(*what: str) -> str | None:
    """Return the key of what is sent now, by the deed under way; None outside of any."""
    current = _current.get()
    return None if current is None else current.next_key(*what)
