"""What a once is known by, and what an edit makes of one that was done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import pytest
from support.dialogue_driver import Crash, Talk

from cooee.core.error_text import MAX_ERROR_CHARS
from cooee.core.errors import (
    DialogueError,
    DuplicateOnce,
    NotAwaited,
    OnceFailed,
    OnceUnknown,
    ResultLost,
)

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_done():
    CALLS.clear()


def charge(amount=0):
    CALLS.append(f"charge {amount}")
    return len(CALLS)


def charge_card(amount=0):
    CALLS.append(f"charge_card {amount}")
    return len(CALLS)


def send_mail(to=""):
    CALLS.append(f"mail {to}")
    return len(CALLS)


class Desk:
    def reserve(self, n=1):
        CALLS.append(f"reserve {n}")

    def book(self, n=1):
        CALLS.append(f"book {n}")


class FrontDesk(Desk):
    def reserve(self, n=1):
        CALLS.append(f"front {n}")


def reserve(n=1):
    CALLS.append(f"reserve {n}")


class Calling:
    def __call__(self):
        CALLS.append("called")


desk = Desk()
SERVICES = {"calling": Calling}
charge_five = partial(charge, 5)
refund_five = partial(send_mail, "five")


# Identity


def test_two_partials_and_two_lambdas_are_two_deeds():
    async def handler(chat):
        await chat.once(charge_five)
        await chat.once(refund_five)
        await chat.once(lambda: charge(6))
        await chat.once(lambda: send_mail("six"))
        await chat.once(partial(partial(Desk.reserve, desk), 7))
        await chat.once(Calling())
        await chat.once(lru_cache(charge_card))
        await chat.ask("Ok?")

    talk = Talk(handler)
    talk.start()
    talk.text("yes")
    done = ["charge 5", "mail five", "charge 6", "mail six", "reserve 7", "called", "charge_card 0"]
    assert done == CALLS


def test_a_partial_is_the_deed_of_its_function():
    async def plain(chat):
        await chat.once(charge, 5)
        await chat.ask("Ok?")

    async def bound(chat):
        await chat.once(charge_five)
        await chat.ask("Ok?")

    async def twice(chat):
        await chat.once(charge_five)
        await chat.once(partial(charge, 6))

    talk = Talk(plain)
    talk.start()
    talk.edit(bound).text("yes")
    assert CALLS == ["charge 5"]
    with pytest.raises(DuplicateOnce, match="charge is done once"):
        Talk(twice).start()


def test_two_lambdas_of_one_deed_are_told_apart_by_a_key_only():
    async def handler(chat):
        await chat.once(lambda: charge(5))
        await chat.once(lambda: charge(6))

    with pytest.raises(DuplicateOnce, match="key="):
        Talk(handler).start()


def test_what_an_older_cooee_did_under_its_name_is_not_done_again():
    async def handler(chat):
        await chat.once(charge_five, key="partial")
        await chat.once(lambda: charge(6), key=f"{handler.__qualname__}.<locals>.<lambda>")
        await chat.once(Calling(), key="Calling")
        await chat.ask("Ok?")

    talk = Talk(handler)
    talk.start()
    done = list(CALLS)

    async def today(chat):
        await chat.once(charge_five)
        inner = lambda: charge(6)  # noqa: E731 -- the case
        inner.__qualname__ = f"{handler.__qualname__}.<locals>.<lambda>"
        await chat.once(inner)
        await chat.once(Calling())
        await chat.ask("Ok?")

    talk.edit(today).text("yes")
    assert done == CALLS


# Renames


async def _charges(chat):
    await chat.once(charge, 5)
    await chat.ask("Ok?")


def _edit(handler, before=_charges):
    talk = Talk(before)
    talk.start()
    CALLS.clear()
    return talk.edit(handler)


async def _renamed(chat):
    await chat.once(charge_card, 5)
    await chat.ask("Ok?")


async def _renamed_and_moved(chat):
    await chat.ask("Ok?")
    await chat.once(charge_card, 5)
    await chat.ask("And?")


async def _through_a_helper(chat):
    await _helper(chat)
    await chat.ask("Ok?")


async def _helper(chat):
    await chat.once(charge_card, 5)


async def _swallowed(chat):
    try:
        await chat.once(charge_card, 5)
    except Exception:
        await chat.ask("Instead?")
    await chat.ask("Ok?")


async def _by_method(chat):
    await chat.once(desk.reserve, 2)
    await chat.ask("Ok?")


async def _by_former_class(chat):
    def former(n):
        CALLS.append(f"reserve {n}")

    former.__qualname__ = "FormerDesk.reserve"
    await chat.once(former, 2)
    await chat.ask("Ok?")


async def _by_another_method(chat):
    await chat.once(desk.book, 2)
    await chat.ask("Ok?")


async def _by_another_class(chat):
    await chat.once(FrontDesk().reserve, 2)
    await chat.ask("Ok?")


async def _out_of_a_class(chat):
    await chat.once(reserve, 2)
    await chat.ask("Ok?")


async def _a_lambda(chat):
    await chat.once(lambda: charge_card(5))
    await chat.ask("Ok?")


async def _with_a_key(chat):
    await chat.once(charge, 5, key="pay")
    await chat.ask("Ok?")


async def _in_a_part(chat):
    with chat.part("x"):
        await chat.once(charge, 5)
    await chat.ask("Ok?")


async def _in_a_lambda(chat):
    await chat.once(lambda: charge(5))
    await chat.ask("Ok?")


async def _with_a_text_of_its_name(chat):
    await chat.once(charge_card, 5)
    with chat.part("charge"):
        await chat.ask("Ok?")


async def _by_key(chat):
    await chat.once(charge, 5, key="the charge")
    await chat.ask("Ok?")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_charges, _renamed),
        (_charges, _renamed_and_moved),
        (_charges, _through_a_helper),
        (_charges, _swallowed),
        (_charges, _a_lambda),
        (_a_lambda, _charges),
        (_by_key, _charges),
        (_charges, _with_a_text_of_its_name),
        (_charges, _with_a_key),
        (_charges, _in_a_part),
        (_charges, _in_a_lambda),
        (_in_a_part, _charges),
        (_with_a_key, _by_key),
        (_by_method, _by_another_method),
        (_by_former_class, _by_another_class),
        (_by_former_class, _out_of_a_class),
    ],
)
def test_a_new_once_where_one_that_was_done_is_gone_is_not_guessed_about(before, after):
    talk = _edit(after, before)
    with pytest.raises(DialogueError, match=r"test_onces\.py:\d+: .* is new .* was='") as raised:
        talk.text("yes")
    assert CALLS == []
    former = str(raised.value).partition("was='")[2].partition("'")[0]

    async def mended(chat):
        await chat.once(charge_card, 5, was=former)
        return await chat.ask("Ok?")

    assert talk.edit(mended).again() == ["yes"]
    assert CALLS == []


async def _was(chat):
    await chat.once(charge_card, 5, was="charge")
    await chat.ask("Ok?")


async def _was_two(chat):
    await chat.once(send_mail, 5, was=["charge_card", "charge"])
    await chat.ask("Ok?")


async def _was_a_key(chat):
    await chat.once(charge_card, key="card", was="charge")
    await chat.ask("Ok?")


async def _wrapped(chat):
    await chat.once(partial(charge, 5))
    await chat.ask("Ok?")


async def _removed(chat):
    await chat.ask("Ok?")


@pytest.mark.parametrize("after", [_was, _was_two, _was_a_key, _wrapped, _removed])
def test_a_once_that_was_done_is_not_done_again(after):
    _edit(after).text("yes")
    assert CALLS == []


def test_a_former_name_may_be_dropped_a_deploy_later_or_chained():
    async def second(chat):
        await chat.once(charge_card, 5, was="charge")
        await chat.ask("Ok?")
        await chat.ask("And?")

    async def third(chat):
        await chat.once(charge_card, 5)
        await chat.ask("Ok?")
        await chat.ask("And?")
        await chat.ask("Then?")

    async def fourth(chat):
        await chat.once(send_mail, 5, was="charge_card")
        await chat.ask("Ok?")
        await chat.ask("And?")
        return await chat.ask("Then?")

    talk = _edit(second)
    talk.text("a")
    talk.edit(third).text("b")
    assert talk.edit(fourth).text("c") == ["c"]
    assert CALLS == []
    assert [entry.kind for entry in talk.journal.entries].count("reworded") == 2


async def _inserted(chat):
    await chat.once(send_mail, "a")
    await chat.once(charge, 5)
    await chat.ask("Ok?")


async def _inserted_and_later(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await _helper_of_charge(chat)


async def _helper_of_charge(chat):
    await chat.once(charge, 5)


async def _told_apart(chat):
    await chat.once(send_mail, "a", was=())
    await chat.ask("Ok?")


async def _another_by_key(chat):
    await chat.once(send_mail, "a", key="mail")
    await chat.ask("Ok?")


def test_the_same_deed_may_be_done_once_more_where_the_code_says_so():
    async def again(chat):
        await chat.once(charge, 6, key="more", was=())
        await chat.ask("Ok?")

    _edit(again).text("yes")
    assert CALLS == ["charge 6"]


def test_the_parts_of_a_helper_may_be_swapped():
    def team(*parts):
        async def handler(chat):
            for part in parts:
                with chat.part(part):
                    await chat.once(charge, part)
                    await chat.ask("Ok?")

        return handler

    talk = Talk(team("a", "b"))
    talk.start()

    async def swapped(chat):
        await team("b", "a")(chat)

    talk.edit(swapped).text("yes")
    assert CALLS == ["charge a", "charge b"]


@pytest.mark.parametrize("after", [_inserted, _inserted_and_later, _told_apart, _another_by_key])
def test_a_once_that_is_new_beside_them_is_done(after):
    _edit(after).text("yes")
    assert CALLS == ["mail a"]


async def _mail_then_method(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await chat.once(desk.reserve, 2)


ITEMS = [("17", 1), ("18", 2)]


async def _by_data(chat):
    for item, amount in ITEMS:
        await chat.once(charge, amount, key=item)
    await chat.ask("Ok?")


async def _mail_then_data(chat):
    await chat.once(send_mail, "a")
    await _by_data(chat)


async def _by_object(chat):
    await chat.once(Calling())
    await chat.ask("Ok?")


async def _mail_then_object(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await chat.once(SERVICES["calling"]())


async def _by_class(chat):
    await chat.once(Round, 1)
    await chat.ask("Ok?")


async def _mail_then_class(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await chat.once(Round, 1)


async def _mail_then_lambda(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await chat.once(lambda: charge_card(5))


async def _mail_then_key(chat):
    await chat.once(send_mail, "a")
    await chat.ask("Ok?")
    await _by_key_later(chat)


async def _by_key_later(chat):
    await chat.once(charge, 5, key=_KEY)


_KEY = "the charge"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_by_method, _mail_then_method),
        (_a_lambda, _mail_then_lambda),
        (_by_object, _mail_then_object),
        (_by_data, _mail_then_data),
        (_by_class, _mail_then_class),
        (_by_key, _mail_then_key),
    ],
)
def test_a_once_that_comes_later_in_the_code_is_not_gone(before, after):
    _edit(after, before).text("yes")
    assert CALLS == ["mail a"]


def test_a_rename_in_the_repair_of_a_failed_turn_is_found_too():
    async def failing(chat):
        await chat.ask("Ok?")
        await chat.once(charge, 5)
        raise RuntimeError

    async def repaired(chat):
        await chat.ask("Ok?")
        await chat.once(charge_card, 5)
        return "Paid."

    talk = Talk(failing)
    talk.start()
    with pytest.raises(RuntimeError):
        talk.text("yes")
    with pytest.raises(DialogueError, match="was='charge'"):
        talk.edit(repaired).again()
    assert CALLS == ["charge 5"]


def test_a_rename_of_a_once_that_was_cut_off_keeps_its_token_and_its_policy():
    async def before(chat):
        await chat.once(charge, 5)

    async def after(chat):
        await chat.once(charge_card, 5, was="charge", unknown="raise")

    talk = Talk(before)
    talk.crash_at = "inside"
    with pytest.raises(Crash):
        talk.start()
    with pytest.raises(OnceUnknown):
        talk.edit(after).start()
    assert CALLS == ["charge 5"]


def test_an_inner_function_is_known_though_its_handler_is_renamed():
    def make(name):
        async def handler(chat):
            def inner():
                CALLS.append("inner")

            inner.__qualname__ = f"{name}.<locals>.inner"
            await chat.once(inner)
            return await chat.ask("Ok?")

        return handler

    talk = Talk(make("book"))
    talk.start()
    assert talk.edit(make("reserve")).text("yes") == ["yes"]
    assert CALLS == ["inner"]


def test_the_keys_of_a_loop_whose_bound_shrinks_are_no_rename():
    def loop(*names):
        async def handler(chat):
            for name in names:
                await chat.once(charge, key=f"charge:{name}")
            await chat.once(send_mail)
            await chat.ask("Ok?")

        return handler

    async def before(chat):
        for name in "abc":
            await chat.once(charge, key=f"charge:{name}")
        await chat.ask("Ok?")

    _edit(loop("a"), before).text("yes")
    assert CALLS == ["mail "]


# Results


class Opaque:
    pass


def test_a_result_that_would_not_come_back_is_lost_in_the_turn_that_got_it():
    def deed():
        CALLS.append("done")
        return Opaque()

    async def handler(chat):
        try:
            await chat.once(deed)
        except ResultLost as error:
            chat.say(str(error))
        return await chat.ask("Ok?")

    talk = Talk(handler)
    [words, _] = talk.start()
    assert "was done, and will not be done again" in words
    assert talk.text("yes") == ["yes"]
    assert CALLS == ["done"]


class Shape:
    pass


@dataclass
class Round(Shape):
    r: int


def gives_opaque() -> Opaque:
    CALLS.append("done")
    return Opaque()


async def gives_opaque_later() -> Opaque:
    CALLS.append("done")
    return Opaque()


def gives_dict() -> defaultdict:
    CALLS.append("done")
    return defaultdict(list)


def yields():
    CALLS.append("done")
    yield 1


@pytest.mark.parametrize(
    "deed", [gives_opaque, gives_opaque_later, gives_dict, yields, partial(gives_opaque)]
)
def test_a_function_whose_result_is_never_kept_is_refused_before_it_is_called(deed):
    async def handler(chat):
        with suppress(Exception):
            await chat.once(deed)
        await chat.ask("Ok?")

    with pytest.raises(DialogueError, match=r"test_onces\.py:\d+: .* be kept"):
        Talk(handler).start()
    assert CALLS == []


def gives_shape() -> Shape:
    return Round(1)


def gives_any() -> Any:
    return 1


def gives_unknown() -> Unknown:  # noqa: F821 -- as under TYPE_CHECKING
    return 1


def gives_base() -> object:
    return 1


def gives_sequence() -> Sequence[int]:
    return [1]


def gives_maybe() -> Opaque | None:
    return None


def gives_awaitable() -> Awaitable[int]:
    return gives_later()


async def gives_later() -> int:
    return 1


@pytest.mark.parametrize(
    "deed",
    [
        gives_shape, gives_any, gives_unknown, gives_base, gives_sequence, gives_maybe, gives_later,
        gives_awaitable,
    ],
)  # fmt: skip
def test_a_function_whose_result_may_be_kept_is_called(deed):
    async def handler(chat):
        await chat.once(deed)
        return await chat.ask("Ok?")

    talk = Talk(handler)
    talk.start()
    assert talk.text("yes") == ["yes"]


# Restart


async def _forgets(chat):
    await chat.ask("Ok?")
    chat.restart()
    return "Bye."


async def _forgets_and_asks(chat):
    await chat.ask("Ok?")
    chat.restart()
    await chat.ask("And?")


async def _forgets_and_says(chat):
    await chat.ask("Ok?")
    chat.restart()
    chat.say("And?")


async def _forgets_in_a_helper(chat):
    await chat.ask("Ok?")
    _restarts(chat)


async def _forgets_once(chat):
    await chat.ask("Ok?")
    chat.restart()
    return chat.restart()


def _restarts(chat):
    chat.restart()


@pytest.mark.parametrize(
    "handler",
    [_forgets, _forgets_and_asks, _forgets_and_says, _forgets_in_a_helper, _forgets_once],
)
def test_a_restart_that_is_not_returned_is_told_at_its_line(handler):
    talk = Talk(handler)
    talk.start()
    with pytest.raises(NotAwaited, match=r"test_onces\.py:\d+: .* was not returned"):
        talk.text("yes")


def test_a_restart_without_its_brackets_is_told():
    async def handler(chat):
        await chat.ask("Ok?")
        return chat.restart

    talk = Talk(handler)
    talk.start()
    with pytest.raises(DialogueError, match=r"return chat\.restart\(\)`, with brackets"):
        talk.text("yes")


def test_a_restart_is_no_condition():
    async def handler(chat):
        while chat.restart():
            await chat.ask("Ok?")

    with pytest.raises(TypeError, match=r"return chat\.restart\(\)"):
        Talk(handler).start()


def test_a_restart_without_a_question_is_told_at_its_line():
    async def at_once(chat):
        return chat.restart()

    async def in_the_second_round(chat):
        if chat.state.n == 0:
            await chat.ask("Ok?")
        chat.state.n += 1
        return chat.restart()

    with pytest.raises(DialogueError, match=r"test_onces\.py:\d+: this dialogue restarts without"):
        Talk(at_once).start()
    talk = Talk(in_the_second_round)
    talk.start()
    with pytest.raises(DialogueError, match="restarts without ever asking"):
        talk.text("yes")


def test_a_restart_through_a_helper_restarts():
    async def helper(chat):
        return chat.restart()

    async def handler(chat):
        await chat.ask("Ok?")
        try:
            return await helper(chat)
        finally:
            chat.say("Once more.")

    talk = Talk(handler)
    talk.start()
    assert talk.text("yes") == ["Once more.", "Ok?"]


@pytest.mark.parametrize("words", ["x" * 1_000_000, "\0", "\udfff"], ids=["long", "nul", "half"])
def test_the_words_of_a_failed_once_can_be_stored(words):
    def fail():
        raise ValueError(words)

    async def pay(chat):
        try:
            await chat.once(fail)
        except OnceFailed as error:
            return str(error)

    (said,) = Talk(pay).start()
    assert len(said) < MAX_ERROR_CHARS + 100
    assert said.encode()
    assert "\0" not in said
