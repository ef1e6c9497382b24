"""What an operator sees of people, and does about them."""

import asyncio
import json
import re
from datetime import UTC, datetime

import msgspec
import pytest

from cooee.cli.commands.conversations import _OPT_OUT_SOURCES
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.waiting import Waiting
from cooee.core.messages import Inbound, Media, Status
from cooee.storage import (
    AttemptResult,
    ClaimResult,
    ConsentSource,
    DialogueStart,
    DialogueUpdate,
    NewInbound,
    NewOutbound,
    ProactiveOutbound,
    TurnFailure,
)

OURS, ANNA, BEN = "+61491570006", "+61491570156", "+61491570157"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def inbound(text, theirs=ANNA):
    return Inbound(sender=theirs, recipient=OURS, text=text, received_at=datetime.now(UTC))


async def answer(store, reply="Hello!", error=None):
    """Play every waiting turn: a reply, or a text set aside."""
    for claim in await store.claim(10):
        seq = claim.texts[-1].seq
        failure = None if error is None else TurnFailure(seq, error, None)
        drafts = () if error else (NewOutbound(text=reply),)
        await store.finish(
            [ClaimResult(claim=claim, handled_seq=seq, drafts=drafts, failure=failure)]
        )


@pytest.fixture
def conversation(kept):
    """Anna said hello and was answered."""

    async def happen(store):
        await store.receive([NewInbound(inbound("hello"))])
        await answer(store)

    kept(happen)


@pytest.fixture
def trouble(kept):
    """A text of Anna's was set aside, and one to Ben was cut off."""

    async def happen(store):
        await store.receive([NewInbound(inbound("break"))])
        await answer(store, error="ZeroDivisionError: division by zero")
        await store.enqueue([ProactiveOutbound(OURS, BEN, NewOutbound(text="Are you there?"))])
        (taken,) = await store.take(OURS, 1)
        await store.record_results([AttemptResult(outbound=taken.outbound, status=Status.UNKNOWN)])

    kept(happen)


def test_without_a_database_the_line_to_type_is_shown(cooee, tmp_path):
    said = cooee("conversations")
    assert said.returncode == 2
    assert f"There is no database {tmp_path}/cooee.db" in said.stderr
    assert "export COOEE_DATABASE=" in said.stderr
    assert not (tmp_path / "cooee.db").exists()


def test_conversations_are_listed_a_line_each(cooee, conversation):
    said = cooee("conversations").stdout.splitlines()
    assert said[0].split()[:2] == ["theirs", "ours"]
    assert said[1].split()[:2] == [ANNA, OURS]
    assert len(said) == 2


def test_conversations_are_listed_for_scripts(cooee, conversation):
    (thread,) = json.loads(cooee("conversations", "--json").stdout)
    assert (thread["theirs"], thread["texts_in"], thread["texts_out"]) == (ANNA, 1, 1)


@pytest.fixture
def many(kept):
    """Twelve people said hello, one after the other; the last of them opted out."""

    async def happen(store):
        for number in range(12):
            consent = "out" if number == 11 else ""
            text = inbound("STOP" if consent else "hello", f"+614915701{number:02}")
            await store.receive([NewInbound(text, consent)])
            await asyncio.sleep(0.002)  # the list is in the order of milliseconds

    kept(happen)


def test_a_list_says_how_much_it_leaves_out_and_what_to_type_for_the_rest(cooee, many):
    said = cooee("conversations", "--limit", "5")
    assert len(said.stdout.splitlines()) == 6
    assert said.stderr.startswith("5 of 12 conversations. The next page: cooee conversations ")
    seen = people_in(said)
    while "The next page: " in said.stderr:
        said = cooee(*said.stderr.partition("The next page: cooee ")[2].split())
        seen += people_in(said)
    assert said.stderr == "2 of 12 conversations. These are the last.\n"
    assert seen == [f"+614915701{number:02}" for number in reversed(range(12))]


def people_in(said):
    return [line.split()[0] for line in said.stdout.splitlines()[1:]]


def test_a_list_that_is_whole_says_nothing_of_pages(cooee, many):
    assert cooee("conversations").stderr == ""
    assert cooee("conversations", "--limit", "12").stderr == ""


def test_a_script_goes_on_behind_the_cursor_of_the_last_conversation(cooee, many):
    page = json.loads(cooee("conversations", "--json", "--limit", "5").stdout)
    said = cooee("conversations", "--json", f"--after={page[-1]['cursor']}", "--limit=5")
    assert len({each["theirs"] for each in page + json.loads(said.stdout)}) == 10
    command = said.stderr.partition("The next page: ")[2]
    assert command.count("--after") == 1
    assert command.startswith("cooee conversations --json --limit=5 --after ")


@pytest.mark.parametrize(
    ("options", "people"),
    [
        (["--opted-out"], ["+61491570111"]),
        (["--waiting", "--number", "+614915701"], 11),
        (["--number", "+6149157010"], 10),
        (["--number", "0491 570 103"], ["+61491570103"]),
        (["--ours", OURS], 12),
        (["--ours", "+61491570000"], []),
        (["--since", "2000-01-01T00:00Z"], 12),
        (["--since", "2100-01-01T00:00Z"], []),
    ],
)
def test_a_list_is_made_shorter_by_what_is_asked(cooee, many, options, people):
    found = [
        each["theirs"] for each in json.loads(cooee("conversations", "--json", *options).stdout)
    ]
    assert found == people if isinstance(people, list) else len(found) == people


def test_what_is_no_filter_is_refused_in_words(cooee, many):
    for options, words in [
        (["--after", "soon"], "is no place in the list"),
        (["--since", "2026-01-31"], "like 2026-01-31T00:00+10:00"),
        (["--number", "Anna"], "Type it with its country"),
    ]:
        said = cooee("conversations", *options)
        assert said.returncode == 2
        assert words in said.stderr
    assert (
        cooee("conversations", "--ours", "+61491570000").stdout
        == "There is no such conversation.\n"
    )


def test_trouble_is_listed_in_pages_too(cooee, kept):
    async def happen(store):
        for number in range(3):
            await store.receive([NewInbound(inbound("break", f"+614915701{number:02}"))])
        await answer(store, error="ZeroDivisionError")

    kept(happen)
    said = cooee("conversations", "--trouble", "--limit", "2")
    assert said.stdout.count("ZeroDivisionError") == 2
    assert said.stderr.startswith(
        "2 of 3 conversations. The next page: cooee conversations --trouble "
    )


def test_a_long_conversation_says_that_it_is_cut(cooee, kept):
    async def happen(store):
        await store.receive([NewInbound(inbound(f"text {number}")) for number in range(5)])

    kept(happen)
    said = cooee("show", ANNA, "--limit", "2")
    assert said.stdout.count("text ") == 3  # and the head of the column
    assert (
        said.stderr == f"The last 2 texts are shown. For more, type: cooee show {ANNA} --limit 20\n"
    )
    assert cooee("show", ANNA, "--limit", "5").stderr == ""


def test_a_database_without_people_says_so(cooee, kept):
    kept(lambda store: store.counts())
    assert cooee("conversations").stdout == "Nobody has said anything yet.\n"
    assert cooee("conversations", "--trouble").stdout == "No trouble.\n"


def test_trouble_lists_each_text_with_its_reason_and_what_to_do(cooee, trouble):
    said = cooee("conversations", "--trouble").stdout
    assert "break" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "Are you there?" in said
    assert "cooee retry\n" in said
    assert "cooee retry --unknown" in said
    found = json.loads(cooee("conversations", "--trouble", "--json").stdout)
    assert {(one["theirs"], one["status"]) for one in found} == {
        (ANNA, "set aside"),
        (BEN, "unknown"),
    }


@pytest.mark.parametrize("typed", [ANNA, "0491 570 156", "+61 491 570 156"])
def test_a_person_is_found_however_the_number_is_typed(cooee, conversation, typed):
    said = cooee("show", typed)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{ANNA} with {OURS}\n")
    assert said.stdout.index("hello") < said.stdout.index("Hello!")


def test_a_text_that_commands_the_terminal_is_shown_tamed(cooee, kept):
    async def happen(store):
        await store.receive([NewInbound(inbound("\x1b[2Jgone\nand back"))])

    kept(happen)
    said = cooee("show", ANNA).stdout
    assert "\x1b" not in said
    assert "�[2Jgone ↵ and back" in said


@pytest.mark.parametrize("typed", ["12345", "Anna", "0491", "+1"])
def test_what_is_no_number_is_refused_in_words(cooee, conversation, typed):
    for command in ("show", "forget", "retry"):
        said = cooee(command, typed)
        assert said.returncode == 2
        assert "Type it with its country" in said.stderr


def test_a_stranger_is_said_to_be_one(cooee, conversation):
    for command in (["show"], ["forget", "--yes"]):
        said = cooee(*command, BEN)
        assert said.returncode == 2
        assert f"There is no conversation with {BEN}" in said.stderr


def test_retry_lets_a_text_be_answered_again(cooee, trouble, kept):
    assert cooee("retry", BEN).stdout == "Nothing was set aside.\n"
    assert cooee("retry").stdout == "What was set aside is tried again: 1.\n"

    async def pending(store):
        return (await store.counts()).pending

    assert kept(pending) == 1


def test_retry_of_unknown_ends_asks_first(cooee, trouble):
    refused = cooee("retry", "--unknown", stdin="n\n")
    assert "may have arrived already" in refused.stderr
    assert refused.stdout.strip() == ""
    unasked = cooee("retry", "--unknown")
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert cooee("retry", "--unknown", ANNA).stdout == "There is no text of unknown end.\n"
    agreed = cooee("retry", "--unknown", stdin="y\n")
    assert agreed.stdout.strip() == "1 text will be sent again."
    assert cooee("retry", "--unknown", "--yes").stdout == "There is no text of unknown end.\n"


def test_a_refused_text_is_trouble_and_is_sent_again_once(cooee, kept):
    async def happen(store):
        await store.enqueue([ProactiveOutbound(OURS, ANNA, NewOutbound(text="Hello, friend."))])
        [taken] = await store.take(OURS, 1)
        failed = AttemptResult(
            outbound=taken.outbound, status=Status.FAILED, message="a swear word"
        )
        await store.record_results([failed])

    kept(happen)
    said = cooee("conversations", "--trouble").stdout
    assert "Hello, friend." in said
    assert "a swear word" in said
    assert (
        "1 refused by the provider for good. Mend the reason, then: cooee retry --refused" in said
    )
    assert "1 refused" in cooee("conversations").stdout
    assert cooee("retry", "--refused", BEN).stdout == "There is no refused text.\n"
    asked = cooee("retry", "--refused", stdin="n\n")
    assert "1 text was refused for good, perhaps long ago. Send again?" in asked.stderr
    assert cooee("retry", "--refused", "--yes").stdout == "1 text will be sent again.\n"
    assert cooee("retry", "--refused", "--yes").stdout == "There is no refused text.\n"
    assert cooee("retry", "--refused", "--unknown").returncode == 2

    async def queued(store):
        return (await store.counts()).queued

    assert kept(queued) == 1


def test_forget_erases_a_person_once_it_is_confirmed(cooee, conversation):
    assert cooee("forget", ANNA, stdin="n\n").returncode == 0
    assert cooee("forget", ANNA).returncode == 2
    assert cooee("show", ANNA).returncode == 0
    assert "erased" in cooee("forget", "--yes", ANNA).stdout
    assert cooee("show", ANNA).returncode == 2
    assert cooee("conversations").stdout == "Nobody has said anything yet.\n"


def test_every_source_of_consent_has_words():
    assert set(_OPT_OUT_SOURCES) == set(ConsentSource)


def test_an_opt_out_is_shown_with_its_proof(cooee, kept):
    async def live(store):
        await store.add_our_number(OURS)
        await store.receive([NewInbound(inbound("Stop!"), "out")])
        await store.receive([NewInbound(inbound("start"), "in")])
        await store.receive([NewInbound(inbound("stop texting me"), "wish", ConsentSource.PHRASE)])

    kept(live)
    said = cooee("show", ANNA).stdout.splitlines()
    assert re.search(
        r"Opted out on .+Z by the word “Stop!”; back since .+Z by the word “start”", said[-2]
    )
    assert re.search(
        r"Opted out on .+ by what they wrote: “stop texting me”. They get no texts\.", said[-1]
    )
    ledger = [
        e for e in json.loads(cooee("show", ANNA, "--json").stdout) if e["direction"] == "opt-out"
    ]
    assert [(one["source"], one["text"], one["lifted_text"]) for one in ledger] == [
        ("keyword", "Stop!", "start"),
        ("phrase", "stop texting me", ""),
    ]
    said = cooee("send", ANNA, "hello")
    assert said.returncode == 1
    assert "opted out" in said.stderr
    assert "hello" in cooee("show", ANNA).stdout
    cooee("forget", ANNA, "--yes")
    said = cooee("show", ANNA).stdout
    assert "(no longer kept). They get no texts." in said
    assert "stop texting" not in said


def test_forget_erases_the_pictures_of_a_person_and_of_nobody_else(cooee, kept, tmp_path):
    folder = tmp_path / "cooee.db-media"
    folder.mkdir()

    async def happen(store):
        for name, theirs in (("hers", ANNA), ("his", BEN)):
            (folder / f"{name}.png").write_bytes(b"picture")
            picture = Media(content=b"picture", content_type="image/png")
            text = msgspec.structs.replace(inbound("look", theirs), media=(picture,))
            await store.receive([NewInbound(text)])
        for claim in await store.claim(10):
            name = "hers" if claim.theirs == ANNA else "his"
            copy = Media(path=str(folder / f"{name}.png"), size=7)
            await store.save_media(claim, claim.texts[0], [copy])

    kept(happen)
    assert cooee("forget", ANNA, "--yes").returncode == 0
    assert [path.name for path in folder.iterdir()] == ["his.png"]
    assert kept(lambda store: store.media_to_erase()) == []


@pytest.fixture
def asleep(kept):
    """Anna is asked for her name, and what was to wake her is stuck."""
    asked = journals.Journal(
        id="a",
        handler="book",
        started_at=NOON,
        turn_count=1,
        waiting=Waiting(("ask", (), "Name?", 0), "Name?", NOON, location="book.py:7"),
    )
    slept = journals.Journal(
        id="b",
        handler="remind",
        started_at=NOON,
        turn_count=1,
        waiting=Waiting(("sleep", (), "x", 0), "", NOON, NOON, location="book.py:9"),
    )

    async def happen(store):
        for one in (asked, slept):
            head = journals.encode_head(one)
            row = {"id": one.id, "handler": one.handler, "head": head, "due_at": NOON}
            await store.start_dialogues([DialogueStart(ours=OURS, theirs=ANNA, **row)])
        (claim,) = await store.claim(1)
        kept = DialogueUpdate(
            id="a", handler="book", stored_count=0, head=journals.encode_head(asked)
        )
        failure = TurnFailure(0, "ValueError: no", None, "program", "b")
        await store.finish(
            [ClaimResult(claim=claim, handled_seq=0, dialogue_updates=[kept], failure=failure)]
        )
        await store.add_our_number(OURS)

    kept(happen)


def test_where_a_person_stands_in_their_dialogues_is_shown(cooee, asleep):
    said = cooee("show", ANNA).stdout
    assert (
        "In the middle of book: waits for “Name?” since 2026-03-02 12:00:00Z (book.py:7)." in said
    )
    assert "Set aside after 1 try: ValueError: no" in said
    told = json.loads(cooee("show", ANNA, "--json").stdout)
    assert [one["dialogue"] for one in told] == ["book", "remind"]


def test_a_dialogue_that_was_set_aside_is_trouble_and_can_be_woken(cooee, asleep):
    said = cooee("conversations", "--trouble").stdout
    assert f"{ANNA}  In the middle of remind: asleep since" in said
    assert "waits for" not in said, "the other one is well"
    assert "1 set aside." in said
    assert cooee("retry").stdout == "What was set aside is tried again: 1.\n"
    assert "No trouble." in cooee("conversations", "--trouble").stdout


def test_who_opted_out_and_was_forgotten_gets_no_text_from_a_command(cooee, kept, tmp_path):
    async def live(store):
        await store.add_our_number(OURS)
        await store.receive([NewInbound(inbound("Stop!"), "out")])

    kept(live)
    assert cooee("forget", ANNA, "--yes").returncode == 0
    assert (tmp_path / "cooee.db.key").stat().st_size
    said = cooee("send", ANNA, "News!")
    assert said.returncode == 1
    assert "opted out" in said.stderr
    (tmp_path / "cooee.db.key").rename(tmp_path / "elsewhere")
    said = cooee("send", "+61491570110", "News!")
    assert said.returncode != 0
    assert "cooee.db.key is missing" in said.stderr
