"""What a start with other code does for those who wait."""

from cooee import App
from cooee.clocks.clock import VirtualClock
from cooee.core.errors import StoreUnavailable
from cooee.runtime.turns.deploys import begin_code_version, retire_dialogues


class Notes:
    """A store that notes its calls; the first retry may fail."""

    def __init__(self, *, count=0, failures=0):
        self.calls, self.count, self.failures = [], count, failures

    async def newer_versions(self, code_version):
        self.calls.append(("newer_versions", code_version))
        return ()

    async def retry_after_deploy(self, code_version, handlers):
        self.calls.append(("retry_after_deploy", code_version, handlers))
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("locked")
        return self.count


def retiring(*names):
    app = App()
    for name in names:
        app.retire(name)
    return app


async def test_a_process_says_what_code_it_runs_before_it_retries():
    store = Notes()
    await begin_code_version(store, "v2")
    assert store.calls == [("newer_versions", "v2"), ("retry_after_deploy", "v2", [])]


async def test_no_call_is_made_where_nothing_is_retired():
    store, rung = Notes(count=1), []
    await retire_dialogues(retiring(), store, VirtualClock(), "v2", lambda: rung.append(1))
    assert (store.calls, rung) == ([], [])


async def test_the_worker_is_woken_once_dialogues_are_due_however_often_the_store_was_locked():
    clock = VirtualClock()
    for count, rings in ((2, 1), (0, 0)):
        store, rung = Notes(count=count, failures=1), []
        app = retiring("book", "old")
        task = clock.spawn(
            retire_dialogues(app, store, clock, "v2", lambda rung=rung: rung.append(1))
        )
        while not task.done():
            await clock.wait_until_idle()
            await clock.jump_to_next_timer(clock.now().replace(year=9999))
        assert store.calls == [("retry_after_deploy", "v2", ["book", "old"])] * 2
        assert len(rung) == rings
