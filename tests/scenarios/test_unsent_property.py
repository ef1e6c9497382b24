"""Whatever happens to a question on its way: nobody answers what they have not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cooee import App, hours
from cooee.testing import Kit

EVENING = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)  # 8 pm in Sydney
SEND = "POST /texts"
STEPS = st.one_of(
    st.tuples(st.just("text"), st.sampled_from(["yes", "3", "huh", "BOOK", "LEAVE"])),
    st.tuples(st.just("start"), st.sampled_from(["pay", "bags"])),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 45, 130, 600])),
    st.tuples(
        st.just("fault"), st.sampled_from(["throttle", "error-503", "lose-answer", "carrier-down"])
    ),
    st.tuples(st.just("restart"), st.none()),
)


def shop() -> App:
    """Return an app whose questions and answers carry the number of their dialogue."""
    app = App(quiet=("21:00", "08:00"))

    @app.dialogue()
    async def pay(chat, n: int):
        paid = await chat.confirm(f"Pay {n}?", timeout=hours(2), remind=hours(1), default=None)
        return {True: f"Paid {n}.", False: f"Unpaid {n}.", None: f"Late {n}."}[paid]

    @app.dialogue()
    async def bags(chat, n: int):
        chat.say(f"Ready {n}.")
        count = await chat.ask(f"Bags {n}?", int, timeout=hours(2), remind=hours(1), default=0)
        return f"Took {n}." if count else f"Late {n}."

    @app.dialogue("BOOK")
    async def book(chat):
        return f"Booked {await chat.ask('When?', timeout=hours(2), default='never')}."

    @app.on("LEAVE", always=True)
    def leave(chat):
        if chat.question:
            chat.leave()

    return app


def check_dialogue(seen, n: int, *, push: bool) -> None:
    """Check what the phone of a person shows of the n-th dialogue that we began."""
    ours = [(at, words) for at, (direction, words, _) in enumerate(seen) if direction == "to_phone"]
    asked = [at for at, words in ours if words.endswith((f"Pay {n}?", f"Bags {n}?"))]
    ends = (f"Paid {n}.", f"Unpaid {n}.", f"Took {n}.", f"Late {n}.")
    ended = [at for at, words in ours if words in ends]
    assert len(ended) <= 1
    for end in ended:
        assert all(at < end for at in asked), "nothing is asked that is over"
        ready = [at for at, words in ours if words == f"Ready {n}."]
        assert all(at < end for at in ready), "nothing is told that is over"
        _, words, time = seen[end]
        if words in ends[:2]:
            answers = [at for at, one in enumerate(seen[:end]) if one[:2] == ("from_phone", "yes")]
            assert any(at > asked[0] for at in answers), "who says yes has read the question"
        if words == ends[3] and asked:
            assert time - seen[asked[0]][2] >= hours(2), "there was time to answer"
    for first, second in pairwise(asked):
        # a text that is polled late is answered late
        was_texted = any(one[0] == "from_phone" for one in seen[first:second])
        assert was_texted or not push or seen[second][2] - seen[first][2] >= hours(1)


@given(st.lists(STEPS, min_size=3, max_size=12), st.booleans())
@settings(max_examples=25, deadline=None)
async def test_nobody_answers_what_they_have_not_read(steps, push):
    app = shop()
    async with Kit(app, start=EVENING, push=push, poll_interval=1200) as kit:
        anna, count = kit.phone(), 0
        for deed, what in steps:
            match deed:
                case "text":
                    kit.send(anna, what)
                case "start":
                    count += 1
                    await app.start(what, anna.number, n=count)
                case "wait":
                    await kit.wait(timedelta(minutes=what))
                case "fault":
                    kit.fault(what, 1, on=SEND)
                case "restart":
                    await kit.restart()
            await kit.wait(2)  # a stamp of whole seconds tells two moments apart
        await kit.wait(timedelta(days=2))
        screen = kit.simulator.network.phone_screen(anna.number)
        seen = [(one.direction, one.text.text, one.shown_at) for one in screen]
        for n in range(1, count + 1):
            check_dialogue(seen, n, push=push)
        assert list(await kit.store.dialogues()) == [], "every dialogue has come to its end"
