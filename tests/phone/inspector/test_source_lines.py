"""The lines of a statement, from a file as it was."""

import pytest

from cooee.phone.inspector.source_lines import SourceFiles

CODE = """\
async def book(chat):
    party = await chat.ask(
        "How many?",
        int,
    )
    if not await chat.confirm("Sure?"):
        return "No"
    for n in range(party): await chat.ask(f"{n}?")

    @decorated
    def inner(): ...
"""


@pytest.mark.parametrize(
    ("line", "numbers", "first"),
    [
        (2, [2, 3, 4, 5], "party = await chat.ask("),
        (4, [2, 3, 4, 5], "party = await chat.ask("),
        (6, [6], 'if not await chat.confirm("Sure?"):'),
        (7, [7], 'return "No"'),
        (8, [8], 'for n in range(party): await chat.ask(f"{n}?")'),
    ],
)
def test_a_statement_is_shown_whole_and_of_one_with_a_body_the_head(tmp_path, line, numbers, first):
    file = tmp_path / "app.py"
    file.write_text(CODE)
    shown = SourceFiles([str(file)]).statement_at(str(file), line)
    assert [n for n, _ in shown] == numbers
    assert shown[0][1] == first


def test_it_is_the_file_as_it_was_when_it_was_loaded(tmp_path):
    file = tmp_path / "app.py"
    file.write_text("old = 1\n")
    source = SourceFiles([str(file)])
    file.write_text("# new\nold = 1\n")
    assert source.statement_at(str(file), 1) == [(1, "old = 1")]


def test_a_long_statement_is_cut_and_of_what_is_not_python_one_line_is_shown(tmp_path):
    file = tmp_path / "app.py"
    file.write_text("x = [\n" + "    1,\n" * 40 + "]\n")
    assert len(SourceFiles([]).statement_at(str(file), 20)) == 8
    file.write_text("not python at all\n(\n")
    assert SourceFiles([]).statement_at(str(file), 1) == [(1, "not python at all")]


@pytest.mark.parametrize("line", [0, 2, -1])
def test_a_line_that_is_not_there_shows_nothing(tmp_path, line):
    file = tmp_path / "app.py"
    file.write_text("x = 1\n")
    assert SourceFiles([]).statement_at(str(file), line) == []
    assert SourceFiles([]).statement_at(str(tmp_path / "gone.py"), 1) == []
