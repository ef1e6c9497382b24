"""Deeds: what a handler or a once sends is sent once, however often it is run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b


class Deed:
    """One call of the app's code that is repeated as a whole where it is cut off.

    Args:
        token: the call's id, the same at every attempt.
    """

    def __init__(self, token: str) -> None:
        self._token, self._counts = token, Counter[tuple[str, ...]]()

    def next_key(self, *what: str) -> str:
        """Return the key of what is sent now: equal for the same in another attempt.

        Of two equal texts of one attempt each has its own, so both are sent.
        """
        self._counts[what] += 1
        parts = repr((self._token, what, self._counts[what]))
        return blake2b(parts.encode(errors="surrogatepass"), digest_size=16).hexdigest()


_current: ContextVar[Deed | None] = ContextVar("deed", default=None)


@contextmanager
def deed(token: str) -> Iterator[None]:
    """Run the block as the deed of a token; as none where the token is ""."""
    previous = _current.set(Deed(token) if token else None)
    try:
        yield
    finally:
        _current.reset(previous)


def key_in_deed(*what: str) -> str | None:
    """Return the key of what is sent now, by the deed under way; None outside of any."""
    current = _current.get()
    return None if current is None else current.next_key(*what)
