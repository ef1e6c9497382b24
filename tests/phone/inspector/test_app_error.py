"""An error is shown at the line that its author can mend."""

from pathlib import Path

import pytest

from cooee.cli.load_app import import_app
from cooee.core.errors import DefinitionError, NotDeterministic
from cooee.phone.inspector.app_error import describe_error, locate_message


def failed(folder, code):
    file = folder / "app.py"
    file.write_text(code)
    with pytest.raises(DefinitionError) as raised:
        import_app(str(file))
    return describe_error(raised.value, folder)


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("from cooee import App\n\napp = Ap()\n", 3, "NameError: name 'Ap' is not defined"),
        ("from cooee import App\napp = App(\n", 2, "SyntaxError: '(' was never closed"),
        (
            "from cooee import App\napp = App()\n@app.on('A')\ndef a(chat, n):\n    pass\n",
            3,
            "wants 'n'",
        ),
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError"),
    ],
)
def test_the_line_is_the_authors_own(tmp_path, code, line, words):
    found = failed(tmp_path, code)
    assert (Path(found.file).name, found.line) == ("app.py", line)
    assert words in found.message
    assert dict(found.code)[line] == code.splitlines()[line - 1]


def test_the_lines_around_are_shown_as_far_as_there_are_any(tmp_path):
    found = failed(tmp_path, "boom\n2\n3\n4\n")
    assert list(found.code) == [(1, "boom"), (2, "2"), (3, "3")]


def test_an_error_without_a_line_of_the_author_is_shown_in_words():
    assert (
        describe_error(ValueError("somewhere else"), Path("/nowhere")).message
        == "ValueError: somewhere else"
    )


def test_a_line_that_only_the_words_name_is_shown_and_left_out_of_them(tmp_path):
    file = tmp_path / "app.py"
    file.write_text("one\ntwo\n")
    found = describe_error(NotDeterministic(f"{file}:2: this dialogue ends."), tmp_path)
    assert found.message == "NotDeterministic: this dialogue ends."
    assert (found.file, found.line) == (str(file), 2)
    assert dict(found.code)[2] == "two"
    stored = locate_message(f"DialogueError: book ran for 5 seconds ({file}:1).", tmp_path)
    assert stored.message == "DialogueError: book ran for 5 seconds (app.py:1)."
    assert (stored.file, stored.line) == (str(file), 1)


def test_a_line_of_somebody_elses_file_is_not_shown(tmp_path):
    found = locate_message("Wrong: /elsewhere/app.py:2: this dialogue ends.", tmp_path)
    assert (found.file, found.line, found.code) == ("", 0, ())
