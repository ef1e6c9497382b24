"""States and rows as a person reads them."""

from cooee.core.messages import Status
from cooee.phone.inspector.formatting import Cell, compare_states, show_row


def test_a_states_fields_are_set_side_by_side_and_what_changed_is_known():
    cells = compare_states(
        '{"n":1,"who":{"name":"Anna"},"list":[1]}', '{"n":2,"who":{"name":"Anna"},"list":[1,2]}'
    )
    assert [(cell.name, cell.before, cell.after, cell.changed) for cell in cells] == [
        ("n", "1", "2", True),
        ("who.name", '"Anna"', '"Anna"', False),
        ("list", "[1]", "[1,2]", True),
    ]


def test_somebody_new_had_nothing_and_nothing_is_no_change():
    assert compare_states("null", '{"n":0,"at":null}') == [Cell("n", "", "0"), Cell("at", "", "")]
    assert compare_states("null", "null") == []
    assert compare_states("1", "2") == [Cell("state", "1", "2")]


def test_of_a_changed_row_the_changes_are_shown_in_words():
    before = {"status": Status.QUEUED, "attempts": 0, "text": "hi"}
    after = before | {"status": Status.SENDING, "attempts": 1}
    shown = show_row("update", "outbound", before, after)
    assert shown.cells == (Cell("status", "queued", "sending"), Cell("attempts", "0", "1"))


def test_of_a_new_row_what_says_nothing_is_left_out():
    after = {"seq": 2, "attempts": 0, "error": "", "media": None, "state": b"{}"}
    assert show_row("insert", "outbound", {}, after).cells == (
        Cell("seq", "", "2"),
        Cell("state", "", "2 bytes of JSON"),
    )
