"""Records each call that cooee makes between a claim and its end, and raises at one of them."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import Counter
from pathlib import Path

import cooee
from cooee.runtime import events
from cooee.runtime.turns.thread_call import ThreadCall

SOURCE = str(Path(cooee.__file__).parent)
TURNS = f"{SOURCE}/runtime/turns/"
FIRST_OF_A_THREAD = ThreadCall._run.__code__  # nobody would hear of what it raises before its try
CLOCKS = f"{SOURCE}/clocks/"
_OWN_THREADS = ("cooee-handler",)


class FaultPlanter:
    """Watches the calls of one claim's way: in the event loop's thread, and in those of handlers.

    A call is known by its function and by how often that was called before, on this claim's way.
    Calls of other parts (the sender, the simulator) are not on it.

    Args:
        kit: the kit whose worker is watched.
        fault: the call at which to raise, and the exception; None records only.
    """

    def __init__(self, kit, fault=None):
        self._kit, self._fault = kit, fault
        self.calls: list[tuple[str, int]] = []
        self.has_raised = False
        self._counts: Counter[str] = Counter()
        self._watching = False

    @contextlib.contextmanager
    def planted(self):
        """Watch the next claim, from the moment the store has given it out."""
        store, claim, receive = self._kit.store, self._kit.store.claim, self._kit.store.receive

        async def claim_and_watch(limit, **options):
            claims = await claim(limit, **options)
            if claims:
                self._watching = True
            return claims

        async def receive_and_watch(inbounds, **options):
            received = await receive(inbounds, **options)
            if any(one.claim for one in received):
                self._watching = True
            return received

        def end_at_commit(event):
            if isinstance(event, events.TurnsCommitted):
                self._watching = False

        store.claim, store.receive = claim_and_watch, receive_and_watch
        unsubscribe = self._kit.service.events.subscribe(end_at_commit)
        threading.setprofile(self._see)
        sys.setprofile(self._see)
        try:
            yield self
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            unsubscribe()
            del store.claim, store.receive

    def _see(self, frame, event, arg):
        if event != "call" or not self._watching:
            return
        code = frame.f_code
        if not code.co_filename.startswith(SOURCE) or code.co_filename.startswith(CLOCKS):
            return
        if code is FIRST_OF_A_THREAD or not _is_on_the_way(frame):
            return
        place = code.co_filename.removeprefix(SOURCE)
        name = f"{place}:{code.co_firstlineno} {code.co_qualname}"
        call = (name, self._counts[name])
        self._counts[name] += 1
        self.calls.append(call)
        if self._fault is not None and call == self._fault[0] and not self.has_raised:
            self.has_raised = True
            raise self._fault[1]


def _is_on_the_way(frame):
    """Tell whether a call is part of a claim's way: turns are below it, or it is in their thread."""
    if threading.current_thread().name in _OWN_THREADS:
        return True
    while frame is not None:
        if frame.f_code.co_filename.startswith(TURNS):
            return True
        frame = frame.f_back
    return False
