"""What a turn reads and writes, counted: by sleeping dialogues, state and answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from cooee import App, Chat, days
from cooee.core.dialogue import journal as journals
from cooee.runtime.turns import claim_turns
from cooee.storage.sqlite.transaction import Transaction
from cooee.testing import Kit


@dataclass
class Card:
    texts: int = 0
    note: str = ""


def made():
    app = App(state=Card)

    @app.dialogue()
    async def later(chat):
        await chat.sleep(days(30))

    @app.dialogue("ASK")
    async def ask(chat):
        while True:
            await chat.ask("Next?")
            chat.state.texts += 1

    @app.on("LOOK", always=True)
    def look(chat):
        return str(chat.state.texts)

    @app.on("COUNT", always=True)
    def count(chat):
        chat.state.texts += 1

    @app.on("FILL {n:d}", always=True)
    def fill(chat, n):
        chat.state.note = "x" * n

    return app


@pytest.fixture
def counted(monkeypatch):
    """Count statements, by name, and the bytes of their parameters; and decoded entries."""
    counts: Counter[str] = Counter()
    execute = Transaction.execute

    def counting(self, name, parameters=()):
        counts["statements"] += 1
        counts[name] += 1
        counts["bytes"] += sum(len(each) for each in parameters if isinstance(each, bytes | str))
        return execute(self, name, parameters)

    decode = journals.decode_journal

    def decoding(head, entries):
        counts["heads"] += 1
        counts["entries"] += len(entries)
        return decode(head, entries)

    monkeypatch.setattr(Transaction, "execute", counting)
    monkeypatch.setattr(journals, "decode_journal", decoding)
    return counts


async def turn_costs(counts, kit, phone, text):
    counts.clear()
    await phone.text(text)
    return Counter(counts)


async def with_sleepers(kit, count):
    phone = kit.phone()
    await phone.text("LOOK")
    for _ in range(count):
        await kit.app.start("later", phone.number)
    await kit.wait(1)
    return phone


async def test_a_turn_reads_the_sleeping_dialogues_of_its_person_in_one_statement(counted):
    costs = {}
    for sleepers in (1, 40):
        async with Kit(made()) as kit:
            phone = await with_sleepers(kit, sleepers)
            costs[sleepers] = await turn_costs(counted, kit, phone, "LOOK")
    assert costs[40]["statements"] < costs[1]["statements"] + 10
    assert (costs[1]["heads"], costs[40]["heads"]) == (1, 40)
    assert costs[40]["bytes"] < 2 * costs[1]["bytes"], "what sleeps is not written"


async def test_a_change_of_state_is_one_entry_for_each_sleeping_dialogue_and_no_head(counted):
    async with Kit(made()) as kit:
        phone = await with_sleepers(kit, 40)
        await phone.text("FILL 100000")
        cost = await turn_costs(counted, kit, phone, "COUNT")
        assert cost["add_entry"] == 40
        assert cost["save_dialogue"] == 0
        assert cost["bytes"] < 100_000 + 40 * 1_000, "the state once, and what changed for each"


async def test_other_people_pay_nothing_for_it(counted):
    async with Kit(made()) as kit:
        await with_sleepers(kit, 40)
        cost = await turn_costs(counted, kit, kit.phone(), "LOOK")
        assert cost["heads"] == cost["entries"] == 0


@pytest.mark.parametrize("size", [1_000, 100_000, 1_000_000])
async def test_a_turn_of_a_dialogue_writes_the_state_a_few_times_at_most(counted, size):
    async with Kit(made()) as kit:
        phone = kit.phone()
        await phone.text(f"FILL {size}")
        await phone.text("ASK")
        for _ in range(3):
            cost = await turn_costs(counted, kit, phone, "fine")
        assert cost["bytes"] < 3 * size + 10_000


async def test_an_answer_costs_one_statement_for_each_row_that_it_changes(counted):
    async with Kit(made()) as kit:
        phone = kit.phone()
        await phone.text("ASK")
        await phone.text("fine")
        cost = await turn_costs(counted, kit, phone, "fine")
        assert (cost["save_dialogue"], cost["add_entry"]) == (1, 1)
        assert (cost["find_entry"], cost["set_timer"]) == (0, 0), "nothing was in doubt, or due"


async def test_answers_of_ten_kilobytes_are_written_once_and_read_once_a_turn(counted):
    async with Kit(made()) as kit:
        phone = kit.phone()
        await phone.text("ASK")
        written = []
        for _ in range(6):
            cost = await turn_costs(counted, kit, phone, "x" * 10_000)
            written.append(cost["bytes"])
        assert max(written) - min(written) < 2_000, "earlier answers are not written again"
        assert cost["entries"] == 5


async def test_many_entries_of_one_person_are_warned_of(counted, monkeypatch, caplog):
    monkeypatch.setattr(claim_turns, "MANY_ENTRIES", 20)
    async with Kit(made()) as kit:
        phone = await with_sleepers(kit, 10)
        await phone.text("COUNT")
        await phone.text("COUNT")
        assert "dialogue-warning" not in caplog.text
        await phone.text("COUNT")
        await phone.text("COUNT")
        [warning] = [each for each in caplog.records if each.msg == "dialogue-warning"]
        assert "10 open dialogues with over 20 journal entries" in str(vars(warning))


async def test_a_turn_looks_up_no_zone_and_makes_no_chat_that_nobody_sees(monkeypatch):
    counts: Counter[str] = Counter()

    def count(owner, name):
        original = getattr(owner, name)

        def counting(*args, **options):
            counts[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counting)

    count(App, "time_zone_of")
    count(Chat, "__init__")
    async with Kit(made()) as kit:
        phone = kit.phone()
        await phone.text("ASK")
        counts.clear()
        await phone.text("fine")
    assert counts["time_zone_of"] == 0, "no answer of this dialogue is a date"
    assert counts["__init__"] == 2, "the run's, and that of the second run, in tests"
