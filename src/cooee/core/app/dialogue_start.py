"""The dialogue that `App.start` is given: found, or refused in words, with its inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cooee.core.app.function_identity import identify_function
from cooee.core.app.routes import Dialogue, Routes
from cooee.core.built_in_values import built_in_text
from cooee.core.errors import DefinitionError


def find_dialogue(routes: Routes, dialogue: Callable[..., Any] | str) -> Dialogue:
    """Return the dialogue of a name, or of a function in any form.

    Raises:
        DefinitionError: the app has none, or several of this function.
    """
    if isinstance(dialogue, str):
        dialogue = built_in_text(dialogue)
        named = routes.dialogue_named(dialogue)
        if named is None:
            names = ", ".join(sorted(each.name for each in routes.dialogues)) or "none"
            raise DefinitionError(f"The app has no dialogue {dialogue!r}. Its dialogues: {names}.")
        return named
    if not callable(dialogue):
        raise DefinitionError(_no_function_message(dialogue))
    found = routes.dialogues_of(dialogue)
    if len(found) == 1:
        return found[0]
    raise DefinitionError(
        _several_message(found) if found else _unknown_function_message(routes, dialogue)
    )


def check_inputs(dialogue: Dialogue, inputs: Mapping[str, Any]) -> None:
    """Check that a dialogue takes these inputs.

    Raises:
        DefinitionError: one is missing, or is no parameter.
    """
    signature = inspect.signature(dialogue.handler.function)
    try:
        signature.bind(None, **inputs)
    except TypeError as error:
        raise DefinitionError(
            f"{dialogue.name}{signature} cannot be started so: {error}."
            f"{_own_name_hint(signature)}"
            f"  {dialogue.handler.location}"
        ) from error


def _no_function_message(value: Any) -> str:
    if inspect.iscoroutine(value):
        value.close()
        name = value.__name__
        return f"{name} was called already. Write app.start({name}, …), without calling it."
    return f"{value!r:.80} is no dialogue. Write app.start(book, …), or its name: 'book'."


def _several_message(found: Sequence[Dialogue]) -> str:
    names = " and ".join(sorted(repr(each.name) for each in found))
    return f"The dialogues {names} have this function. Start the one you mean by its name."


def _unknown_function_message(routes: Routes, function: Callable[..., Any]) -> str:
    wanted = identify_function(function)
    message = f"The app has no dialogue {wanted.name.rpartition('.')[2]!r}"
    known = [identify_function(each.handler.function) for each in routes.dialogues]
    alike = [each for each in known if each.function is wanted.function]
    if not alike:
        return f"{message}. Write @app.dialogue() above it."
    if all(each.owner is not wanted.owner for each in alike):
        return f"{message} of this object: it was registered for another object."
    return f"{message} like this: it was registered with other arguments."


def _own_name_hint(signature: inspect.Signature) -> str:
    """Return the remedy where a parameter of a dialogue has the name of one of `App.start`."""
    own = [name for name in ("to", "ours", "at", "key") if name in signature.parameters]
    return f" App.start has a parameter {own[0]!r} itself: give yours another name." if own else ""
