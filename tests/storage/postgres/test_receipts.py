"""Receipts in one call: found by ids that earlier ones bring, and applied in order."""

from __future__ import annotations

from cooee.core.messages import Receipt, Status
from cooee.testing.store_suite import BERT, OURS


async def test_a_receipt_may_name_its_text_by_an_id_that_an_earlier_one_brings(here):
    id = await here.enqueue("news")
    await here.take_one()
    finals = await here.store.apply_receipts(
        [
            Receipt(status=Status.SENT, provider_status="sent", outbound_id=id, provider_id="p"),
            Receipt(status=Status.DELIVERED, provider_status="done", provider_id="p"),
        ]
    )
    assert [status for _, status in finals] == [Status.DELIVERED]


async def test_of_two_provider_ids_the_second_contradicts_the_first(here):
    id = await here.enqueue("news")
    await here.take_one()
    finals = await here.store.apply_receipts(
        [
            Receipt(status=Status.SENT, provider_status="sent", outbound_id=id, provider_id="p"),
            Receipt(
                status=Status.FAILED, provider_status="no", outbound_id=id, provider_id="other"
            ),
        ]
    )
    assert list(finals) == []
    assert await here.statuses() == ["news: sent"]


async def test_receipts_of_one_text_are_applied_in_order_and_end_it_once(here):
    id = await here.enqueue("news")
    await here.take_one()
    words = [Status.SENT, Status.UNDELIVERED, Status.DELIVERED, Status.SENT]
    finals = await here.store.apply_receipts(
        [Receipt(status=word, provider_status=word.name, outbound_id=id) for word in words]
    )
    assert [status for _, status in finals] == [Status.UNDELIVERED]
    [entry] = await here.store.history(OURS, finals[0][0].recipient, 1)
    assert list(entry.notes) == ["SENT", "UNDELIVERED", "DELIVERED"]


async def test_a_receipt_of_a_person_who_is_forgotten_meanwhile_leaves_nothing(here, aside):
    id = await here.enqueue("news", to=BERT)
    await here.take_one()
    await here.store.forget(BERT)
    receipt = Receipt(status=Status.FAILED, provider_status="no", outbound_id=id)
    assert list(await here.store.apply_receipts([receipt])) == []
    assert await aside.fetchval("select count(*) from receipts") == 0
