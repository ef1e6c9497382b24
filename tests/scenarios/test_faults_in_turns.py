"""Whatever raises between a claim and its commit: the claim ends, its place is free, others go on."""

import asyncio
import contextlib
import gc
import itertools
import os
import random
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from tests.support.fault_planter import FaultPlanter

from cooee import App, StartFailed, hours
from cooee.core.messages import conversation_id
from cooee.runtime.turns.places import MAX_CLAIMS
from cooee.testing import Kit

SAMPLES = 16  # faults of each scenario; `make proof` plants all, tens of thousands
IS_PROOF = "COOEE_PROOF" in os.environ


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")

    __repr__ = __str__

    def __eq__(self, other):
        raise ValueError("no equal")

    __hash__ = None


KINDS = {
    "Exception": lambda: RuntimeError("planted"),
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "GeneratorExit": GeneratorExit,
    "MemoryError": MemoryError,
    "a group": lambda: BaseExceptionGroup("planted", [KeyboardInterrupt()]),
    "unspeakable": Unspeakable,
    "surrogates": lambda: OSError("\ud800\0" + "x" * 1_000_000),
}


def program():
    app = App(sorry="Sorry!")

    @app.on("SYNC", always=True)
    def sync(chat):
        return "sync"

    @app.on("ASYNC")
    async def later(chat):
        await asyncio.sleep(0)
        return "async"

    @app.dialogue("ASK")
    async def ask(chat):
        return f"Hello, {await chat.ask('Name?')}."

    @app.dialogue("PAY")
    async def pay(chat):
        amount = await chat.ask("How much?", int)
        return await chat.once(paid, amount)

    @app.dialogue("NAP")
    async def nap(chat):
        await chat.sleep(hours(1))
        return "Awake."

    return app


async def paid(amount):
    await asyncio.sleep(0)
    return f"Paid {amount}."


SCENARIOS = {  # the texts before, the text or the time whose turn fails, and its answer
    "sync": ([], "SYNC", "sync"),
    "async": ([], "ASYNC", "async"),
    "begin": ([], "ASK", "Name?"),
    "answer": (["ASK"], "Anna", "Hello, Anna."),
    "once": (["PAY"], "5", "Paid 5."),
    "sleep": (["NAP"], timedelta(hours=1), "Awake."),
}


async def step(kit, phone, what):
    if isinstance(what, str):
        kit.send(phone, what)
        await kit.quiet()
    else:
        await kit.wait(what)


async def calls_of(kit, scenario):
    """Return the calls of a clean turn: those of each of three, since threads come and go."""
    before, what, answer = SCENARIOS[scenario]
    runs = []
    for _ in range(3):
        anna = kit.phone()
        for text in before:
            await anna.text(text)
        with FaultPlanter(kit).planted() as planter:
            await step(kit, anna, what)
        assert anna.inbox[-1] == answer
        runs.append(planter.calls)
    return [call for call in dict.fromkeys(runs[0]) if call in runs[1] and call in runs[2]]


async def check_fault(kit, scenario, call, kind):
    """Raise at one call, and see everybody answered, once. Return whether the call was made."""
    before, what, answer = SCENARIOS[scenario]
    anna, ben = kit.phone(), kit.phone()
    for text in before:
        await anna.text(text)
    said = len(anna.inbox)
    with FaultPlanter(kit, (call, KINDS[kind]())).planted() as planter:
        await step(kit, anna, what)
    where = f"{kind} at {call} of {scenario}"
    assert await ben.text("SYNC") == ["sync"], where
    await kit.wait(400)
    if list(anna.inbox[said:]) != [answer]:
        assert list(anna.inbox[said:]) in (["Sorry!"], []), where
        assert await is_set_aside(kit, anna), where
    anna.read()
    worker = kit.service.parts.worker
    assert worker._places.free_count == MAX_CLAIMS, where
    assert not kit.store._leases.by_conversation, where
    assert await anna.text("SYNC") == ["sync"], where
    return planter.has_raised


async def is_set_aside(kit, phone):
    """Tell whether a text or an alarm of a person was set aside, with its error."""
    theirs = [one for one in await kit.store.dialogues() if one.theirs == phone.number]
    return any([*await kit.troubles(phone), *[one.dialogue.error for one in theirs]])


@pytest.mark.filterwarnings("ignore")  # a coroutine that a fault left unstarted, say
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_fault_at_any_call_between_claim_and_commit_ends_its_claim(scenario):
    async with Kit(program()) as kit:
        calls = await calls_of(kit, scenario)
        assert len(calls) > 50
        faults = [(call, kind) for call in calls for kind in KINDS]
        dice = random.Random(scenario)
        chosen = faults if IS_PROOF else dice.sample(faults, SAMPLES)
        raised = [await check_fault(kit, scenario, call, kind) for call, kind in chosen]
        assert sum(raised) > 0.5 * len(raised), "the calls are those of a clean turn"
        gc.collect()  # so that what it complains of is of this test


# What the app's own code raises, wherever it has a say


def everywhere(kind):
    """An app that raises in each of the places where its code is called, by the text's word."""

    def fail():
        raise KINDS[kind]() if kind in KINDS else PROCESS_ENDS[kind]()

    app = App(state=Guest, sorry="Sorry!")

    @app.on("SYNC")
    def sync(chat):
        fail()

    @app.on("ASYNC")
    async def later(chat):
        await asyncio.sleep(0)
        fail()

    @app.on("TASK")
    async def cancelled(chat):
        asyncio.current_task().cancel()
        fail()

    @app.on("STATE")
    def state(chat):
        chat.state.guests.append(Faulty(fail))

    @app.on("REPLY")
    def reply(chat):
        return Faulty(fail)

    @app.dialogue("PLAIN")
    async def plain(chat):
        fail()

    @app.dialogue("LATE")
    async def late(chat):
        try:
            await chat.ask("Name?")
        finally:
            fail()

    @app.dialogue("ONCE")
    async def once(chat):
        await chat.once(fail)

    @app.dialogue("AONCE")
    async def once_later(chat):
        await chat.once(later, None)

    @app.dialogue("RESULT")
    async def result(chat):
        await chat.once(lambda: Faulty(fail))

    @app.dialogue("TYPE")
    async def parse(chat):
        await chat.ask("What?", lambda text: fail())

    @app.on("FINE", always=True)
    @app.otherwise
    def fine(chat):
        return "fine"

    @app.on("AROUND")
    def in_middleware(chat):
        return "not said"

    @app.around
    async def around(chat, proceed):
        if chat.text == "AROUND":
            fail()
        return await proceed()

    @app.on_error
    def on_error(chat, error):
        fail()

    return app


@dataclass
class Guest:
    guests: list = field(default_factory=list)


class Faulty:
    """An object whose every method raises."""

    def __init__(self, fail):
        self._fail = fail

    def __getattr__(self, name):
        return self._fail()

    def __eq__(self, other):
        return self._fail()

    def __str__(self):
        return self._fail()

    __repr__ = __str__

    def __len__(self):
        return self._fail()

    __hash__ = None


PROCESS_ENDS = {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": lambda: SystemExit(3)}
WORDS = ["SYNC", "ASYNC", "TASK", "STATE", "REPLY", "PLAIN", "ONCE", "AONCE", "RESULT", "AROUND"]


@pytest.mark.parametrize("kind", [*KINDS, *PROCESS_ENDS])
async def test_whatever_the_app_raises_its_text_is_set_aside_and_the_next_is_answered(kind):
    async with Kit(everywhere(kind)) as kit:
        people = {word: kit.phone() for word in WORDS}
        for word, phone in people.items():
            kit.send(phone, word)
        await kit.wait(400)
        for word, phone in people.items():
            assert phone.read() == ["Sorry!"], word
            assert len(await kit.troubles(phone)) == 1, word
            assert await phone.text("hi") == ["fine"], word
        assert kit.service.parts.worker._places.free_count == MAX_CLAIMS
        assert not kit.store._leases.by_conversation


@pytest.mark.parametrize("kind", [*KINDS, *PROCESS_ENDS])
async def test_a_finally_or_an_answers_type_that_raises_ends_no_more_than_its_turn(kind):
    async with Kit(everywhere(kind)) as kit:
        anna, ben = kit.phone(), kit.phone()
        assert await anna.text("LATE") == ["Name?"], "its finally has raised already"
        assert await ben.text("TYPE") == ["What?"]
        kit.send(anna, "Anna")
        kit.send(ben, "this")
        await kit.wait(400)
        assert (len(anna.read()), len(ben.read())) == (1, 1)
        assert await anna.text("FINE") == ["fine"]
        assert kit.service.parts.worker._places.free_count == MAX_CLAIMS


@pytest.mark.parametrize("people", [260, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_people_whose_handlers_let_a_cancellation_out_slow_nobody(people):
    app = App(sorry=None)

    @app.on("GET")
    async def get(chat):
        inner = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    @app.otherwise
    def fine(chat):
        return "fine"

    async with Kit(app) as kit:
        crowd, ben = [kit.phone() for _ in range(people)], kit.phone()
        for phone in crowd:
            kit.send(phone, "GET")
        await kit.quiet()
        assert await ben.text("hi") == ["fine"]
        await kit.wait(400)
        assert (await kit.store.counts()).set_aside == people
        assert "CancelledError" in (await kit.troubles(crowd[-1]))[0]
        assert [await phone.text("hi") for phone in crowd[:3]] == [["fine"]] * 3


# What the database refuses


@pytest.mark.parametrize(
    ("verb", "when"),
    [
        # a finish that raises has written nothing, by the contract: else its attempts were lost
        ("finish", "before"),
        *itertools.product(["checkpoint", "postpone"], ["before", "after"]),
    ],
)
@pytest.mark.parametrize("count", [1, 3, 1_000])
async def test_a_verb_of_the_store_that_fails_ends_the_claim(verb, when, count):
    async with Kit(program()) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("PAY")
        original, left = getattr(kit.store, verb), [count]

        async def failing(items, *args):
            if not any(is_of(one, anna) for one in items) or not left[0]:
                return await original(items, *args)
            left[0] -= 1
            if when == "after":
                await original(items, *args)
            raise ValueError("no such column")

        setattr(kit.store, verb, failing)
        kit.send(anna, "5")
        assert await ben.text("SYNC") == ["sync"]
        await kit.wait(400)
        if count < 5 or verb == "postpone":
            assert anna.read() == ["Paid 5."]
        left[0] = 0
        await kit.wait(400)
        anna.read()
        assert await anna.text("SYNC") == ["sync"]
        assert anna.inbox.count("Paid 5.") <= 1
        assert kit.service.parts.worker._places.free_count == MAX_CLAIMS
        assert not kit.store._leases.by_conversation


def is_of(item, phone):
    claim = getattr(item, "claim", item)
    return claim.theirs == phone.number


DAMAGE = {
    "media that are no JSON": "update inbound set media = x'00ff' where text = 'GO'",
    "a time beyond the calendar": "update inbound set received_at = 9e18, sent_at = -9e18"
    " where text = 'GO'",
    "text that is no UTF-8": "update inbound set text = cast(x'47ff' as text) where text = 'GO'",
    "a conversation's own time": "update conversations set last_turn_at = 9e18 where theirs = :who",
    "state that is no JSON": "insert or replace into states values (:id, x'00ff')",
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_row_fails_its_own_turn_and_keeps_nobody_from_an_answer(damage):
    app = App(state=Guest, sorry="Sorry!")

    @app.on("GO")
    def go(chat):
        chat.state.guests.append("one")
        return f"{chat.now + timedelta(days=1)}"

    @app.otherwise
    def fine(chat):
        return "fine"

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("hi")
        anna.read()
        claim = kit.store.claim

        async def damage_first(limit, **options):
            kit.store.claim = claim
            values = {"who": anna.number, "id": conversation_id(kit.number, anna.number)}
            with contextlib.closing(sqlite3.connect(kit._database_path)) as other, other:
                other.execute(DAMAGE[damage], values)
            return await claim(limit, **options)

        kit.store.claim = damage_first
        kit.send(anna, "GO")
        assert await ben.text("hi") == ["fine"]
        await kit.wait(400)
        assert len(anna.read()) == 1, "an apology, or the answer where the damage does not matter"
        assert await ben.text("hi") == ["fine"]
        assert kit.service.parts.worker.trouble == ""
        assert kit.service.parts.worker._places.free_count == MAX_CLAIMS


@dataclass(frozen=True)
class Frozen(Exception):
    """An error that nothing can be set on, not even a traceback."""

    reason: str = "frozen"


def sink(depth):
    return sink(depth + 1)


ODD_ERRORS = {
    "recursion": lambda: sink(0),
    "a frozen error": Frozen,
    "a megabyte": lambda: ValueError("\udfff" * 1_000_000),
}


@pytest.mark.parametrize("kind", ODD_ERRORS)
async def test_an_odd_error_is_one_like_others(kind):
    app = App(sorry="Sorry!")

    @app.on("SYNC")
    def sync(chat):
        error = ODD_ERRORS[kind]()
        raise error

    @app.on("ASYNC")
    async def later(chat):
        error = ODD_ERRORS[kind]()
        raise error

    @app.dialogue("ASK")
    async def ask(chat):
        error = ODD_ERRORS[kind]()
        raise error

    @app.dialogue("ONCE")
    async def once(chat):
        await chat.once(sync, chat)

    async with Kit(app) as kit:
        people = {word: kit.phone() for word in ("SYNC", "ASYNC", "ASK", "ONCE")}
        for word, phone in people.items():
            kit.send(phone, word)
        await kit.wait(400)
        for word, phone in people.items():
            assert phone.read() == ["Sorry!"], word
            (trouble,) = await kit.troubles(phone)
            assert len(trouble) < 5_000
            assert "test_faults_in_turns.py:" in trouble, word
        assert kit.service.parts.worker._places.free_count == MAX_CLAIMS


@pytest.mark.parametrize("kind", [*KINDS, *PROCESS_ENDS])
async def test_a_receipt_hook_that_raises_ends_neither_the_sender_nor_the_service(kind, caplog):
    app = App()

    @app.on_delivered
    def fail(*args):
        raise KINDS[kind]() if kind in KINDS else PROCESS_ENDS[kind]()

    @app.on_delivered
    async def fail_later(*args):
        await asyncio.sleep(0)
        fail()

    @app.otherwise
    def fine(chat):
        return "fine"

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("hi") == ["fine"]
        await kit.wait(60)
        assert await anna.text("hi") == ["fine"]
        assert await kit.service.health() == (True, await report(kit))
        lines = [record.getMessage() for record in caplog.records]
        assert lines.count("receipt-handler-failed") == 4


@pytest.mark.parametrize("kind", [*KINDS, *PROCESS_ENDS])
@pytest.mark.parametrize("later", [False, True])
async def test_a_start_hook_that_raises_stops_the_app_with_its_line(kind, later, caplog):
    app = App()

    def fail():
        raise KINDS[kind]() if kind in KINDS else PROCESS_ENDS[kind]()

    async def fail_later():
        await asyncio.sleep(0)
        fail()

    app.on_start(fail_later if later else fail)
    with pytest.raises(StartFailed, match=r"below @app\.on_start") as failed:
        async with Kit(app):
            raise AssertionError("It started.")
    assert __file__ in str(failed.value)
    assert failed.value.__cause__ is not None
    assert "on-start-failed" in [record.getMessage() for record in caplog.records]


async def test_a_start_hook_that_fails_late_is_told_by_health_and_by_until_failed():
    app = App()
    kit = Kit(app)

    @app.on_start
    async def fail():
        await kit.clock.sleep(60)
        raise ValueError("no printer")

    async with kit:
        await kit.wait(59)
        assert (kit.service.failure, (await kit.service.health())[0]) == (None, True)
        await kit.wait(2)
        assert "ValueError: no printer" in str(await kit.service.until_failed())
        is_well, shown = await kit.service.health()
        assert not is_well
        assert "no printer" in shown["tasks"]


async def test_a_start_hook_that_is_cancelled_by_our_own_stop_has_not_failed(caplog):
    app = App()
    kit = Kit(app)

    @app.on_start
    async def go_on():
        await kit.clock.sleep(86_400)

    async with kit:
        service = kit.service
        service.close = partial(service.close, grace=0)
        await kit.stop()
        assert service.failure is None
        assert "on-start-failed" not in [record.getMessage() for record in caplog.records]


async def test_a_lifespan_that_raises_at_the_end_says_so_and_the_database_is_closed():
    @contextlib.asynccontextmanager
    async def services():
        yield
        raise ValueError("no farewell")

    async with Kit(App(lifespan=services)) as kit:
        with pytest.raises(ValueError, match="no farewell"):
            await kit.stop()
        kit.app.services_lifespan = None
        await kit.start()  # the database is free, and was closed in order
        assert (await kit.store.counts()).unclean_exits == 0


async def report(kit):
    return (await kit.service.health())[1]


async def test_of_several_texts_the_one_whose_commit_is_refused_is_found():
    app = App(sorry="Sorry!")

    @app.otherwise
    def echo(chat):
        return chat.text

    async with Kit(app) as kit:
        anna, finish = kit.phone(), kit.store.finish

        async def refuse_bad(results):
            if any(draft.text == "bad" for result in results for draft in result.drafts):
                raise ValueError("no such column")
            return await finish(results)

        kit.store.finish = refuse_bad
        for text in ("one", "bad", "three", "four"):
            kit.send(anna, text)
        await kit.wait(400)
        assert anna.read() == ["one", "Sorry!", "three", "four"]
        (trouble,) = await kit.troubles(anna)
        assert "Answering 'bad' failed (set aside): ValueError: no such column" in trouble


@pytest.mark.parametrize("result", [None, "words", 5])
async def test_a_middleware_that_hands_nothing_on_is_named(result):
    app = App(sorry="Sorry!")

    @app.around
    async def forgetful(chat, proceed):
        await proceed()
        return result

    @app.dialogue("ASK")
    async def ask(chat):
        return await chat.ask("Name?")

    async with Kit(app) as kit:
        anna = kit.phone()
        kit.send(anna, "ASK")
        await kit.wait(400)
        (trouble,) = await kit.troubles(anna)
        assert "`return await proceed()`" in trouble
