"""Pages of an operator's verb: a transaction changes the rows of so many conversations at most."""

from __future__ import annotations

from typing import NamedTuple

PAGE = 1000
"""Conversations of one transaction at most, so that none holds many locks for long."""


class PageDone(NamedTuple):
    """The last conversation of a page, and how many changed rows count.

    The next page begins behind it, and never again before: what is retried may fail, and be found
    again, while the verb goes on.
    """

    last: bytes
    counted: int
