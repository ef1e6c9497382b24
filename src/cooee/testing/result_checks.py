"""Checks that a result of an adapter is fit for a store."""

from __future__ import annotations

from cooee.core.messages import Inbound
from cooee.providers import Accepted, Credentials, PollResult, Received, Subscription


def check_result(result: object) -> None:
    """Check that a result of a flow or a webhook is fit for a store."""
    if isinstance(result, Accepted):
        assert result.provider_id.encode()
    if isinstance(result, Credentials):
        assert result.secret.isascii()
        assert result.secret.isprintable()
    if isinstance(result, Subscription):
        assert result.number.encode()
    if isinstance(result, PollResult | Received):
        for inbound in result.inbounds:
            _check_inbound(inbound, is_pushed=isinstance(result, Received))
        for receipt in result.receipts:
            assert receipt.outbound_id or receipt.provider_id
            assert receipt.at is None or receipt.at.tzinfo is not None
            assert receipt.provider_status.isprintable()


def _check_inbound(inbound: Inbound, *, is_pushed: bool) -> None:
    assert (inbound.key and inbound.sender and inbound.recipient) or not is_pushed
    assert inbound.received_at.tzinfo is not None
    for word in (inbound.sender, inbound.recipient, inbound.provider_id, inbound.key):
        assert word.encode().isascii() or word.isprintable()
        assert "\x00" not in word
