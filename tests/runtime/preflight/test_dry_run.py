"""What becomes of each dialogue under the code on disk."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace
from support.replayable import NOON, carried_out, dialogue_context, kept, lived

from cooee import App, TooManyAttempts
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

    verdict = replay(handler, before=before)
    assert (verdict.outcome, verdict.what) == ("asks", "sleeps")


def test_an_answer_that_no_longer_fits_is_asked_afresh(replay):
    async def handler(chat):
        await chat.ask("Name?", int)
        await chat.ask("Age?", int)

    verdict = replay(handler, "Anna", before=ask_twice)
    assert (verdict.outcome, verdict.words, verdict.before) == ("asks", "Name?", "Age?")


def test_something_new_to_do_once_is_where_it_stops_and_it_is_not_done(replay):
    done = []

    async def handler(chat):
        await chat.ask("Name?")
        await chat.once(done.append, 1)
        await chat.ask("Age?", int)

    verdict = replay(handler, "Anna", before=ask_twice)
    assert (verdict.outcome, verdict.what) == ("does", "list.append")
    assert done == []


def test_the_last_words_are_those_that_the_person_would_read(replay):
    async def handler(chat):
        await chat.ask("Name?")
        await chat.ask("Age?", int, timeout=timedelta())

    verdict = replay(handler, "Anna", before=ask_twice, no_reply="Too late.")
    assert (verdict.outcome, verdict.what, verdict.words) == ("ends", "no reply", "Too late.")


def test_who_starts_over_is_said_to(replay):
    async def handler(chat):
        await chat.ask("Name?")
        return chat.restart()

    assert replay(handler, "Anna", before=ask_twice).what == "restarted"


def test_the_same_program_that_goes_another_way_is_named_for_it(rehearsal):
    ways = iter([True, False])

    async def handler(chat):
        await chat.ask("One?" if next(ways) else "Two?")

    app = app_of(handler)
    played = rehearsal(app)
    where = replace(dialogue_context(app, handler), code_version=played._code_version)
    journal = carried_out(run_turn(where, new_journal("d", "dialogue", {}, None, NOON), None, NOON))
    verdict = played.run(kept(journal))
    assert (verdict.outcome, verdict.what) == ("breaks", "NotDeterministic")


def test_two_places_that_ask_the_same_break(replay):
    async def handler(chat):
        await chat.ask("Name?")
        await chat.ask("Name?")

    verdict = replay(handler, "Anna", before=ask_twice)
    assert (verdict.outcome, verdict.what) == ("breaks", "AmbiguousQuestion")


@pytest.mark.parametrize("error", [SystemExit, ValueError, TooManyAttempts])
def test_whatever_a_handler_raises_is_its_own_trouble(replay, error):
    async def handler(chat):
        raise error("Anna")

    verdict = replay(handler, before=ask_twice)
    if error is TooManyAttempts:
        assert (verdict.outcome, verdict.what) == ("ends", "too many attempts")
    else:
        assert (verdict.outcome, verdict.what, verdict.words) == ("breaks", error.__name__, "Anna")
        (line,) = verdict.trace
        assert re.match(rf'{re.escape(__file__)}:\d+ in handler\n  raise error\("Anna"\)', line)


def test_a_text_longer_than_the_app_allows_breaks(replay):
    async def handler(chat):
        await chat.ask("Name?" * 40)

    verdict = replay(handler, before=ask_twice, most_segments=1)
    assert (verdict.outcome, verdict.what) == ("breaks", "TooLong")


def test_a_handler_that_hangs_is_interrupted_with_its_line(replay):
    async def handler(chat):
        while True:
            with suppress(Exception):
                sum(range(1000))

    verdict = replay(handler, before=ask_twice)
    assert (verdict.outcome, verdict.what) == ("breaks", "TimedOut")
    assert "0.3 seconds" in verdict.words
    assert verdict.trace[0].startswith(f"{__file__}:")


def test_one_that_hangs_for_many_holds_up_only_a_few(rehearsal):
    runs = []

    async def handler(chat):
        runs.append(1)
        while True:
            pass

    app = app_of(handler)
    played, talk = rehearsal(app), lived(app, ask_twice, [])
    verdicts = [played.run(talk) for _ in range(10)]
    assert len(runs) == 3
    assert {verdict.outcome for verdict in verdicts} == {"breaks"}
    assert verdicts[-1].words.startswith("Not run")


# Those that have not begun, or were cut off


def test_one_that_has_not_begun_is_begun_with_the_state_as_it_is_now(rehearsal):
    async def handler(chat):
        await chat.ask(f"How are you, {chat.state.name}?")

    app = app_of(handler, state=State)
    talk = kept(new_journal("d", "dialogue", {}, None, NOON), due_at=NOON + DAY)
    verdict = rehearsal(app).run(replace(talk, state=b'{"name": "Anna"}'))
    assert (verdict.outcome, verdict.words) == ("begins", "How are you, Anna?")


def test_one_whose_inputs_no_longer_fit_breaks(rehearsal):
    async def handler(chat, table):
        await chat.ask("Name?")

    talk = kept(new_journal("d", "dialogue", {"seat": 1}, None, NOON))
    assert rehearsal(app_of(handler)).run(talk).what == "TypeError"


def test_one_whose_last_answer_was_taken_back_is_asked_that_again(rehearsal):
    app = app_of(ask_twice)
    talk = lived(app, ask_twice, ["Anna"])
    journal = journals.decode_journal(talk.dialogue.head, talk.dialogue.entries)
    assert (
        rehearsal(app).run(kept(journals.undo_last_answer(journal, NOON + DAY))).outcome
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


def test_a_turn_that_was_cut_off_is_taken_up_where_that_was(rehearsal):
    app = app_of(pay_and_ask)
    verdict = rehearsal(app).run(cut_off(app))
    assert (verdict.outcome, verdict.what) == ("does", "len")


def test_a_turn_that_failed_is_seen_to_go_on_once_it_is_mended(rehearsal):
    async def mended(chat):
        await chat.ask("Name?", timeout=DAY)
        await chat.ask("Age?", int, timeout=timedelta(minutes=1))

    app = app_of(mended)
    assert rehearsal(app).run(cut_off(app)).outcome == "continues"


def test_what_another_handler_changed_later_lets_nothing_become_due(rehearsal):
    async def handler(chat):
        await chat.ask("Name?", timeout=timedelta(minutes=1))

    app = app_of(handler, state=State)
    talk = lived(app, handler, [])
    journal = journals.decode_journal(talk.dialogue.head, talk.dialogue.entries)
    changed = journals.add_state_change(journal, b'{"n": 0}', b'{"n": 1}', NOON + DAY)
    assert rehearsal(app).run(kept(changed)).outcome == "continues"


def test_a_carriers_clock_ahead_of_ours_lets_nothing_become_due(rehearsal):
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
    changed = journals.add_state_change(standing, b'{"n": 0}', b'{"n": 1}', NOON + DAY)
    found = [rehearsal(app).run(kept(one)).outcome for one in (standing, changed)]
    assert found == ["continues", "continues"]


# Those that cannot be replayed


def test_a_damaged_journal_is_told_apart_from_one_of_a_newer_cooee(rehearsal):
    app = app_of(ask_twice)
    talk = lived(app, ask_twice, ["Anna"])
    missing = replace(talk, dialogue=replace(talk.dialogue, entries=[]))
    newer = replace(talk, dialogue=replace(talk.dialogue, head=b'{"format": 99}'))
    found = [rehearsal(app).run(one) for one in (missing, newer)]
    assert [(one.outcome, one.what) for one in found] == [
        ("unreadable", "JournalUnreadable"),
        ("unreadable", "JournalTooNew"),
    ]


def test_a_dialogue_that_the_app_has_no_more_is_unknown_until_it_is_retired(rehearsal):
    talk = lived(app_of(ask_twice), ask_twice, [])
    app = App()
    assert rehearsal(app).run(talk).outcome == "unknown"
    app.retire("dialogue", say="Sorry.")
    assert rehearsal(app).run(talk).outcome == "retired"


def test_a_renamed_dialogue_is_found_by_what_it_was(rehearsal):
    app = App()
    app.dialogue(name="other", was="dialogue")(ask_twice)
    assert rehearsal(app).run(lived(app, ask_twice, [])).outcome == "continues"
