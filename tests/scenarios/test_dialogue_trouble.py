"""What people send, what code does and what disks do to dialogues: each harms its own turn alone."""

import asyncio
import inspect
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import pytest

from cooee import App, hours
from cooee.core.app.app import SORRY_TEXT
from cooee.core.messages import Inbound, Media
from cooee.core.segments import measure_text
from cooee.storage.summaries import TROUBLED
from cooee.testing import Kit


@dataclass
class Guest:
    name: str = ""
    answers: int = 0


def booking(version="", **settings):
    app = App(state=Guest, version=version, **settings)

    @app.dialogue("BOOK")
    async def book(chat):
        chat.state.name = await chat.ask("Name?")
        chat.state.answers += 1
        many = await chat.ask("How many?", int)
        return f"{chat.state.name[:9]} of {len(chat.state.name)}, {many}."

    @app.dialogue("LATER")
    async def later(chat):
        await chat.sleep(hours(1))
        return "It is later."

    @app.on("ASSIST", always=True)
    def assist(chat):
        return "Helped."

    @app.otherwise
    def otherwise(chat):
        return "Text BOOK."

    return app


# What people send


async def test_two_thousand_emoji_are_an_answer():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        emoji = "🎉" * 2_000
        assert await anna.text(emoji) == ["How many?"]
        await kit.restart()
        assert await anna.text("4") == [f"{emoji[:9]} of 2000, 4."]
        assert await kit.troubles(anna) == []


async def test_two_thousand_emoji_are_no_number():
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await anna.text("Anna")
        assert "How many?" in (await anna.text("9" * 2_000))[0]
        assert "How many?" in (await anna.text("🎉" * 2_000))[0]
        assert await anna.text("4") == ["Anna of 4, 4."]


@pytest.mark.parametrize("empty", ["", " ", "\n\t ", "\u200b"])
async def test_an_empty_text_is_no_answer_and_the_question_is_asked_again(empty):
    async with Kit(booking()) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        again = await anna.text(empty)
        assert len(again) == 1
        if empty != "\u200b":
            assert "Name?" in again[0]
            assert await anna.text("Anna") == ["How many?"]
        assert await kit.troubles(anna) == []


async def test_media_without_a_text_is_an_answer_where_any_is_and_none_where_words_are():
    app = App()

    @app.dialogue("SHOW")
    async def pictures(chat):
        await chat.receive()
        first = [one.content_type for one in chat.message.media]
        words = await chat.ask("What is it?")
        return f"{first} {words} {[one.content_type for one in chat.message.media]}"

    async with Kit(app) as kit:
        kit.media.apps["https://pictures.example"] = gallery
        anna = kit.phone()
        await anna.text("SHOW")
        for n, (words, said) in enumerate(
            {
                "": "What is it?",
                " ": "Sorry, I did not understand that. What is it?",
                "a cat": "['image/png'] a cat ['image/png']",
            }.items()
        ):
            picture = Media(url=f"https://pictures.example/{n}", content_type="image/png")
            await show(kit, anna, words, picture)
            await kit.quiet()
            assert anna.read() == [said]
        assert await kit.troubles(anna) == []


async def gallery(scope, receive, send):
    headers = [(b"content-type", b"image/png")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"picture"})


async def show(kit, phone, text, *media):
    """Let a text with pictures come, whichever way."""
    inbound = Inbound(
        sender=phone.number,
        recipient=kit.number,
        text=text,
        received_at=kit.clock.now(),
        key=text + media[0].url,
        media=media,
    )
    await kit.service.parts.inbound_receiver.receive([inbound])


async def test_stop_in_the_middle_cancels_what_is_queued_and_nothing_is_sent_until_start():
    app = booking()

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await anna.text("LATER")
        await kit.service.store.add_our_number(kit.number)
        kit.send(anna, "Anna")
        kit.send(anna, "STOP")
        await kit.quiet()
        goodbye = [said for said in anna.read() if said != "How many?"]
        assert len(goodbye) <= 1, "a confirmation at the most"
        await kit.wait(hours(2))
        assert await anna.text("4") == []
        assert anna.read() == [], "neither the alarm nor the answer said anything"
        assert await ben.text("BOOK") == ["Name?"]
        assert await anna.text("START") == ["How many?"], "what could not be answered in silence"
        history = await kit.store.history(kit.number, anna.number, 50)
        assert not [entry for entry in history if entry.status in {"queued", "sending"}]
        assert len(await kit.store.dialogues()) == 2
        await anna.text("4")
        assert len(await kit.store.dialogues()) == 1


async def test_a_text_longer_than_a_segment_is_asked_and_answered_whole():
    app, long = App(), "How do you do? " * 40

    @app.dialogue("ASK")
    async def ask(chat):
        return f"You said: {await chat.ask(long.strip())}"

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("ASK") == [long.strip()]
        answer = "word " * 200
        assert measure_text(answer)[1] > 1
        assert await anna.text(answer) == [f"You said: {answer.strip()}"]


async def test_a_question_of_more_segments_than_allowed_is_set_aside_with_the_reason():
    app = App(most_segments=1)

    @app.dialogue("ASK")
    async def ask(chat):
        return await chat.ask("long " * 100)

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("ASK") == [SORRY_TEXT]
        assert "TooLong" in (await kit.troubles(anna))[0]
        assert await kit.store.dialogues() == [], "it never began"


# What code does


async def test_what_was_begun_keeps_its_token_though_a_question_comes_before_it_now():
    first, second, tokens = App(), App(), []

    def pay(amount, token):
        tokens.append(token)
        if len(tokens) == 1:
            raise ConnectionError("whether that was paid, nobody knows")
        return f"paid {amount}"

    @first.dialogue("PAY", name="pay")
    async def paying(chat):
        amount = await chat.ask("How much?", int)
        return await chat.once(pay, amount, chat.token)

    @second.dialogue("PAY", name="pay")
    async def asking_first(chat):
        amount = await chat.ask("How much?", int)
        await chat.ask("From which account?")
        return await chat.once(pay, amount, token=chat.token)

    async with Kit(first) as kit:
        anna = kit.phone()
        await anna.text("PAY")
        assert await anna.text("5") == []
        await kit.deploy(second)
        await kit.wait(2)
        assert anna.read() == ["From which account?"]
        assert await anna.text("mine") == ["paid 5"]
        assert tokens[0] == tokens[1]


async def test_an_alarm_whose_turn_raises_is_listed_and_a_new_program_tries_it_again():
    first, second = App(sorry=None), App(sorry=None)

    @first.dialogue("LATER", name="later")
    async def broken(chat):
        await chat.sleep(hours(1))
        raise ValueError("no bread")

    @second.dialogue("LATER", name="later")
    async def mended(chat):
        await chat.sleep(hours(1))
        return "It is later."

    async with Kit(first) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("LATER")
        await kit.wait(hours(1))
        assert (await kit.store.next_due()).turn == kit.clock.now() + timedelta(seconds=1)
        assert await ben.text("LATER") == []
        await kit.wait(hours(3))
        census = await kit.store.counts()
        assert (census.set_aside, census.stuck_dialogues) == (0, 2)
        threads = await kit.store.conversations(TROUBLED)
        assert {thread.theirs: thread.set_aside for thread in threads} == {
            anna.number: 1,
            ben.number: 1,
        }
        (talk, _) = await kit.store.dialogues()
        assert "no bread" in talk.dialogue.error
        await kit.restart()
        assert anna.read() == [], "the same program is not tried again"
        assert (await kit.store.counts()).stuck_dialogues == 2
        await kit.deploy(second)
        assert anna.read() == ben.read() == ["It is later."]
        assert (await kit.store.counts()).stuck_dialogues == 0


# What disks do

DAMAGE = {
    "no JSON": "update dialogues set head = x'00ff' where conversation = :who",
    "another shape": """update dialogues set head = cast('{"format": 1}' as blob)
        where conversation = :who""",
    "an entry cut": "update journal_entries set entry = substr(entry, 1, 9) where conversation = :who",
    "an entry gone": "delete from journal_entries where conversation = :who",
    "an entry of no kind": """update journal_entries set entry = cast(replace(cast(entry as text),
        '"answer"', '"guess"') as blob) where conversation = :who""",
    "an entry of another kind": """update journal_entries set entry = cast(replace(cast(entry as text),
        '"answer"', '"stale"') as blob) where conversation = :who""",
    "a newer version": """update dialogues set head = cast(replace(cast(head as text),
        '"format":1', '"format":99') as blob) where conversation = :who""",
}


@pytest.mark.parametrize("how", DAMAGE)
async def test_a_damaged_journal_stops_one_person_and_is_never_overwritten(how):
    async with Kit(booking()) as kit:
        anna, ben = kit.phone(), kit.phone()
        for phone in (anna, ben):
            await phone.text("BOOK")
            await phone.text("Anna")
        who = await conversation(kit, anna)
        sound = kept(kit, who)
        in_file(kit, DAMAGE[how], who=who)
        damaged = kept(kit, who)
        assert damaged != sound

        assert await anna.text("4") == [SORRY_TEXT]
        assert "Journal" in str(await kit.troubles(anna))
        assert await anna.text("ASSIST") == ["Helped."]
        assert await ben.text("3") == ["Anna of 4, 3."], "everybody else goes on"
        await kit.restart()
        await kit.wait(300)
        assert anna.read() == []
        assert kept(kit, who) == damaged, "nothing of it was written to"

        mend(kit, who, sound)
        assert await kit.store.retry(anna.number) == 1
        await kit.restart()
        assert anna.read() == ["Anna of 4, 4."]
        assert (await kit.store.counts()).set_aside == 0


async def test_an_alarm_of_a_damaged_journal_is_set_aside_and_rings_once_it_is_mended():
    async with Kit(booking("1")) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("LATER")
        await ben.text("LATER")
        who = await conversation(kit, anna)
        sound = kept(kit, who)
        in_file(kit, DAMAGE["a newer version"], who=who)
        await kit.wait(hours(2))
        assert (anna.read(), ben.read()) == ([], ["It is later."])
        assert (await kit.store.counts()).stuck_dialogues == 1
        (talk,) = await kit.store.dialogues()
        assert "A newer cooee wrote this dialogue" in talk.dialogue.error
        mend(kit, who, sound)
        kit.app.version = "2"  # as a newer cooee is another program too
        await kit.restart()
        assert anna.read() == ["It is later."]


async def conversation(kit, phone):
    talks = await kit.store.dialogues(include_ended=True)
    return next(talk.conversation for talk in talks if talk.theirs == phone.number)


def in_file(kit, statement, **values):
    """Read or change the file behind everybody's back."""
    with closing(sqlite3.connect(kit._database_path)) as database, database:
        return database.execute(statement, values).fetchall()


def kept(kit, who):
    """A person's dialogues, as they lie in the file."""
    heads = in_file(kit, "select id, head from dialogues where conversation = :who", who=who)
    entries = in_file(kit, "select * from journal_entries where conversation = :who", who=who)
    return heads, entries


def mend(kit, who, sound):
    heads, entries = sound
    for id, head in heads:
        statement = "update dialogues set head = :head where conversation = :who and id = :id"
        in_file(kit, statement, head=head, who=who, id=id)
    in_file(kit, "delete from journal_entries where conversation = :who", who=who)
    for conversation, dialogue, n, entry in entries:
        values = {"who": conversation, "dialogue": dialogue, "n": n, "entry": entry}
        in_file(kit, "insert into journal_entries values (:who, :dialogue, :n, :entry)", **values)


async def test_a_commit_that_the_database_refuses_holds_up_nobody_else():
    app, sabotage = App(sorry=None), []

    @app.dialogue("BOOK")
    async def book(chat):
        name = await chat.ask("Name?")
        if name == "Anna" and sabotage:
            sabotage[0]()
        return f"Hello, {name}."

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text("BOOK")
        await ben.text("BOOK")
        (talk,) = [one for one in await kit.store.dialogues() if one.theirs == anna.number]

        def spoil():
            row = (talk.conversation, talk.dialogue.id, len(talk.dialogue.entries), b"{")
            with closing(sqlite3.connect(kit._database_path)) as other, other:
                other.execute("insert or ignore into journal_entries values (?, ?, ?, ?)", row)

        sabotage.append(spoil)
        kit.send(anna, "Anna")
        kit.send(ben, "Ben")
        await kit.quiet()
        assert ben.read() == ["Hello, Ben."]
        await kit.wait(timedelta(minutes=2))
        assert anna.read() == []
        (trouble,) = await kit.troubles(anna)
        assert "JournalUnreadable" in trouble, "what was spoilt is set aside by the next claim"
        assert await ben.text("BOOK") == ["Name?"]


async def _sends(chat):
    await chat.app.send("+61491570157", "Hello")  # here


async def _sleeps_in_a_helper(chat):
    async def helper():
        await asyncio.sleep(1)  # here

    await helper()


async def _enters(chat):
    async with asyncio.timeout(1):  # here
        await chat.ask("Well?")


@pytest.mark.parametrize(
    "handler",
    [_sends, _sleeps_in_a_helper, _enters],
    ids=lambda one: one.__name__,
)
async def test_an_await_that_cannot_be_is_named_by_the_users_own_line(handler):
    app = App(sorry=None)

    async def go(chat):
        await handler(Proxy(chat))

    class Proxy:
        def __init__(self, chat):
            self.app, self.ask = app, chat.ask

    app.dialogue("GO")(go)
    lines, first = inspect.getsourcelines(handler)
    (line,) = [first + n for n, text in enumerate(lines) if text.endswith("# here\n")]
    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("GO") == []
        (trouble,) = await kit.troubles(anna)
        assert f"ForeignAwait: {__file__}:{line}: a dialogue cannot await" in trouble
