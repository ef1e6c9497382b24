"""Scripts: what a line means, and how the place where a conversation left it is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cooee.testing.script import (
    ExpectStep,
    SendStep,
    WaitStep,
    escape_text,
    format_failure,
    parse_script,
)


def hears(words):
    (line,) = parse_script(f"< {words}").steps
    assert isinstance(line, ExpectStep)
    return line


def test_a_script_is_read_line_by_line():
    script = parse_script("""
        # a comment, and a blank line

        > START
        < The timer is running!
        ... 65 seconds
          >  TIME
    """)
    said, heard, waited, again = script.steps
    assert said == SendStep(2, "START")
    assert heard.line_index == 3
    assert waited == WaitStep(4, timedelta(seconds=65))
    assert again == SendStep(5, "TIME")


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("1 second", timedelta(seconds=1)),
        ("65 seconds", timedelta(seconds=65)),
        ("0.5 seconds", timedelta(seconds=0.5)),
        ("1 minute 5 seconds", timedelta(seconds=65)),
        ("1 hour, 2 minutes and 3 seconds", timedelta(hours=1, minutes=2, seconds=3)),
        ("2 days", timedelta(days=2)),
        ("2 Weeks", timedelta(weeks=2)),
    ],
)
@pytest.mark.parametrize("dots", ["... ", "...", "… "])
def test_time_passes_in_words(words, time, dots):
    assert parse_script(dots + words).steps == [WaitStep(0, time)]


@pytest.mark.parametrize(
    "line", ["START", "... a while", "... 5", "...", "... 5 secs", "... 1 day or 2 days", "- x"]
)
def test_a_line_that_cannot_be_read_is_shown_with_what_to_write(line):
    with pytest.raises(ValueError) as error:
        parse_script(f"> START\n{line}")
    assert "Line 2" in str(error.value)
    assert line in str(error.value)
    assert "Write" in str(error.value)


def test_a_star_stands_for_anything_and_an_escaped_one_for_itself():
    assert hears("It stands at *.").matches("It stands at 1 minute\nand 5 seconds.")
    assert hears("*").matches("")
    assert not hears("It stands at *.").matches("It stands at 1 minute")
    assert hears(r"5 \* 5").matches("5 * 5")
    assert not hears(r"5 \* 5").matches("5 times 5")


def test_other_characters_stand_for_themselves():
    assert hears("Really? (yes|no) [a-z]+ $5.").matches("Really? (yes|no) [a-z]+ $5.")
    assert not hears("a.c").matches("abc")


def test_a_new_line_and_a_backslash_can_be_written():
    assert parse_script(r"> a\nb\\n").steps == [SendStep(0, "a\nb\\n")]
    assert hears(r"a\nb\\n").matches("a\nb\\n")


def test_a_star_that_a_person_texts_is_a_star():
    assert parse_script("> 5 * 5").steps == [SendStep(0, "5 * 5")]


def test_white_space_around_a_text_does_not_count():
    assert hears("Hello").matches(" Hello\n")
    assert not hears("Hello").matches("Hello there")


@given(st.text())
@example("\\*\n\\n\\\\ \t*")
@example("\n a \x0b\r")
@example("a\\\nb")
def test_a_text_as_quoted_in_a_failure_can_be_pasted_into_the_script(text):
    assert hears(escape_text(text)).matches(text)


@given(st.text(), st.text())
def test_only_the_same_text_fits(one, other):
    assert hears(escape_text(one)).matches(other) == (one.strip() == other.strip())


SCRIPT = """
    > START
    < The timer is running!
    > TIME
"""


def test_another_text_is_shown_like_a_diff():
    assert format_failure(
        parse_script(SCRIPT), 1, is_missing=True, texts=["Hello\nyou *", "Bye"]
    ) == (
        "At line 2, another text came.\n"
        "\n"
        "  1   > START\n"
        "  2 - < The timer is running!\n"
        "    + < Hello\\nyou \\*\n"
        "    + < Bye\n"
        "  3   > TIME"
    )


def test_a_missing_text_is_shown_as_nothing():
    assert format_failure(parse_script(SCRIPT), 1, is_missing=True, texts=[]) == (
        "At line 2, no text came.\n"
        "\n"
        "  1   > START\n"
        "  2 - < The timer is running!\n"
        "    + (nothing came)\n"
        "  3   > TIME"
    )


def test_a_text_too_many_is_shown_after_the_last_line_that_went_well():
    assert format_failure(parse_script(SCRIPT), 2, is_missing=False, texts=["Hello"]) == (
        "After line 3, a text came that the script does not have.\n"
        "\n"
        "  1   > START\n"
        "  2   < The timer is running!\n"
        "  3   > TIME\n"
        "    + < Hello"
    )
