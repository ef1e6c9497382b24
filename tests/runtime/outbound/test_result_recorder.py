"""Results are recorded as they come, and those that come meanwhile share the next commit."""

import asyncio

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.messages import Outbound, Status
from cooee.runtime.events import AttemptRecorded, Events
from cooee.runtime.outbound.result_recorder import ResultRecorder, unknown_result


class SlowStore:
    """A store that records when it is let, and refuses some texts."""

    def __init__(self, refused=()):
        self.gate, self.commits, self.refused = asyncio.Event(), [], set(refused)

    async def record_results(self, results):
        await self.gate.wait()
        texts = [one.outbound.text for one in results]
        if self.refused.intersection(texts):
            raise ValueError("refused")
        self.commits.append(texts)
        return []


def result(text):
    outbound = Outbound(id=text, sender="+61491570006", recipient="+61491570156", text=text)
    return unknown_result(outbound, None)


@pytest.mark.parametrize("is_owners_task", [False, True])
async def test_results_that_come_meanwhile_share_a_commit(is_owners_task):
    store, told, recorded, tasks = SlowStore(), [], [], []
    options = {"start_task": lambda work: tasks.append(asyncio.ensure_future(work))}
    recorder = ResultRecorder(
        store,
        RealClock(),
        Events([told.append]),
        lambda one, _: one,
        **options if is_owners_task else {},
    )
    for text in "abcd":
        recorder.add(result(text), lambda one: recorded.append(one.outbound.text))
        await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(*tasks)
    await recorder.close()
    assert (len(tasks), store.commits) == (int(is_owners_task), [["a"], ["b", "c", "d"]])
    assert recorded == list("abcd")
    assert [(type(one), one.status) for one in told] == [(AttemptRecorded, Status.UNKNOWN)] * 4
    recorder.add(result("e"), lambda _: None)  # it begins again
    await asyncio.gather(*tasks)
    await recorder.close()
    assert store.commits[-1] == ["e"]


async def test_a_result_that_is_refused_keeps_no_other_from_its_commit():
    store, instead = SlowStore(["bad"]), []
    store.gate.set()

    def on_refused(one, error):
        instead.append((one.outbound.text, str(error)))
        return result("instead")

    recorder = ResultRecorder(store, RealClock(), Events(), on_refused)
    for text in ("a", "bad", "b"):
        recorder.add(result(text), lambda _: None)
    await recorder.close()
    assert store.commits == [["a"], ["instead"], ["b"]]
    assert instead == [("bad", "refused")]
