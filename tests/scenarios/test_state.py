"""The state of a person, written by dialogues, keywords and deploys: nothing of it is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel, ConfigDict, model_validator

from cooee import App, hours
from cooee.testing import Kit


@dataclass
class Order:
    what: str
    status: str = "new"


@dataclass
class Shop:
    score: int = 0
    orders: list[Order] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


QUIZ = ["One?", "Two?", "Three?", "Four?"]


HOUR = hours(1)


def quiz(*questions, length=HOUR):
    app = App(state=Shop, version=f"{questions} {length}")

    @app.dialogue("QUIZ")
    async def play(chat):
        for question in questions:
            if question == "sleep":
                await chat.sleep(length)
                continue
            points = await chat.ask(question, int)
            chat.state.score += points
            chat.state.notes.append(str(points))

    @app.on("LEAVE", always=True)
    def leave(chat):
        chat.leave()
        return f"{chat.state.score} {' '.join(chat.state.notes)}"

    @app.on("SCORE", always=True)
    def score(chat):
        return f"{chat.state.score} {' '.join(chat.state.notes)}"

    @app.on("NOTE", always=True)
    def note(chat):
        chat.state.notes.append("n")

    return app


EDITS = {
    "none": QUIZ,
    "the open one reworded": ["One?", "2?", "Three?", "Four?"],
    "the open one removed": ["One?", "Three?", "Four?", "Five?"],
    "all reworded but one": ["One?", "2?", "3?", "4?"],
}


@pytest.mark.parametrize("answered", range(3))
@pytest.mark.parametrize("edit", EDITS)
async def test_who_leaves_keeps_what_they_answered(edit, answered):
    async with Kit(quiz(*QUIZ)) as kit:
        anna = kit.phone()
        await anna.text("QUIZ")
        await anna.text("30")
        await anna.text("NOTE")
        await kit.deploy(quiz(*EDITS[edit]))
        if edit != "none":
            await anna.text("99")  # to a question that is gone, or reworded
        given = ["30", "n"]
        for n in range(answered):
            await anna.text(str(n + 1))
            await anna.text("NOTE")
            given += [str(n + 1), "n"]
        expected = f"{sum(int(each) for each in given if each != 'n')} {' '.join(given)}"
        assert (await anna.text("SCORE"))[-1] == expected
        assert (await anna.text("LEAVE"))[-1] == expected
        assert (await anna.text("SCORE"))[-1] == expected
        assert await kit.troubles(anna) == []


async def test_a_sleep_of_another_length_keeps_no_answer_from_the_state():
    async with Kit(quiz("One?", "sleep", "Two?", "Three?")) as kit:
        anna = kit.phone()
        await anna.text("QUIZ")
        await anna.text("30")
        await kit.deploy(quiz("One?", "sleep", "Two?", "Three?", length=hours(3)))
        await kit.wait(4 * 3600)
        await kit.wait(4 * 3600)
        await anna.text("NOTE")
        await anna.text("5")
        assert await anna.text("LEAVE") == ["35 30 n 5"]


async def test_an_order_that_the_dialogue_holds_stays_its_order():
    app = App(state=Shop)

    @app.dialogue("ORDER")
    async def take(chat):
        order = Order(await chat.ask("What?"))
        chat.state.orders.append(order)
        await chat.once(lambda: chat.state.orders.insert(0, Order("bag")))
        await chat.ask("Paid?")
        order.status = "paid"
        await chat.ask("Sent?")
        order.status = "sent"

    @app.on("GIFT", always=True)
    def gift(chat):
        chat.state.orders.insert(0, Order("gift"))

    @app.on("SWAP", always=True)
    def swap(chat):
        chat.state.orders.pop(0)
        chat.state.orders.append(Order("late"))

    @app.on("LIST", always=True)
    def show(chat):
        return " ".join(f"{each.what}:{each.status}" for each in chat.state.orders)

    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("ORDER", "tea", "GIFT", "yes", "SWAP"):
            await anna.text(text)
        assert await anna.text("LIST") == ["bag:new tea:paid late:new"]
        await anna.text("SWAP")
        await anna.text("yes")
        assert await anna.text("LIST") == ["tea:sent late:new late:new"]
        assert await kit.troubles(anna) == []


class Booking(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    first: int = 1
    last: int = 2
    guests: list[str] = []

    @model_validator(mode="after")
    def _is_ordered(self) -> Booking:
        if self.first > self.last:
            raise ValueError("the last day is before the first")
        return self


async def test_a_model_with_validators_is_merged_as_a_whole():
    app = App(state=Booking)

    @app.dialogue("BOOK")
    async def book(chat):
        booking = chat.state
        guests = booking.guests
        guests.append(await chat.ask("Who?"))
        guests.append(await chat.ask("Who else?"))
        await chat.ask("Right?")
        booking.last += 1

    @app.on("LATER", always=True)
    def later(chat):
        chat.state = Booking(first=11, last=12, guests=[*chat.state.guests, "dog"])

    @app.on("SHOW", always=True)
    def show(chat):
        return chat.state.model_dump_json()

    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("BOOK", "Anna", "LATER", "Ben", "yes"):
            await anna.text(text)
        assert await anna.text("SHOW") == ['{"first":11,"last":13,"guests":["Anna","dog","Ben"]}']
        assert await kit.troubles(anna) == []


@dataclass
class Ticket:
    id: int
    status: str = "new"


@dataclass
class Desk:
    tickets: list[Ticket] = field(default_factory=list)


@pytest.mark.parametrize("swapped", [False, True])
async def test_another_dialogue_changes_the_list_that_a_dialogue_holds(swapped):
    app = App(state=Desk)

    @app.dialogue("HOLD")
    async def hold(chat):
        ticket = Ticket(1)
        chat.state.tickets.append(ticket)
        await chat.sleep(hours(2))
        ticket.status = "done"

    @app.dialogue("OTHER")
    async def other(chat):
        await chat.ask("Sure?")
        if swapped:
            chat.state.tickets[0] = Ticket(2)
        else:
            chat.state.tickets[0].id = 2
        await chat.ask("Again?")
        chat.state.tickets.insert(0, Ticket(3))

    @app.on("LIST", always=True)
    def show(chat):
        return " ".join(f"{each.id}:{each.status}" for each in chat.state.tickets)

    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("HOLD", "OTHER", "yes", "yes"):
            await anna.text(text)
        await kit.wait(3 * 3600)
        expected = "3:new 2:new" if swapped else "3:new 2:done"
        assert await anna.text("LIST") == [expected]
        assert await kit.troubles(anna) == []
