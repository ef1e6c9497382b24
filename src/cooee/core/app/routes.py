"""Routes, Handler and Dialogue: the function to answer a text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_type_hints

import msgspec

from cooee.core.app.function_identity import identify_function
from cooee.core.built_in_values import built_in_names, built_in_text
from cooee.core.errors import DefinitionError
from cooee.core.folding import fold_text, unaccented
from cooee.core.parsing.keywords import Keyword, Pattern, Regex, make_matcher

F = TypeVar("F", bound=Callable[..., Any])


class Handler(msgspec.Struct, frozen=True):
    """A function for texts, with its name and location for messages."""

    function: Callable[..., Any]
    name: str
    location: str
    sync: bool


BusyPolicy: TypeAlias = Literal["return", "replace", "refuse"]
"""The policy of a dialogue that asks a person while another dialogue waits for an answer."""


class Dialogue(msgspec.Struct, frozen=True):
    """A handler with questions, with its stored name and its former names."""

    name: str
    handler: Handler
    busy: BusyPolicy
    former_names: Sequence[str] = ()


class Route(msgspec.Struct, frozen=True):
    """A matcher and its handler; `always` goes before a waiting question."""

    matcher: Keyword | Pattern | Regex | None
    handler: Handler
    always: bool = False
    dialogue: Dialogue | None = None


class Routes:
    """A collection of handlers, to be included in an app."""

    def __init__(self) -> None:
        self._keywords: dict[str, Route] = {}
        self._are_ascii = True  # the keywords
        self._patterns: list[Route] = []
        self._otherwise: Route | None = None
        self._dialogues: dict[str, Dialogue] = {}
        self.fallbacks: Sequence[tuple[Callable[[str], bool], Route]] = ()

    def on(self, *specs: str | re.Pattern[str], always: bool = False) -> Callable[[F], F]:
        """Answer the texts of `specs`: a keyword, ``"ADD {n:d}"``, or a regular expression.

        Args:
            specs: a string without braces matches the whole text, case and surrounding
                punctuation aside; one with braces hands its fields over by name; a compiled
                regular expression hands over its named groups.
            always: goes before a question that waits for an answer.

        Raises:
            DefinitionError: a spec contradicts the handler or stands twice.
        """
        if not specs or not all(isinstance(spec, str | re.Pattern) for spec in specs):
            message = 'Say what the handler answers: @app.on("START"), with the word in brackets.'
            raise DefinitionError(message)

        def register(function: F) -> F:
            self._add_handler(specs, handler_of(function), always, None)
            return function

        return register

    def dialogue(
        self,
        *specs: str | re.Pattern[str],
        always: bool = False,
        busy: BusyPolicy = "return",
        name: str | None = None,
        was: str | Sequence[str] = (),
    ) -> Callable[[F], F]:
        """Let a handler ask: ``@app.dialogue("BOOK")`` before ``async def book(chat)``.

        Args:
            specs: the texts that begin it, as with `on`; none, where only `App.start` does.
            always: they go before a question that waits for an answer.
            busy: the policy where another dialogue waits for the person's answer. "return": the
                new one asks, and at its end the other question is asked again. "replace": the
                other dialogue ends. "refuse": the new one does not begin (after a text, the
                other question is asked again); after a sleep, it waits for the other's end.
            name: its stored name, in place of the function's.
            was: its former names, so that the people in the middle of it go on. A dialogue keeps
                the name that it began under, so each name stands here until nobody is left of it:
                `cooee preflight` tells.

        Raises:
            DefinitionError: it is no ``async def``, or a spec contradicts it or stands twice.
        """
        if not all(isinstance(spec, str | re.Pattern) for spec in specs):
            message = 'Write @app.dialogue("BOOK"), or @app.dialogue() for one that no text begins.'
            raise DefinitionError(message)

        def register(function: F) -> F:
            handler = handler_of(function)
            if handler.sync:
                message = f"{handler.name} asks, so it is written `async def`: {handler.location}"
                raise DefinitionError(message)
            former_names = _former_names(was, handler)
            stored_name = built_in_text(name) or handler.name.rpartition(".")[2]
            found = Dialogue(stored_name, handler, _check_busy_policy(busy), former_names)
            self._add_dialogue(found)
            self._add_handler(specs, handler, always, found)
            return function

        return register

    def otherwise(self, function: F) -> F:
        """Answer every text without another handler."""
        route = Route(None, handler_of(function))
        _check_fields(route.handler, "(otherwise)", {})
        if self._otherwise is not None:
            raise _answered_twice_error("otherwise", self._otherwise, route)
        self._otherwise = route
        return function

    def include(self, routes: Routes) -> None:
        """Take over all handlers of another collection."""
        if not isinstance(routes, Routes):
            raise DefinitionError(f"{routes!r:.80} is no Routes. Write app.include(routes).")
        for found in routes.dialogues:
            self._add_dialogue(found)
        for route in routes:
            self._add_route(route)

    def find_route(self, text: str) -> tuple[Route, Mapping[str, Any]] | None:
        """Return the route of a text, and the fields of its pattern.

        Keywords come first, then patterns, then cooee's own answers where no handler has one
        (`fallbacks`: HELP, say), then otherwise.

        :meta private:
        """
        # A keyword is a whole text, so it is the most exact match, whatever was registered first.
        keyword_route = self._find_keyword(fold_text(text))
        if keyword_route is not None:
            return keyword_route, {}
        for route in self._patterns:
            assert route.matcher is not None
            fields = route.matcher.match(text)
            if fields is not None:
                return route, fields
        for fits, route in self.fallbacks:
            if fits(text):
                return route, {}
        return None if self._otherwise is None else (self._otherwise, {})

    def _find_keyword(self, folded: str) -> Route | None:
        """Return the route of a keyword, with its accents or, where only one fits, without them."""
        exact = self._keywords.get(folded)
        if exact is not None or (self._are_ascii and folded.isascii()):
            return exact
        plain = unaccented(folded)
        similar = [route for word, route in self._keywords.items() if unaccented(word) == plain]
        return similar[0] if len(similar) == 1 else None

    @property
    def dialogues(self) -> Sequence[Dialogue]:
        """Return every dialogue, once.

        :meta private:
        """
        return list({id(found): found for found in self._dialogues.values()}.values())

    def dialogue_named(self, name: str) -> Dialogue | None:
        """Return the dialogue of a name or former name.

        :meta private:
        """
        return self._dialogues.get(name)

    def dialogues_of(self, function: Callable[..., Any]) -> Sequence[Dialogue]:
        """Return the dialogues of a function, in whatever form it was registered.

        :meta private:
        """
        exact = [found for found in self.dialogues if found.handler.function == function]
        if exact:
            return exact
        wanted = identify_function(function)
        return [
            found
            for found in self.dialogues
            if wanted.is_same(identify_function(found.handler.function))
        ]

    def __iter__(self) -> Iterator[Route]:
        yield from self._keywords.values()
        yield from self._patterns
        if self._otherwise is not None:
            yield self._otherwise

    def _add_handler(
        self,
        specs: Sequence[str | re.Pattern[str]],
        handler: Handler,
        always: bool,
        dialogue: Dialogue | None,
    ) -> None:
        for spec in specs:
            matcher = make_matcher(built_in_text(spec))
            _check_fields(handler, spec, matcher.fields)
            self._add_route(Route(matcher, handler, always, dialogue))

    def _add_dialogue(self, dialogue: Dialogue) -> None:
        for name in (dialogue.name, *dialogue.former_names):
            earlier = self._dialogues.setdefault(name, dialogue)
            if earlier is not dialogue:
                raise DefinitionError(
                    f"Two dialogues are called {name!r}. Give one of them a name=.\n"
                    f"  {earlier.handler.name}    {earlier.handler.location}\n"
                    f"  {dialogue.handler.name}    {dialogue.handler.location}"
                )

    def _add_route(self, route: Route) -> None:
        if route.matcher is None:
            if self._otherwise is not None:
                raise _answered_twice_error("otherwise", self._otherwise, route)
            self._otherwise = route
        elif isinstance(route.matcher, Keyword):
            folded = fold_text(str(route.matcher))
            if folded in self._keywords:
                raise _answered_twice_error(str(route.matcher), self._keywords[folded], route)
            self._keywords[folded] = route
            self._are_ascii = self._are_ascii and folded.isascii()
        else:
            self._patterns.append(route)


def _former_names(was: Any, handler: Handler) -> Sequence[str]:
    names = built_in_names(was)
    names = (names,) if isinstance(names, str) else names
    if not isinstance(names, tuple | list) or not all(isinstance(it, str) and it for it in names):
        raise DefinitionError(
            f"was={was!r:.80} is no name. Write the name of before, like was='book', or several:"
            f" was=('book', 'reserve'). {handler.location}"
        )
    return tuple(names)


def _check_busy_policy(busy: BusyPolicy) -> BusyPolicy:
    if busy not in get_args(BusyPolicy):
        raise DefinitionError(
            f'busy={busy!r} means nothing. Write "return", "replace" or "refuse".'
        )
    return busy


def handler_of(function: Callable[..., Any]) -> Handler:
    """Describe a function as a handler."""
    identity = identify_function(function)
    code, innermost = identity.code, identity.function
    location = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "somewhere"
    is_async = inspect.iscoroutinefunction(innermost) or inspect.iscoroutinefunction(
        getattr(innermost, "__call__", None)  # noqa: B004 -- an object with an async __call__
    )
    return Handler(function, identity.name, location, not is_async)


def _check_fields(handler: Handler, spec: object, fields: Mapping[str, type]) -> None:
    """Check a pattern's fields against the handler's parameters."""
    try:
        first, *others = inspect.signature(handler.function).parameters.values()
    except ValueError as error:
        raise _mismatch_error(handler, spec, fields, "takes no chat") from error
    if first.kind in {first.KEYWORD_ONLY, first.VAR_KEYWORD}:
        raise _mismatch_error(handler, spec, fields, "takes no chat")
    takes_any = any(p.kind is p.VAR_KEYWORD for p in others)
    parameters_by_name = {
        p.name: p for p in others if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}
    }
    for name in fields:
        if name not in parameters_by_name and not takes_any:
            raise _mismatch_error(handler, spec, fields, f"has no parameter {name!r}")
    for name, parameter in parameters_by_name.items():
        if name not in fields and parameter.default is parameter.empty:
            raise _mismatch_error(handler, spec, fields, f"wants {name!r}, which nothing fills")
    _check_types(handler, spec, fields)


def _check_types(handler: Handler, spec: object, fields: Mapping[str, type]) -> None:
    try:
        hints = get_type_hints(handler.function)
    except Exception:  # names that exist only for the type checker: then it checks them
        return
    for name, kind in fields.items():
        wanted = hints.get(name, kind)
        if isinstance(wanted, type) and not issubclass(kind, wanted):
            message = f"wants {name!r} as {wanted.__name__}, and the pattern gives {kind.__name__}"
            raise _mismatch_error(handler, spec, fields, message)


def _mismatch_error(
    handler: Handler, spec: object, fields: Mapping[str, type], problem: str
) -> DefinitionError:
    signature = ", ".join(["chat", *(f"{name}: {kind.__name__}" for name, kind in fields.items())])
    shown = spec.pattern if isinstance(spec, re.Pattern) else spec
    return DefinitionError(
        f"{handler.name} {problem}.\n"
        f"  on      {shown!r}\n"
        f"  def     {handler.name}{inspect.signature(handler.function)}    {handler.location}\n"
        f"  write   def {handler.name}({signature})"
    )


def _answered_twice_error(spec: str, first: Route, second: Route) -> DefinitionError:
    return DefinitionError(
        f"{spec!r} is answered twice. Remove one of them.\n"
        f"  {first.handler.name}    {first.handler.location}\n"
        f"  {second.handler.name}    {second.handler.location}"
    )
