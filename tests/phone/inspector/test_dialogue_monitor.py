"""Where dialogues state in the code as it is now: looked at, and never touched."""

import asyncio
import importlib.util
import sqlite3
from contextlib import asynccontextmanager, closing
from itertools import count

import pytest

from cooee.phone.inspector.dialogue_monitor import DialogueMonitor
from cooee.phone.inspector.source_lines import SourceFiles
from cooee.testing import Kit

HEAD = """
from cooee import App, hours
app = App()

@app.on("NEWS", always=True)
def news(chat):
    return "None."

@app.dialogue("OTHER")
async def other(chat):
    await chat.ask("Other?")

@app.dialogue("BOOK")
async def book(chat):
"""
NAME = '    name = await chat.ask("Name?")\n'
MANY = '    party = await chat.ask("How many?", int, timeout=hours(2))\n'
END = '    return "Thanks!"\n'
FIRST = HEAD.count("\n") + 1
VERSIONS = count()


@pytest.fixture
def load(tmp_path):
    """An app of this code, and where it lies."""

    def loaded(*lines):
        file = tmp_path / "app.py"
        file.write_text(HEAD + "".join(lines))
        spec = importlib.util.spec_from_file_location(f"looked_at_{next(VERSIONS)}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.app

    return loaded


@asynccontextmanager
async def watching(kit, folder):
    """What a monitor tells, each when it is asked for."""
    told = asyncio.Queue()
    monitor = DialogueMonitor(told.put_nowait, folder, SourceFiles([]))
    running = asyncio.ensure_future(monitor.run(kit.store, kit.service.context))
    try:
        yield monitor, lambda: asyncio.wait_for(told.get(), 60)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def standing(kit, folder):
    """Where the only person's dialogues state."""
    async with watching(kit, folder) as (_, told):
        return (await told()).dialogues


async def test_it_tells_at_the_start_and_again_of_who_has_moved(load, tmp_path):
    async with Kit(load(NAME, MANY, END)) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        async with watching(kit, tmp_path) as (monitor, told):
            first = await told()
            assert first.theirs == anna.number
            (state,) = first.dialogues
            assert (state.status, state.prompt, state.handler) == ("asks", "Name?", "book")
            assert state.code == [(FIRST, NAME.strip())]
            assert (state.file, state.line) == (str(tmp_path / "app.py"), FIRST)

            kit.service.events.subscribe(monitor.on_event)
            await anna.text("Anna")
            (state,) = (await told()).dialogues
            assert state.prompt == "How many?"
            assert state.deadline == state.due_at.replace(microsecond=state.deadline.microsecond)
            assert [(one.question, one.value) for one in state.journal_steps] == [("Name?", "Anna")]
            await anna.text("4")
            assert not (await told()).dialogues


async def test_of_another_program_the_line_is_todays_and_nothing_is_written(load, tmp_path):
    async with Kit(load(NAME, MANY, END)) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")
        await kit.deploy(load("    # moved\n", NAME, MANY, END))
        (state,) = await standing(kit, tmp_path)
        assert (state.prompt, state.line, state.divergence) == ("How many?", FIRST + 2, "")
        await kit.deploy(load(NAME, MANY.replace("2", "9"), END))
        await kit.quiet()  # replay rule 11: the deploy has taken the new time-out
        before = await kit.store.dialogues()
        (state,) = await standing(kit, tmp_path)
        assert (state.deadline - state.since).total_seconds() == 9 * 3600
        assert [stored.dialogue.head for stored in await kit.store.dialogues()] == [
            stored.dialogue.head for stored in before
        ]
        assert anna.read() == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((NAME, '    await chat.ask("Mail?")\n', MANY, END), ("asks “Mail?”", FIRST + 1)),
        ((NAME, "    await chat.sleep(hours(1))\n", MANY, END), ("sleeps", FIRST + 1)),
        ((NAME, "    await chat.once(print)\n", MANY, END), ("does something once", 0)),
        ((NAME, END), ("ends", 0)),
    ],
)
async def test_what_the_code_does_first_now_is_told(load, tmp_path, capsys, lines, found):
    async with Kit(load(NAME, MANY, END)) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")
        await kit.deploy(load(*lines))
        (state,) = await standing(kit, tmp_path)
        assert (state.prompt, (state.divergence, state.line)) == ("How many?", found)
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("broken", "words", "line"),
    [
        ("    1 / 0\n", "ZeroDivisionError", FIRST + 1),
        ("    chat.ask('Hm?')\n", "NotAwaited", FIRST + 2),
        (
            "    while __import__('os').path.exists(__file__): pass\n",  # until the test ends
            "book ran for 2 seconds",
            FIRST + 1,
        ),
        ("    raise SystemExit\n", "SystemExit", FIRST + 1),
    ],
)
async def test_code_that_breaks_is_told_with_its_line(load, tmp_path, broken, words, line):
    async with Kit(load(NAME, MANY, END)) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")
        await kit.deploy(load(NAME, broken, MANY, END))
        (state,) = await standing(kit, tmp_path)
        assert words in state.error.message
        assert (state.error.file, state.error.line) == (str(tmp_path / "app.py"), line)
        (tmp_path / "app.py").unlink()


async def test_a_dialogue_that_is_gone_from_the_code_is_told(load, tmp_path):
    async with Kit(load(NAME, MANY, END)) as kit:
        await kit.phone().text("BOOK")
        await kit.deploy(load(NAME.replace("Name", "Who"), END).__class__())
        (state,) = await standing(kit, tmp_path)
        assert state.error.message == "The code has no dialogue book any more."


async def test_a_journal_that_cannot_be_read_is_told_and_so_are_the_others(load, tmp_path):
    async with Kit(load(NAME, MANY, END)) as kit:
        for phone in (kit.phone(), kit.phone()):
            await phone.text("BOOK")
        first, second = await kit.store.dialogues()
        with closing(sqlite3.connect(kit._database_path)) as db, db:
            db.execute("update dialogues set head = x'7b' where id = ?", [first.dialogue.id])
        async with watching(kit, tmp_path) as (_, told):
            damaged, whole = await told(), await told()
        assert "cannot be read" in damaged.dialogues[0].error.message
        assert (whole.theirs, whole.dialogues[0].prompt) == (second.theirs, "Name?")


async def test_one_that_is_put_by_says_so(load, tmp_path):
    async with Kit(load(NAME, MANY, END)) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.app.start("other", anna.number)
        await kit.quiet()
        states = await standing(kit, tmp_path)
        assert {(one.handler, one.status) for one in states} == {
            ("book", "parked"),
            ("other", "asks"),
        }
