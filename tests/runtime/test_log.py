"""What may stand in a log, and what may not."""

import logging

import pytest

from cooee.runtime.log import LogfmtFormatter, error_location, log_event


def lines(caplog, **options):
    formatter = LogfmtFormatter(**options)
    return [formatter.format(record) for record in caplog.records]


def test_an_event_is_one_line_of_words(caplog):
    caplog.set_level(logging.INFO, "cooee")
    log_event("answered", seq=3, why='two "words"\nand a line', nothing=None)
    (line,) = lines(caplog)
    assert line.endswith('info answered seq=3 why="two \\"words\\"\\nand a line"')
    assert "\n" not in line


def test_numbers_and_words_are_shown_only_where_asked_for(caplog):
    caplog.set_level(logging.INFO, "cooee")
    log_event("received", private={"theirs": "+61491570156", "text": "hello"})
    assert "+61491570156" not in lines(caplog)[0]
    assert "hello" not in lines(caplog)[0]
    assert "+61491570156" in lines(caplog, show_private=True)[0]


def test_blame_names_the_line_and_not_the_words():
    def handler():
        raise ValueError("+61491570156 said hello")

    with pytest.raises(ValueError) as caught:
        handler()
    words = error_location(caught.value)
    assert words.startswith("ValueError at ")
    assert "test_log.py:" in words
    assert "hello" not in words


def test_a_handler_of_the_apps_own_logging_that_raises_ends_nothing():
    class Broken(logging.Handler):
        def emit(self, record):
            raise OSError("the disk is full")

    logger, broken = logging.getLogger("cooee"), Broken()
    logger.addHandler(broken)
    try:
        log_event("answered", logging.ERROR)
    finally:
        logger.removeHandler(broken)
