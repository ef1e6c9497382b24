"""The flow of a handler around its questions: its end, generators, context managers, recursion."""

from __future__ import annotations

import contextlib
import gc
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from datetime import timedelta

import pytest
from support.dialogue_driver import Talk

from cooee.core.errors import AmbiguousQuestion, DialogueError
from cooee.core.messages import Media

# The end


async def _caught_as_an_exception(chat):
    try:
        chat.end("Bye.")
    except Exception:
        return "caught"


async def _suppressed(chat):
    with contextlib.suppress(Exception):
        chat.end("Bye.")
    return "suppressed"


async def _caught_by_a_bare_except(chat):
    try:
        chat.end("Bye.")
    except:  # noqa: E722 -- the worst there is
        chat.say("went on")
    return "returned"


async def _caught_as_a_base_exception(chat):
    with contextlib.suppress(BaseException):
        chat.end("Bye.")
    chat.say("went on")
    await chat.ask("More?")


async def _caught_in_a_loop(chat):
    while True:
        try:
            if await chat.ask("More?") == "no":
                chat.end("Bye.")
        except BaseException:
            pass


async def _ended_twice(chat):
    try:
        chat.end("Bye.")
    finally:
        chat.end("Really, bye.")


async def _said_at_the_end(chat):
    try:
        chat.end("Bye.")
    finally:
        chat.say("too late")


async def _asked_at_the_end(chat):
    try:
        chat.end("Bye.")
    finally:
        await chat.ask("Any last words?")


async def _returned_at_the_end(chat):
    try:
        chat.end("Bye.")
    finally:
        return "returned"  # noqa: B012 -- the worst there is


async def _raised_at_the_end(chat):
    try:
        chat.end("Bye.")
    except BaseException as end:
        chat.say("went on")
        raise end from None


async def _ended_in_a_helper(chat):
    async def helper(chat):
        async with AsyncExitStack() as stack:
            stack.push_async_callback(chat.once, str, "left")
            chat.end("Bye.")

    await helper(chat)


async def _restarted_after_the_end(chat):
    try:
        chat.end("Bye.")
    except BaseException:
        return chat.restart()


ENDS = [
    _caught_as_an_exception,
    _suppressed,
    _caught_by_a_bare_except,
    _caught_as_a_base_exception,
    _caught_in_a_loop,
    _ended_twice,
    _said_at_the_end,
    _asked_at_the_end,
    _returned_at_the_end,
    _raised_at_the_end,
    _ended_in_a_helper,
    _restarted_after_the_end,
]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_the_end_whatever_catches_it(end):
    async def handler(chat):
        chat.say(await chat.ask("Your name?"))
        chat.state.n += 1
        return await end(chat)

    talk = Talk(handler)
    talk.start()
    if talk.text("Anna") == ["Anna", "More?"]:
        talk.text("no")
    assert talk.sent[1:] in (["Anna", "Bye."], ["Anna", "More?", "Bye."])
    assert talk.ended == "ended"
    assert talk.saved.n == 1


def test_what_finally_does_at_an_end_counts_once():
    done = []

    async def handler(chat):
        try:
            if await chat.ask("Go on?") == "no":
                chat.end("Bye.")
        finally:
            chat.state.n += 1
            await chat.once(done.append, "closed")

    talk = Talk(handler)
    talk.start()
    assert talk.text("no") == ["Bye."]
    assert (talk.saved.n, done) == (1, ["closed"])


def test_an_error_after_an_end_fails_the_turn():
    async def handler(chat):
        try:
            chat.end("Bye.")
        except BaseException as end:
            raise ValueError("broken") from end

    with pytest.raises(ValueError, match="broken"):
        Talk(handler).start()


def test_an_end_in_a_block_that_is_left_ends_nothing():
    async def handler(chat):
        try:
            return await chat.ask("A?")
        finally:
            if not chat.state.n:
                chat.end("never")

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    assert talk.ended == ""


def test_an_end_inside_a_once_is_refused():
    async def handler(chat):
        await chat.once(chat.end, "Bye.")

    with pytest.raises(Exception, match="cannot be used by what is done once"):
        Talk(handler).start()


# Generators


def _questions(closed):
    async def questions(chat):
        try:
            for name in ("A?", "B?", "C?"):
                yield await chat.ask(name)
        finally:
            closed.append("closed")
            chat.state.n += 1

    return questions


async def _broken_off(chat, questions):
    async for answer in questions(chat):
        if answer == "stop":
            break


async def _broken_off_and_closed(chat, questions):
    async with aclosing(questions(chat)) as answers:
        async for answer in answers:
            if answer == "stop":
                break


async def _returned_from(chat, questions):
    async for answer in questions(chat):
        if answer == "stop":
            return


async def _stepped(chat, questions):
    answers = questions(chat)
    while await anext(answers) != "stop":
        pass
    await answers.aclose()


async def _delegated(chat, questions):
    async def outer(chat):
        async with aclosing(questions(chat)) as answers:
            async for answer in answers:
                yield answer

    async with aclosing(outer(chat)) as answers:
        async for answer in answers:
            if answer == "stop":
                break


GENERATORS = [_broken_off, _broken_off_and_closed, _returned_from, _stepped, _delegated]


@pytest.mark.parametrize("use", GENERATORS)
def test_a_generator_that_is_left_closes_at_its_line_and_counts_once(use):
    closed = []

    async def handler(chat):
        await use(chat, _questions(closed))
        before_the_next = len(closed)
        return f"{await chat.ask('Last?')} {before_the_next - len(closed)} {chat.state.n}"

    talk = Talk(handler)
    assert talk.start() == ["A?"]
    assert talk.text("go on") == ["B?"]
    assert talk.text("stop") == ["Last?"]
    assert talk.saved.n == 1
    assert talk.text("z") == ["z 0 1"]
    assert talk.saved.n == 1


def test_a_generator_that_asks_as_it_closes_is_told_to_use_aclosing():
    async def questions(chat):
        try:
            yield await chat.ask("A?")
        finally:
            await chat.ask("Done?")

    async def loose(chat):
        async for _ in questions(chat):
            break
        return await chat.ask("Next?")

    async def held(chat):
        async with aclosing(questions(chat)) as answers:
            async for _ in answers:
                break
        return await chat.ask("Next?")

    talk = Talk(loose)
    talk.start()
    with pytest.raises(DialogueError, match=r"test_replay_flow\.py:\d+.*aclosing"):
        talk.text("a")
    talk = Talk(held)
    talk.start()
    assert talk.text("a") == ["Done?"]
    assert talk.text("d") == ["Next?"]
    assert talk.text("n") == ["n"]


def test_a_generator_of_a_kept_away_loop_is_not_closed_by_that_loop():
    import asyncio

    closed = []

    async def handler(chat):
        async for _ in _questions(closed)(chat):
            break
        return await chat.ask("Last?")

    async def in_a_loop():
        talk = Talk(handler)
        talk.start()
        del closed[:]
        talk.text("a")
        count = len(closed)
        gc.collect()
        await asyncio.sleep(0.01)
        assert len(closed) == count == 2, "each turn is run twice here"

    asyncio.run(in_a_loop())


# Context managers


def _counting(counts):
    @asynccontextmanager
    async def opened(chat, name):
        place = await chat.ask(f"{name} from?")
        try:
            yield place
        finally:
            counts.append(name)

    return opened


def test_questions_inside_an_exit_stack_and_in_its_managers():
    counts = []
    opened = _counting(counts)

    async def handler(chat):
        async with AsyncExitStack() as stack:
            a = await stack.enter_async_context(opened(chat, "A"))
            stack.push_async_callback(chat.once, counts.append, "once")
            b = await stack.enter_async_context(opened(chat, "B"))
            c = await chat.ask("C?")
        return a + b + c

    talk = Talk(handler)
    assert talk.start() == ["A from?"]
    assert talk.text("a") == ["B from?"]
    assert talk.text("b") == ["C?"]
    del counts[:]
    assert talk.text("c") == ["abc"]
    assert counts == ["B", "once", "A"]


def test_a_manager_that_asks_as_it_is_left():
    @asynccontextmanager
    async def rated(chat):
        yield
        chat.state.n = await chat.ask("From 1 to 5?", int)

    async def handler(chat):
        async with rated(chat):
            await chat.ask("Name?")
        return f"{chat.state.n}"

    talk = Talk(handler)
    assert talk.start() == ["Name?"]
    assert talk.text("Anna") == ["From 1 to 5?"]
    assert talk.text("5") == ["5"]


def test_a_manager_that_swallows_everything_does_not_go_on():
    @contextmanager
    def deaf():
        with contextlib.suppress(BaseException):
            yield

    went_on = []

    async def handler(chat):
        with deaf():
            await chat.ask("Name?")
        went_on.append(1)
        chat.say("went on")
        return await chat.ask("Next?")

    talk = Talk(handler)
    assert talk.start() == ["Name?"]
    assert talk.text("Anna") == ["went on", "Next?"]


# Recursion


def test_a_menu_that_calls_itself_asks_like_a_loop():
    async def menu(chat):
        choice = await chat.choose("Menu?", ["Hours", "Again", "End"])
        if choice == "Hours":
            day = await chat.ask("Which day?")
            chat.say(f"{day}: 9 to 5")
            return await menu(chat)
        if choice == "Again":
            return await menu(chat)
        return "Bye."

    talk = Talk(menu)
    talk.start()
    for text in ("Hours", "Monday", "Again", "Hours", "Friday", "Again", "Again"):
        talk.text(text)
    assert talk.text("End") == ["Bye."]
    assert [text for text in talk.sent if ":" in text] == ["Monday: 9 to 5", "Friday: 9 to 5"]


def test_menus_that_call_each_other_and_a_helper_from_each_level():
    async def ask_back(chat):
        return await chat.confirm("Back?")

    async def settings(chat):
        name = await chat.ask("Name?")
        return await menu(chat) if await ask_back(chat) else name

    async def menu(chat):
        choice = await chat.choose("Menu?", ["Settings", "Help", "End"])
        if choice == "Help":
            await chat.ask("What about?")
            return await menu(chat)
        return await settings(chat) if choice == "Settings" else "Bye."

    async def handler(chat):
        return await menu(chat)

    talk = Talk(handler)
    talk.start()
    for text in ("Help", "x", "Settings", "Anna", "yes", "Help", "y", "Settings", "Ben", "yes"):
        talk.text(text)
    assert talk.text("End") == ["Bye."]


def test_two_places_stay_two_places_inside_a_recursion():
    async def name(chat):
        return await chat.ask("Name?")

    async def menu(chat):
        await name(chat)
        await name(chat)
        return await menu(chat)

    async def again(chat):
        if await chat.confirm("Again?"):
            await name(chat)
            return await again(chat)
        return await name(chat)

    for handler in (menu, again):
        talk = Talk(handler)
        talk.start()
        with pytest.raises(AmbiguousQuestion):
            for text in ("yes", "Anna", "no", "Ben"):
                talk.text(text)


# A burst that a deploy interrupts

SETTLE = timedelta(seconds=5)
SECOND = timedelta(seconds=1)


def _telling(*before, settle: timedelta | None = SETTLE, key=None, after=()):
    async def handler(chat):
        answers = [await chat.ask(question) for question in before]
        told = await chat.receive(settle=settle, key=key)
        pictures = len(chat.message.media)
        answers += [await chat.ask(question) for question in after]
        return " ".join([repr(told), *answers, *(["pictures"] * pictures)])

    return handler


async def _telling_nothing(chat):
    return await chat.ask("Anything else?")


def _interrupted(handler):
    talk = Talk(handler)
    talk.start()
    talk.text("hi", after=SECOND)
    talk.text("it's", after=SECOND)
    return talk


@pytest.mark.parametrize("ended_by", ["the timer", "a text"])
def test_a_question_inserted_before_a_burst_loses_none_of_its_texts(ended_by):
    talk = _interrupted(_telling()).edit(_telling("Your name?"))
    said = talk.wait(SETTLE) if ended_by == "the timer" else talk.text("me", after=SECOND)
    assert said == ["Your name?"]
    talk.text("Anna")
    told = "hi\nit's" if ended_by == "the timer" else "hi\nit's\nme"
    assert talk.sent[-1] == f"{told!r} Anna" or talk.wait(SETTLE) == [f"{told!r} Anna"]


def test_a_burst_goes_on_after_an_inserted_question_is_answered_within_the_pause():
    talk = _interrupted(_telling()).edit(_telling("Your name?"))
    assert talk.text("me", after=SECOND) == ["Your name?"]
    assert talk.text("Anna", after=SECOND) == []
    assert talk.text("Anna", after=SECOND) == []
    told = "hi\nit's\nme\nAnna"
    assert talk.wait(SETTLE) == [f"{told!r} Anna"]


def test_a_burst_whose_question_is_removed_is_there_when_it_comes_back():
    talk = _interrupted(_telling(after=["Anything else?"])).edit(_telling_nothing)
    assert talk.wait(SETTLE) == ["Anything else?"]
    talk.edit(_telling(after=["Anything else?"]))
    talk.text("no")
    assert talk.ended or talk.wait(SETTLE)
    told = "hi\nit's"
    assert talk.sent[-1] == f"{told!r} no"


def test_a_burst_that_may_not_settle_any_more_is_one_answer():
    told = "hi\nit's"
    talk = _interrupted(_telling()).edit(_telling(settle=None))
    assert talk.text("me", after=SECOND) == [repr(f"{told}\nme")]
    talk = _interrupted(_telling()).edit(_telling(settle=None))
    assert talk.wait(SECOND) == [f"{told!r}"]


def test_a_longer_or_shorter_pause_counts_for_a_burst_that_waits():
    told = "hi\nit's"
    talk = _interrupted(_telling()).edit(_telling(settle=10 * SETTLE))
    assert talk.wait(5 * SETTLE) == []
    assert talk.wait(5 * SETTLE) == [f"{told!r}"]
    talk = _interrupted(_telling()).edit(_telling(settle=SECOND))
    assert talk.wait(SECOND) == [f"{told!r}"]


def test_a_question_reworded_while_a_burst_waits_keeps_it_for_the_old_one():
    talk = _interrupted(_telling(key="a")).edit(_telling(key="b"))
    assert talk.wait(SETTLE) == []
    talk.edit(_telling(key="a"))
    talk.wait(SECOND)
    assert talk.ended or talk.wait(SETTLE)
    told = "hi\nit's"
    assert talk.sent == [f"{told!r}"]


def test_going_back_in_the_middle_of_a_burst_keeps_it_for_its_question():
    talk = Talk(_telling("Your name?"))
    talk.start()
    talk.text("Ann")
    talk.text("hi", after=SECOND)
    assert talk.back() == ["Your name?"]
    talk.text("Anna", after=SECOND)
    assert talk.ended or talk.wait(SETTLE)
    assert talk.sent[-1] == "'hi' Anna"


def test_a_burst_that_is_read_late_is_one_answer():
    talk = Talk(_telling())
    talk.start()
    talk.now += timedelta(hours=1)
    received = talk.now - timedelta(minutes=30)
    talk.text("hi", after=timedelta(), received=received)
    talk.text("it's me", after=timedelta(), received=received + SECOND)
    told = "hi\nit's me"
    assert talk.wait(timedelta()) == [f"{told!r}"]


def test_a_picture_is_held_with_its_text():
    async def before(chat):
        await chat.receive(key="photo")

    async def after(chat):
        name = await chat.ask("Your name?")
        await chat.receive(key="photo")
        return f"{name} {len(chat.message.media)}"

    talk = Talk(before)
    talk.start()
    talk.edit(after)
    picture = Media("https://example.org/1", "image/png", path="1.png", size=3)
    assert talk.text("look", media=(picture,)) == ["Your name?"]
    assert talk.text("Anna") == ["Anna 1"]


# Back over an inserted question


def _with_texts(*steps):
    async def handler(chat):
        for step in steps:
            if step.endswith("?"):
                await chat.ask(step)
            else:
                chat.say(step)
        return "Done."

    return handler


def test_going_back_over_an_inserted_question_says_nothing_twice():
    talk = Talk(_with_texts("A?", "B?", "C?"))
    talk.start()
    talk.text("a")
    talk.edit(_with_texts("A?", "X?", "after X", "B?", "after B", "C?"))
    assert talk.text("b") == ["X?"]
    assert talk.text("x") == ["after X", "after B", "C?"]
    assert talk.back() == ["B?"], "what was said before it stays said"
    assert talk.text("b") == ["after B", "C?"]
    assert talk.back() == ["B?"]
    assert talk.back() == ["X?"]
    assert talk.text("x") == ["after X", "B?"]
    assert talk.text("b") == ["after B", "C?"]


def test_going_back_to_a_question_before_an_inserted_one():
    talk = Talk(_with_texts("A?", "after A", "B?", "C?"))
    talk.start()
    talk.text("a")
    talk.edit(_with_texts("A?", "after A", "X?", "after X", "B?", "after B", "C?"))
    talk.text("b")
    assert talk.back() == ["A?"]
    assert talk.text("a") == ["after A", "X?"]
    assert talk.text("x") == ["after X", "after B", "C?"]


def test_a_question_inserted_after_going_back_repeats_no_text_before_it():
    talk = Talk(_with_texts("A?", "after A", "B?", "after B", "C?"))
    talk.start()
    talk.text("a")
    talk.text("b")
    talk.back()
    talk.edit(_with_texts("A?", "after A", "X?", "B?", "after B", "C?"))
    assert talk.back() == ["A?"]
    assert talk.text("a") == ["after A", "X?"]
    assert talk.text("x") == ["B?"]
    assert talk.text("b") == ["after B", "C?"]
