"""Every delivery word that a company documents, and where a text stands by it: one table."""

import pytest

from cooee.core.messages import Status
from cooee.providers import provider_names
from cooee.providers.simulated import payloads as simulated_payloads
from cooee.providers.telstra_v2 import errors as telstra_v2_errors
from cooee.providers.telstra_v3 import errors as telstra_v3_errors
from cooee.providers.twilio import errors as twilio_errors

ACCEPTED, SENT, DELIVERED = Status.ACCEPTED, Status.SENT, Status.DELIVERED
UNDELIVERED, FAILED, EXPIRED = Status.UNDELIVERED, Status.FAILED, Status.EXPIRED

DOCUMENTED = {
    # The API's documents 2.2.9 and 2.2.10, the delivery notifications and the answer to a send
    "telstra-v2": {
        "MessageWaiting": ACCEPTED,
        "PEND": ACCEPTED,  # may be the last word, where another network sends no receipt
        "SENT": SENT,
        "DELIVRD": DELIVERED,
        "READ": DELIVERED,  # 2.2.9 alone
        "EXPIRED": EXPIRED,
        "DELETED": FAILED,
        "UNDVBL": UNDELIVERED,
        "REJECTED": FAILED,  # 2.2.9 …
        "REJECTD": FAILED,  # … renamed in 2.2.10
        "DeliveryImpossible": FAILED,
        "Unknown": ACCEPTED,
    },
    # The messages' status, and the status callback
    "telstra-v3": {
        "queued": ACCEPTED,
        "sent": SENT,
        "delivered": DELIVERED,
        "expired": EXPIRED,
        "undeliverable": UNDELIVERED,
    },
    # https://www.twilio.com/docs/messaging/api/message-resource, Message Status Values
    "twilio": {
        "accepted": ACCEPTED,
        "scheduled": ACCEPTED,
        "queued": ACCEPTED,
        "sending": ACCEPTED,
        "sent": SENT,
        "delivered": DELIVERED,
        "read": DELIVERED,
        "partially_delivered": UNDELIVERED,
        "undelivered": UNDELIVERED,
        "failed": FAILED,
        "canceled": Status.CANCELLED,
        "receiving": ACCEPTED,
        "received": ACCEPTED,
    },
    # The simulator's own
    "simulated": {
        "accepted": ACCEPTED,
        "sent": SENT,
        "delivered": DELIVERED,
        "undelivered": UNDELIVERED,
        "failed": FAILED,
        "expired": EXPIRED,
    },
}


def simulated(word):
    receipt = simulated_payloads.parse_receipt({"id": "x", "status": word}, "")
    return None if receipt is None else receipt.status


READ = {
    "telstra-v2": telstra_v2_errors.telstra_v2_status,
    "telstra-v3": telstra_v3_errors.telstra_v3_status,
    "twilio": twilio_errors.twilio_status,
    "simulated": simulated,
}
ROWS = [
    (name, word, status) for name, words in DOCUMENTED.items() for word, status in words.items()
]


@pytest.mark.parametrize(("name", "word", "status"), ROWS)
def test_every_documented_word_has_one_state(name, word, status):
    assert READ[name](word) is status


@pytest.mark.parametrize(("name", "word", "status"), [row for row in ROWS if row[0] != "simulated"])
def test_case_and_space_do_not_matter_to_real_providers(name, word, status):
    assert READ[name](f" {word.upper()} ") is READ[name](word.lower()) is status


@pytest.mark.parametrize("name", DOCUMENTED)
def test_no_word_that_nobody_documented_ends_a_text(name):
    for word in ("", "gone", "DELIVRDD", "delivered?", "\0", "x" * 10_000):
        assert READ[name](word) in {ACCEPTED, None}


def test_no_provider_is_left_out_and_each_can_say_that_a_text_arrived_or_not():
    assert set(provider_names()) == set(DOCUMENTED) == set(READ)
    for words in DOCUMENTED.values():
        assert {SENT, DELIVERED, EXPIRED, UNDELIVERED} - set(words.values()) <= {EXPIRED}


def test_twilio_says_by_a_code_that_a_text_waited_for_too_long():
    assert twilio_errors.twilio_status("undelivered", "30036") is EXPIRED
    assert twilio_errors.twilio_status("undelivered", "30003") is UNDELIVERED
