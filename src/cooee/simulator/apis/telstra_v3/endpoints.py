"""The calls of Telstra's API v3 that need a token, and what answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v3 import fields, paging
from cooee.simulator.apis.telstra_v3 import requests as orders
from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.account import KEPT, RECIPIENTS, Account
from cooee.simulator.apis.telstra_v3.errors import Refusal, invalid
from cooee.simulator.apis.telstra_v3.reports import MADE_AFTER, Report
from cooee.simulator.apis.telstra_v3.responses import Message

_FILTERS = ("direction", "status", "filter", "reverse", "startTime", "endTime")
_STATUSES = ("queued", "sent", "delivered", "expired", "undeliverable")
_MONTHS = timedelta(days=92)


class Call(msgspec.Struct, frozen=True):
    """A call: as it came, what its path names, where its caller found the API."""

    request: Request
    names: Mapping[str, str]
    base: str
    records: bool  # what `offset` counts

    def content(self, *known: str) -> dict[str, Any]:
        """The JSON object in its body, with no fields but the known ones."""
        return fields.content(self.request, known)

    def page(self, name: str, items: Sequence[Any], path: str, *known: str) -> Response:
        """The page of a list that its query asks for."""
        asked = paging.query(self.request, known)
        shown, block = paging.page(items, asked, path, records=self.records)
        return desk.json(200, {name: shown, "paging": block})


Handler: TypeAlias = Callable[[Account, Call], Response]


# --- virtual numbers


def assign(account: Account, call: Call) -> Response:
    """Get another number."""
    asked = call.content("replyCallbackUrl", "tags")
    number = account.assign(fields.url(asked, "replyCallbackUrl"), fields.tags(asked))
    return desk.json(201, number.shape)


def numbers(account: Account, call: Call) -> Response:
    """List the numbers, or those of a tag, or one."""
    wanted = desk.query_of(call.request).get("filter")
    shapes_ = [
        one.shape
        for one in account.held()
        if wanted is None or wanted in one.tags or fields.international(wanted) == one.number
    ]
    return call.page("virtualNumbers", shapes_, "/virtual-numbers", "filter")


def number(account: Account, call: Call) -> Response:
    """Tell of a number."""
    return desk.json(200, account.number(fields.virtual(call.names["number"])).shape)


def change_number(account: Account, call: Call) -> Response:
    """Replace where a number's replies go, and its tags: what is left out is wiped."""
    held = account.number(fields.virtual(call.names["number"]))
    asked = call.content("replyCallbackUrl", "tags")
    held.change(fields.url(asked, "replyCallbackUrl"), fields.tags(asked))
    return desk.json(200, held.shape)


def release_number(account: Account, call: Call) -> Response:
    """Give a number up."""
    account.number(fields.virtual(call.names["number"])).release()
    return Response(status=204)


def optouts(account: Account, call: Call) -> Response:
    """List who opted out of a number."""
    held = account.number(fields.virtual(call.names["number"]))
    items = [
        {
            "messageId": one.message_id,
            "virtualNumber": shapes.national(one.number),
            "optoutNumber": shapes.national(one.person),
            "createTimestamp": shapes.stamp(one.since),
        }
        for one in account.optouts.values()
        if one.number == held.number
    ]
    path = f"/virtual-numbers/{shapes.national(held.number)}/optouts"
    return call.page("recipientOptouts", items, path)


# --- free trial numbers


def register(account: Account, call: Call) -> Response:
    """Register numbers that a free trial may text: one, or a list."""
    _in_trial(account)
    asked = call.content("freeTrialNumbers")
    people = fields.people(asked.get("freeTrialNumbers"), "freeTrialNumbers", RECIPIENTS)
    return desk.json(201, _registered(account.register(people)))


def registered(account: Account, _: Call) -> Response:
    """List them; without any the body is empty, which Telstra's Python SDK is ready for."""
    _in_trial(account)
    if not account.registered:
        return Response(status=200)
    return desk.json(200, _registered(account.registered))


# --- messages


def send(account: Account, call: Call) -> Response:
    """Send a text, to one or to many."""
    order = orders.order(call.content(*orders.FIELDS), account.now, trial=account.trial)
    sent = account.send(order)
    return desk.json(201, shapes.sent(order, sent), location=f"/messages/{sent[0].id}")


def messages(account: Account, call: Call) -> Response:
    """List messages of the last 30 days, the oldest first, or the newest."""
    asked = paging.query(call.request, _FILTERS)
    fits = _search(asked, account.now - KEPT)
    found = [message for message in account.messages.values() if fits(message)]
    if _choice(asked, "reverse", ("true", "false")) == "true":
        found.reverse()
    shown, block = paging.page(found, asked, "/messages", records=call.records)
    for message in shown:
        message.handed_out = True
    return desk.json(200, {"messages": [*map(shapes.listed, shown)], "paging": block})


def message(account: Account, call: Call) -> Response:
    """Tell of a message."""
    return desk.json(200, shapes.listed(account.message(call.names["id"])))


def change_message(account: Account, call: Call) -> Response:
    """Replace a message that is scheduled."""
    found = account.message(call.names["id"])
    asked = call.content(*orders.FIELDS)
    order = orders.order(asked, account.now, trial=account.trial, single=True)
    account.update(found, order)
    return desk.json(200, shapes.sent(order, [found]))


def tag_message(account: Account, call: Call) -> Response:
    """Replace the tags of a message, whether it is sent or not."""
    found = account.message(call.names["id"])
    found.tags = fields.tags(call.content("tags"), least=0)
    return Response(status=204)


def delete_message(account: Account, call: Call) -> Response:
    """Delete a message that is scheduled."""
    account.delete(account.message(call.names["id"]))
    return Response(status=204)


# --- reports and health


def report(account: Account, call: Call) -> Response:
    """Ask for a report of messages."""
    asked = call.content("startDate", "endDate", "reportCallbackUrl", "filter")
    url = fields.url(asked, "reportCallbackUrl")
    earliest = account.now - _MONTHS
    start, end = (fields.date(asked, name, earliest) for name in ("startDate", "endDate"))
    if end < start:
        raise Refusal("LOGIC_ERR", "endDate is before startDate", "endDate")
    wanted = asked.get("filter")
    if wanted is not None and not isinstance(wanted, str):
        raise invalid("filter", "a tag or a number")
    made = Report(account.identify(), account.now, start, end, wanted)
    account.reports[made.id] = made
    if url is not None:
        _announce(account, made, url)
    shape = {"reportId": made.id, "reportCallbackUrl": url, "reportStatus": "queued"}
    return desk.json(201, {name: value for name, value in shape.items() if value is not None})


def reports(account: Account, _: Call) -> Response:
    """List the reports of the last week."""
    kept = [one for one in account.reports.values() if one.kept(account.now)]
    return desk.json(200, {"reports": [one.shape(account.now) for one in kept]})


def one_report(account: Account, call: Call) -> Response:
    """Tell of a report, and once it is made where it can be fetched."""
    found = _report(account, call)
    shape = {"reportId": found.id, "reportStatus": found.status(account.now)}
    if shape["reportStatus"] == "completed":
        shape["reportUrl"] = f"{call.base}/reports/{found.id}/csv"
    return desk.json(200, shape)


def report_csv(account: Account, call: Call) -> Response:
    """Hand a report over; this path is the box's own, and wants the headers of the others."""
    found = _report(account, call)
    listed = [one for one in account.messages.values() if _is_about(one, found.filter)]
    return Response(status=200, headers={"content-type": "text/csv"}, body=found.csv(listed))


def health(_: Account, __: Call) -> Response:
    """Say that all is well; a 504 would say that it is not."""
    return desk.json(200, {"status": "up"})


ROUTES: desk.Routes[Handler] = desk.Routes(
    [
        ("POST /virtual-numbers", assign),
        ("GET /virtual-numbers", numbers),
        ("GET /virtual-numbers/{number}", number),
        ("PUT /virtual-numbers/{number}", change_number),
        ("DELETE /virtual-numbers/{number}", release_number),
        ("GET /virtual-numbers/{number}/optouts", optouts),
        ("POST /free-trial-numbers", register),
        ("GET /free-trial-numbers", registered),
        ("POST /messages", send),
        ("GET /messages", messages),
        ("GET /messages/{id}", message),
        ("PUT /messages/{id}", change_message),
        ("PATCH /messages/{id}", tag_message),
        ("DELETE /messages/{id}", delete_message),
        ("POST /reports/messages", report),
        ("GET /reports", reports),
        ("GET /reports/{id}", one_report),
        ("GET /reports/{id}/csv", report_csv),
        ("GET /health-check", health),
    ]
)


def _in_trial(account: Account) -> None:
    if not account.trial:
        raise Refusal("FREE_TRIAL_ERR", "A paid plan texts anybody, and registers nobody")


def _registered(people: Sequence[str]) -> dict[str, list[str]]:
    return {"freeTrialNumbers": [shapes.national(person) for person in people]}


def _search(asked: Mapping[str, str], earliest: datetime) -> Callable[[Message], bool]:
    """What tells whether a message is asked for; a time of more than 30 days ago is refused."""
    start, end = (fields.moment(asked.get(n), n, "query") for n in ("startTime", "endTime"))
    if any(moment and moment < earliest for moment in (start, end)):
        raise invalid("startTime", "a time within the last 30 days", "query")
    direction = _choice(asked, "direction", ("incoming", "outgoing"))
    status = _choice(asked, "status", _STATUSES)

    def fits(message: Message) -> bool:
        return (
            message.created_at >= max(earliest, start or earliest)
            and (end is None or message.created_at <= end)
            and direction in (None, message.direction)
            and status in (None, message.status)
            and _is_about(message, asked.get("filter"))
        )

    return fits


def _is_about(message: Message, wanted: str | None) -> bool:
    """Whether a tag or either number is the wanted one, whole (an assumption)."""
    ends = (message.sender, message.recipient)
    return wanted is None or wanted in message.tags or fields.international(wanted) in ends


def _choice(asked: Mapping[str, str], name: str, choices: Sequence[str]) -> str | None:
    value = asked.get(name)
    if value is not None and value not in choices:
        raise invalid(name, " or ".join(choices), "query")
    return value


def _report(account: Account, call: Call) -> Report:
    found = account.reports.get(call.names["id"])
    if found is None or not found.kept(account.now):
        raise Refusal("RESOURCE_NOT_FOUND", "There is no such report", "reportId", "path")
    return found


def _announce(account: Account, made: Report, url: str) -> None:
    async def later() -> None:
        await account.network.clock.sleep(MADE_AFTER.total_seconds())
        news = {"reportId": made.id, "reportStatus": "completed"}
        news["timestamp"] = shapes.stamp(account.now)
        account.pushes.post(made.id, url, msgspec.json.encode(news))

    account.network.lanes.add(("report", made.id), later)
