"""A worker killed at every write point: real processes, real SIGKILL, real HTTP."""

import asyncio
import itertools
import signal

import pytest
from support.durability.scenes import PEOPLE, TEXTS, scene

POINTS = [
    "TextReceived",
    "ConversationClaimed",
    "in-handler",
    "TurnsFinished",
    "TurnsCommitted",
    "AttemptStarted",
    "AttemptFinished",
    "AttemptRecorded",
]
# delivery rule 31: around the commits in which a text brings its lease, and a turn its attempt
JOINED = [
    "receive_texts",
    "receive_texts committed",
    "finish_claims",
    "finish_claims committed",
]
KILLS = [*itertools.product(POINTS, [1, 5]), *itertools.product(JOINED, [1])]


async def killed_and_restarted(stage, point, nth):
    """Let everybody text while the app dies at `point`; start it again until all is quiet."""
    async with stage.app(KILL_AT=point, KILL_NTH=str(nth)) as process:
        await stage.until(stage.number)
        await stage.all_text()
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    committed = dict(stage.rows("select lower(hex(id)), last_in_seq from conversations"))
    async with stage.app():
        await asyncio.sleep(0.5)
        await stage.until(stage.quiet)
        await asyncio.sleep(0.3)
        await stage.until(stage.quiet)
    return committed


@pytest.mark.slow
@pytest.mark.parametrize(("point", "nth"), KILLS)
async def test_a_killed_worker_loses_nothing_and_doubles_nothing(tmp_path, point, nth):
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        await killed_and_restarted(stage, point, nth)
        for person in PEOPLE:
            expected = [f"{n}: {text}" for n, text in enumerate(TEXTS, 1)]
            assert stage.replies(person) == expected
        census, trouble = await stage.census()
        assert (census.unknown, census.set_aside, list(trouble)) == (0, 0, [])


@pytest.mark.slow
@pytest.mark.parametrize(("point", "nth"), KILLS)
async def test_where_nobody_can_be_asked_every_doubt_is_listed_and_nothing_is_doubled(
    tmp_path, point, nth
):
    async with scene(tmp_path, "telstra-v2") as stage:
        await killed_and_restarted(stage, point, nth)
        census, trouble = await stage.census()
        doubts = {thread.theirs: thread.unknown for thread in trouble}
        popped_and_lost = 0
        for person in PEOPLE:
            said = stage.replies(person)
            numbers = [int(text.split(":")[0]) for text in said]
            assert numbers == sorted(set(numbers)), "in order, and none twice"
            counted = stage.rows(
                f"select last_in_seq, last_out_seq from conversations where theirs = '{person}'"
            )
            taken_in, answered = counted[0] if counted else (0, 0)
            assert taken_in == answered, "every committed text was answered once"
            assert answered - len(said) <= doubts.get(person, 0), "what is missing is listed"
            popped_and_lost += len(TEXTS) - taken_in
        assert popped_and_lost <= 1, "one text at the most is lost in the window of a pop"
        assert census.unclean_exits == 1
        assert census.unknown == sum(doubts.values())
        if point in {"AttemptStarted", "AttemptFinished", "finish_claims committed"}:
            assert census.unknown >= 1


@pytest.mark.slow
async def test_a_lost_answer_is_held_by_default_and_sent_again_where_the_app_says_so(tmp_path):
    for policy, expected in [("hold", 1), ("resend", 2)]:
        folder = tmp_path / policy
        folder.mkdir()
        async with scene(folder, "telstra-v2") as stage:
            async with stage.app(COUNTING_UNKNOWN=policy):
                await stage.until(stage.number)
                await stage.lose_the_answer_to_the_next_send()
                stage.simulator.network.send_from_phone(PEOPLE[0], stage.number(), "hello")
                await stage.until(lambda least=expected: len(stage.replies(PEOPLE[0])) >= least)
                await asyncio.sleep(0.5)
            assert stage.replies(PEOPLE[0]) == ["1: hello"] * expected
