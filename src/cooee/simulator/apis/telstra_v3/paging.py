"""Pages of a list, and the `paging` block of a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from cooee.core.http_messages import Request
from cooee.net import asgi
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError, invalid_field

T = TypeVar("T")
_MAX_LIMIT, _MAX_OFFSET = 50, 999_999


def parse_query(request: Request, known_params: Collection[str]) -> dict[str, str]:
    """Return a request's query; an unknown parameter is refused (an assumption).

    Raises:
        TelstraV3APIError: the query has an unknown parameter.
    """
    query = asgi.query_of(request)
    if unknown := sorted(query.keys() - {*known_params, "limit", "offset"}):
        raise TelstraV3APIError(
            "FIELD_INVALID", "There is no such parameter", unknown[0][:64], "query"
        )
    return query


def make_page(
    items: Sequence[T], query: Mapping[str, str], path: str, *, offset_in_records: bool
) -> tuple[Sequence[T], dict[str, Any]]:
    """Return the items of a query's page, and its `paging` block.

    `offset` counts pages, as Telstra's pages say ("an offset of 0 will display the first page"), or
    records, as one user's program takes it. `totalCount` is the number of pages. Two assumptions:
    the links are paths with a query, and a link that leads nowhere is empty.
    """
    limit = _get_count(query, "limit", 10, range(1, _MAX_LIMIT + 1))
    offset = _get_count(query, "offset", 0, range(_MAX_OFFSET + 1))
    items_per_offset = 1 if offset_in_records else limit
    pages = -(-len(items) // limit)
    step, last = (limit, max(len(items) - 1, 0)) if offset_in_records else (1, max(pages - 1, 0))

    def link(start: int) -> str:
        return f"{path}?{urlencode({**query, 'limit': limit, 'offset': start})}"

    paging_json = {
        "nextPage": link(offset + step) if (offset + step) * items_per_offset < len(items) else "",
        "previousPage": link(max(offset - step, 0)) if offset else "",
        "lastPage": link(last),
        "totalCount": pages,
    }
    return items[offset * items_per_offset : offset * items_per_offset + limit], paging_json


def _get_count(query: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    value = query.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) <= 6 and int(value) in allowed):
        raise invalid_field(
            name, f"a whole number from {allowed.start} to {allowed.stop - 1}", "query"
        )
    return int(value)
