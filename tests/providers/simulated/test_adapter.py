from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from cooee.core.errors import (
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    RequestRefused,
    SettingError,
    TemporaryFailure,
    Unauthorized,
)
from cooee.core.http_messages import Request
from cooee.core.messages import Outbound, Status
from cooee.providers import Accepted, Credentials, PollResult, Subscription, find_provider
from cooee.providers.simulated.adapter import Simulated
from cooee.testing.provider_example import Example, Push
from cooee.testing.provider_suite import PROMISES
from cooee.testing.scripted_network import NOON, ScriptedNetwork, answer

BASE = "http://127.0.0.1:8400/simulated/v1"
HOOK = "https://cooee.example/simulated/word"
OURS, THEIRS = "+61491570006", "+61491570156"
OUT_ID = f"{'0123456789abcdef' * 2}-7"
KEY = "a-key-of-a-test"
US = Credentials(KEY)
OUTBOUND = Outbound(id=OUT_ID, sender=OURS, recipient=THEIRS, text="Hello")
SENT = {"id": "t-1", "status": "accepted", "segments": 2}
TEXT = {
    "id": "t-9",
    "from": THEIRS,
    "to": OURS,
    "text": "hi",
    "sent_at": "2026-01-01T11:59:58.500Z",
}
NEWS = {"id": "t-1", "reference": OUT_ID, "status": "delivered", "at": "2026-01-01T11:59:59Z"}
SECRET = hmac.digest(KEY.encode(), b"webhook", "sha256").hex()


def simulated(switches="pop", **values) -> Simulated:
    return Simulated({"SIMULATED_KEY": KEY, "SIMULATED_SWITCHES": switches, **values})


def signed(request: Request, at=NOON, secret=SECRET) -> Request:
    stamp = str(int(at.timestamp()))
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + request.body, sha256).hexdigest()
    headers = {"x-simulated-signature": f"t={stamp},v1={mark}"}
    return msgspec.structs.replace(request, headers=headers)


def push(body, method="POST") -> Request:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(method=method, url=f"{HOOK}/text", body=raw)


def example(switches: str) -> Example:
    reading = {"texts": [TEXT], **({"cursor": "c-2"} if "cursor" in switches else {})}
    return Example(
        provider=simulated(switches),
        secrets=[KEY, SECRET],
        credentials=US,
        login=[],
        subscribe=[answer(200, [{"number": OURS}]), answer(200, {"number": OURS, "url": HOOK})],
        send=[answer(201, SENT)],
        poll=[answer(200, reading)],
        confirm=[answer(204)] if "confirm" in switches else [],
        status=[answer(200, NEWS)],
        lookup=[answer(200, {"texts": [SENT]})] if "lookup" in switches else [],
        pushes=[
            Push("text", signed(push(TEXT))),
            Push(f"status/{OUT_ID}", signed(push(NEWS))),
        ],
        sign=signed,
    )


@pytest.mark.parametrize("switches", ["pop", "cursor,lookup", "confirm,idempotency,optout"])
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_simulated_provider_keeps_every_promise(promise, switches):
    promise(example(switches))


# Settings


def test_it_is_found_by_its_name_and_needs_no_setting():
    provider = find_provider("simulated")({})
    assert provider.features.polling == "pop"
    line = ScriptedNetwork()
    assert line.run(provider.login()) == Credentials("simulated")
    assert line.requests == []


@pytest.mark.parametrize("switches", ["pop,cursor", "cursor, confirm", "telepathy", "lookup;pop"])
def test_switches_that_make_no_sense_are_refused(switches):
    with pytest.raises(SettingError, match="SIMULATED_SWITCHES"):
        simulated(switches)


def test_a_base_that_is_no_url_is_refused():
    with pytest.raises(SettingError, match="SIMULATED_BASE_URL"):
        simulated(SIMULATED_BASE_URL="127.0.0.1:8400")


def test_features_follow_the_switches():
    bare, full = simulated("").features, simulated(" Cursor ,lookup,idempotency,optout").features
    assert (bare.polling, bare.lookup_settles_after, bare.idempotency) == ("pop", None, False)
    assert bare.opt_out_words == frozenset()
    assert (full.polling, full.lookup_settles_after) == ("cursor", timedelta(seconds=5))
    assert full.idempotency
    assert full.opt_out_words == {"STOP", "UNSUBSCRIBE"}
    assert full.signed and full.push and full.max_text == 1600


# Our side


@pytest.mark.parametrize("hook", [HOOK, None])
def test_a_number_is_told_where_its_texts_go(hook):
    line = ScriptedNetwork(
        answer(200, [{"number": OURS}]), answer(200, {"number": OURS, "url": hook})
    )
    assert line.run(simulated().subscribe(US, hook)) == Subscription(OURS, hook)
    look, order = line.requests
    assert (look.method, look.url) == ("GET", f"{BASE}/numbers")
    assert (order.method, order.url) == ("PUT", f"{BASE}/webhook")
    assert msgspec.json.decode(order.body) == {"number": OURS, "url": hook, "secret": SECRET}
    assert order.headers["authorization"] == f"Bearer {KEY}"


def test_the_way_is_left_alone_where_it_is_to_be_kept():
    line = ScriptedNetwork(answer(200, [{"number": OURS}]))
    assert line.run(simulated().subscribe(US, HOOK, keep_direction=True)).number == OURS


@pytest.mark.parametrize("body", [[], {}, [{}], [{"number": ""}], [{"number": 5}], b"<html>"])
def test_no_number_is_a_failure(body):
    with pytest.raises(TemporaryFailure):
        ScriptedNetwork(answer(200, body)).run(simulated().subscribe(US, None))


# Texts


def send(*script, switches="pop", outbound=OUTBOUND):
    line = ScriptedNetwork(*script)
    return line.run(simulated(switches).send(outbound, US)), line.requests[0]


def test_a_text_carries_our_id_and_its_callback():
    outbound = msgspec.structs.replace(OUTBOUND, callback=f"{HOOK}/status/{OUT_ID}")
    accepted, request = send(answer(201, SENT), outbound=outbound)
    assert accepted == Accepted("t-1", 2)
    assert (request.method, request.url, request.safe) == ("POST", f"{BASE}/texts", False)
    assert "idempotency-key" not in request.headers
    assert msgspec.json.decode(request.body) == {
        "from": OURS,
        "to": THEIRS,
        "text": "Hello",
        "reference": OUT_ID,
        "callback": f"{HOOK}/status/{OUT_ID}",
    }


def test_with_idempotency_a_send_is_safe_and_carries_the_key():
    _, request = send(answer(201, SENT), switches="idempotency")
    assert request.safe
    assert request.headers["idempotency-key"] == OUT_ID


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad-request", PermanentFailure),
        (400, "text-too-long", PermanentFailure),
        (400, "bad-recipient", PermanentFailure),
        (401, "unauthorized", Unauthorized),
        (403, "opted-out", OptedOut),
        (404, "not-found", PermanentFailure),
        (429, "throttled", TemporaryFailure),
        (500, "", TemporaryFailure),
        (503, "", TemporaryFailure),
        (502, "", OutcomeUnknown),
        (200, "", OutcomeUnknown),
    ],
)
def test_each_answer_to_a_send_is_one_decision(status, code, kind):
    with pytest.raises(kind) as caught:
        send(answer(status, {"error": code, "message": "words"}, retry_after="9"))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == (code, status)
    assert "words" in str(caught.value)
    assert getattr(caught.value, "retry_after", 9) == 9


# Reading


def poll(body, switches, cursor=""):
    line = ScriptedNetwork(answer(200, body))
    return line.run(simulated(switches).poll(US, cursor)), line.requests[0]


def test_pop_reads_one_and_reads_on():
    news, request = poll({"texts": [TEXT]}, "pop")
    (inbound,) = news.inbounds
    assert (request.url, request.safe) == (f"{BASE}/inbox", False)
    assert news.more
    assert (inbound.sender, inbound.recipient, inbound.text) == (THEIRS, OURS, "hi")
    assert (inbound.key, inbound.provider_id, inbound.received_at) == ("t-9", "t-9", NOON)
    assert inbound.sent_at == datetime(2026, 1, 1, 11, 59, 58, 500000, tzinfo=UTC)
    assert poll({"texts": []}, "pop")[0] == PollResult([], confirm=())


def test_a_cursor_begins_now_and_goes_on_from_where_it_was():
    first, request = poll({"texts": [], "cursor": "c-1"}, "cursor")
    assert (request.url, request.safe, first.cursor, first.more) == (
        f"{BASE}/inbox",
        True,
        "c-1",
        False,
    )
    full = {"texts": [{**TEXT, "id": str(n)} for n in range(50)], "cursor": "c-2"}
    news, request = poll(full, "cursor", "c 1")
    assert request.url == f"{BASE}/inbox?after=c+1&limit=50"
    assert (news.cursor, news.more, len(news.inbounds)) == ("c-2", True, 50)


def test_a_reading_without_a_cursor_does_not_lose_the_place():
    assert poll({"texts": []}, "cursor", "c-1")[0].cursor == "c-1"


def test_what_was_read_is_confirmed_by_its_ids():
    news, request = poll({"texts": [TEXT]}, "confirm")
    assert (request.safe, news.confirm) == (True, ["t-9"])
    line = ScriptedNetwork(answer(204))
    line.run(simulated("confirm").confirm(US, news.confirm))
    assert line.requests[0].url == f"{BASE}/inbox/confirmed"
    assert msgspec.json.decode(line.requests[0].body) == {"ids": ["t-9"]}


@pytest.mark.parametrize("member", ["id", "from", "to", "text"])
@pytest.mark.parametrize(
    ("switches", "kind"), [("pop", OutcomeUnknown), ("cursor", TemporaryFailure)]
)
def test_a_text_that_lacks_something_is_never_passed_over(member, switches, kind):
    broken = {name: value for name, value in TEXT.items() if name != member}
    with pytest.raises(kind):
        poll({"texts": [TEXT, broken]}, switches)


# How our texts fare


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("accepted", Status.ACCEPTED),
        ("sent", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("undelivered", Status.UNDELIVERED),
        ("failed", Status.FAILED),
        ("expired", Status.EXPIRED),
    ],
)
def test_each_status_word_is_one_status(word, status):
    outbound = msgspec.structs.replace(OUTBOUND, provider_id="t/1")
    line = ScriptedNetwork(answer(200, {**NEWS, "status": word}))
    receipt = line.run(simulated().status(outbound, US))
    assert line.requests[0].url == f"{BASE}/texts/t%2F1"
    assert (receipt.status, receipt.provider_status, receipt.outbound_id) == (status, word, OUT_ID)
    assert receipt.at == datetime(2026, 1, 1, 11, 59, 59, tzinfo=UTC)


def test_no_status_yet_is_no_news():
    outbound = msgspec.structs.replace(OUTBOUND, provider_id="t-1")
    assert ScriptedNetwork(answer(404)).run(simulated().status(outbound, US)) is None
    assert ScriptedNetwork().run(simulated().status(OUTBOUND, US)) is None


@pytest.mark.parametrize(("texts", "found"), [([], None), ([SENT], Accepted("t-1", 2))])
def test_a_text_is_looked_up_by_our_id(texts, found):
    line = ScriptedNetwork(answer(200, {"texts": texts}))
    assert line.run(simulated("lookup").lookup(OUTBOUND, US)) == found
    assert line.requests[0].url == f"{BASE}/texts?reference={OUT_ID}"


@pytest.mark.parametrize("body", [{}, b"<html>", {"texts": None}, {"texts": [{}]}])
def test_a_lookup_that_cannot_be_read_is_no_answer(body):
    with pytest.raises(TemporaryFailure):
        ScriptedNetwork(answer(200, body)).run(simulated("lookup").lookup(OUTBOUND, US))


# Pushes


def receive(request, tail="text", at=NOON):
    return simulated().receive(request, tail, at)


def test_a_signed_text_is_received():
    received = receive(signed(push({**TEXT, "optout": "out"})))
    (inbound,) = received.inbounds
    assert (received.response.status, inbound.key, inbound.text) == (204, "t-9", "hi")


@pytest.mark.parametrize(
    ("tail", "outbound"), [(f"status/{OUT_ID}", OUT_ID), ("status/other", ""), ("status", "")]
)
def test_a_signed_status_is_received(tail, outbound):
    (receipt,) = receive(signed(push(NEWS)), tail).receipts
    assert (receipt.outbound_id, receipt.provider_id) == (outbound, "t-1")
    assert receipt.status is Status.DELIVERED


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)]
)
def test_a_signature_is_good_for_five_minutes_either_way(seconds, good):
    request, at = signed(push(TEXT)), NOON + timedelta(seconds=seconds)
    if good:
        assert receive(request, at=at).inbounds
    else:
        with pytest.raises(RequestRefused) as caught:
            receive(request, at=at)
        assert caught.value.status == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=",
        "nonsense",
        "t=é,v1=é",
        "t=\ud800,v1=\ud800",
        f"t={'9' * 400},v1=00",
        ",,,===,",
        f"t={int(NOON.timestamp())},v1={'0' * 64}",
    ],
)
def test_a_signature_that_is_none_is_refused(header):
    request = msgspec.structs.replace(push(TEXT), headers={"x-simulated-signature": header})
    with pytest.raises(RequestRefused) as caught:
        receive(request)
    assert caught.value.status == 401


def test_a_signature_with_another_secret_is_refused():
    with pytest.raises(RequestRefused):
        receive(signed(push(TEXT), secret="another"))


@pytest.mark.parametrize(
    ("request_", "tail", "status"),
    [
        (signed(push(b"")), "text", 400),
        (signed(push([])), "text", 400),
        (signed(push({**TEXT, "from": "\x00"})), "text", 400),
        (signed(push({**TEXT, "text": None})), "text", 400),
        (signed(push({**NEWS, "status": "lost"})), "status", 400),
        (signed(push({**NEWS, "id": ""})), "status", 400),
        (signed(push(TEXT)), "texts", 404),
        (signed(push(TEXT)), "text/more", 404),
        (signed(push(TEXT, "GET")), "text", 405),
    ],
)
def test_a_push_that_cannot_be_understood_is_refused(request_, tail, status):
    with pytest.raises(RequestRefused) as caught:
        receive(request_, tail)
    assert caught.value.status == status
