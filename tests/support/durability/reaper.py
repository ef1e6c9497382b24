"""Kills this process, for real, where it is told to."""

import os
import signal

from cooee.runtime.events import subscribe_everywhere
from cooee.storage.sqlite import finishes, inbound, writer_thread


class Reaper:
    """Dies at the n-th event of a name: the class of a cooee event, or a point of the app's own."""

    point = os.environ.get("KILL_AT", "")
    left = int(os.environ.get("KILL_NTH", "1"))

    @classmethod
    def count(cls, event):
        if event == cls.point:
            cls.left -= 1
            if cls.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def die_around_commit(module, verb, has_joined):
    """Count `verb` before the commit of a joined verb, and ``verb committed`` right behind it.

    `has_joined` tells by its results whether the verb has leased, or taken, as well.
    """
    original, resolve_all, joined = getattr(module, verb), writer_thread.resolve_all, []

    def run(*args, **options):
        results = original(*args, **options)
        for _ in filter(has_joined, results):
            joined.append(verb)
            Reaper.count(verb)
        return results

    def resolve(results):
        while joined:
            Reaper.count(f"{joined.pop()} committed")
        resolve_all(results)

    setattr(module, verb, run)
    writer_thread.resolve_all = resolve


if Reaper.point:
    subscribe_everywhere(lambda event: Reaper.count(type(event).__name__))
    die_around_commit(inbound, "receive_texts", lambda text: text.claim is not None)
    die_around_commit(finishes, "finish_claims", lambda finished: len(finished.attempts))
