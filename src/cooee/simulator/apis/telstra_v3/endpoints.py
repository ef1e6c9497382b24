"""The endpoints of Telstra's API v3, behind a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.apis.telstra_v3 import fields, paging
from cooee.simulator.apis.telstra_v3 import requests as orders
from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.apis.telstra_v3.account import (
    MAX_TRIAL_RECIPIENTS,
    MESSAGE_RETENTION,
    TelstraV3Account,
)
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError, invalid_field
from cooee.simulator.apis.telstra_v3.reports import READY_AFTER, MessageReport
from cooee.simulator.apis.telstra_v3.responses import TelstraV3Message

_MESSAGE_FILTERS = ("direction", "status", "filter", "reverse", "startTime", "endTime")
_STATUSES = ("queued", "sent", "delivered", "expired", "undeliverable")
_REPORTABLE_TIME = timedelta(days=92)


class TelstraV3Call(msgspec.Struct, frozen=True):
    """A request, the parameters in its path, and the API's URL from the caller's side."""

    request: Request
    path_params: Mapping[str, str]
    base_url: str
    offset_in_records: bool  # what `offset` counts

    def json_body(self, *known_fields: str) -> dict[str, Any]:
        """Return the JSON object in the body; raise for an unknown field."""
        return fields.parse_json_object(self.request, known_fields)

    def list_response(
        self, name: str, items: Sequence[Any], path: str, *known_params: str
    ) -> Response:
        """Return the page of a list for the query."""
        query = paging.parse_query(self.request, known_params)
        shown_items, paging_json = paging.make_page(
            items, query, path, offset_in_records=self.offset_in_records
        )
        return asgi.json_response(200, {name: shown_items, "paging": paging_json})


Endpoint: TypeAlias = Callable[[TelstraV3Account, TelstraV3Call], Response]


# --- virtual numbers


def assign_number(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Assign another number."""
    body = call.json_body("replyCallbackUrl", "tags")
    number = account.assign_number(fields.get_url(body, "replyCallbackUrl"), fields.get_tags(body))
    return asgi.json_response(201, number.json_form)


def list_virtual_numbers(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """List the numbers, or the numbers of a tag, or a single number."""
    tag_or_number = asgi.query_of(call.request).get("filter")
    items = [
        number.json_form
        for number in account.assigned_numbers()
        if tag_or_number is None
        or tag_or_number in number.tags
        or fields.to_e164(tag_or_number) == number.number
    ]
    return call.list_response("virtualNumbers", items, "/virtual-numbers", "filter")


def get_virtual_number(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Return a number."""
    return asgi.json_response(
        200, account.get_number(fields.check_virtual_number(call.path_params["number"])).json_form
    )


def update_virtual_number(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Replace a number's reply URL and tags; a left-out field is wiped."""
    number = account.get_number(fields.check_virtual_number(call.path_params["number"]))
    body = call.json_body("replyCallbackUrl", "tags")
    number.set_details(fields.get_url(body, "replyCallbackUrl"), fields.get_tags(body))
    return asgi.json_response(200, number.json_form)


def release_virtual_number(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Give a number up."""
    account.get_number(fields.check_virtual_number(call.path_params["number"])).release()
    return Response(status=204)


def list_opt_outs(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """List the people who opted out of a number."""
    number = account.get_number(fields.check_virtual_number(call.path_params["number"]))
    items = [
        {
            "messageId": opt_out.message_id,
            "virtualNumber": shapes.to_national(opt_out.number),
            "optoutNumber": shapes.to_national(opt_out.person),
            "createTimestamp": shapes.format_utc(opt_out.created_at),
        }
        for opt_out in account.opt_outs.values()
        if opt_out.number == number.number
    ]
    path = f"/virtual-numbers/{shapes.to_national(number.number)}/optouts"
    return call.list_response("recipientOptouts", items, path)


# --- free trial numbers


def register_trial_numbers(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Register numbers for a free trial to text: a number, or a list."""
    _require_trial(account)
    body = call.json_body("freeTrialNumbers")
    people = fields.parse_person_numbers(
        body.get("freeTrialNumbers"), "freeTrialNumbers", MAX_TRIAL_RECIPIENTS
    )
    return asgi.json_response(201, _trial_numbers_json(account.register_recipients(people)))


def list_trial_numbers(account: TelstraV3Account, _: TelstraV3Call) -> Response:
    """List the registered numbers; without any the body is empty, as Telstra's SDK expects."""
    _require_trial(account)
    if not account.registered_recipients:
        return Response(status=200)
    return asgi.json_response(200, _trial_numbers_json(account.registered_recipients))


# --- messages


def send_message(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Send a text, to one recipient or to many."""
    send_request = orders.parse_message_request(
        call.json_body(*orders.SEND_FIELDS), account.now, is_trial=account.is_trial
    )
    sent = account.send(send_request)
    return asgi.json_response(
        201, shapes.accepted_response(send_request, sent), location=f"/messages/{sent[0].id}"
    )


def list_messages(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """List messages of the last 30 days, the oldest first, or the newest."""
    query = paging.parse_query(call.request, _MESSAGE_FILTERS)
    matches = _message_matcher(query, account.now - MESSAGE_RETENTION)
    found = [message for message in account.messages.values() if matches(message)]
    if _get_choice(query, "reverse", ("true", "false")) == "true":
        found.reverse()
    shown_messages, paging_json = paging.make_page(
        found, query, "/messages", offset_in_records=call.offset_in_records
    )
    for message in shown_messages:
        message.was_read = True
    return asgi.json_response(
        200, {"messages": [*map(shapes.message_json, shown_messages)], "paging": paging_json}
    )


def get_message(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Return a message."""
    return asgi.json_response(200, shapes.message_json(account.get_message(call.path_params["id"])))


def update_message(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Replace a scheduled message."""
    message = account.get_message(call.path_params["id"])
    body = call.json_body(*orders.SEND_FIELDS)
    send_request = orders.parse_message_request(
        body, account.now, is_trial=account.is_trial, is_single=True
    )
    account.update_message(message, send_request)
    return asgi.json_response(200, shapes.accepted_response(send_request, [message]))


def update_message_tags(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Replace the tags of a message, sent or not."""
    message = account.get_message(call.path_params["id"])
    message.tags = fields.get_tags(call.json_body("tags"), minimum=0)
    return Response(status=204)


def delete_message(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Delete a scheduled message."""
    account.delete_message(account.get_message(call.path_params["id"]))
    return Response(status=204)


# --- reports and health


def create_report(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Create a report of messages."""
    body = call.json_body("startDate", "endDate", "reportCallbackUrl", "filter")
    url = fields.get_url(body, "reportCallbackUrl")
    earliest = account.now - _REPORTABLE_TIME
    start, end = (fields.get_date(body, name, earliest) for name in ("startDate", "endDate"))
    if end < start:
        raise TelstraV3APIError("LOGIC_ERR", "endDate is before startDate", "endDate")
    tag_or_number = body.get("filter")
    if tag_or_number is not None and not isinstance(tag_or_number, str):
        raise invalid_field("filter", "a tag or a number")
    created = MessageReport(account.new_id(), account.now, start, end, tag_or_number)
    account.reports[created.id] = created
    if url is not None:
        _announce_report(account, created, url)
    content = {"reportId": created.id, "reportCallbackUrl": url, "reportStatus": "queued"}
    return asgi.json_response(
        201, {name: value for name, value in content.items() if value is not None}
    )


def list_reports(account: TelstraV3Account, _: TelstraV3Call) -> Response:
    """List the reports of the last week."""
    kept = [report for report in account.reports.values() if report.is_available(account.now)]
    return asgi.json_response(200, {"reports": [one.to_json(account.now) for one in kept]})


def get_report(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Return a report's status and, once it is completed, its URL."""
    report = _find_report(account, call)
    content = {"reportId": report.id, "reportStatus": report.status(account.now)}
    if content["reportStatus"] == "completed":
        content["reportUrl"] = f"{call.base_url}/reports/{report.id}/csv"
    return asgi.json_response(200, content)


def download_report(account: TelstraV3Account, call: TelstraV3Call) -> Response:
    """Return a report. This path is the simulator's own, and wants the usual headers."""
    report = _find_report(account, call)
    messages = [
        message
        for message in account.messages.values()
        if _has_tag_or_number(message, report.tag_or_number)
    ]
    return Response(status=200, headers={"content-type": "text/csv"}, body=report.to_csv(messages))


def check_health(_: TelstraV3Account, __: TelstraV3Call) -> Response:
    """Answer "up"; Telstra's own API answers 504 when down."""
    return asgi.json_response(200, {"status": "up"})


ROUTES: asgi.Router[Endpoint] = asgi.Router(
    [
        ("POST /virtual-numbers", assign_number),
        ("GET /virtual-numbers", list_virtual_numbers),
        ("GET /virtual-numbers/{number}", get_virtual_number),
        ("PUT /virtual-numbers/{number}", update_virtual_number),
        ("DELETE /virtual-numbers/{number}", release_virtual_number),
        ("GET /virtual-numbers/{number}/optouts", list_opt_outs),
        ("POST /free-trial-numbers", register_trial_numbers),
        ("GET /free-trial-numbers", list_trial_numbers),
        ("POST /messages", send_message),
        ("GET /messages", list_messages),
        ("GET /messages/{id}", get_message),
        ("PUT /messages/{id}", update_message),
        ("PATCH /messages/{id}", update_message_tags),
        ("DELETE /messages/{id}", delete_message),
        ("POST /reports/messages", create_report),
        ("GET /reports", list_reports),
        ("GET /reports/{id}", get_report),
        ("GET /reports/{id}/csv", download_report),
        ("GET /health-check", check_health),
    ]
)


def _require_trial(account: TelstraV3Account) -> None:
    if not account.is_trial:
        raise TelstraV3APIError("FREE_TRIAL_ERR", "A paid plan texts anybody, and registers nobody")


def _trial_numbers_json(people: Sequence[str]) -> dict[str, list[str]]:
    return {"freeTrialNumbers": [shapes.to_national(person) for person in people]}


def _message_matcher(
    query: Mapping[str, str], earliest: datetime
) -> Callable[[TelstraV3Message], bool]:
    """Return a predicate for a query's messages.

    Raises:
        TelstraV3APIError: a time is more than 30 days ago, or a parameter has no such value.
    """
    start, end = (fields.parse_utc_time(query.get(n), n, "query") for n in ("startTime", "endTime"))
    if any(time and time < earliest for time in (start, end)):
        raise invalid_field("startTime", "a time within the last 30 days", "query")
    direction = _get_choice(query, "direction", ("incoming", "outgoing"))
    status = _get_choice(query, "status", _STATUSES)

    def matches(message: TelstraV3Message) -> bool:
        return (
            message.created_at >= max(earliest, start or earliest)
            and (end is None or message.created_at <= end)
            and direction in (None, message.direction)
            and status in (None, message.status)
            and _has_tag_or_number(message, query.get("filter"))
        )

    return matches


def _has_tag_or_number(message: TelstraV3Message, tag_or_number: str | None) -> bool:
    """Return whether a tag or either number is wanted, whole (an assumption)."""
    numbers = (message.sender, message.recipient)
    return (
        tag_or_number is None
        or tag_or_number in message.tags
        or fields.to_e164(tag_or_number) in numbers
    )


def _get_choice(query: Mapping[str, str], name: str, choices: Sequence[str]) -> str | None:
    value = query.get(name)
    if value is not None and value not in choices:
        raise invalid_field(name, " or ".join(choices), "query")
    return value


def _find_report(account: TelstraV3Account, call: TelstraV3Call) -> MessageReport:
    report = account.reports.get(call.path_params["id"])
    if report is None or not report.is_available(account.now):
        raise TelstraV3APIError("RESOURCE_NOT_FOUND", "There is no such report", "reportId", "path")
    return report


def _announce_report(account: TelstraV3Account, report: MessageReport, url: str) -> None:
    async def push_when_ready() -> None:
        await account.network.clock.sleep(READY_AFTER.total_seconds())
        content = {"reportId": report.id, "reportStatus": "completed"}
        content["timestamp"] = shapes.format_utc(account.now)
        account.webhook_sender.post(report.id, url, msgspec.json.encode(content))

    account.network.jobs.add(("report", report.id), push_when_ready)
