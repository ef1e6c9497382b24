"""A page of a list, and the block that tells of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from cooee.core.http_messages import Request
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v3.errors import Refusal, invalid

T = TypeVar("T")
_MOST, _LAST = 50, 999_999


def query(request: Request, known: Collection[str]) -> dict[str, str]:
    """The query of a call, which has no parameters but the known ones (an assumption).

    Raises:
        Refusal: it has another.
    """
    asked = desk.query_of(request)
    if unknown := sorted(asked.keys() - {*known, "limit", "offset"}):
        raise Refusal("FIELD_INVALID", "There is no such parameter", unknown[0][:64], "query")
    return asked


def page(
    items: Sequence[T], asked: Mapping[str, str], path: str, *, records: bool
) -> tuple[Sequence[T], dict[str, Any]]:
    """The items of the page that is asked for, and its block.

    `offset` counts pages, as the pages say ("an offset of 0 will display the first page"), or
    `records`, as one user's program takes it. `totalCount` is the number of pages. That the
    links are paths with a query, and empty where they lead nowhere, is an assumption.
    """
    limit = _count(asked, "limit", 10, range(1, _MOST + 1))
    offset = _count(asked, "offset", 0, range(_LAST + 1))
    unit = 1 if records else limit
    pages = -(-len(items) // limit)
    step, last = (limit, max(len(items) - 1, 0)) if records else (1, max(pages - 1, 0))

    def link(place: int) -> str:
        return f"{path}?{urlencode({**asked, 'limit': limit, 'offset': place})}"

    block = {
        "nextPage": link(offset + step) if (offset + step) * unit < len(items) else "",
        "previousPage": link(max(offset - step, 0)) if offset else "",
        "lastPage": link(last),
        "totalCount": pages,
    }
    return items[offset * unit : offset * unit + limit], block


def _count(asked: Mapping[str, str], name: str, default: int, span: range) -> int:
    value = asked.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) <= 6 and int(value) in span):
        raise invalid(name, f"a whole number from {span.start} to {span.stop - 1}", "query")
    return int(value)
