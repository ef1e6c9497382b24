"""Checks of what an app is made of and what it sends: each mistake is said at its own line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cooee.core.app.routes import handler_of
from cooee.core.errors import DefinitionError


def check_hook(decorator: str, function: Callable[..., Any], *parameters: str) -> None:
    """Check that a function may stand below a decorator, which calls it with these arguments.

    Raises:
        DefinitionError: it is no function, or takes other arguments.
    """
    if not callable(function):
        raise DefinitionError(
            f"{function!r:.80} is no function. Write @app.{decorator} above one:"
            f" def {decorator}({', '.join(parameters)})."
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in may have none
        return
    try:
        signature.bind(*parameters)
    except TypeError as error:
        handler = handler_of(function)
        raise DefinitionError(
            f"@app.{decorator} calls its function as ({', '.join(parameters)}): {error}.\n"
            f"  def     {handler.name}{signature}    {handler.location}\n"
            f"  write   def {handler.name}({', '.join(parameters)})"
        ) from error


def check_texts(**texts: object) -> None:
    """Check that arguments of an app are texts, or None.

    Raises:
        DefinitionError: one is neither.
    """
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise DefinitionError(f'{name}={text!r:.80} is no text. Write {name}="…", or None.')


def check_switches(**switches: object) -> None:
    """Check that arguments are True or False.

    Raises:
        DefinitionError: one is neither.
    """
    for name, switch in switches.items():
        if not isinstance(switch, bool):
            raise DefinitionError(f"{name}={switch!r:.80} is no yes or no. Write True or False.")


def check_sending(ours: object, at: object, good_for: object = None) -> None:
    """Check from where, and when, a text or a dialogue is to go out.

    Raises:
        DefinitionError: `ours` is no text, `at` no moment with a time zone, or `good_for` no
            length of time.
    """
    check_texts(ours=ours)
    if at is not None and not (isinstance(at, datetime) and at.tzinfo is not None):
        raise DefinitionError(
            f"at={at!r:.80} is no moment. Write a datetime with its time zone, like"
            " at=datetime(2026, 1, 31, 9, tzinfo=UTC)."
        )
    if good_for is not None and not (isinstance(good_for, timedelta) and good_for > timedelta()):
        raise DefinitionError(
            f"good_for={good_for!r:.80} is no length of time. Write hours(24), minutes(5) or a"
            " timedelta."
        )
