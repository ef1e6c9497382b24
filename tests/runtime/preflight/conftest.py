"""Dialogues to be replayed here, without a database."""

from __future__ import annotations

import pytest
from support.replayable import lived

from cooee import App
from cooee.runtime.preflight.audit_hook import IOGuard
from cooee.runtime.preflight.dry_run import DryRun
from cooee.runtime.preflight.time_limit import TimeLimit


@pytest.fixture(scope="session")
def confinement():
    """One for all: an audit hook stays for ever."""
    return IOGuard()


@pytest.fixture
def rehearsal(confinement):
    """Have an app's dialogues replayed, with little patience."""
    patience = TimeLimit(0.3)
    yield lambda app: DryRun(app, confinement, patience)
    patience.cancel()


@pytest.fixture
def replay(rehearsal):
    """Replay a handler for somebody who has answered so much to it, or to an earlier one."""

    def play(handler, *words, before=None, services=None, **more):
        app = App(**more)
        app.dialogue(name="dialogue")(handler)
        return rehearsal(app).run(lived(app, before or handler, words, services))

    return play
