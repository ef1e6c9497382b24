"""What becomes of each dialogue under the code on disk."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.replayable import NOON, carried_out, dialogue_context, kept, lived

from cooee import App, NoReply, TooManyAttempts
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.replay import IncomingText, new_journal, run_turn

DAY = timedelta(days=1)


@dataclass
class State:
    name: str = ""
    n: int = 0


async def ask_twice(chat):
    await chat.ask("Name?")
    await chat.ask("Age?", int)


def app_of(handler, **more):
    app = App(**more)
    app.dialogue(name="dialogue")(handler)
    return app


def test_who_waits_at_the_same_question_continues(replay):
    assert replay(ask_twice).outcome == "continues"
    assert replay(ask_twice, "Anna").outcome == "continues"


def test_nothing_becomes_due_however_long_ago_it_was_asked(replay):
    async def handler(chat):
        await chat.ask("Name?", timeout=timedelta(seconds=1), remind=timedelta(milliseconds=1))

    assert replay(handler).outcome == "continues"


def test_who_sleeps_sleeps_on(replay):
    async def handler(chat):
        await chat.sleep(timedelta(seconds=1))
        return "Good morning."

    assert replay(handler).outcome == "continues"


def test_another_sleep_is_a_new_one(replay):
    async def before(chat):
        await chat.sleep(DAY)

    async def handler(chat):
        await chat.sleep(2 * DAY)

    result = replay(handler, before=before)
    assert (result.outcome, result.what) == ("asks", "sleeps")


def test_an_answer_that_no_longer_fits_is_asked_afresh(replay):
    async def handler(chat):
        await chat.ask("Name?", int)
        await chat.ask("Age?", int)

    result = replay(handler, "Anna", before=ask_twice)
    assert (result.outcome, result.words, result.before) == ("asks", "Name?", "Age?")


def test_something_new_to_do_once_is_where_it_stops_and_it_is_not_done(replay):
    done = []

    async def handler(chat):
        await chat.ask("Name?")
        await chat.once(done.append, 1)
        await chat.ask("Age?", int)

    result = replay(handler, "Anna", before=ask_twice)
    assert (result.outcome, result.what) == ("does", "list.append")
    assert done == []


def test_the_last_words_are_those_that_the_person_would_read(replay):
    async def handler(chat):
        await chat.ask("Name?")
        raise NoReply("as a time-out does")

    result = replay(handler, "Anna", before=ask_twice, no_reply="Too late.")
    assert (result.outcome, result.what, result.words) == ("ends", "no reply", "Too late.")


def test_who_starts_over_is_said_to(replay):
    async def handler(chat):
        await chat.ask("Name?")
        return chat.restart()

    assert replay(handler, "Anna", before=ask_twice).what == "restarted"


def test_unchanged_code_that_goes_another_way_is_named_for_it(dry_run):
    ways = iter([True, False])

    async def handler(chat):
        await chat.ask("One?" if next(ways) else "Two?")

    app = app_of(handler)
    played = dry_run(app)
    where = replace(dialogue_context(app, handler), code_version=played._code_version)
    journal = carried_out(run_turn(where, new_journal("d", "dialogue", {}, None, NOON), None, NOON))
    result = played.run(kept(journal))
    assert (result.outcome, result.what) == ("breaks", "NotDeterministic")


def test_two_places_that_ask_the_same_break(replay):
    async def handler(chat):
        await chat.ask("Name?")
        await chat.ask("Name?")

    result = replay(handler, "Anna", before=ask_twice)
    assert (result.outcome, result.what) == ("breaks", "AmbiguousQuestion")


@pytest.mark.parametrize("error", [SystemExit, ValueError, TooManyAttempts])
def test_whatever_a_handler_raises_is_its_own_trouble(replay, error):
    async def handler(chat):
        raise error("Anna")

    result = replay(handler, before=ask_twice)
    if error is TooManyAttempts:
        assert (result.outcome, result.what) == ("ends", "too many attempts")
    else:
        assert (result.outcome, result.what, result.words) == ("breaks", error.__name__, "Anna")
        (line,) = result.trace
        assert re.match(rf'{re.escape(__file__)}:\d+ in handler\n  raise error\("Anna"\)', line)


def test_a_text_longer_than_the_app_allows_breaks(replay):
    async def handler(chat):
        await chat.ask("Name?" * 40)

    result = replay(handler, before=ask_twice, most_segments=1)
    assert (result.outcome, result.what) == ("breaks", "TooLong")


def test_a_handler_that_hangs_is_interrupted_with_its_line(replay):
    async def handler(chat):
        while True:
            with suppress(Exception):
                sum(range(1000))

    result = replay(handler, before=ask_twice)
    assert (result.outcome, result.what) == ("breaks", "TimedOut")
    assert "0.3 seconds" in result.words
    assert result.trace[0].startswith(f"{__file__}:")


def test_one_that_hangs_for_many_holds_up_only_a_few(dry_run):
    runs = []

    async def handler(chat):
        runs.append(1)
        while True:
            pass

    app = app_of(handler)
    played, talk = dry_run(app), lived(app, ask_twice, [])
    results = [played.run(talk) for _ in range(10)]
    assert len(runs) == 3
    assert {result.outcome for result in results} == {"breaks"}
    assert results[-1].words.startswith("Not run")


# Those that have not begun, or were cut off


def test_one_that_has_not_begun_is_begun_with_the_state_as_it_is_now(dry_run):
    async def handler(chat):
        await chat.ask(f"How are you, {chat.state.name}?")

    app = app_of(handler, state=State)
    talk = kept(new_journal("d", "dialogue", {}, None, NOON), due_at=NOON + DAY)
    result = dry_run(app).run(replace(talk, state=b'{"name": "Anna"}'))
    assert (result.outcome, result.words) == ("begins", "How are you, Anna?")


def test_one_whose_inputs_no_longer_fit_breaks(dry_run):
    async def handler(chat, table):
        await chat.ask("Name?")

    talk = kept(new_journal("d", "dialogue", {"seat": 1}, None, NOON))
    assert dry_run(app_of(handler)).run(talk).what == "DialogueError"


def test_one_whose_once_was_renamed_breaks_and_is_told_how_to_mend_it(replay):
    def charge():
        return 1

    def charge_card():
        raise AssertionError

    def paying(deed, **more):
        async def handler(chat):
            await chat.ask("Name?")
            await chat.once(deed, **more)
            await chat.ask("Sure?")

        return handler

    result = replay(paying(charge_card), "Anna", before=paying(charge))
    assert (result.outcome, result.what) == ("breaks", "DialogueError")
    former = charge.__qualname__
    again = replay(paying(charge_card, was=former), "Anna", before=paying(charge))
    assert again.outcome == "continues"


def test_one_whose_last_answer_was_taken_back_is_asked_that_again(dry_run):
    app = app_of(ask_twice)
    talk = lived(app, ask_twice, ["Anna"])
    journal = journals.decode_journal(talk.dialogue.head, talk.dialogue.entries)
    assert (
        dry_run(app).run(kept(journals.undo_last_answer(journal, NOON + DAY))).outcome
        == "continues"
    )


async def pay_and_ask(chat):
    await chat.ask("Name?", timeout=DAY)
    await chat.once(len, "four")
    await chat.ask("Age?", int, timeout=timedelta(minutes=1))


def cut_off(app):
    """A turn of which the once is on disk, and nothing else."""
    talk = lived(app, pay_and_ask, [])
    journal, now = (
        journals.decode_journal(talk.dialogue.head, talk.dialogue.entries),
        NOON + DAY / 2,
    )
    flow = run_turn(
        dialogue_context(app, pay_and_ask), journal, IncomingText("Anna", "m", now, now), now
    )
    return kept(journal.with_entries(next(flow).entries))


def test_a_turn_that_was_cut_off_is_taken_up_where_that_was(dry_run):
    app = app_of(pay_and_ask)
    result = dry_run(app).run(cut_off(app))
    assert (result.outcome, result.what) == ("does", "len")


def test_a_turn_that_failed_is_seen_to_go_on_once_it_is_mended(dry_run):
    async def mended(chat):
        await chat.ask("Name?", timeout=DAY)
        await chat.ask("Age?", int, timeout=timedelta(minutes=1))

    app = app_of(mended)
    assert dry_run(app).run(cut_off(app)).outcome == "continues"


def test_what_another_handler_changed_later_lets_nothing_become_due(dry_run):
    async def handler(chat):
        await chat.ask("Name?", timeout=timedelta(minutes=1))

    app = app_of(handler, state=State)
    talk = lived(app, handler, [])
    journal = journals.decode_journal(talk.dialogue.head, talk.dialogue.entries)
    changed = journals.add_state_change(journal, [[["n"], 0, 1]], NOON + DAY)
    assert dry_run(app).run(kept(changed)).outcome == "continues"


def test_a_providers_clock_ahead_of_ours_lets_nothing_become_due(dry_run):
    async def handler(chat):
        await chat.ask("Name?")
        await chat.ask("Age?", int, timeout=timedelta(minutes=1))

    app, ahead = app_of(handler, state=State), NOON + timedelta(minutes=2)
    talk = lived(app, handler, [])
    journal = journals.decode_journal(talk.dialogue.head, talk.dialogue.entries)
    flow = run_turn(
        dialogue_context(app, handler), journal, IncomingText("Anna", "m", ahead, NOON), NOON
    )
    standing = carried_out(flow)
    changed = journals.add_state_change(standing, [[["n"], 0, 1]], NOON + DAY)
    found = [dry_run(app).run(kept(one)).outcome for one in (standing, changed)]
    assert found == ["continues", "continues"]


# Those that cannot be replayed


def test_a_damaged_journal_is_told_apart_from_one_of_a_newer_cooee(dry_run):
    app = app_of(ask_twice)
    talk = lived(app, ask_twice, ["Anna"])
    missing = replace(talk, dialogue=replace(talk.dialogue, entries=[]))
    newer = replace(talk, dialogue=replace(talk.dialogue, head=b'{"format": 99}'))
    found = [dry_run(app).run(one) for one in (missing, newer)]
    assert [(one.outcome, one.what) for one in found] == [
        ("unreadable", "JournalUnreadable"),
        ("unreadable", "JournalTooNew"),
    ]


def test_a_dialogue_that_the_app_has_no_more_is_unknown_until_it_is_retired(dry_run):
    talk = lived(app_of(ask_twice), ask_twice, [])
    app = App()
    assert dry_run(app).run(talk).outcome == "unknown"
    app.retire("dialogue", say="Sorry.")
    assert dry_run(app).run(talk).outcome == "retired"


def test_a_renamed_dialogue_is_found_by_what_it_was(dry_run):
    app = App()
    app.dialogue(name="other", was="dialogue")(ask_twice)
    assert dry_run(app).run(lived(app, ask_twice, [])).outcome == "continues"
