"""The sharpest cases of replay, each by name."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import weakref
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec
import pytest
from support.dialogue_driver import HOUR, NOON, Crash, Talk

from cooee.core.app.chat import Chat
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.questions import IncomingText
from cooee.core.errors import (
    AmbiguousQuestion,
    CannotGoBack,
    DialogueError,
    DuplicateOnce,
    ForeignAwait,
    JournalTooNew,
    JournalUnreadable,
    NoDialogue,
    NoReply,
    NotAwaited,
    NotDeterministic,
    OnceFailed,
    OnceUnknown,
    ResultLost,
    TooManyAttempts,
    Unstorable,
)
from cooee.core.messages import Media

# Counting once


def test_what_stands_before_a_question_counts_once_however_wrong_the_answer():
    async def handler(chat):
        chat.state.n += 1
        chat.say("Hello!")
        k = await chat.ask("How many?", int)
        return f"{k} {chat.state.n}"

    talk = Talk(handler)
    assert talk.start() == ["Hello!", "How many?"]
    assert talk.text("lots") == ["Please send a number. How many?"]
    assert talk.text("???") == ["Please send a number. How many?"]
    assert talk.saved.n == 1
    assert talk.text("3") == ["3 1"]
    assert talk.saved.n == 1


def test_a_branch_on_the_state_goes_the_way_it_went():
    async def handler(chat):
        if chat.state.n == 0:
            chat.state.n = 1
            return "X " + await chat.ask("X?")
        return "Y " + await chat.ask("Y?")

    talk = Talk(handler)
    assert talk.start() == ["X?"]
    assert talk.text("here") == ["X here"]
    assert talk.saved.n == 1


def test_a_state_held_by_a_name_is_the_state():
    async def handler(chat):
        state = chat.state
        await chat.ask("A?")
        state.n += 1
        await chat.ask("B?")
        return str(state is chat.state)

    talk = Talk(handler)
    talk.start()
    talk.other(lambda state: setattr(state, "n", 10))
    talk.text("a")
    assert talk.saved.n == 11
    talk.other(lambda state: setattr(state, "mail", "x"))
    assert talk.text("b") == ["True"]
    assert (talk.saved.n, talk.saved.mail) == (11, "x")


def test_a_count_that_is_moved_across_a_question_counts_once():
    async def before(chat):
        chat.state.n += 1
        await chat.ask("A?")
        return "done"

    async def after(chat):
        await chat.ask("A?")
        chat.state.n += 1
        return "done"

    talk = Talk(before)
    talk.start()
    assert talk.saved.n == 1
    talk.edit(after).text("a")
    assert talk.saved.n == 1
    talk = Talk(after)
    talk.start()
    talk.edit(before).text("a")
    assert talk.saved.n == 1


# Edits


async def _one_question(chat):
    return "W=" + await chat.ask("W?")


def test_a_text_belongs_to_the_question_that_was_sent_not_to_one_inserted_before_it():
    async def edited(chat):
        new = await chat.ask("New?")
        return f"{new} W=" + await chat.ask("W?")

    talk = Talk(_one_question)
    assert talk.start() == ["W?"]
    assert talk.edit(edited).text("for W") == ["New?"]
    assert talk.outcome.text_disposition == "held"
    assert talk.text("for New") == ["for New W=for W"]


def test_a_held_text_that_is_no_answer_gets_its_retry_when_its_question_comes():
    async def handler(chat):
        return str(await chat.ask("W?", int))

    async def edited(chat):
        await chat.ask("New?")
        return str(await chat.ask("W?", int))

    talk = Talk(handler)
    talk.start()
    talk.edit(edited).text("many")
    assert talk.text("new") == ["Please send a number. W?"]
    assert talk.text("4") == ["4"]


def test_state_asked_anew_before_two_answered_questions_is_not_saved_before_it_is_there():
    async def handler(chat):
        chat.state.n = len(await chat.ask("A?"))
        chat.state.n += len(await chat.ask("B?"))
        return await chat.ask("C?")

    async def edited(chat):
        chat.state.mail = await chat.ask("Mail?")
        return await handler(chat)

    talk = Talk(handler)
    talk.start()
    talk.text("aaa")
    talk.text("bb")
    assert talk.saved.n == 5
    assert talk.edit(edited).text("c") == ["Mail?"]
    assert talk.saved.n == 5, "an inserted question must not roll the state back"
    assert talk.text("m@x") == ["c"]
    assert (talk.saved.n, talk.saved.mail) == (5, "m@x")


def test_what_an_always_word_changes_while_an_inserted_question_waits_is_kept():
    async def handler(chat):
        chat.state.n += 1
        await chat.ask("A?")
        chat.state.n += 1
        return await chat.ask("W?")

    async def edited(chat):
        await chat.ask("New?")
        return await handler(chat)

    talk = Talk(handler)
    talk.start()
    talk.text("a")
    talk.edit(edited).text("w")
    talk.other(lambda state: setattr(state, "n", state.n + 100))
    talk.other(lambda state: setattr(state, "mail", "m"))
    assert (talk.saved.n, talk.saved.mail) == (102, "m")
    talk.text("new")
    assert (talk.saved.n, talk.saved.mail) == (102, "m")


def test_a_choice_is_remembered_by_its_words_when_an_option_is_inserted_in_front():
    def made(*options):
        async def handler(chat):
            day = await chat.choose("Which day?", options)
            return f"{day} {await chat.ask('Sure?')}"

        return handler

    talk = Talk(made("Friday", "Saturday"))
    talk.start()
    talk.text("2")
    assert talk.edit(made("Thursday", "Friday", "Saturday")).text("ok") == ["Saturday ok"]


def test_a_choice_that_is_no_longer_on_the_menu_is_asked_afresh():
    def made(*options):
        async def handler(chat):
            day = await chat.choose("Which day?", options)
            return f"{day} {await chat.ask('Sure?')}"

        return handler

    talk = Talk(made("Friday", "Saturday"))
    talk.start()
    talk.text("2")
    assert talk.edit(made("Friday", "Sunday")).text("ok")[0].startswith("Which day?\n1. Friday")
    assert talk.text("sun") == ["Sunday ok"]


async def _name(chat):
    return await chat.ask("Name?")


def test_a_helper_that_asks_from_two_places_is_ambiguous_and_both_lines_are_named():
    async def handler(chat):
        return await _name(chat) + await _name(chat)

    talk = Talk(handler)
    talk.start()
    with pytest.raises(AmbiguousQuestion, match=r"test_replay_cases.py:\d+.*chat\.part"):
        talk.text("Ann")
    talk.strict = False
    assert talk.text("Ann") == ["Name?"]
    assert "chat.part" in talk.outcome.warnings[0]


def test_a_helper_called_twice_keeps_its_answers_by_part_when_the_calls_are_swapped():
    def made(*parts):
        async def handler(chat):
            names = {}
            for part in parts:
                with chat.part(part):
                    names[part] = await _name(chat)
            return f"{names['host']} hosts {names['guest']} {await chat.ask('Sure?')}"

        return handler

    talk = Talk(made("host", "guest"))
    talk.start()
    talk.text("Ann")
    talk.text("Bob")
    assert talk.edit(made("guest", "host")).text("yes") == ["Ann hosts Bob yes"]


def test_nested_loops_whose_bounds_change_keep_the_answers_of_the_passes_that_are_left():
    def made(outer, inner):
        async def handler(chat):
            heard = []
            for _ in range(outer):
                heard += [await chat.ask("Next?") for _ in range(inner)]
            return "".join(heard) + await chat.ask("End?")

        return handler

    talk = Talk(made(2, 2))
    talk.start()
    for words in "abcd":
        talk.text(words)
    assert talk.edit(made(1, 3)).text("!") == ["abc!"]
    talk = Talk(made(1, 3))
    talk.start()
    for words in "abc":
        talk.text(words)
    assert talk.edit(made(2, 2)).text("!") == ["Next?"]
    assert talk.text("z") == ["abcz!"]


def test_the_waited_question_deleted_leaves_its_text_unclaimed_and_the_run_goes_on():
    async def edited(chat):
        return "no questions"

    talk = Talk(_one_question)
    talk.start()
    assert talk.edit(edited).text("w") == ["no questions"]
    assert talk.outcome.text_disposition == "unclaimed"


def test_a_rewording_carries_its_answer_over_by_was():
    async def edited(chat):
        return "W=" + await chat.ask("Really, W?", was="W?") + await chat.ask("End?")

    talk = Talk(_one_question)
    talk.start()
    assert talk.edit(edited).text("w") == ["End?"]
    assert talk.text("!") == ["W=w!"]


def test_another_type_reads_the_old_words_anew_or_asks_afresh():
    def made(kind):
        async def handler(chat):
            k = await chat.ask("How many?", kind)
            return f"{k!r} {await chat.ask('Sure?')}"

        return handler

    talk = Talk(made(str))
    talk.start()
    talk.text("4")
    assert talk.edit(made(int)).text("yes") == ["4 yes"]
    talk = Talk(made(str))
    talk.start()
    talk.text("a few")
    assert talk.edit(made(int)).text("yes") == ["How many?"]
    assert talk.text("5") == ["5 yes"]


def test_what_was_said_after_an_answer_that_is_read_anew_stays_said_when_a_later_one_is_taken_back():
    def made(kind):
        async def handler(chat):
            k = await chat.ask("How many?", kind)
            chat.say(f"{k}, well.")
            return f"{await chat.ask('B?')} {await chat.ask('C?')} {await chat.ask('D?')}"

        return handler

    talk = Talk(made(str))
    talk.start()
    assert talk.text("4") == ["4, well.", "B?"]
    talk.text("b")
    assert talk.edit(made(int)).text("c") == ["D?"]
    assert talk.back() == ["C?"]
    assert talk.back() == ["B?"]


def test_a_function_that_reads_answers_is_called_once_for_each_answer():
    calls = []

    def size(words):
        calls.append(words)
        return len(words)

    async def handler(chat):
        return f"{await chat.ask('A?', size)} {await chat.ask('B?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("four")
    talk.text("b")
    assert calls == ["four"]


def test_old_and_new_workers_take_turns_during_a_rolling_deploy():
    async def new(chat):
        first = await chat.ask("New?")
        return f"{first} {await chat.ask('A?')} {await chat.ask('B?')}"

    async def old(chat):
        return f"{await chat.ask('A?')} {await chat.ask('B?')}"

    talk = Talk(old)
    talk.start()
    assert talk.edit(new).text("a") == ["New?"]
    talk.handler, talk.version = old, 1
    assert talk.text("new") == ["B?"]
    assert talk.outcome.text_disposition == "held"
    talk.handler, talk.version = new, 2
    assert talk.text("b") == ["new a b"]


# Saying


def test_a_say_moved_behind_a_question_deleted_reworded_or_said_twice_goes_out_as_it_should():
    def made(*lines):
        async def handler(chat):
            for line in lines:
                if line.endswith("?"):
                    await chat.ask(line)
                else:
                    chat.say(line)

        return handler

    talk = Talk(made("Hi.", "A?", "B?"))
    assert talk.start() == ["Hi.", "A?"]
    assert talk.edit(made("A?", "Hi.", "B?")).text("a") == ["B?"], "it was said already"
    talk = Talk(made("Hi.", "A?", "B?"))
    talk.start()
    assert talk.edit(made("A?", "B?")).text("a") == ["B?"]
    talk = Talk(made("Hi.", "A?", "B?"))
    talk.start()
    assert talk.edit(made("Hello.", "A?", "B?")).text("a") == ["B?"], "the past is past"
    talk = Talk(made("Hi.", "A?", "Hi.", "Hi.", "B?"))
    talk.start()
    assert talk.text("a") == ["Hi.", "Hi.", "B?"]


# Texts and time


def test_two_quick_texts_are_two_answers_in_order():
    async def handler(chat):
        return await chat.ask("A?") + await chat.ask("B?")

    talk = Talk(handler)
    talk.start()
    assert talk.text("first") == ["B?"]
    assert talk.text("second", received=NOON) == ["firstsecond"]


def test_a_quick_yes_is_no_answer_to_a_confirmation_that_was_not_yet_sent():
    async def handler(chat):
        await chat.ask("Name?")
        return "sure" if await chat.confirm("Sure?") else "not sure"

    talk = Talk(handler)
    talk.start()
    assert talk.text("Ann") == ["Sure?"]
    assert talk.text("yes", after=timedelta(seconds=5), received=NOON) == []
    assert talk.outcome.text_disposition == "unclaimed"
    assert talk.text("yep") == ["sure"]


def _timed(hours):
    async def handler(chat):
        try:
            return "got " + await chat.ask("A?", timeout=hours * HOUR)
        except NoReply:
            return "too late " + await chat.ask("B?")

    return handler


def test_a_time_out_lengthened_shortened_and_a_late_answer_to_each():
    talk = Talk(_timed(2))
    talk.start()
    assert talk.edit(_timed(5)).wait(3 * HOUR) == []
    assert talk.text("a") == ["got a"]
    talk = Talk(_timed(5))
    talk.start()
    assert talk.edit(_timed(2)).text("a", after=3 * HOUR) == ["B?"]
    assert talk.outcome.text_disposition == "unclaimed"
    talk = Talk(_timed(2))
    talk.start()
    assert talk.wait(3 * HOUR) == ["B?"]
    assert talk.edit(_timed(50)).text("b") == ["too late b"], "a recorded outcome stays"


def test_a_text_received_by_the_deadline_wins_though_it_is_read_later():
    talk = Talk(_timed(2))
    talk.start()
    assert talk.text("a", after=3 * HOUR, received=NOON + HOUR) == ["got a"]


def test_an_uncaught_time_out_ends_the_dialogue():
    async def handler(chat):
        await chat.ask("A?", timeout=HOUR)

    talk = Talk(handler)
    talk.start()
    assert talk.outcome.journal.waiting.due_at == NOON + HOUR
    talk.wait(HOUR)
    assert talk.ended == "no reply"


def test_a_default_is_recorded_by_value():
    def made(default):
        async def handler(chat):
            k = await chat.ask("How many?", int, timeout=HOUR, default=default)
            return f"{k} {await chat.ask('B?')}"

        return handler

    talk = Talk(made(7))
    talk.start()
    assert talk.wait(2 * HOUR) == ["B?"]
    assert talk.edit(made(8)).text("b") == ["7 b"]


def test_after_an_outage_only_the_last_reminder_due_goes_out_once():
    async def handler(chat):
        remind = [HOUR, (2 * HOUR, "Still there?"), (3 * HOUR, "Last call!")]
        return await chat.ask("A?", remind=remind, timeout=9 * HOUR, default="-")

    talk = Talk(handler)
    talk.start()
    assert talk.wait(HOUR) == ["A?"]
    assert talk.wait(timedelta(minutes=1)) == []
    assert talk.wait(5 * HOUR) == ["Last call!"]
    assert talk.outcome.journal.waiting.due_at == NOON + 9 * HOUR
    assert talk.wait(5 * HOUR) == ["-"]


def test_too_many_wrong_answers_raise_and_stay_recorded():
    async def handler(chat):
        try:
            await chat.ask("How many?", int, retry="A number.", attempts=3)
        except TooManyAttempts:
            return "never mind " + await chat.ask("Then what?")

    talk = Talk(handler)
    talk.start()
    assert talk.text("x") == ["A number."]
    assert talk.text("y") == ["A number."]
    assert talk.text("z") == ["Then what?"]
    assert talk.text("4") == ["never mind 4"]


def test_the_time_in_a_prompt_is_the_time_of_the_last_answer_so_it_stays():
    async def handler(chat):
        name = await chat.ask(f"Name? It is {chat.now:%H:%M}.")
        return f"{name} {await chat.ask(f'Now? It is {chat.now:%H:%M}.')}"

    talk = Talk(handler)
    assert talk.start() == ["Name? It is 12:00."]
    assert talk.text("Ann", after=HOUR) == ["Now? It is 13:00."]
    assert talk.text("b", after=HOUR) == ["Ann b"]


def test_a_burst_is_one_answer():
    async def handler(chat):
        return repr(await chat.receive(settle=2.0))

    talk = Talk(handler)
    assert talk.start() == []
    second = timedelta(seconds=1)
    assert talk.text("hi", after=second) == []
    assert talk.text("it's", after=second) == []
    assert talk.text("me", after=second) == []
    assert talk.outcome.journal.waiting.due_at == talk.now + 2 * second
    assert talk.wait(2 * second) == [repr("hi\nit's\nme")]


def test_a_sleep_is_over_when_it_is_over_and_a_changed_one_with_a_key_counts_from_its_start():
    def made(hours):
        async def handler(chat):
            chat.say("Good night.")
            await chat.sleep(hours * HOUR, key="nap")
            return f"Good morning, {chat.now:%H:%M}."

        return handler

    talk = Talk(made(8))
    assert talk.start() == ["Good night."]
    assert talk.outcome.journal.waiting.due_at == NOON + 8 * HOUR
    assert journals.open_question_key(talk.journal) is None
    assert talk.wait(HOUR) == []
    assert talk.edit(made(3)).wait(2 * HOUR) == ["Good morning, 15:00."]


def test_chance_comes_out_the_same_in_every_replay_and_differs_from_step_to_step():
    seen = []

    async def handler(chat):
        first = chat.random.random()
        await chat.ask("A?")
        seen.append((first, chat.random.random()))
        return await chat.ask("B?")

    talk = Talk(handler)
    talk.start()
    talk.text("a")
    talk.text("b")
    assert len(set(seen)) == 1
    assert seen[0][0] != seen[0][1]


# Once


class Bank:
    """Counts what it is asked to do."""

    def __init__(self):
        self.paid, self.tokens, self.fails = 0, [], 0

    def pay(self, amount, token=None):
        self.tokens.append(token)
        if self.fails:
            self.fails -= 1
            raise ConnectionError("no line")
        self.paid += amount
        return {"ref": f"r{len(self.tokens)}"}


def _paying(bank, *, mended=True):
    async def handler(chat):
        amount = await chat.ask("How much?", int)
        paid = await chat.once(bank.pay, amount, token=chat.token)
        if not mended:
            raise ZeroDivisionError
        return f"{paid['ref']} {await chat.ask('Else?')}"

    return handler


def test_a_once_followed_by_an_exception_a_mend_and_a_retry_runs_once():
    bank = Bank()
    talk = Talk(_paying(bank, mended=False))
    talk.start()
    with pytest.raises(ZeroDivisionError):
        talk.text("5")
    with pytest.raises(ZeroDivisionError):
        talk.again()
    assert bank.paid == 5
    assert talk.edit(_paying(bank)).again() == ["Else?"]
    assert talk.text("no") == ["r1 no"]
    assert bank.paid == 5


def test_after_a_turn_was_set_aside_the_next_text_does_not_change_what_was_paid():
    bank = Bank()
    talk = Talk(_paying(bank, mended=False))
    talk.start()
    with pytest.raises(ZeroDivisionError):
        talk.text("5")
    assert talk.edit(_paying(bank)).text("500") == ["Else?"]
    assert talk.outcome.text_disposition == "unclaimed"
    assert bank.paid == 5


@pytest.mark.parametrize(
    ("where", "times"), [("before the intent", 1), ("before", 1), ("inside", 2), ("after", 1)]
)
def test_killed_before_inside_and_after_a_once(where, times):
    bank = Bank()
    talk = Talk(_paying(bank))
    talk.start()
    talk.crash_at = where
    with pytest.raises(Crash):
        talk.text("5")
    assert talk.again() == ["Else?"]
    assert len(bank.tokens) == times
    assert len(set(bank.tokens)) == 1, "the same token, so that the bank can tell"
    assert talk.text("no") == [f"r{times} no"]


def test_what_was_cut_off_may_be_raised_instead_of_repeated():
    bank = Bank()

    async def handler(chat):
        await chat.ask("Go?")
        try:
            await chat.once(bank.pay, 5, unknown="raise")
        except OnceUnknown:
            return "somebody looks into it " + await chat.ask("Else?")

    talk = Talk(handler)
    talk.start()
    talk.crash_at = "inside"
    with pytest.raises(Crash):
        talk.text("go")
    assert talk.again() == ["Else?"]
    assert talk.text("no") == ["somebody looks into it no"]
    assert len(bank.tokens) == 1


def test_a_failure_that_was_caught_is_raised_again_and_one_that_was_not_is_tried_again():
    bank = Bank()
    bank.fails = 1

    async def handler(chat):
        try:
            paid = await chat.once(bank.pay, 5)
        except OnceFailed as error:
            paid = str(error)
        return f"{paid} {await chat.ask('Else?')}"

    talk = Talk(handler)
    talk.start()
    (said,) = talk.text("no")
    assert "ConnectionError: no line no" in said
    assert len(bank.tokens) == 1
    bank = Bank()
    bank.fails = 1
    talk = Talk(_paying(bank))
    talk.start()
    with pytest.raises(OnceFailed, match="no line"):
        talk.text("5")
    assert talk.again() == ["Else?"]
    assert bank.paid == 5


def test_a_result_that_cannot_be_stored_is_lost_and_never_done_again():
    calls = []

    def connect():
        calls.append(1)
        return object()

    async def handler(chat):
        try:
            await chat.once(connect)
        except ResultLost as error:
            return f"{error} {await chat.ask('Else?')}"

    talk = Talk(handler)
    talk.start()
    (said,) = talk.text("no")
    assert "will not be done again" in said
    assert len(calls) == 1


def test_a_once_in_a_loop_needs_keys():
    def made(key):
        async def handler(chat):
            for i in range(2):
                await chat.once(Bank().pay, 1, key=key and f"{key}:{i}")
            return "paid"

        return handler

    with pytest.raises(DuplicateOnce, match=r'key=f"charge:\{i\}"'):
        Talk(made(None)).start()
    assert Talk(made("charge")).start() == ["paid"]


def test_what_a_once_changes_in_the_state_is_recorded_with_it():
    async def handler(chat):
        def count():
            chat.state.n += 5

        await chat.once(count)
        await chat.ask("A?")
        return str(chat.state.n)

    talk = Talk(handler)
    talk.start()
    assert talk.saved.n == 5
    assert talk.text("a") == ["5"]


def test_what_is_done_once_may_not_ask_and_may_read_the_history():
    async def handler(chat):
        return str(await chat.once(chat.history, 2))

    assert Talk(handler).start() == ["['a line', 'a line']"]

    async def asking(chat):
        await chat.once(chat.ask, "A?")

    with pytest.raises(OnceFailed, match="cannot be used by what is done once"):
        Talk(asking).start()

    async def without(chat):
        await chat.history(2)

    with pytest.raises(ForeignAwait, match="once"):
        Talk(without).start()


# Determinism


def test_code_that_goes_two_ways_in_one_process_is_refused_before_it_takes_effect():
    ways = iter(["A?", "A?", "B?", "C?"])

    async def handler(chat):
        return await chat.ask(next(ways))

    talk = Talk(handler)
    talk.start()
    before = talk.journal
    said = r"asks 'B\?'.*waited for 'A\?'.*run once more, it asks 'C\?' \(.*\).*chat\.once"
    with pytest.raises(NotDeterministic, match=said):
        talk.text("a")
    assert talk.journal == before
    assert talk.edit(_one_question).text("a") == ["W?"], "changed code never diverges"


@pytest.mark.parametrize(
    ("again", "words"),
    [
        ("A?", "goes that way again"),
        (None, "raises RuntimeError"),
        ("before", "does Bank.pay once"),
        ("after", "goes that way again"),
    ],
)
def test_it_is_said_what_the_second_run_did(again, words):
    ways, bank = iter(["A?", "A?", "B?", again]), Bank()

    async def handler(chat):
        way = next(ways)
        if way is None:
            raise RuntimeError("No way.")
        if way == "before":
            await chat.once(bank.pay, 1)
        answer = await chat.ask("A?" if way in {"before", "after"} else way)
        if way == "after":
            await chat.once(bank.pay, 1)
        return answer

    talk = Talk(handler)
    talk.start()
    with pytest.raises(NotDeterministic, match=words):
        talk.text("a")
    assert bank.paid == 0


def test_an_answer_of_a_killed_turn_that_an_edit_makes_stale_is_asked_for_again():
    """Chance meets this too rarely: a kill inside a once, and then an edit of that question."""

    def form(kind, bank):
        async def handler(chat):
            await chat.ask("How many?", kind)
            await chat.once(bank.pay, 1)
            return "Done."

        return handler

    bank = Bank()
    talk = Talk(form(str, bank))
    talk.start()
    talk.crash_at = "inside"
    with pytest.raises(Crash):
        talk.text("four of us, or so")
    assert talk.edit(form(int, bank)).again() == ["How many?"]
    assert talk.text("4") == ["Done."]


def test_what_changes_outside_of_the_code_strands_nobody():
    """A library, a file or a setting is another one: each run goes the new way."""
    settings = {"mail": False}

    async def handler(chat):
        name = await chat.ask("Name?")
        mail = await chat.ask("Mail?") if settings["mail"] else "none"
        many = await chat.ask("How many?")
        return f"{name} {mail} {many} {await chat.ask('Day?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("Anna")
    settings["mail"] = True
    assert talk.text("4") == ["Mail?"]
    (warning,) = talk.outcome.warnings
    for words in ("a dialogue asks here", "it waited at", "lies outside", "App(version=…)"):
        assert words in warning
    assert "Mail" not in warning, "Words may be people's own."
    assert talk.text("a@example.com") == ["Day?"]
    assert talk.outcome.warnings == ()
    assert talk.text("Friday") == ["Anna a@example.com 4 Friday"]


@pytest.mark.parametrize("new", ["sleep", "once", "return"])
def test_a_sleep_a_once_and_an_end_may_come_from_outside_too(new):
    settings, bank = set(), Bank()

    async def handler(chat):
        name = await chat.ask("Name?")
        if "sleep" in settings:
            await chat.sleep(HOUR)
        if "once" in settings:
            await chat.once(bank.pay, 1)
        return "Bye." if "return" in settings else f"{name} {await chat.ask('Day?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("Anna")
    settings.add(new)
    texts = talk.text("Friday")
    assert len(talk.outcome.warnings) == 1
    if new == "sleep":
        texts = talk.wait(HOUR)
    assert texts == (["Bye."] if new == "return" else ["Anna Friday"])
    assert bank.paid == (new == "once")


def test_a_once_that_a_run_did_before_it_diverged_is_done_once():
    settings, bank = {"step": 0}, Bank()

    async def handler(chat):
        if settings["step"] >= 1:
            await chat.once(bank.pay, 1)
        if settings["step"] >= 2:
            await chat.ask("Mail?")
        return await chat.ask("Name?")

    talk = Talk(handler)
    talk.start()
    settings["step"], talk.crash_at = 1, "inside"
    with pytest.raises(Crash):
        talk.text("Anna")
    assert bank.paid == 1, "It was done, and its result is not known."
    settings["step"] = 2
    assert talk.again() == ["Mail?"]
    assert bank.paid == 2
    assert talk.text("a@example.com") == ["Anna"]
    assert bank.paid == 2


@pytest.mark.parametrize("stray", ["sleep", "once", "return"])
def test_a_sleep_a_once_and_a_return_can_stray_too(stray):
    turns = iter([False, False, True, False])

    async def handler(chat):
        if next(turns):
            if stray == "sleep":
                await chat.sleep(HOUR)
            elif stray == "once":
                await chat.once(Bank().pay, 1)
            else:
                return "done"
        return await chat.ask("A?")

    talk = Talk(handler)
    talk.start()
    with pytest.raises(NotDeterministic):
        talk.text("a")


def test_every_turn_run_twice_finds_what_changes_from_run_to_run():
    ways = iter(range(9))

    async def handler(chat):
        chat.state.n = next(ways)
        return await chat.ask("A?")

    with pytest.raises(NotDeterministic, match="something"):
        Talk(handler).start()


# Leaving


def test_finally_and_async_with_run_at_every_leaving_with_a_silent_chat():
    left = []

    class Desk:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            left.append("desk")

    async def handler(chat):
        try:
            async with Desk():
                await chat.ask("A?")
                await chat.ask("B?")
        finally:
            left.append("finally")
            chat.say("Bye!")
            chat.state.n += 1

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    assert left == ["desk", "finally"] * 2, "each turn is run twice here"
    assert talk.saved.n == 0
    assert talk.text("a") == ["B?"]
    assert talk.text("b") == ["Bye!"]
    assert talk.saved.n == 1


def test_a_handler_has_a_context_of_its_own_which_is_there_at_its_leaving_too():
    name = ContextVar("name", default="nobody")
    left = []

    async def handler(chat):
        token = name.set(await chat.ask("Name?"))
        try:
            await chat.ask("Else?")
        finally:
            left.append(name.get())
            name.reset(token)
            left.append(name.get())

    talk = Talk(handler)
    talk.start()
    talk.text("Ann")
    assert left == ["Ann", "nobody"] * 2
    assert name.get() == "nobody"


def test_only_a_dialogue_can_ask():
    ends = {"ours": "+61491570006", "theirs": "+61491570156"}
    chat = Chat(
        state=None, services=None, now=NOON, message=None, token="t", read_history=None, **ends
    )
    for use in (lambda: chat.ask("A?"), lambda: chat.sleep(HOUR), lambda: chat.random, chat.end):
        with pytest.raises(NoDialogue, match="for dialogues"):
            use()


def test_a_loop_that_catches_everything_cannot_turn_for_ever():
    turns = []

    async def handler(chat):
        while len(turns) < 100:
            turns.append(1)
            try:
                return await chat.ask("A?")
            except:  # noqa: E722 -- the worst there is
                pass
        return None

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    assert len(turns) == 6, "asked, left, dropped; and each turn is run twice here"
    assert talk.text("a") == ["a"]


async def _soon():
    return 1


async def _gathering(chat):
    await asyncio.gather(_soon(), _soon())


async def _grouping(chat):
    async with asyncio.TaskGroup():
        pass


async def _waiting_for(chat):
    await asyncio.wait_for(_soon(), 1)


async def _shielding(chat):
    await asyncio.shield(_soon())


async def _sleeping(chat):
    await asyncio.sleep(1)


async def _yielding(chat):
    await asyncio.sleep(0)


async def _timing(chat):
    async with asyncio.timeout(1):
        await chat.ask("A?")


async def _gathering_questions(chat):
    await asyncio.gather(chat.ask("A?"))


async def _awaiting_a_future(chat):
    await _Foreign()


class _Foreign:
    def __await__(self):
        yield self


FOREIGN = [
    _gathering,
    _grouping,
    _waiting_for,
    _shielding,
    _sleeping,
    _yielding,
    _timing,
    _gathering_questions,
    _awaiting_a_future,
]


@pytest.mark.filterwarnings("ignore:coroutine '_soon' was never awaited")
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "inside a running loop"])
@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_await_fails_the_turn_at_the_users_line(foreign, swallowed, inside):
    async def handler(chat):
        try:
            await foreign(chat)
        except Exception:
            if not swallowed:
                raise
        chat.say("went on")
        return await chat.ask("B?")

    async def in_a_loop():
        try:
            Talk(handler).start()
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing was started"

    with pytest.raises(ForeignAwait, match=r"test_replay_cases\.py:\d+.*chat\.once"):
        if inside:
            asyncio.run(in_a_loop())
        else:
            Talk(handler).start()
    gc.collect()  # what was never awaited is ours to ignore, not the next test's


def test_asking_without_await_is_an_error_even_when_it_is_swallowed():
    async def last(chat):
        chat.ask("A?")

    async def first(chat):
        chat.ask("A?")
        return await chat.ask("B?")

    async def swallowed(chat):
        try:
            chat.ask("A?")
            chat.say("x")
        except Exception:
            return "fine"

    for handler in (last, first, swallowed):
        with pytest.raises(NotAwaited, match=r"await chat\.ask"):
            Talk(handler).start()


def test_a_chat_of_the_past_raises():
    kept = []

    async def handler(chat):
        kept.append(chat)
        await chat.ask("A?")

    Talk(handler).start()
    for use in (
        lambda chat: chat.ask("B?"),
        lambda chat: chat.say("x"),
        lambda chat: chat.restart(),
    ):
        with pytest.raises(NoDialogue, match="over"):
            use(kept[0])


def test_after_a_turn_nothing_of_the_handler_lives():
    alive = weakref.WeakSet()

    class Thing:
        pass

    async def helper(chat, thing):
        return await chat.ask("A?")

    async def handler(chat):
        thing = Thing()
        alive.add(thing)
        try:
            return await helper(chat, thing)
        finally:
            thing = Thing()
            alive.add(thing)

    gc.disable()
    try:
        talk = Talk(handler)
        talk.start()
        assert not alive, "not even until the next collection"
    finally:
        gc.enable()
    for each in gc.get_objects():
        if inspect.iscoroutine(each):
            assert each.__qualname__ not in {handler.__qualname__, helper.__qualname__}


# Ends, and new beginnings


def test_back_takes_the_last_answer_back_and_what_was_said_after_it():
    async def handler(chat):
        name = await chat.ask("Name?")
        chat.say(f"Hi, {name}.")
        chat.state.n = int(await chat.ask("Age?", int))
        return f"{name} {chat.state.n} {await chat.ask('Sure?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("Ann")
    talk.text("34")
    assert talk.saved.n == 34
    assert talk.back() == ["Age?"]
    assert talk.saved.n == 0
    assert talk.back() == ["Name?"]
    with pytest.raises(CannotGoBack):
        talk.back()
    assert talk.text("Ann") == ["Hi, Ann.", "Age?"], "said anew, after going back"
    talk.text("35")
    assert talk.text("yes") == ["Ann 35 yes"]


def test_back_is_refused_across_a_once():
    talk = Talk(_paying(Bank()))
    talk.start()
    talk.text("5")
    with pytest.raises(CannotGoBack, match="cannot be taken back"):
        talk.back()


def test_end_ends_with_a_last_text_wherever_it_is():
    async def helper(chat):
        if await chat.ask("Go on?") == "no":
            chat.end("Bye.")

    async def handler(chat):
        await helper(chat)
        return "on"

    talk = Talk(handler)
    talk.start()
    assert talk.text("no") == ["Bye."]
    assert talk.ended == "ended"


def test_restart_begins_a_new_journal_with_the_same_state_in_the_same_turn():
    async def handler(chat):
        chat.state.n += 1
        if await chat.ask(f"Round {chat.state.n}?") == "more":
            return chat.restart()
        return f"{chat.state.n} rounds"

    talk = Talk(handler)
    talk.start()
    first = talk.journal.id
    assert talk.text("more") == ["Round 2?"]
    assert talk.journal.id != first
    assert talk.journal.record_count == 0
    assert talk.text("more") == ["Round 3?"]
    assert talk.text("no") == ["3 rounds"]
    assert talk.saved.n == 3


def test_a_dialogue_that_restarts_without_asking_is_stopped():
    async def handler(chat):
        return chat.restart()

    with pytest.raises(DialogueError, match="without ever asking"):
        Talk(handler).start()


def test_over_a_thousand_records_there_is_a_warning():
    async def handler(chat):
        for _ in range(1_100):
            await chat.sleep(until=NOON)
        return await chat.ask("A?")

    talk = Talk(handler)
    talk.start()
    assert "restart" in talk.outcome.warnings[0]


# Journals


def test_a_damaged_or_newer_journal_is_refused_and_nothing_is_overwritten():
    talk = Talk(_one_question)
    talk.start()
    talk.text("w")
    head, entries = talk._head, talk._entries
    newer = head.replace(b'"format":1', b'"format":2')
    for damaged in (
        b"",
        b"{",
        b"[]",
        head[:-9],
        head.replace(b'"handler":"handler"', b'"handler":7'),
    ):
        with pytest.raises(JournalUnreadable):
            journals.decode_journal(damaged, entries)
    with pytest.raises(JournalTooNew, match="Upgrade"):
        journals.decode_journal(newer, [b"in no form that we know"])
    with pytest.raises(JournalUnreadable, match="missing"):
        journals.decode_journal(head, entries[:-1])
    with pytest.raises(JournalUnreadable):
        journals.decode_journal(head, [b"?", *entries[1:]])


def test_inputs_come_back_as_what_they_were():
    async def handler(chat, when, size):
        return f"{when:%d %B} {size.name} {await chat.ask('A?')}"

    talk = Talk(handler, when=NOON, size=Size.LARGE)
    talk.start()
    assert talk.text("a") == ["02 March LARGE a"]
    with pytest.raises(Unstorable, match="plain data"):
        Talk(handler, when=object())


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


# What people text


def test_two_thousand_emoji_an_empty_text_and_media_without_words():
    async def handler(chat):
        return f"{len(await chat.ask('A?'))} {await chat.ask('B?', int)}"

    talk = Talk(handler)
    talk.start()
    assert talk.text("") == ["Sorry, I did not understand that. A?"]
    assert talk.text("  \n ") == ["Sorry, I did not understand that. A?"]
    assert talk.text("😀" * 2_000) == ["B?"]
    assert talk.text("😀" * 2_000) == ["Please send a number. B?"]
    assert talk.text("7") == ["2000 7"]


def test_a_long_menu_pages_itself():
    async def handler(chat):
        return await chat.choose("Town?", [f"Town {n}" for n in range(1, 21)])

    talk = Talk(handler)
    assert talk.start()[0].splitlines()[-1] == "MORE for more."
    assert talk.text("more")[0].splitlines()[1] == "9. Town 9"
    assert talk.text("More!")[0].splitlines()[-1] == "MORE for the beginning."
    assert talk.text("18") == ["Town 18"]


def test_the_same_question_kept_by_a_cut_off_turn_is_said_around_though_the_code_changed():
    bank = Bank()

    async def handler(chat):
        name = await chat.ask("Name?")
        chat.say(f"Hi, {name}.")
        await chat.sleep(until=NOON)
        await chat.once(bank.pay, 1)
        return await chat.ask("Else?")

    async def edited(chat):
        await chat.ask("New?")
        return await handler(chat)

    talk = Talk(handler)
    talk.start()
    talk.crash_at = "after"
    with pytest.raises(Crash):
        talk.text("Ann")
    assert talk.edit(edited).again() == ["New?"]
    assert talk.text("new") == ["Hi, Ann.", "Else?"]


def test_a_question_in_the_condition_of_a_loop_is_one_place():
    async def handler(chat):
        heard = []
        while (word := await chat.ask("More?")) != "no":
            heard.append(word)
        return " ".join(heard)

    talk = Talk(handler)
    talk.start()
    for word in ("a", "b", "c"):
        assert talk.text(word) == ["More?"]
    assert talk.text("no") == ["a b c"]


# While another dialogue asks


async def _chased(chat):
    try:
        return await chat.ask("Name?", timeout=3 * HOUR, remind=[(HOUR, "Still there?")])
    except NoReply:
        return "Too late."


def test_a_parked_question_sends_no_reminders_and_is_asked_again_once_it_has_come_back():
    talk = Talk(_chased)
    assert talk.start() == ["Name?"]
    talk._write(journals.pause_question(talk.journal))
    assert talk.wait(HOUR + timedelta(minutes=1)) == []
    assert talk.journal.waiting.due_at == NOON + 3 * HOUR, "only the deadline goes on"
    talk._write(journals.resume_question(talk.journal))
    assert talk.wait(timedelta()) == ["Name?"]
    assert talk.wait(timedelta(minutes=1)) == [], "asked again once, and reminded of no more"
    assert talk.text("Ann") == ["Ann"]


def test_a_parked_question_still_has_its_deadline():
    talk = Talk(_chased)
    talk.start()
    talk._write(journals.pause_question(talk.journal))
    assert talk.wait(3 * HOUR) == ["Too late."]


def test_the_zone_is_what_the_handler_says_it_is():
    async def handler(chat):
        chat.zone = ZoneInfo("Australia/Perth")
        day = await chat.ask("When?", datetime)
        await chat.sleep(until=datetime(2026, 3, 5, 9, 0))  # noqa: DTZ001 -- in the person's own
        return f"{day:%d %H:%M %Z}"

    talk = Talk(handler)
    talk.start()
    talk.text("tomorrow 3pm")
    assert talk.journal.waiting.due_at == datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
    assert talk.wait(timedelta(days=3)) == ["03 15:00 AWST"]


def test_pictures_come_with_the_answer():
    picture = Media("https://example.org/1", "image/png", path="1.png", size=3)

    async def handler(chat):
        await chat.receive()
        first = chat.message.media[0].path
        return f"{first} {await chat.ask('And?')}"

    talk = Talk(handler)
    talk.start()
    talk.texts += 1
    talk._turn(IncomingText("", "m1", talk.now, talk.now, (picture,)))
    assert talk.text("done") == ["1.png done"]


# What a handler should not do, and is told


async def _saying_for_ever(chat):
    while True:
        chat.say("Still here.")


async def _sleeping_for_ever(chat):
    while True:
        await chat.sleep(until=NOON)


async def _doing_for_ever(chat):
    for n in range(20_000):
        await chat.once(str, n, key=str(n))


async def _swallowing(chat):
    for _ in range(2_000):
        with suppress(Exception):
            chat.say("Still here.")


@pytest.mark.parametrize(
    "handler", [_saying_for_ever, _sleeping_for_ever, _doing_for_ever, _swallowing]
)
def test_a_loop_that_never_asks_is_stopped_at_its_line(handler):
    talk = Talk(handler)
    talk._append = lambda _: None
    with pytest.raises(DialogueError, match=r"test_replay_cases\.py:\d+.* without waiting .*Ask"):
        talk.start()


def test_a_thousand_texts_in_a_thousand_answers_are_no_loop_without_end():
    async def handler(chat):
        for _ in range(1_100):
            await chat.sleep(timedelta(seconds=1), key="nap")
            chat.say("Up.")
        return "done"

    talk = Talk(handler)
    talk.start()
    entry = journals.JournalEntry("slept", ("sleep", (), "nap", 0), talk.now, 1)
    slept = [msgspec.structs.replace(entry, key=(*entry.key[:3], n)) for n in range(1_050)]
    waiting = msgspec.structs.replace(talk.journal.waiting, key=(*entry.key[:3], 1_050))
    journal = msgspec.structs.replace(
        talk.journal,
        waiting=waiting,
        frontier=waiting.key,
        entries=tuple(slept),
        finished_count=1_050,
    )
    talk._write(journal)
    assert talk.wait(timedelta(minutes=1))[0] == "Up."


def _keyed(key):
    async def handler(chat):
        return await chat.ask("A?", key=key)

    return handler


def _parted(part):
    async def handler(chat):
        with chat.part(part):
            return await chat.ask("A?")

    return handler


async def _asking_a_number(chat):
    return await chat.ask(5)


async def _napping(chat):
    await chat.sleep(HOUR, key=5)


async def _counting(chat):
    await chat.once(len, "abc", key=5)


@pytest.mark.parametrize(
    "handler",
    [
        _keyed(5),
        _keyed("\udfff"),
        _parted(5),
        _parted("\ud800"),
        _napping,
        _counting,
    ],
)
def test_what_could_not_be_read_again_is_never_written(handler):
    words = r"test_replay_cases\.py:\d+: .*(prompts, keys and parts|is no name)"
    with pytest.raises(DialogueError, match=words):
        Talk(handler).start()


def test_a_prompt_that_is_no_text_is_refused_at_its_line():
    with pytest.raises(TypeError, match="A prompt is a str, not int"):
        Talk(_asking_a_number).start()


def test_half_a_character_in_a_text_is_a_question_mark():
    async def handler(chat):
        return f"{await chat.ask('A?')} {await chat.receive(settle=2.0)}"

    talk = Talk(handler)
    talk.start()
    talk.text("\ud83d!")
    talk.text("\ude00")
    assert talk.wait(HOUR) == ["?! ?"]


def test_a_text_of_a_hundred_thousand_characters_is_an_answer():
    async def handler(chat):
        return f"{len(await chat.ask('A?'))} {await chat.ask('B?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("x" * 100_000)
    assert talk.text("b") == ["100000 b"]


def test_a_choice_of_nothing_is_refused():
    async def handler(chat):
        return await chat.choose("Which?", [])

    with pytest.raises(DialogueError, match="nothing to choose from"):
        Talk(handler).start()


def test_a_handler_that_yields_is_told_to_say():
    async def one(chat):
        yield "Hi."

    def other(chat):
        yield "Hi."

    for handler in (one, other):
        with pytest.raises(DialogueError, match=r"yield.*chat\.say"):
            Talk(handler).start()


def test_an_async_generator_may_ask():
    async def numbers(chat):
        for _ in range(2):
            yield await chat.ask("Next?", int)

    async def handler(chat):
        return str([each async for each in numbers(chat)])

    talk = Talk(handler)
    talk.start()
    talk.text("1")
    assert talk.text("2") == ["[1, 2]"]


def test_a_question_of_another_chat_cannot_be_awaited():
    kept = []

    async def mixing(chat):
        return await kept[0].ask("A?")

    async def handler(chat):
        kept[:] = [chat]
        Talk(mixing).start()

    with pytest.raises(ForeignAwait, match="another chat's question"):
        Talk(handler).start()


def test_what_is_done_once_says_nothing_since_no_replay_would():
    async def handler(chat):
        return str(await chat.once(chat.say, "Hi."))

    with pytest.raises(OnceFailed, match=r"chat\.say\(…\) cannot be used by what is done once"):
        Talk(handler).start()


def test_a_question_awaited_twice_is_refused():
    async def handler(chat):
        question = chat.ask("A?")
        return await question + await question

    talk = Talk(handler)
    talk.start()
    with pytest.raises(RuntimeError, match="already awaited"):
        talk.text("a")


def test_a_recursion_without_end_is_an_error_and_a_deep_one_may_ask():
    async def deeper(chat, depth):
        return await (deeper(chat, depth - 1) if depth else chat.ask("A?"))

    async def handler(chat):
        return await deeper(chat, 150) + await deeper(chat, -1)

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    with pytest.raises(RecursionError):
        talk.text("a")


def _endless_list():
    found = []
    found.append(found)
    return found


@pytest.mark.parametrize("made", [lambda: "x" * 2_000_000, _endless_list, lambda: "\ud800"])
def test_what_is_too_much_to_store_is_lost_once(made):
    calls = []

    def do():
        calls.append(1)
        return made()

    async def handler(chat):
        try:
            await chat.once(do)
        except ResultLost:
            return f"lost {await chat.ask('A?')}"

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    assert talk.text("a") == ["lost a"]
    assert len(calls) == 1


class Mute(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("error", [Mute(), FileNotFoundError("\udcff.txt")])
def test_a_failure_is_recorded_whatever_its_words(error):
    def fail():
        raise error

    async def handler(chat):
        try:
            await chat.once(fail)
        except OnceFailed as failure:
            return f"{failure} {await chat.ask('A?')}"

    talk = Talk(handler)
    talk.start()
    assert type(error).__name__ in talk.text("a")[0]


def test_an_answer_whose_class_has_changed_is_read_anew_or_asked_afresh(monkeypatch):
    here = sys.modules[__name__]

    def made():
        async def handler(chat):
            return f"{(await chat.ask('Size?', here.Size)).name} {await chat.ask('B?')}"

        return handler

    for members, said in ({"LARGE": "l", "HUGE": "h"}, ["LARGE b"]), ({"TINY": "t"}, ["Size?"]):
        talk = Talk(made())
        talk.start()
        talk.text("large")
        with monkeypatch.context() as patch:
            patch.setattr(here, "Size", Enum("Size", members, module=__name__))
            assert talk.edit(made()).text("b") == said


def test_a_result_whose_class_is_gone_says_what_to_do(monkeypatch):
    async def handler(chat):
        size = await chat.once(lambda: Size.LARGE)
        return f"{size.name} {await chat.ask('B?')}"

    talk = Talk(handler)
    talk.start()
    monkeypatch.delattr(sys.modules[__name__], "Size")
    with pytest.raises(ResultLost, match="Keep its class where it was"):
        talk.text("b")
