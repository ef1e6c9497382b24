"""Dialogues to be replayed here, without a database."""

from __future__ import annotations

import pytest
from support.replayable import lived

from cooee import App
from cooee.runtime.preflight.audit_hook import IOGuard
from cooee.runtime.preflight.dry_run import DryRun
from cooee.runtime.preflight.time_limit import TimeLimit


@pytest.fixture(scope="session")
def io_guard():
    """One for all: an audit hook stays for ever."""
    return IOGuard()


@pytest.fixture
def dry_run(io_guard):
    """Replay an app's dialogues, with little time_limit."""
    time_limit = TimeLimit(0.3)
    yield lambda app: DryRun(app, io_guard, time_limit)
    time_limit.cancel()


@pytest.fixture
def replay(dry_run):
    """Replay a handler for somebody who has answered so much to it, or to an earlier one."""

    def play(handler, *words, before=None, services=None, **more):
        app = App(**more)
        app.dialogue(name="dialogue")(handler)
        return dry_run(app).run(lived(app, before or handler, words, services))

    return play
