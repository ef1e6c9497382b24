"""Workers live by the server's clock; what the dead leave behind is free, and suspect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cooee.core.errors import StorageError
from cooee.storage.postgres import workers
from cooee.storage.postgres.store import PostgreSQL
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import ClaimResult, DialogueStart, NextDue
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS


@pytest.fixture(autouse=True)
def no_grace(monkeypatch):
    """The tests' server has just started, and nobody is to come back to it."""
    monkeypatch.setattr(workers, "_GRACE_AFTER_START", timedelta(0))


def number_of(harness):
    return harness.store._session._database.worker


async def die(harness, aside):
    """Let a worker's time be over, as if it had been silent for an hour."""
    await aside.execute(
        "update workers set alive_until = clock_timestamp() - interval '1 hour' where id = $1",
        number_of(harness),
    )


async def beat(harness):
    await harness.store._session._thread.submit(harness.store._session._worker.beat)


async def bury(harness, dead, aside):
    await die(dead, aside)
    await beat(harness)


async def test_no_number_is_given_twice(here, there, migrated_url, clock):
    await here.store.close()
    again = await PostgreSQL.open(migrated_url, now=clock)
    numbers = [number_of(there), again._session._database.worker]
    assert len({*numbers, 1}) == 3
    await again.close()


async def test_what_a_dead_worker_leased_is_free_and_goes_alone(here, there, aside):
    """storage rule 5: any of the dead worker's texts may have killed it."""
    for sender in (ANNA, BERT):
        await here.receive("first", sender=sender)
    await here.store.claim(10)
    await here.receive("first", sender=CLEO)
    assert len(await there.store.claim(10)) == 1  # Cleo's, which killed nobody
    assert await there.store.claim(10) == []
    await bury(there, here, aside)
    await there.receive("later", sender="+61491570199")
    assert await there.store.claim(10) == [], "a suspect waits for the end of Cleo's turn"
    assert (await there.store.next_due()).turn is None


async def test_suspects_are_claimed_one_by_one_and_their_attempts_count(here, there, aside):
    for sender in (ANNA, BERT):
        await here.receive("first", "second", sender=sender)
    await here.store.claim(10)
    await bury(there, here, aside)
    seen = []
    for _ in range(2):
        [claim] = await there.store.claim(10)
        assert await there.store.claim(10) == []
        seen.append((claim.theirs, claim.attempt, len(claim.texts)))
        await there.finish_all(ClaimResult(claim=claim, handled_seq=2))
    assert sorted(seen) == [(ANNA, 1, 1), (BERT, 1, 1)]


async def test_a_suspect_that_kills_again_has_an_attempt_more(
    here, there, aside, migrated_url, clock
):
    await here.receive("first")
    await here.claim_one()
    await bury(there, here, aside)
    assert (await there.claim_one()).attempt == 1
    third = await PostgreSQL.open(migrated_url, now=clock)
    await die(there, aside)
    await third._session._thread.submit(third._session._worker.beat)
    [claim] = await third.claim(10)
    assert claim.attempt == 2
    await third.close()


async def test_a_suspect_that_had_no_turn_has_no_attempt_more(here, there, aside):
    await here.receive("first")
    await here.claim_one()
    await bury(there, here, aside)
    await there.store.release([await there.claim_one()])
    assert (await there.claim_one()).attempt == 1


async def test_a_worker_that_leaves_makes_no_suspect(here, there, clock):
    await here.receive("first")
    await here.receive("first", sender=BERT)
    await here.store.claim(10)
    await here.store.close()
    assert len(await there.store.claim(10)) == 2
    assert (await there.store.counts()).unclean_exits == 0


async def test_a_dead_worker_is_an_unclean_exit(here, there, aside):
    await bury(there, here, aside)
    assert (await there.store.counts()).unclean_exits == 1


async def test_a_worker_that_stood_still_commits_nothing_and_joins_anew(here, there, aside):
    """The fence: its lease is another's by now (storage rule 20)."""
    await here.receive("first")
    claim, number = await here.claim_one(), number_of(here)
    await bury(there, here, aside)
    other = await there.claim_one()
    assert await here.store.claim(10) == []
    assert not await here.finish(claim, "too late")
    await here.store.release([claim])
    assert await there.finish(other, "in time")
    assert await there.statuses() == ["first: handled", "in time: queued"]
    await beat(here)
    assert number_of(here) > number
    await here.receive("second")
    assert (await here.claim_one()).lease_id >> 32 == number_of(here)


async def test_a_worker_that_was_buried_claims_and_takes_nothing(here, there, aside):
    await bury(there, here, aside)
    await here.receive("first")
    await here.enqueue("hello", to=BERT)
    assert await here.store.claim(10) == []
    assert await here.store.take(OURS, 10) == []
    assert await here.store.hold_number(OURS, "poller") == 0.0
    received = await here.store.receive([here.new_inbound("x", sender=CLEO)], claim_limit=5)
    assert [one.claim for one in received] == [None]


async def test_a_dead_workers_attempt_is_in_doubt(here, there, aside):
    await here.enqueue("hello")
    attempt = await here.take_one()
    await bury(there, here, aside)
    assert await there.statuses() == ["hello: unknown"]
    [lookup] = await there.store.due_lookups(OURS, 10)
    assert lookup.outbound.id == attempt.id


async def test_what_a_dead_worker_leased_for_a_timer_or_a_sweep_is_free(here, there, aside):
    later = here.clock.later(days=900)
    for sender, due_at in ((ANNA, here.clock()), (BERT, later)):
        start = DialogueStart(
            ours=OURS, theirs=sender, id="d", handler="book", head=b"{}", due_at=due_at
        )
        await here.store.start_dialogues([start])
    [timer] = await here.store.claim(10)
    [waiting] = await here.store.claim_waiting(b"", 10)
    assert {timer.theirs, waiting.theirs} == {ANNA, BERT}
    await bury(there, here, aside)
    assert await aside.fetchval("select count(*) from conversations where lease is not null") == 0
    [again] = await there.store.claim(10)
    assert (again.theirs, again.texts) == (ANNA, [])


async def test_nobody_is_buried_in_the_first_seconds_of_a_server(here, there, aside, monkeypatch):
    monkeypatch.setattr(workers, "_GRACE_AFTER_START", timedelta(days=1000))
    await here.receive("first")
    await here.claim_one()
    await bury(there, here, aside)
    assert await aside.fetchval("select count(*) from workers") == 2
    assert await there.store.claim(10) == []


async def test_a_leased_conversation_is_due_for_nobody(here, there):
    await here.receive("first")
    claim = await here.claim_one()
    assert await there.store.next_due() == NextDue()
    await here.store.postpone([claim], here.clock.later(minutes=1))
    assert (await there.store.next_due()).turn == here.clock.later(minutes=1)


async def test_a_role_of_a_number_is_held_by_one_and_passes_on(here, there, aside):
    assert await here.store.hold_number(OURS, "poller") > 0
    assert await here.store.hold_number(OURS, "poller") > 0
    assert await there.store.hold_number(OURS, "poller") == 0
    assert await there.store.hold_number(OURS, "sender") > 0
    await here.store.release_number(OURS, "poller")
    assert await there.store.hold_number(OURS, "poller") > 0
    await bury(here, there, aside)
    assert await here.store.hold_number(OURS, "sender") > 0


async def test_a_process_that_waits_for_a_role_writes_nothing(here, there):
    await here.store.hold_number(OURS, "poller")

    async def is_written(one):
        held_s = await workers.hold_role(one, OURS, "poller")
        wrote = await one.connection.fetchval("select pg_current_xact_id_if_assigned() is not null")
        return held_s, wrote

    assert await there.store._session.write(is_written) == (0.0, False)
    assert await here.store._session.write(is_written) == (4.0, True)


async def test_a_role_ends_by_the_servers_clock(here, there, aside):
    await here.store.hold_number(OURS, "poller")
    here.clock.advance(days=1)
    assert await there.store.hold_number(OURS, "poller") == 0
    await aside.execute("update number_roles set until = clock_timestamp() - interval '1 second'")
    assert await there.store.hold_number(OURS, "poller") > 0
    assert await here.store.hold_number(OURS, "poller") == 0


async def test_a_process_that_joins_anew_is_no_newer_than_before(here, there, aside):
    await here.store.newer_versions("old")
    await there.store.newer_versions("new")
    before = number_of(here)
    await bury(there, here, aside)
    await beat(here)
    assert number_of(here) != before
    assert await here.store.newer_versions("old") == ["new"]
    assert await there.store.newer_versions("new") == []


async def test_a_conversation_is_handed_over_to_newer_code_while_a_process_of_it_lives(
    here, there, aside
):
    assert await here.store.newer_versions("old") == []
    assert await there.store.newer_versions("new") == []
    assert await here.store.newer_versions("old") == ["new"]
    await here.receive("first")
    await here.store.hand_over([await here.claim_one()], "new")
    assert await here.store.claim(10) == []
    assert (await here.store.next_due()).turn is None
    assert (await there.store.next_due()).turn == here.clock()
    await there.store.release([await there.claim_one()])
    assert (await here.claim_one()).theirs == ANNA, "whoever gives it back gives it to all"


async def test_a_conversation_for_a_version_of_nobody_is_anybodys(here, there, aside):
    await there.store.newer_versions("new")
    await here.receive("first")
    await here.store.hand_over([await here.claim_one()], "new")
    await there.store.close()
    assert (await here.claim_one()).theirs == ANNA


async def test_who_is_no_worker_writes_and_neither_claims_nor_sends(migrated_url, clock, here):
    store = await PostgreSQL.open(migrated_url, now=clock, owner=False)
    await store.receive([here.new_inbound("first")])
    with pytest.raises(StorageError, match="Only a process that was opened as an owner"):
        await store.claim(10)
    with pytest.raises(StorageError, match="Only a process that was opened as an owner"):
        await store.receive([here.new_inbound("second")], claim_limit=1)
    await store.close()
    [text] = (await here.claim_one()).texts
    assert text.inbound.text == "first"


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), timedelta(hours=-1)])
async def test_a_clock_an_hour_off_is_corrected_at_the_start(migrated_url, wrong_by):
    corrections = []

    def now():
        return datetime.now(UTC) + wrong_by + sum(corrections, timedelta())

    store = await PostgreSQL.open(migrated_url, now=now, correct_clock=corrections.append)
    [correction] = corrections
    assert abs(correction + wrong_by) < timedelta(minutes=10)
    await store.close()


async def test_a_clock_that_is_set_while_the_process_runs_is_corrected_at_a_heart_beat(
    migrated_url,
):
    corrections, set_by = [], [timedelta()]

    def now():
        return datetime.now(UTC) + set_by[0] + sum(corrections, timedelta())

    store = await PostgreSQL.open(migrated_url, now=now, correct_clock=corrections.append)
    assert corrections == []
    set_by[0] = timedelta(hours=-5)
    await store._session._thread.submit(store._session._worker.beat)
    assert abs(sum(corrections, timedelta()) - timedelta(hours=5)) < timedelta(minutes=10)
    await store.close()


async def test_a_lease_is_the_workers_number_and_a_count(here):
    from cooee.storage.postgres import claims

    transaction = Transaction(None, 7, 0)
    first, second = claims.new_leases(transaction, 3), claims.new_leases(transaction, 1)
    assert first >> 32 == second >> 32 == 7
    assert second - first == 3


async def test_a_count_begins_again_before_it_reaches_the_workers_number(monkeypatch):
    from cooee.storage.postgres import claims

    monkeypatch.setattr(claims, "_last_lease", (1 << 32) - 2)
    transaction = Transaction(None, 7, 0)
    assert claims.new_leases(transaction, 5) + 5 == (7 << 32) + 5
