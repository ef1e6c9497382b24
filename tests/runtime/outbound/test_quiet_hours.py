"""Quiet hours at work: what we start waits for the morning, replies pass."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cooee import App, Chat, DefinitionError
from cooee.core.app.quiet_hours import parse_quiet_hours
from cooee.core.messages import Outbound, Priority
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.storage import NewOutbound, ProactiveOutbound, SendAttempt
from cooee.testing import Kit

OURS = "+61491570006"
EVENING = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)  # 21:00 in Sydney, 16:30 on the Cocos islands
MORNING = datetime(2026, 1, 16, 1, 30, tzinfo=UTC)  # 08:00 on the Cocos islands
NOON = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)  # 13:00 in Sydney, 08:30 on the Cocos islands


def echo(**how):
    app = App(quiet=("21:00", "08:00"), **how)

    @app.otherwise
    def say(chat: Chat) -> str:
        return f"You said {chat.text}"

    return app


@pytest.mark.parametrize("provider", ["simulated", "telstra-v2"])
async def test_what_we_start_at_night_arrives_in_the_morning_and_replies_at_once(provider):
    async with Kit(echo(), provider=provider, start=EVENING) as kit:
        phone = kit.phone()
        await kit.app.send(phone.number, "news")
        assert await phone.text("hello") == ["You said hello"]
        await kit.clock.advance(MORNING - kit.clock.now() - timedelta(seconds=1))
        assert phone.inbox == ["You said hello"]
        await kit.clock.advance(1)
        await kit.quiet()
        assert phone.inbox == ["You said hello", "news"]


async def test_by_day_it_leaves_at_once():
    async with Kit(echo(), start=NOON) as kit:
        phone = kit.phone()
        await kit.app.send(phone.number, "news")
        await kit.quiet()
        assert phone.inbox == ["news"]
        assert kit.clock.now() == NOON


async def test_a_time_at_night_that_was_asked_for_becomes_the_morning():
    async with Kit(echo(), start=NOON) as kit:
        phone = kit.phone()
        await kit.app.send(phone.number, "news", at=EVENING + timedelta(hours=1))
        assert (await kit.store.next_due()).send == MORNING
        await kit.app.send(phone.number, "soon", at=NOON + timedelta(hours=1))
        assert (await kit.store.next_due()).send == NOON + timedelta(hours=1)


@pytest.mark.parametrize("kind", [Priority.PROACTIVE, Priority.BULK])
async def test_what_another_process_queued_is_put_off_as_it_is_taken(kind):
    async with Kit(echo(), start=EVENING) as kit:
        phone = kit.phone()
        await kit.store.enqueue(
            [ProactiveOutbound(kit.number, phone.number, NewOutbound(text="x", priority=kind))]
        )
        await phone.text("hello")
        [entry] = [e for e in await kit.store.history(kit.number, phone.number, 9) if e.text == "x"]
        assert (entry.status, entry.attempts, list(entry.notes)) == ("queued", 0, [])
        await kit.clock.advance(MORNING - kit.clock.now())
        await kit.quiet()
        assert phone.inbox == ["You said hello", "x"]


async def test_what_failed_by_day_is_not_tried_again_at_night():
    async with Kit(echo(), start=EVENING - timedelta(seconds=2)) as kit:
        phone = kit.phone()
        kit.fault("error-503", 3, on="POST /texts")
        await kit.app.send(phone.number, "news")
        await kit.wait(timedelta(hours=2))
        assert phone.inbox == []
        assert (await kit.store.next_due()).send == MORNING
        await kit.wait(timedelta(hours=14))
        assert phone.inbox == ["news"]


async def test_news_that_are_stale_by_morning_are_never_sent():
    async with Kit(echo(), start=EVENING) as kit:
        phone = kit.phone()
        await kit.app.send(phone.number, "Dinner is ready.", good_for=timedelta(hours=1))
        await kit.wait(timedelta(hours=20))
        assert phone.inbox == []
        [entry] = await kit.store.history(kit.number, phone.number, 9)
        assert entry.status == "expired"


async def test_a_stop_at_night_cancels_what_waits_for_the_morning():
    async with Kit(echo(), start=EVENING) as kit:
        phone = kit.phone()
        await kit.app.send(phone.number, "news")
        await phone.text("STOP")
        await kit.wait(timedelta(hours=20))
        assert phone.inbox == []


# What the company is told, so that its own queue wakes nobody


def taken(kind=Priority.PROACTIVE, good_until=None, theirs="+61491570156"):
    outbound = Outbound(
        id="0" * 32 + "-1", sender=OURS, recipient=theirs, text="x", good_until=good_until
    )
    return SendAttempt(outbound, NOON, kind)


def test_what_leaves_by_day_is_good_until_the_first_evening():
    night = QuietHoursGate(parse_quiet_hours(("21:00", "08:00")), OURS)
    soon = NOON + timedelta(hours=1)
    ready, later = night.split([taken(), taken(good_until=soon), taken(Priority.REPLY)], NOON)
    evening_on_lord_howe = datetime(2026, 1, 15, 21, tzinfo=ZoneInfo("Australia/Lord_Howe"))
    assert evening_on_lord_howe.astimezone(UTC) == EVENING  # both are at +11 in January
    assert [one.outbound.good_until for one in ready] == [EVENING, soon, None]
    assert later == []


def test_at_night_only_replies_leave():
    night = QuietHoursGate(parse_quiet_hours(("21:00", "08:00")), OURS)
    started, bulk, reply = taken(), taken(Priority.BULK), taken(Priority.REPLY)
    ready, later = night.split([started, bulk, reply], EVENING)
    assert ready == [reply]
    assert later == [(started.outbound, MORNING), (bulk.outbound, MORNING)]
    abroad = msgspec.structs.replace(started.outbound, recipient="+447400123456")
    ready, _ = night.split([SendAttempt(abroad, NOON, Priority.PROACTIVE)], EVENING)
    assert len(ready) == 1  # it is ten in the morning in Britain


def test_without_quiet_hours_all_is_as_it_was():
    texts = [taken(), taken(Priority.BULK)]
    assert QuietHoursGate(None, OURS).split(texts, EVENING) == (texts, ())
    assert QuietHoursGate(None, OURS).next_allowed("+61491570156", EVENING) == EVENING


# The other limits on what leaves


async def test_a_text_over_the_most_segments_fails_its_turn_at_once_and_says_why():
    app = App(most_segments=2)

    @app.on("LONG {n:d}")
    def long(chat: Chat, n: int) -> str:
        return "x" * n

    async with Kit(app) as kit:
        phone = kit.phone()
        assert await phone.text("LONG 306") == ["x" * 306]
        [sorry] = await phone.text("LONG 307")
        assert sorry == app.sorry
        [trouble] = await kit.troubles(phone)
        assert "307 characters needs 3 segments, and the app allows 2. Shorten it" in trouble


async def test_an_apology_is_never_too_long():
    app = App(most_segments=1, sorry="Sorry! " * 40)

    @app.otherwise
    def long(chat: Chat) -> str:
        return "x" * 200

    async with Kit(app) as kit:
        assert await kit.phone().text("hi") == [app.sorry]


async def test_a_text_we_start_that_is_too_long_is_refused_to_who_sends_it():
    from cooee import TooLong

    async with Kit(App(most_segments=1)) as kit:
        phone = kit.phone()
        with pytest.raises(TooLong, match="needs 2 segments"):
            await kit.app.send(phone.number, "x" * 161)
        assert list(await kit.store.history(kit.number, phone.number, 9)) == []


@pytest.mark.parametrize("smart", [True, False])
async def test_plain_characters_leave_where_the_app_wants_them(smart):
    app = App(smart=smart)

    @app.otherwise
    def quote(chat: Chat) -> str:
        return "“Quite” – so…"  # noqa: RUF001 -- it is the point

    async with Kit(app) as kit:
        phone = kit.phone()
        fine, plain = "“Quite” – so…", '"Quite" - so...'  # noqa: RUF001 -- as above
        assert await phone.text("hi") == [plain if smart else fine]
        await kit.app.send(phone.number, fine)
        await kit.quiet()
        assert phone.read() == [plain if smart else fine]


@pytest.mark.parametrize("wrong", [{"most_segments": 0}, {"quiet": ("8", "8")}])
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(DefinitionError):
        App(**wrong)
