"""Replies written with their first attempt are those that are queued first and then taken."""

import pytest

from cooee.core.messages import Priority
from cooee.storage import ClaimResult, NewOutbound
from cooee.storage.sqlite import finishes
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite.harness import ManualClock, StoreHarness
from cooee.testing.store_suite.joined_verbs import _BEFORE_A_REPLY

DRAFTS = {
    "one": [NewOutbound(text="a")],
    "with a picture": [NewOutbound(text="", media=["https://example.org/a.png"])],
    "with a key, twice": [NewOutbound(text="a", key="k"), NewOutbound(text="b", key="k")],
    "more than are taken": [NewOutbound(text=text) for text in "abcd"],
    "said before an opt-out": [NewOutbound(text="a", cancelled=True), NewOutbound(text="b")],
    "with bulk": [NewOutbound(text="a"), NewOutbound(text="b", priority=Priority.BULK)],
    "none": [],
}


CASES = [(before, "one") for before in _BEFORE_A_REPLY] + [("nothing", drafts) for drafts in DRAFTS]


@pytest.mark.parametrize(("before", "drafts"), CASES)
async def test_both_ways_lead_to_the_same_attempts_and_rows(tmp_path, monkeypatch, before, drafts):
    came_to = []
    for way in ("at once", "queued first"):
        if way == "queued first":
            monkeypatch.setattr(finishes, "_may_begin", lambda *_: False)
        clock = ManualClock()
        harness = StoreHarness(await SQLite.open(tmp_path / f"{way}.db", now=clock), clock)
        await harness.receive("hello")
        claim = await harness.claim_one()
        await _BEFORE_A_REPLY[before][0](harness)
        result = ClaimResult(claim=claim, handled_seq=1, drafts=DRAFTS[drafts], take_limit=3)
        [finished] = await harness.store.finish([result])
        rows = await harness.store._thread.submit(
            lambda db: db.execute("select * from outbound order by conversation, seq").fetchall()
        )
        came_to.append((finished.is_committed, list(finished.attempts), rows))
        await harness.store.close()
    assert came_to[0] == came_to[1]
    assert came_to[0][0]


async def test_a_reply_to_whom_no_text_waits_is_written_once(tmp_path, monkeypatch):
    clock = ManualClock()
    harness = StoreHarness(await SQLite.open(tmp_path / "cooee.db", now=clock), clock)
    await harness.receive("hello")
    claim, said = await harness.claim_one(), []
    result = ClaimResult(claim=claim, handled_seq=1, drafts=DRAFTS["one"], take_limit=1)
    await harness.store._thread.submit(lambda db: db.set_trace_callback(said.append))
    await harness.store.finish([result])
    await harness.store._thread.submit(lambda db: db.set_trace_callback(None))
    written = [sql for sql in said if "outbound" in sql and not sql.startswith("select")]
    assert [sql.split()[0] for sql in written] == ["insert"]
    await harness.store.close()
