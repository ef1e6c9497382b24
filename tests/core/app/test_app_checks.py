"""What is no argument of an app, a hook or a text is refused at its line, with what to write."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from cooee import App, DefinitionError
from cooee.core.app.app_checks import check_sending

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOOKS = {
    "on_start": (),
    "around": ("chat", "proceed"),
    "on_error": ("chat", "error"),
    "on_reaction": ("chat", "reaction"),
    "on_refused": ("chat", "refusal"),
    "on_failed": ("outbound",),
    "on_delivered": ("outbound",),
}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sorry": 5}, 'sorry=5 is no text. Write sorry="…", or None'),
        ({"help": 5}, "help=5 is no text"),
        ({"no_reply": b"x"}, "is no text"),
        ({"too_many": ["x"]}, "is no text"),
        ({"version": 5}, "version=5 is no text"),
        ({"smart": "yes"}, "smart='yes' is no yes or no. Write True or False"),
        ({"most_segments": 0}, "lets no text out. Write 1 or more"),
        ({"most_segments": "2"}, "Write 1 or more"),
        ({"most_segments": 1.5}, "Write 1 or more"),
        ({"most_segments": True}, "Write 1 or more"),
        ({"long_texts": True}, 'Write "refuse" or "split"'),
        ({"lifespan": 5}, "5 is no function"),
        ({"unknown": "retry"}, 'Write "hold" or "resend"'),
        ({"state": 5}, "is not a class"),
        ({"timezone": "Sydney"}, 'Write it like "Australia/Sydney"'),
        ({"quiet": "21:00"}, "are no hours"),
    ],
)
def test_an_argument_of_an_app_that_means_nothing_is_refused(arguments, words):
    with pytest.raises(DefinitionError) as refused:
        App(**arguments)
    assert words in str(refused.value)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_takes_what_it_is_called_with(hook):
    names = HOOKS[hook]

    class Hooks:
        def method(self, *args):
            pass

        def __call__(self, *args):
            pass

    def more(*args, key=None):
        pass

    def too_many(*, key):
        pass

    for fine in (more, Hooks(), Hooks().method, partial(more, key=1), print):
        getattr(App(), hook)(fine)
    for wrong in (too_many, lambda *, a, b: None, lambda a, b, c: None):
        with pytest.raises(DefinitionError) as refused:
            getattr(App(), hook)(wrong)
        called = ", ".join(names)
        assert f"@app.{hook} calls its function as ({called})" in str(refused.value)
        assert f"({called})" in str(refused.value).splitlines()[-1]
        assert "test_app_checks.py" in str(refused.value)
    with pytest.raises(DefinitionError, match="5 is no function"):
        getattr(App(), hook)(5)


@pytest.mark.parametrize("at", ["tomorrow", 5, timedelta(1), datetime(2026, 1, 1)])  # noqa: DTZ001 -- the mistake
def test_a_moment_has_a_time_zone(at):
    with pytest.raises(DefinitionError, match="Write a datetime with its time zone"):
        check_sending(None, at)


@pytest.mark.parametrize("length", [5, 0, "1h", timedelta(0), timedelta(-1)])
def test_a_text_is_good_for_a_time(length):
    with pytest.raises(DefinitionError, match="Write hours"):
        check_sending(None, NOON, length)


def test_what_is_right_passes():
    check_sending(None, None)
    check_sending("+61491570006", NOON, timedelta(hours=1))
    with pytest.raises(DefinitionError, match="ours=5 is no text"):
        check_sending(5, None)


@pytest.mark.parametrize("what", [5, App()])
def test_what_is_included_is_routes(what):
    with pytest.raises(DefinitionError, match="is no Routes"):
        App().include(what)
