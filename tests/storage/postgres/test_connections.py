"""A connection's settings: a plan that is made on empty tables is good on full ones."""

from __future__ import annotations

import json
import re

import pytest

from cooee.core.errors import SettingError
from cooee.storage.postgres.connections import Connections, read_address
from cooee.storage.postgres.store import PostgreSQL
from cooee.storage.postgres.transaction import _STATEMENTS
from cooee.testing.store_suite import ManualClock

GROW_WITH_EVERYTHING = {
    *("conversations_pkey", "states_pkey", "inbound_pkey", "dedupe_keys_pkey", "dedupe_keys_received"),
    *("dialogues_pkey", "dialogues_open", "dialogues_handler", "journal_entries_pkey", "outbound_pkey"),
    *("outbound_provider_id", "outbound_key", "receipts_pkey", "receipts_outbound", "opt_outs_pkey"),
    *("opt_outs_active", "conversations_theirs"),
}  # fmt: skip
# What operators ask for, a deploy, and the end of a copy; no turn waits for it.
READ_WHOLE = {
    *("count_all", "count_conversations", "count_open_dialogues", "list_conversations"),
    *("give_up_conversations", "give_up_dedupe_keys", "give_up_opt_outs", "opt_outs_alone_of"),
    *("make_retired_dialogues_due", "set_all_opted_out", "set_next_receipt_id"),
}  # fmt: skip
SMALL = {
    "commit_marks",
    "workers",
    "number_roles",
    "numbers",
    "metadata",
    "secrets",
    "media_to_erase",
}


@pytest.fixture
async def connection(postgres_url):
    """A connection to new tables: what a test before left in others would change the plans."""
    store = await PostgreSQL.open(postgres_url, now=ManualClock(), owner=False)
    await store.close()
    connection = await Connections(read_address(postgres_url)).connect()
    yield connection
    await connection.close()


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def whole_reads(plan):
    """Yield what a plan reads from end to end, and grows with the number of people or texts."""
    for node in nodes(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
            yield node["Relation Name"]
        is_index = node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
        if is_index and "Index Cond" not in node and node["Index Name"] in GROW_WITH_EVERYTHING:
            yield node["Index Name"]


async def test_no_plan_made_on_empty_tables_reads_a_growing_table_whole(connection):
    """storage rule 7: such a plan is kept until the table is analysed, for hours."""
    found = {}
    for name, sql in _STATEMENTS.items():
        count = max(map(int, re.findall(r"\$(\d+)", sql)), default=0)
        await connection.execute(f"prepare planned as {sql}")
        arguments = f"({', '.join(['null'] * count)})" if count else ""
        told = await connection.fetchval(f"explain (format json) execute planned{arguments}")
        await connection.execute("deallocate planned")
        if whole := sorted(whole_reads(json.loads(told)[0]["Plan"])):
            found[name] = whole
    assert found.keys() <= READ_WHOLE  # PostgreSQL 15 reads the first handler by a condition


@pytest.mark.parametrize(
    "wrong", ["pool_size=1", "pool_size=many", "pool_size=-5", "pgbouncer=yes"]
)
def test_a_parameter_without_sense_is_refused(wrong):
    with pytest.raises(SettingError, match="pool_size=2 to 1000 and pgbouncer=0 or 1"):
        read_address(f"postgresql://here/cooee?{wrong}")


def test_our_parameters_are_ours_and_the_others_the_drivers():
    address = read_address("postgresql://u:p%40@h:1/d?sslmode=require&pool_size=20&pgbouncer=1")
    assert address.dsn == "postgresql://u:p%40@h:1/d?sslmode=require"
    assert (address.pool_size, address.behind_pgbouncer) == (20, True)
