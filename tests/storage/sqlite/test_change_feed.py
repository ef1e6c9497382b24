"""Whoever watches hears of every row that was committed, and of nothing else."""

import sqlite3
from datetime import UTC, datetime

import pytest

from cooee.core.messages import Inbound
from cooee.storage import ClaimResult, NewInbound, NewOutbound
from cooee.storage.sqlite.change_feed import listen_to_changes
from cooee.storage.sqlite.database_file import open_connection
from cooee.storage.sqlite.store import SQLite

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def arrival(words="START"):
    inbound = Inbound(
        sender="+61491570156", recipient="+61491570006", text=words, received_at=NOW, key=words
    )
    return NewInbound(inbound)


async def watched(path):
    commits = []
    store = await SQLite.open(path, now=lambda: NOW, change_listener=commits.append)
    return store, commits


async def test_a_turns_rows_are_told_as_they_were_and_as_they_are(tmp_path):
    store, commits = await watched(tmp_path / "a.db")
    await store.receive([arrival()])
    assert [(change.operation, change.table) for change in commits.pop()] == [
        ("insert", "seen"),
        ("insert", "conversations"),
        ("insert", "inbound"),
    ]
    (claim,) = await store.claim(1)
    await store.finish(
        [ClaimResult(claim=claim, handled_seq=1, state=b'{"n":1}', drafts=[NewOutbound(text="hi")])]
    )
    conversation, state, text = commits.pop()
    assert (conversation.before["handled"], conversation.after["handled"]) == (0, 1)
    assert (state.before, bytes.fromhex(state.after["state"])) == (None, b'{"n":1}')
    assert (text.after["text"], text.after["turn"], text.after["media"]) == ("hi", 1, None)
    await store.close()


async def test_they_are_exactly_the_rows_that_are_in_the_file_afterwards(tmp_path):
    store, commits = await watched(tmp_path / "a.db")
    await store.receive([arrival(), arrival("TIME"), arrival("TIME")])
    await store.enqueue([])
    told = {}
    for commit in commits:
        for change in commit:
            told[change.table] = told.get(change.table, 0) + (change.operation == "insert")
    await store.close()
    with sqlite3.connect(tmp_path / "a.db") as file:
        kept = {name: file.execute(f"select count(*) from {name}").fetchone()[0] for name in told}
    assert kept == told == {"seen": 2, "conversations": 1, "inbound": 2}


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_what_is_rolled_back_was_never_written(tmp_path, end):
    path = tmp_path / "b.db"
    path.touch()
    connection = open_connection(path, 1)
    connection.execute("create table things (name text, bytes blob)")
    commits = []
    listen_to_changes(connection, commits.append)
    connection.execute("begin immediate")
    connection.execute("insert into things values ('one', x'00ff')")
    connection.execute(end)
    connection.execute("begin immediate")
    connection.execute("delete from things")
    connection.execute("insert into things values ('two', null)")
    connection.execute("commit")
    connection.close()
    told = [(change.operation, (change.before or change.after)["name"]) for change in commits[-1]]
    if end == "commit":
        assert commits[0][0].after == {"name": "one", "bytes": "00FF"}
        assert told == [("delete", "one"), ("insert", "two")]
    else:
        assert told == [("insert", "two")]
        assert len(commits) == 1
