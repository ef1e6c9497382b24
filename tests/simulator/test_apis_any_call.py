"""Whatever is asked of whom, there is an answer, and the simulator goes on."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import SIMULATOR_URL, Customer

ANNA = "+61491570156"
CALLS = {
    "POST /telstra/v2/oauth/token": ["grant_type"],
    "POST /telstra/v2/messages/provisioning/subscriptions": ["activeDays", "notifyURL"],
    "DELETE /telstra/v2/messages/provisioning/subscriptions": [],
    "GET /telstra/v2/messages/provisioning/subscriptions": [],
    "POST /telstra/v2/messages/sms": [
        *["to", "body", "from", "validity", "scheduledDelivery", "notifyURL", "replyRequest"],
        *["receiptOff", "priority", "userMsgRef"],
    ],
    "GET /telstra/v2/messages/sms": [],
    "POST /telstra/v2/messages/sms/multi": ["smsMulti", "notifyURL"],
    "POST /telstra/v2/messages/freetrial/bnum": ["bnum"],
    "PUT /simulated/v1/webhook": ["number", "url", "secret"],
    "POST /simulated/v1/texts": ["from", "to", "text", "reference", "callback"],
    "GET /simulated/v1/texts": [],
    "GET /simulated/v1/inbox": [],
    "POST /simulated/v1/inbox/confirmed": ["ids"],
    "POST /control/phones/+61491570156/texts": ["to", "text"],
    "PUT /control/phones/+61491570156": ["on"],
    "POST /control/faults": ["face", "fault", "count", "on"],
    "PUT /control/network": ["delay", "spread", "loss", "duplicates", "receipts"],
    "PUT /control/switches": ["face", "switches"],
    "POST /control/clock": ["advance"],
}
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *[ANNA, "0491570157", "+61491570006", "http://[x", "https://example.com/r"],
            *["telstra-v2", "simulated", "pop", "free-trial", "garbage", "delay:3"],
        ]
    ),
)
NUMBERS = st.one_of(st.integers(-(2**60), 2**60), st.integers(-9, 99), st.floats(allow_nan=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def calls(draw):
    call = draw(st.sampled_from(sorted(CALLS)))
    method, path = call.split(" ")
    fitting = st.fixed_dictionaries({}, optional=dict.fromkeys(CALLS[call], VALUES))
    body = draw(st.one_of(fitting, fitting, fitting, VALUES, st.binary(max_size=30)))
    strange = draw(st.one_of(st.just(""), st.just(""), st.text(max_size=10).map(quote)))
    query = draw(
        st.one_of(st.just(""), st.text(max_size=10).map(lambda words: "?after=" + quote(words)))
    )
    return method, path + strange + query, body


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(calls(), max_size=12))
async def test_any_call_is_answered(telstra, transport, controls, clock, asked):
    await controls.ask("DELETE", "/faults")
    await telstra.log_in()
    caller = Customer(transport, SIMULATOR_URL)
    caller.headers["authorization"] = telstra.headers["authorization"]
    for method, path, body in asked:
        answer = await caller.ask(method, path, body)
        assert answer.status < 500 or answer.json()["code"] == "TECH-ERR"
        await controls.ask("DELETE", "/faults")
        await clock.advance(1)
