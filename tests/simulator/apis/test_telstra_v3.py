"""Telstra's API v3 as the simulator serves it: what the SDK cannot ask, and what it would hide."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cooee.simulator import Simulator
from cooee.simulator.apis.telstra_v3.paging import make_page

ANNA, BEN, SIMULATOR_URL = "+61491570156", "+61491570157", "http://127.0.0.1:8400"
REQUIRED = {
    "content-language": "en-au",
    "accept": "application/json",
    "accept-charset": "utf-8",
}
OURS = "0491570006"
ALL = "messages:read messages:write virtual-numbers:read virtual-numbers:write reports:write"


class Telstra:
    """Somebody who calls Telstra's API v3."""

    def __init__(self, host):
        self.host, self.headers = host, dict(REQUIRED)
        self.base = f"{host.base}/messaging/v3"

    async def ask(self, method, path, content=None, **headers):
        self.host.headers = self.headers
        return await self.host.ask(method, f"/messaging/v3{path}", content, **headers)

    async def log_in(self, client="key", secret="secret", scope=ALL):
        form = {"client_id": client, "client_secret": secret, "scope": scope}
        body = urlencode({**form, "grant_type": "client_credentials"}).encode()
        answer = await self.host.ask("POST", "/v2/oauth/token", body)
        if answer.status == 200:
            self.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def send(self, to="0491570156", **asked):
        order = {"to": to, "from": OURS, "messageContent": "Hello", **asked}
        return await self.ask("POST", "/messages", order)

    async def list(self, **asked):
        return await self.ask("GET", f"/messages?{urlencode(asked)}")


@pytest.fixture
async def api(customer):
    telstra = Telstra(customer("/telstra/v3"))
    await telstra.log_in()
    return telstra


@pytest.fixture
async def number(api):
    return (await api.ask("POST", "/virtual-numbers", {})).json()["virtualNumber"]


@pytest.fixture
def switch(controls):
    async def switch(*switches):
        asked = {"face": "telstra-v3", "switches": list(switches)}
        assert (await controls.ask("PUT", "/switches", asked)).status == 200

    return switch


def refused(answer):
    (error,) = answer.json()["errors"]
    assert error["issue"]
    assert error["suggested_action"]
    return answer.status, error["code"], error.get("field", "")


# --- who may come in


async def test_a_token_answers_with_its_scopes_and_a_life_in_a_string(api):
    token = (await api.log_in()).json()
    assert set(token) == {"access_token", "token_type", "expires_in", "scope"}
    assert token["expires_in"] == "3599"


@pytest.mark.parametrize(
    ("client", "secret", "scope", "error"),
    [
        ("", "secret", ALL, "invalid_client"),
        ("key", " secret", ALL, "invalid_client"),
        ("key", "secret", "NSMS", "invalid_scope"),
    ],
)
async def test_a_login_that_is_wrong_is_refused(api, client, secret, scope, error):
    answer = await api.log_in(client, secret, scope)
    assert answer.json()["error"] == error


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("authorization", "Bearer nonsense", (401, "TOKEN_INVALID")),
        ("authorization", "", (401, "TOKEN_INVALID")),
        ("accept", "*/*", (406, "MEDIA_TYPE_INVALID")),
        ("content-type", "text/plain", (415, "PAYLOAD_MEDIA_TYPE_ERR")),
        ("content-language", "", (400, "FIELD_MISSING")),
        ("accept-charset", "latin-1", (400, "FIELD_MISSING")),
    ],
)
async def test_every_required_header_is_insisted_on(api, number, header, value, expected):
    answer = await api.ask("GET", "/messages", **{header: value})
    assert refused(answer)[:2] == expected


async def test_headers_can_be_forgiven_but_for_the_token(api, number, switch):
    await switch("lenient-headers")
    token, api.headers = api.headers["authorization"], {}
    assert refused(await api.ask("GET", "/messages"))[1] == "TOKEN_INVALID"
    api.headers = {"authorization": token}
    assert (await api.ask("GET", "/messages")).status == 200


@pytest.mark.parametrize(
    ("scope", "method", "path", "allowed"),
    [
        ("messages:read", "GET", "/messages", True),
        ("messaging:read", "GET", "/messages", True),
        ("messages:read", "POST", "/messages", False),
        ("messages:read messages:write", "GET", "/virtual-numbers", False),
        ("reports:read", "GET", "/reports", True),
        ("reports:read", "GET", "/health-check", True),
    ],
)
async def test_a_token_is_good_for_its_scopes_only(api, scope, method, path, allowed):
    await api.log_in(scope=scope)
    answer = await api.ask(method, path, {} if method == "POST" else None)
    assert (answer.status != 403) == allowed


async def test_a_token_ends_after_its_hour(api, number, clock):
    await clock.advance(3599)
    assert refused(await api.list())[1] == "TOKEN_EXPIRED"


async def test_only_the_simulators_own_keys_are_let_in(clock, transport, customer):
    box = Simulator(clock, transport, client_id="mine", client_secret="hidden")
    transport.apps[SIMULATOR_URL] = box.app
    telstra = Telstra(customer("/telstra/v3"))
    assert (await telstra.log_in()).status == 401
    assert (await telstra.log_in("mine", "hidden")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nothing", "RESOURCE_NOT_FOUND"),
        ("DELETE", "/messages", "METHOD_INVALID"),
        ("GET", "/messages/", "RESOURCE_NOT_FOUND"),
    ],
)
async def test_what_there_is_not_is_said_in_telstras_words(api, method, path, code):
    answer = await api.ask(method, path)
    assert refused(answer)[1] == code
    assert answer.headers["content-language"] == "en-au"


# --- numbers


async def test_a_put_wipes_what_it_leaves_out(api, number):
    path = f"/virtual-numbers/{number}"
    both = {"replyCallbackUrl": "https://example.com/r", "tags": ["a"]}
    assert (await api.ask("PUT", path, both)).json()["tags"] == ["a"]
    assert "tags" not in (await api.ask("PUT", path, {"replyCallbackUrl": "https://b/"})).json()
    assert "replyCallbackUrl" not in (await api.ask("PUT", path, {})).json()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("0400000000", (404, "VIRTUAL_NUM_UNKNOWN")),
        ("+61491570006", (400, "VIRTUAL_NUM_INVALID")),
        ("cooee", (400, "VIRTUAL_NUM_INVALID")),
    ],
)
async def test_a_number_that_is_none_is_refused(api, number, wanted, expected):
    answer = await api.ask("GET", f"/virtual-numbers/{wanted}")
    assert refused(answer)[:2] == expected


@pytest.mark.parametrize("days", [30, 548])
async def test_an_idle_number_is_taken_away(api, switch, simulator, clock, days):
    await switch(*(["free-trial"] if days == 30 else []))
    await api.ask("POST", "/virtual-numbers", {})
    await clock.advance(timedelta(days=days) - timedelta(seconds=1))
    await api.log_in()
    assert (await api.ask("GET", f"/virtual-numbers/{OURS}")).status == 200
    assert (await api.send()).status == 201  # which keeps it for as long again
    await clock.advance(timedelta(days=days) - timedelta(seconds=1))
    await api.log_in()
    assert (await api.ask("GET", f"/virtual-numbers/{OURS}")).status == 200
    await clock.advance(1)
    await api.log_in()
    gone = await api.ask("GET", f"/virtual-numbers/{OURS}")
    assert refused(gone)[1] == "VIRTUAL_NUM_UNASSIGNED"
    assert refused(await api.send())[1:] == ("VIRTUAL_NUM_UNASSIGNED", "from")
    assert simulator.network.send_from_phone(ANNA, OURS, "Anybody?").status == "undelivered"


async def test_a_trial_has_one_number(api, switch, number):
    await switch("free-trial")
    answer = await api.ask("POST", "/virtual-numbers", {})
    assert refused(answer)[:2] == (402, "ACCOUNT_LIMIT_ERROR")


# --- sending


async def test_an_answer_to_one_is_strings_and_to_a_list_lists(api, number):
    one = await api.send("0491570156")
    assert one.status == 201
    assert one.headers["location"] == f"/messages/{one.json()['messageId']}"
    assert one.json()["to"] == "0491570156"
    several = (await api.send(["0491570156"])).json()
    assert isinstance(several["messageId"], list)
    assert several["to"] == ["0491570156"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"to": None}, (400, "FIELD_MISSING", "to")),
        ({"to": []}, (400, "FIELD_MISSING", "to")),
        ({"to": "12"}, (400, "FIELD_INVALID", "to")),
        ({"to": ["0491570156"] * 501}, (400, "FIELD_LENGTH_ERR", "to")),
        ({"from": None}, (400, "FIELD_MISSING", "from")),
        ({"from": "x" * 14}, (400, "FIELD_LENGTH_ERR", "from")),
        ({"from": "0400000000"}, (400, "VIRTUAL_NUM_UNASSIGNED", "from")),
        ({"from": "privateNumber"}, (400, "SENDERNAME_ERR", "from")),
        ({"messageContent": ""}, (400, "FIELD_LENGTH_ERR", "messageContent")),
        ({"messageContent": "x" * 1601}, (400, "FIELD_LENGTH_ERR", "messageContent")),
        ({"messageContent": 5}, (400, "FIELD_INVALID", "messageContent")),
        ({"messageContent": None}, (400, "FIELD_MISSING", "messageContent")),
        ({"retryTimeout": 0}, (400, "FIELD_INVALID", "retryTimeout")),
        ({"retryTimeout": 1441}, (400, "FIELD_INVALID", "retryTimeout")),
        ({"retryTimeout": True}, (400, "FIELD_INVALID", "retryTimeout")),
        ({"scheduleSend": "2026-01-11T00:00:01Z"}, (400, "FIELD_INVALID", "scheduleSend")),
        ({"scheduleSend": "2026-01-01T00:00:00Z"}, (400, "FIELD_INVALID", "scheduleSend")),
        ({"scheduleSend": "2026-01-02T00:00:00+10:00"}, (400, "FIELD_INVALID", "scheduleSend")),
        ({"deliveryNotification": "yes"}, (400, "FIELD_INVALID", "deliveryNotification")),
        ({"statusCallbackUrl": "example.com"}, (400, "FIELD_INVALID", "statusCallbackUrl")),
        ({"tags": []}, (400, "TAGS_ERR", "tags")),
        ({"tags": ["x" * 65]}, (400, "TAGS_ERR", "tags")),
        ({"tags": ["x"] * 11}, (400, "TAGS_ERR", "tags")),
        ({"body": "v2's word"}, (400, "FIELD_INVALID", "body")),
        ({"multimedia": [{"type": "image/png"}]}, (400, "FIELD_MISSING", "multimedia")),
        (
            {"multimedia": [{"type": "image/png", "payload": "x" * 1_000_000}]},
            (413, "MULTIMEDIA_TOO_LARGE", "multimedia"),
        ),
    ],
)
async def test_a_field_that_is_wrong_is_refused_and_nothing_sent(
    api, number, simulator, asked, expected
):
    assert refused(await api.send(**asked)) == expected
    assert simulator.network.phone_screen(ANNA) == []


@pytest.mark.parametrize("body", [b"to=1", b"[]", b"\xff", b"{"])
async def test_what_is_no_json_object_is_refused(api, number, body):
    assert refused(await api.ask("POST", "/messages", body))[1] == "FIELD_INVALID"


async def test_a_trial_texts_no_other_country(api, number, switch):
    await switch("free-trial")
    answer = await api.send("+12025550123")
    assert refused(answer)[:2] == (402, "FREE_TRIAL_INTERNATIONAL_ERR")
    assert refused(await api.send(["0491570156"] * 6))[1] == "FIELD_LENGTH_ERR"


async def test_a_list_with_one_who_opted_out_is_sent_to_nobody(api, number, simulator):
    simulator.network.send_from_phone(ANNA, OURS, "UNSUBSCRIBE")
    answer = await api.send(["0491570157", "0491570156"])
    assert refused(answer)[:2] == (400, "RECIPIENT_OPTOUT")
    assert simulator.network.phone_screen(BEN) == []


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("STOP", True),
        (" stop. ", True),
        ("StopAll", True),
        ("end", True),
        ("cancel!", True),
        ("quit", True),
        ("Please stop", False),
        ("STOP it", False),
        ("", False),
    ],
)
async def test_telstras_own_words_opt_out_where_they_are_the_whole_text(
    api, number, simulator, words, out
):
    simulator.network.send_from_phone(ANNA, OURS, words)
    assert (await api.send()).status == (400 if out else 201)
    listed = (await api.list(direction="incoming")).json()["messages"]
    assert [one["messageContent"] for one in listed] == [words]  # and it comes through


async def test_a_number_that_never_was_texted_is_not_opted_out_by_another(api, number, simulator):
    other = (await api.ask("POST", "/virtual-numbers", {})).json()["virtualNumber"]
    simulator.network.send_from_phone(ANNA, other, "STOP")
    assert (await api.send()).status == 201
    assert refused(await api.send(**{"from": other}))[1] == "RECIPIENT_OPTOUT"


# --- what becomes of a text


async def test_delivery_is_told_only_to_those_who_asked(api, number, clock):
    silent = (await api.send()).json()["messageId"]
    asked = (await api.send(deliveryNotification=True)).json()["messageId"]
    await clock.advance(1)
    told = [(await api.ask("GET", f"/messages/{id}")).json() for id in (silent, asked)]
    assert [one["status"] for one in told] == ["sent", "delivered"]


async def test_a_status_is_pushed_at_every_step_and_again_without_a_2xx(
    api, number, webhook, clock
):
    webhook.status = 500
    wishes = {"deliveryNotification": True, "statusCallbackUrl": "https://example.com/s"}
    id = (await api.send(**wishes)).json()["messageId"]
    await clock.advance(1)
    assert [(one["messageId"], one["status"]) for one in webhook.pushed] == [
        (id, "sent"),
        (id, "delivered"),
    ]
    assert set(webhook.pushed[0]) == {"to", "from", "timestamp", "messageId", "status"}
    await clock.advance(60)
    assert len(webhook.pushed) == 4
    await clock.advance(3600)
    assert len(webhook.pushed) == 8  # four tries each, and then no more


async def test_a_text_to_a_phone_that_is_off_expires(api, number, simulator, clock):
    simulator.network.switch_phone(ANNA, on=False)
    id = (await api.send(retryTimeout=10)).json()["messageId"]
    await clock.advance(timedelta(minutes=11))
    assert (await api.ask("GET", f"/messages/{id}")).json()["status"] == "expired"


@pytest.mark.parametrize(
    ("id", "code"),
    [
        ("d1b51a0c-2f1a-4d5e-8f14-1c2d3e4f5a6b", "ID_INVALID"),  # a UUID of version 4
        ("nonsense", "ID_INVALID"),
        ("1520b774-60b4-11ed-8456-71ae4c63550d", "ID_NOT_ASSIGNED"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
async def test_an_id_that_is_none_is_a_400(api, number, method, id, code):
    body = {} if method in ("PUT", "PATCH") else None
    answer = await api.ask(method, f"/messages/{id}", body)
    assert refused(answer)[:2] == (400, code)


async def test_after_thirty_days_a_message_is_gone(api, number, simulator, clock):
    id = (await api.send()).json()["messageId"]
    simulator.network.send_from_phone(ANNA, OURS, "Hi")
    await clock.advance(timedelta(days=30, seconds=1))
    await api.log_in()
    assert refused(await api.ask("GET", f"/messages/{id}"))[1] == "TIMEFRAME_ERR"
    assert (await api.list()).json()["messages"] == []


# --- the list


async def test_a_reply_is_pushed_and_listed(api, number, simulator, webhook, clock):
    way = {"replyCallbackUrl": "https://example.com/r"}
    await api.ask("PUT", f"/virtual-numbers/{OURS}", way)
    simulator.network.send_from_phone(ANNA, OURS, "Hi ")
    await clock.advance(1)
    (pushed,) = webhook.pushed
    assert (pushed["from"], pushed["to"], pushed["messageContent"]) == ("0491570156", OURS, "Hi ")
    (listed,) = (await api.list(direction="incoming")).json()["messages"]
    assert listed["messageId"] == pushed["messageId"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 51}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"offset": 1_000_000}, "offset"),
        ({"direction": "sideways"}, "direction"),
        ({"status": "pondering"}, "status"),
        ({"reverse": "yes"}, "reverse"),
        ({"startTime": "2025-11-30T00:00:00Z"}, "startTime"),
        ({"endTime": "yesterday"}, "endTime"),
        ({"page": 2}, "page"),
    ],
)
async def test_a_question_that_is_wrong_is_refused_even_of_an_empty_log(api, number, asked, field):
    assert refused(await api.list(**asked)) == (400, "FIELD_INVALID", field)


@given(
    count=st.integers(0, 130),
    limit=st.integers(1, 50),
    offset=st.integers(0, 140),
    unit=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_follow_each_other_without_gap_or_overlap(count, limit, offset, unit):
    items = list(range(count))
    asked = {"limit": str(limit), "offset": str(offset)}
    shown, block = make_page(items, asked, "/messages", offset_in_records=unit)
    start = offset if unit else offset * limit
    assert shown == items[start : start + limit]
    assert block["totalCount"] == -(-count // limit)
    assert bool(block["nextPage"]) == (start + limit < count)
    assert bool(block["previousPage"]) == (offset > 0)


# --- what goes wrong


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("throttle", (429, "TOO_MANY_REQUESTS")),
        ("error-500", (500, "INTERNAL_SERVER_ERR")),
        ("expire-token", (401, "TOKEN_EXPIRED")),
    ],
)
async def test_a_fault_has_telstras_shape_and_nothing_is_done(
    number, api, controls, fault, expected
):
    await controls.ask("POST", "/faults", {"face": "telstra-v3", "fault": fault})
    answer = await api.send()
    assert refused(answer)[:2] == expected
    assert (answer.headers.get("retry-after") == "2") == (answer.status == 429)
    await api.log_in()
    assert (await api.list()).json()["messages"] == []


async def test_a_503_comes_from_the_gateway_before_the_api(api, number, controls):
    await controls.ask("POST", "/faults", {"face": "telstra-v3", "fault": "error-503"})
    answer = await api.send()
    assert answer.status == 503
    assert "faultstring" in answer.json()["fault"]


async def test_an_unknown_switch_is_refused_with_those_there_are(api, controls):
    asked = {"face": "telstra-v3", "switches": ["pop"]}
    answer = await controls.ask("PUT", "/switches", asked)
    assert answer.status == 400
    assert "offset-counts-records" in answer.json()["error"]


async def test_a_finished_report_is_announced_and_has_every_message(
    api, number, simulator, webhook, clock
):
    await api.log_in(scope=f"{ALL} reports:read")
    await api.send(tags=["ours"])
    simulator.network.send_from_phone(ANNA, OURS, "Hi, there")
    asked = {"startDate": "2026-01-01", "endDate": "2026-01-01"}
    asked["reportCallbackUrl"] = "https://example.com/report"
    id = (await api.ask("POST", "/reports/messages", asked)).json()["reportId"]
    assert "reportUrl" not in (await api.ask("GET", f"/reports/{id}")).json()
    await clock.advance(3)
    assert webhook.pushed[0]["reportStatus"] == "completed"
    url = (await api.ask("GET", f"/reports/{id}")).json()["reportUrl"]
    lines = (await api.ask("GET", url.removeprefix(api.base))).body.decode().splitlines()
    assert len(lines) == 3
    assert lines[1].endswith(",ours")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"startDate": "2026-01-01"}, "FIELD_MISSING"),
        ({"startDate": "2025-09-01", "endDate": "2026-01-01"}, "FIELD_INVALID"),
        ({"startDate": "2026-01-02", "endDate": "2026-01-01"}, "LOGIC_ERR"),
        ({"startDate": "1/1/2026", "endDate": "2026-01-01"}, "FIELD_INVALID"),
    ],
)
async def test_a_report_of_impossible_days_is_refused(api, asked, code):
    assert refused(await api.ask("POST", "/reports/messages", asked))[1] == code


FIELDS = [
    *("to", "from", "messageContent", "multimedia", "retryTimeout", "scheduleSend", "tags"),
    *("deliveryNotification", "statusCallbackUrl", "queuePriority", "replyCallbackUrl"),
    *("freeTrialNumbers", "startDate", "endDate", "reportCallbackUrl", "filter"),
]
LIKELY = ["0491570156", "+61491570157", OURS, "http://[x", "https://example.com/r", "image/png"]
LIKELY += ["2026-01-01T00:00:10Z", "2026-02-30", "2026-01-01", "9999-12-31T23:59:59Z", "STOP"]
WORDS = st.text(max_size=20) | st.sampled_from(LIKELY)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "payload", "fileName"]) | WORDS, inner)
    ),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)) | VALUES
FITTING = st.fixed_dictionaries(
    {"to": st.just("0491570156"), "from": st.just(OURS), "messageContent": st.just("Hello")},
    optional=dict.fromkeys(FIELDS[3:10], VALUES),
)
PATHS = ["/messages", "/virtual-numbers", "/free-trial-numbers", "/reports", "/reports/messages"]
PATHS += [f"/virtual-numbers/{OURS}", f"/virtual-numbers/{OURS}/optouts", "/health-check"]
PATHS += ["/messages/1520b774-60b4-11ed-8456-71ae4c63550d"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "offset", "startTime", "endTime", "filter", "status", "reverse"]),
    WORDS,
    max_size=2,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(METHODS),
            st.sampled_from(PATHS),
            QUERIES,
            BODIES | FITTING | st.binary(),
        ),
        max_size=10,
    ),
    trial=st.booleans(),
)
async def test_any_call_is_answered(api, switch, clock, calls, trial):
    await switch(*(["free-trial"] if trial else []))
    await api.log_in(scope="")
    await api.ask("POST", "/virtual-numbers", {})
    for method, path, query, body in calls:
        asked = urlencode(query, errors="replace")
        answer = await api.ask(method, f"{path}?{asked}", body)
        assert answer.status < 500
        await clock.advance(1)
