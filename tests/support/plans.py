"""Plans of PostgreSQL's statements, explained as verbs execute them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cooee.storage.postgres.transaction import _STATEMENTS, Transaction

SMALL_TABLES = {
    "commit_marks",
    "workers",
    "number_roles",
    "numbers",
    "metadata",
    "secrets",
    "media_to_erase",
}

STATES = ("never analysed", "analysed", "not vacuumed")
"""What becomes of filled tables; the last is that of tables once analysed, after hours."""

# Four generations of dead rows.
_AGE = (
    "update conversations set last_text_at = last_text_at; update outbound set error = error;" * 4
)


async def bring_to(state: str, connection: Any) -> None:
    """Let filled tables come to a state of `STATES`."""
    if state != "never analysed":
        await connection.execute("analyze")
    if state == "not vacuumed":
        await connection.execute(_AGE)


@dataclass(frozen=True)
class Plan:
    """What the server did to execute a statement.

    Attributes:
        whole_tables: the tables, of those that grow, that were read from end to end.
        rows: how many rows its scans looked at, those that were thrown away included.
        blocks: how many blocks of 8 kB it looked at.
    """

    whole_tables: frozenset[str]
    rows: int
    blocks: int


@contextmanager
def explained(monkeypatch: Any) -> Iterator[dict[str, Plan]]:
    """Explain the statements that stores of this process execute in a block, each as it comes.

    Yields a dict that fills up: the plan of each statement by its name, the dearest one.
    """
    plans: dict[str, Plan] = {}
    with monkeypatch.context() as patch:
        for method in ("fetch", "fetch_row", "execute"):
            patch.setattr(Transaction, method, _explaining(getattr(Transaction, method), plans))
        yield plans


def _explaining(method: Any, plans: dict[str, Plan]) -> Any:
    async def call(transaction: Transaction, name: str, *parameters: object) -> Any:
        plan = await _explain(transaction.connection, name, parameters)
        plans[name] = max(plan, plans.get(name, plan), key=lambda one: one.rows)
        return await method(transaction, name, *parameters)

    return call


async def _explain(connection: Any, name: str, parameters: Sequence[object]) -> Plan:
    """Execute a statement as the store prepares it, undo it, and return what the server did."""
    arguments = ", ".join(map(_literal, parameters))
    await connection.execute("savepoint explained")
    await connection.execute(f"prepare explained as {_STATEMENTS[name]}")
    told = await connection.fetchval(
        "explain (analyze, buffers, timing off, format json) execute explained"
        + (f"({arguments})" if arguments else "")
    )
    await connection.execute("rollback to savepoint explained; deallocate explained")
    [whole] = json.loads(told)
    nodes = list(_nodes(whole["Plan"]))
    return Plan(
        whole_tables=frozenset(
            node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"
        )
        - SMALL_TABLES,
        rows=round(sum(_rows(node) for node in nodes if "Relation Name" in node)),
        blocks=sum(whole["Plan"][f"Shared {kind} Blocks"] for kind in ("Hit", "Read")),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> float:
    if "Scan" not in node["Node Type"]:
        return 0
    thrown_away = (
        "Rows Removed by Filter",
        "Rows Removed by Index Recheck",
        "Rows Removed by Join Filter",
    )
    rows = node["Actual Rows"] + sum(node.get(name, 0) for name in thrown_away)
    return float(rows * node["Actual Loops"])


def _literal(value: object) -> str:
    """Return a parameter as SQL, of the type that the statement says."""
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return _quoted("{" + ",".join("NULL" if one is None else _item(one) for one in value) + "}")
    return _quoted(_plain(value))


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(value)


def _item(value: object) -> str:
    return '"' + _plain(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
