"""The words of an exception are one text that can be stored, whatever the exception does."""

from hypothesis import given
from hypothesis import strategies as st

from cooee.core.error_text import MAX_ERROR_CHARS, error_text


class Raising(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class NoText(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307 -- the mistake that is tested


class Tagged(str):
    __slots__ = ()


class Subclassed(Exception):
    def __str__(self):
        return Tagged("words")


@given(st.text() | st.text(st.characters(categories=["Cs", "Cc"])))
def test_every_message_can_be_stored(message):
    text = error_text(ValueError(message))
    assert text.encode().decode() == text
    assert text.startswith("ValueError: ")
    assert "\0" not in text


def test_what_has_no_words_is_named_by_its_type():
    assert [error_text(one()) for one in (Raising, NoText)] == ["Raising", "NoText"]
    assert type(error_text(Subclassed())) is str


def test_a_megabyte_is_cut():
    for letter in ("x", "\udfff"):
        assert len(error_text(ValueError(letter * 1_000_000))) == MAX_ERROR_CHARS
