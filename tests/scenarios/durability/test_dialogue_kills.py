"""Dialogues killed at every point, restarted and deployed anew: real processes, real SIGKILL.

`COOEE_PROOF=1 pytest tests/scenarios/durability/test_dialogue_kills.py` kills at every point, three times each.
"""

import asyncio
import os
import random
import signal
from collections import Counter

import pytest
from support.durability.scenes import FOLDER, PEOPLE, scene

pytestmark = pytest.mark.slow

SOURCE = (FOLDER / "booking.py").read_text()
CROWD = [*PEOPLE, *(f"+614915701{n}" for n in range(60, 100))]
LONG = "COOEE_PROOF" in os.environ

# What may be deployed while people are in the middle, by name: (the code before, after).
NAME, SEATS = '    name = await chat.ask("Name?")\n', "    chat.state.seats += seats\n"
EDITS = {
    "insert after": (SEATS, SEATS + '    await chat.ask("Which day?")\n'),
    "reword": ('ask("How many?", int)', 'ask("For how many?", int, was="How many?")'),
    "insert before": (NAME, '    await chat.ask("Mail?")\n' + NAME),
}


class Guest:
    """Somebody with a phone, who answers what is asked, as soon as it is."""

    def __init__(self, stage, number):
        self.stage, self.number = stage, number
        self.heard, self.seats, self.went_back = [], iter((2, 3)), False

    async def answer(self):
        while not self.over:
            new = self.stage.replies(self.number)[len(self.heard) :]
            for text in new:
                self.heard.append(text)
                for words in self.texts(text):
                    self.stage.simulator.network.send_from_phone(
                        self.number, self.stage.number(), words
                    )
            await asyncio.sleep(0.02)

    @property
    def over(self):
        return any(text.startswith("Goodbye") for text in self.heard)

    def texts(self, text):
        """The answers to a text, none or one."""
        return filter(None, [self.words(text)])

    def words(self, text):
        if text.endswith("ow many?"):
            if not self.went_back:
                self.went_back = True
                return "BACK"
            return str(next(self.seats))
        if text == "Once more?":
            rounds = sum(heard.startswith("Booked") for heard in self.heard)
            return "yes" if rounds == 1 else "no"
        return {
            "Name?": "Anna" if self.went_back else "Ann",
            "Which day?": "Monday",
            "Mail?": "anna@example.org",
            "Any wishes at all?": "none",
        }.get(text)


class Hesitant(Guest):
    """Somebody who opts out at the first question, says something, and comes back."""

    def texts(self, text):
        is_first = self.heard == ["Name?"]
        return ["STOP", "Eve", "START"] if is_first else super().texts(text)


def whole(number):
    """What a guest hears where the code stays the same."""
    ref = f"R{number[-3:]}"
    round_ = ["Any wishes?", "Any wishes at all?", "Once more?"]
    return [
        *("Name?", "How many?", "Name?", "How many?"),
        *(f"Booked {ref} for 2, 2 in all.", *round_),
        *("Name?", "How many?"),
        *(f"Booked {ref} for 3, 5 in all.", *round_),
        "Goodbye, Anna.",
    ]


def asked_once(heard):
    """What was heard, without the repetitions of a confirmation of which nobody knew.

    A reminder takes the place of its question, where that was in doubt (delivery rule 25).
    """
    heard = [text for text in heard if text != "Any wishes?"]
    pairs = zip(heard, [None, *heard], strict=False)
    return [text for text, before in pairs if text != "Once more?" or before != text]


class Play:
    """A scene with guests, an app file that may change, and a ledger of what was done once."""

    def __init__(self, stage, folder, people, guest=Guest):
        self.stage, self.file, self.ledger = stage, folder / "app.py", folder / "ledger"
        self.guests, self._guest, self._answering = [], guest, []
        self.source, self.kills = SOURCE, 0
        self.file.write_text(SOURCE)
        stage.environment["LEDGER"] = str(self.ledger)
        self.invite(people)

    def invite(self, people):
        """Let people join, whom the app invites at its next start."""
        new = [self._guest(self.stage, number) for number in people]
        self.guests += new
        self.stage.environment["PEOPLE"] = ",".join(guest.number for guest in self.guests)
        self._answering += [asyncio.create_task(guest.answer()) for guest in new]

    def deploy(self, edit):
        before, after = EDITS[edit]
        assert before in self.source
        self.source = self.source.replace(before, after)
        self.file.write_text(self.source)

    async def killed(self, point, nth=1):
        """Run until the app dies at a point; whenever everybody is through, two others join."""
        while not await self._dies(point, nth):
            known = {guest.number for guest in self.guests}
            others = [number for number in CROWD if number not in known]
            assert others, f"{point} was never passed {nth} times"
            self.invite(others[:2])

    async def _dies(self, point, nth):
        async with self.stage.app(self.file, KILL_AT=point, KILL_NTH=str(nth)) as process:
            await self.stage.until(lambda: self.over or process.returncode is not None, 120)
        died = process.returncode == -signal.SIGKILL
        assert died or self.over, "it ended by itself"
        self.kills += died
        return died

    async def to_the_end(self):
        async with self.stage.app(self.file):
            await self.stage.until(lambda: self.over, 120)
            await self.stage.until(self.stage.quiet)
            await asyncio.sleep(0.3)
            await self.stage.until(self.stage.quiet)

    @property
    def over(self):
        return all(guest.over for guest in self.guests)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for answering in self._answering:
            answering.cancel()

    def noted(self):
        """The lines of the ledger, each with how often it stands there."""
        return Counter(self.ledger.read_text().splitlines())

    def written(self):
        """What was begun and done, in order."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return sorted(line.split()[0] for line in lines)

    async def check(self):
        """What holds whatever was killed and deployed."""
        ended = self.stage.rows(
            "select end_reason, count(*) from dialogues group by end_reason order by 1"
        )
        count = len(self.guests)
        assert ended == [("restarted", count), ("returned", count)]
        census, trouble = await self.stage.census()
        assert (census.unknown, census.set_aside, census.stuck_dialogues, list(trouble)) == (
            0,
            0,
            0,
            [],
        )
        noted = self.noted()
        done = [line for line in noted if line.startswith("done")]
        assert len(done) == 2 * count, "one token a round, however often it was tried"
        assert sum(noted.values()) - len(noted) <= 2 * count * self.kills
        for guest in self.guests:
            heard = guest.heard
            assert guest.heard == self.stage.replies(guest.number), "and nothing after the end"
            ref = f"R{guest.number[-3:]}"
            booked = [f"Booked {ref} for 2, 2 in all.", f"Booked {ref} for 3, 5 in all."]
            assert [text for text in heard if text.startswith("Booked")] == booked
            asked = Counter(heard)
            assert asked["How many?"] + asked["For how many?"] == 3, "two rounds, and back once"


# One kill after the other

CHAIN = [
    *(
        ("ConversationClaimed", 2),
        ("in-handler", 3),
        ("CheckpointStarted", 1),
        ("TurnsCommitted", 2),
        ("AttemptStarted", 2),
    ),
    *(
        ("CheckpointWritten", 1),
        ("in-once", 2),
        ("AttemptRecorded", 3),
        ("done-once", 1),
        ("TurnsFinished", 3),
    ),
    *(
        ("TextReceived", 2),
        ("CheckpointStarted", 2),
        ("AttemptFinished", 3),
        ("CheckpointWritten", 2),
        ("ConversationClaimed", 4),
    ),
]
DEPLOYED = {3: "insert after", 6: "reword", 9: "insert before"}
SEEDS = range(1, 13 if LONG else 2)


async def test_a_booking_survives_one_kill_after_the_other(tmp_path):
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, PEOPLE[:3]) as play:
            for point, nth in CHAIN:
                await play.killed(point, nth)
            await play.to_the_end()
        await play.check()
        for guest in play.guests:
            assert asked_once(guest.heard) == asked_once(whole(guest.number))


@pytest.mark.parametrize("seed", SEEDS)
async def test_changed_code_deployed_between_kills_strands_nobody(tmp_path, seed):
    chance = random.Random(seed)
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, PEOPLE[:3]) as play:
            for n, (point, nth) in enumerate(chance.sample(CHAIN, 12)):
                if n in DEPLOYED:
                    play.deploy(DEPLOYED[n])
                await play.killed(point, nth)
            await play.to_the_end()
        await play.check()
        for guest in play.guests:
            heard = Counter(guest.heard)
            assert heard["Which day?"] <= 2, "at most once a round, for it was answered"
            assert heard["Mail?"] <= 2 + 1, "and once more after BACK"
            for question in ("Any wishes?", "Once more?"):  # nothing was answered to them yet
                assert 2 <= heard[question] <= 2 + 2, "again where a new one came before it"


# Around one once

WRITTEN = {  # what stands in the ledger after a kill, and at the end
    ("CheckpointStarted", 1): ([], ["begin", "done"]),
    ("CheckpointWritten", 1): ([], ["begin", "done"]),
    ("in-once", 1): (["begin"], ["begin", "begin", "done"]),
    ("done-once", 1): (["begin", "done"], ["begin", "begin", "done", "done"]),
    ("CheckpointStarted", 2): (["begin", "done"], ["begin", "begin", "done", "done"]),
    ("CheckpointWritten", 2): (["begin", "done"], ["begin", "done"]),
}


@pytest.mark.parametrize(("point", "nth"), WRITTEN)
async def test_what_was_begun_and_not_recorded_is_done_again_with_the_same_token(
    tmp_path, point, nth
):
    once = SOURCE.replace('chat.confirm("Once more?")', "chat.once(bool)")
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, PEOPLE[:1]) as play:
            play.file.write_text(once)
            await play.killed(point, nth)
            assert play.written() == WRITTEN[point, nth][0]
            await play.to_the_end()
        assert play.written() == WRITTEN[point, nth][1]
        assert len({line.split()[2] for line in play.noted()}) == 1


# An alarm that takes the process with it


async def test_an_alarm_that_kills_the_process_is_found_and_set_aside(tmp_path):
    """Once among others, which nobody counts, and five times alone."""
    guilty, innocent = PEOPLE[:2]
    asleep = "    await chat.sleep(MOMENT)\n"
    deadly = f'{asleep}    if chat.theirs == "{guilty}":\n        Reaper.count("in-alarm")\n'
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, [guilty, innocent]) as play:
            play.file.write_text(SOURCE.replace(asleep, deadly))
            for _ in range(1 + 5):
                await play.killed("in-alarm")
            async with stage.app(play.file, KILL_AT="in-alarm"):
                await stage.until(lambda: play.guests[1].over)
                census, trouble = await stage.census()
                assert (census.set_aside, census.stuck_dialogues) == (0, 1)
                assert [thread.theirs for thread in trouble] == [guilty]
            ((error,),) = stage.rows("select error from dialogues where error != ''")
            assert error == "RuntimeError: The process ended 5 times while book went on by itself."
            play.file.write_text(SOURCE)  # mended, which is another program
            await play.to_the_end()
        assert [guest.heard for guest in play.guests] == [whole(guilty), whole(innocent)]


# With a company that can be asked nothing, and whose texts are gone once they are read


async def test_where_nobody_can_be_asked_a_dialogue_goes_on_all_the_same(tmp_path):
    """One guest, so that no send is under way at these points, whose end nobody would know."""
    async with scene(tmp_path, "telstra-v2") as stage:
        async with Play(stage, tmp_path, PEOPLE[:1]) as play:
            for point, nth in [
                ("TurnsFinished", 3),
                ("CheckpointStarted", 1),
                ("in-once", 1),
                ("CheckpointWritten", 2),
            ]:
                await play.killed(point, nth)
            await play.to_the_end()
        await play.check()
        for guest in play.guests:
            assert asked_once(guest.heard) == asked_once(whole(guest.number))


# Every point, three times


POINTS = [
    "TextReceived",
    "ConversationClaimed",
    "in-handler",
    "CheckpointStarted",
    "CheckpointWritten",
    "in-once",
    "done-once",
]
POINTS += [
    "TurnsFinished",
    "TurnsCommitted",
    "AttemptStarted",
    "AttemptFinished",
    "AttemptRecorded",
]


@pytest.mark.skipif(not LONG, reason="minutes; make proof")
@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize("point", POINTS)
async def test_a_booking_survives_three_kills_at_the_same_point(tmp_path, point, nth):
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, PEOPLE[:4]) as play:
            for _ in range(3):
                await play.killed(point, nth)
            await play.to_the_end()
        await play.check()
        for guest in play.guests:
            assert asked_once(guest.heard) == asked_once(whole(guest.number))


OUT_CHAIN = [
    *(("TextReceived", 3), ("TextReceived", 1), ("ConversationClaimed", 1)),
    *(("TurnsFinished", 1), ("AttemptStarted", 1)),
]


async def test_who_opts_out_and_in_again_answers_nothing_unseen_whatever_is_killed(tmp_path):
    async with scene(tmp_path, "simulated", "confirm,idempotency") as stage:
        async with Play(stage, tmp_path, PEOPLE[:2], Hesitant) as play:
            for point, nth in OUT_CHAIN:
                await play.killed(point, nth)
            await play.to_the_end()
        await play.check()
        for guest in play.guests:
            assert asked_once(guest.heard) == asked_once(["Name?", *whole(guest.number)])
