"""States as a person reads them."""

from cooee.phone.inspector.formatting import Cell, compare_states


def test_a_states_fields_are_set_side_by_side_and_what_changed_is_known():
    cells = compare_states(
        b'{"n":1,"who":{"name":"Anna"},"list":[1]}', b'{"n":2,"who":{"name":"Anna"},"list":[1,2]}'
    )
    assert [(cell.name, cell.before, cell.after, cell.changed) for cell in cells] == [
        ("n", "1", "2", True),
        ("who.name", '"Anna"', '"Anna"', False),
        ("list", "[1]", "[1,2]", True),
    ]


def test_a_moment_is_left_to_the_reader_whose_zone_the_browser_knows():
    (cell,) = compare_states(None, b'{"at":"2026-11-25T10:00:00.5+11:00"}')
    assert cell.after == "2026-11-24T23:00:00.500Z"


def test_somebody_new_had_nothing_and_nothing_is_no_change():
    assert compare_states(None, b'{"n":0,"at":null}') == [Cell("n", "", "0"), Cell("at", "", "")]
    assert compare_states(None, b"null") == []
    assert compare_states(b"1", b"2") == [Cell("state", "1", "2")]
