"""The seven promises of a dialogue, on programs made, edited, killed and interrupted at random.

(a) An answered question is not asked again. (b) No text is sent twice, none is dropped. (c) A
once whose result was recorded never runs again. (d) A conversation can always reach its end.
(e) A state change counts once. (f) Without edits, texts and state are those of the handler run
in memory. (g) An answer is never handed to another question than the one it was given to.

`COOEE_PROOF=50000 pytest tests/scenarios/random_edits/test_random_edits.py` plays that many conversations.
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.random_edits.engine import whole
from support.random_edits.programs import Tape
from support.random_edits.world import World

CONVERSATIONS = int(os.environ.get("COOEE_PROOF", "2000"))
SLICES = 8
ENGINE = whole()

pytestmark = pytest.mark.slow

tapes = st.lists(st.binary(min_size=60, max_size=60), max_size=8).map(b"".join)


@settings(
    max_examples=max(300, CONVERSATIONS // 10),
    suppress_health_check=list(HealthCheck),
)
@given(tapes, st.booleans(), st.booleans(), st.booleans())
def test_the_promises_hold_on_what_hypothesis_thinks_of(data, edits, unseen, flow):
    World(ENGINE, Tape(data), edits=edits, unseen=unseen, flow=flow).play()


@pytest.mark.parametrize("part", range(SLICES))
def test_the_promises_hold_on_conversations_at_random(part):
    for seed in range(part, CONVERSATIONS, SLICES):
        chance = random.Random(f"proof {seed}")
        tape = Tape(chance.randbytes(chance.choice([40, 150, 300, 600])))
        edits, unseen, flow = seed % 4 != 0, seed % 4 == 1, seed % 5 == 2
        world = World(ENGINE, tape, edits=edits, unseen=unseen, flow=flow)
        try:
            world.play()
        except Exception as error:
            story = "\n".join(world.log)
            raise AssertionError(f"{story}\n\nseed {seed}: {error}") from error
