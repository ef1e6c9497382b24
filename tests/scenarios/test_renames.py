"""A dialogue that is renamed, twice and more, while people are in the middle of it."""

from __future__ import annotations

import random

import pytest

from cooee import App, DefinitionError
from cooee.runtime.operations import iterate_dialogues
from cooee.runtime.preflight.audit_hook import IOGuard
from cooee.runtime.preflight.dry_run import DryRun
from cooee.testing import Kit


def version(name, was=()):
    """An app whose only dialogue has this name."""
    app = App()

    @app.dialogue("BOOK", name=name, was=was)
    async def book(chat):
        who = await chat.ask("Name?")
        for n in range(9):
            await chat.ask(f"{n}, {who}?")
        return who

    return app


async def begun(kit):
    """A person who has given their name."""
    phone = kit.phone()
    await phone.text("BOOK")
    assert await phone.text("Anna") == ["0, Anna?"]
    return phone


async def outcomes(kit, app):
    """What preflight says of everybody under this app."""
    dry_run = DryRun(app, IOGuard())
    try:
        return [dry_run.run(stored).outcome async for stored in iterate_dialogues(kit.store)]
    finally:
        dry_run.close()


@pytest.mark.parametrize("was", [("b", "a"), ["a", "b"], ["b", "a", "never"]])
async def test_people_of_every_former_name_go_on(was):
    async with Kit(version("a")) as kit:
        still_at_a, had_a_turn = await begun(kit), await begun(kit)
        await kit.deploy(version("b", "a"))
        assert await had_a_turn.text("ok") == ["1, Anna?"]
        at_b = await begun(kit)
        assert await outcomes(kit, version("c", was)) == ["continues"] * 3
        await kit.deploy(version("c", was))
        assert await still_at_a.text("ok") == ["1, Anna?"]
        assert await had_a_turn.text("ok") == ["2, Anna?"]
        assert await at_b.text("ok") == ["1, Anna?"]


async def test_a_name_that_is_dropped_too_early_is_found_and_mended():
    async with Kit(version("a")) as kit:
        at_a = await begun(kit)
        await kit.deploy(version("b", "a"))
        at_b = await begun(kit)
        assert sorted(await outcomes(kit, version("c", "b"))) == ["continues", "unknown"]
        await kit.deploy(version("c", "b"))
        (note,) = kit.service.notes
        assert "Write was='a'" in note
        assert await at_b.text("ok") == ["1, Anna?"]
        await at_a.text("ok")
        assert "was='a'" in (await kit.troubles(at_a))[0]
        await kit.deploy(version("c", ("b", "a")))
        assert at_a.read()[-1] == "1, Anna?", "Its text was tried again."


async def test_a_rename_is_taken_back():
    async with Kit(version("a")) as kit:
        anna = await begun(kit)
        await kit.deploy(version("b", "a"))
        assert await anna.text("ok") == ["1, Anna?"]
        await kit.deploy(version("a"))
        assert await anna.text("ok") == ["2, Anna?"]


@pytest.mark.parametrize("seed", range(12))
async def test_people_go_on_where_their_first_name_is_named(seed):
    chance, names = random.Random(seed), "abcd"
    async with Kit(version("a")) as kit:
        people = {await begun(kit): "a"}
        for _ in range(4):
            name = chance.choice(names)
            was = chance.sample(names, chance.randrange(4))
            app, known = version(name, was), {name, *was}
            predicted = sorted(await outcomes(kit, app))
            expected = ["continues" if began in known else "unknown" for began in people.values()]
            assert predicted == sorted(expected)
            if not {*people.values()} <= known:
                continue  # as preflight has told
            await kit.deploy(app)
            for phone in people:
                (text,) = await phone.text("ok")
                assert text.endswith(", Anna?")
            people[await begun(kit)] = name


@pytest.mark.parametrize("was", [3, None, [3], "", [""], {"a"}, b"a"])
def test_former_names_are_names(was):
    with pytest.raises(DefinitionError, match=r"was=.*is no name.*test_renames\.py"):
        version("a", was)
