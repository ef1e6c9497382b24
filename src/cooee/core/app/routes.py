"""Who answers what: handlers, and the words and patterns that reach them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_type_hints

import msgspec

from cooee.core.errors import DefinitionError
from cooee.core.parsing.keywords import Keyword, Pattern, Regex, fold, matcher

F = TypeVar("F", bound=Callable[..., Any])


class Handler(msgspec.Struct, frozen=True):
    """A function that answers, what it is called in messages, and where it stands."""

    call: Callable[..., Any]
    name: str
    where: str
    sync: bool


Busy: TypeAlias = Literal["return", "replace", "refuse"]
"""What a dialogue does that wants to ask somebody of whom another one waits for an answer."""


class Dialogue(msgspec.Struct, frozen=True):
    """A handler that asks. `name` is what it is stored under, and `was` its former names."""

    name: str
    handler: Handler
    busy: Busy
    was: Sequence[str] = ()


class Route(msgspec.Struct, frozen=True):
    """What leads to a handler; `always` goes before a question that waits."""

    matcher: Keyword | Pattern | Regex | None
    handler: Handler
    always: bool = False
    dialogue: Dialogue | None = None


class Routes:
    """A collection of handlers, to be included in an app."""

    def __init__(self) -> None:
        self._keywords: dict[str, Route] = {}
        self._patterns: list[Route] = []
        self._otherwise: Route | None = None
        self._dialogues: dict[str, Dialogue] = {}
        self.fallbacks: Sequence[tuple[Callable[[str], bool], Route]] = ()

    def on(self, *specs: str | re.Pattern[str], always: bool = False) -> Callable[[F], F]:
        """Answer texts that are one of `specs`: a word, ``"ADD {n:d}"``, or a regular expression.

        Args:
            specs: a string without braces matches the whole text, case and surrounding
                punctuation aside; one with braces hands its fields over by name; a compiled
                regular expression hands over its named groups.
            always: goes before a question that waits for an answer.

        Raises:
            DefinitionError: a spec contradicts the handler or stands twice.
        """
        if not specs or not all(isinstance(spec, str | re.Pattern) for spec in specs):
            words = 'Say what the handler answers: @app.on("START"), with the word in brackets.'
            raise DefinitionError(words)

        def register(call: F) -> F:
            self._register(specs, handler_of(call), always, None)
            return call

        return register

    def dialogue(
        self,
        *specs: str | re.Pattern[str],
        always: bool = False,
        busy: Busy = "return",
        name: str | None = None,
        was: str | Sequence[str] = (),
    ) -> Callable[[F], F]:
        """Let a handler ask: ``@app.dialogue("BOOK")`` before ``async def book(chat)``.

        Args:
            specs: the texts that begin it, as with `on`; none, where only `App.start` does.
            always: they go before a question that waits for an answer.
            busy: what happens where it wants to ask a person of whom another dialogue waits for
                an answer. "return": it asks, and when it is over the other question is asked
                again. "replace": the other dialogue ends. "refuse": it does not begin (after a
                text, the other question is asked again); one that slept waits for the other's
                end.
            name: what it is stored under, in place of the function's name.
            was: what it was called before, so that those in the middle of it go on.

        Raises:
            DefinitionError: it is no ``async def``, or a spec contradicts it or stands twice.
        """
        if not all(isinstance(spec, str | re.Pattern) for spec in specs):
            words = 'Write @app.dialogue("BOOK"), or @app.dialogue() for one that no text begins.'
            raise DefinitionError(words)

        def register(call: F) -> F:
            handler = handler_of(call)
            if handler.sync:
                words = f"{handler.name} asks, so it is written `async def`: {handler.where}"
                raise DefinitionError(words)
            former = (was,) if isinstance(was, str) else tuple(was)
            named = name or handler.name.rpartition(".")[2]
            found = Dialogue(named, handler, _known(busy), former)
            self._name(found)
            self._register(specs, handler, always, found)
            return call

        return register

    def otherwise(self, call: F) -> F:
        """Answer every text that nothing else answers."""
        route = Route(None, handler_of(call))
        _check_fields(route.handler, "(otherwise)", {})
        if self._otherwise is not None:
            raise _twice("otherwise", self._otherwise, route)
        self._otherwise = route
        return call

    def include(self, routes: Routes) -> None:
        """Take over all handlers of another collection."""
        for found in routes.dialogues:
            self._name(found)
        for route in routes:
            self._add(route)

    def find(self, text: str) -> tuple[Route, Mapping[str, Any]] | None:
        """The route of a text and the fields it brings.

        Keywords come first, then patterns, then what cooee itself answers where no handler
        does (`fallbacks`: HELP, say), then otherwise.
        """
        exact = self._keywords.get(fold(text))
        if exact is not None:
            return exact, {}
        for route in self._patterns:
            assert route.matcher is not None
            fields = route.matcher.match(text)
            if fields is not None:
                return route, fields
        for fits, route in self.fallbacks:
            if fits(text):
                return route, {}
        return None if self._otherwise is None else (self._otherwise, {})

    @property
    def dialogues(self) -> Sequence[Dialogue]:
        """Every dialogue, once."""
        return list({id(found): found for found in self._dialogues.values()}.values())

    def named(self, name: str) -> Dialogue | None:
        """The dialogue of a name, or of a former one."""
        return self._dialogues.get(name)

    def asking(self, call: Callable[..., Any]) -> Dialogue | None:
        """The dialogue that a function is."""
        return next((found for found in self.dialogues if found.handler.call is call), None)

    def __iter__(self) -> Iterator[Route]:
        yield from self._keywords.values()
        yield from self._patterns
        if self._otherwise is not None:
            yield self._otherwise

    def _register(
        self,
        specs: Sequence[str | re.Pattern[str]],
        handler: Handler,
        always: bool,
        dialogue: Dialogue | None,
    ) -> None:
        for spec in specs:
            found = matcher(spec)
            _check_fields(handler, spec, found.fields)
            self._add(Route(found, handler, always, dialogue))

    def _name(self, dialogue: Dialogue) -> None:
        for name in (dialogue.name, *dialogue.was):
            earlier = self._dialogues.setdefault(name, dialogue)
            if earlier is not dialogue:
                raise DefinitionError(
                    f"Two dialogues are called {name!r}. Give one of them a name=.\n"
                    f"  {earlier.handler.name}    {earlier.handler.where}\n"
                    f"  {dialogue.handler.name}    {dialogue.handler.where}"
                )

    def _add(self, route: Route) -> None:
        if route.matcher is None:
            if self._otherwise is not None:
                raise _twice("otherwise", self._otherwise, route)
            self._otherwise = route
        elif isinstance(route.matcher, Keyword):
            word = fold(str(route.matcher))
            if word in self._keywords:
                raise _twice(str(route.matcher), self._keywords[word], route)
            self._keywords[word] = route
        else:
            self._patterns.append(route)


def _known(busy: Busy) -> Busy:
    if busy not in get_args(Busy):
        raise DefinitionError(
            f'busy={busy!r} means nothing. Write "return", "replace" or "refuse".'
        )
    return busy


def handler_of(call: Callable[..., Any]) -> Handler:
    """Describe a function as a handler."""
    plain = inspect.unwrap(call)
    code = getattr(plain, "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "somewhere"
    name = getattr(plain, "__qualname__", repr(call))
    waits = inspect.iscoroutinefunction(plain) or inspect.iscoroutinefunction(
        getattr(plain, "__call__", None)  # noqa: B004 -- an object with an async __call__
    )
    return Handler(call, name, where, not waits)


def _check_fields(handler: Handler, spec: object, fields: Mapping[str, type]) -> None:
    """Hold a pattern's fields against the handler's parameters."""
    try:
        first, *others = inspect.signature(handler.call).parameters.values()
    except ValueError as error:
        raise _mismatch(handler, spec, fields, "takes no chat") from error
    if first.kind in {first.KEYWORD_ONLY, first.VAR_KEYWORD}:
        raise _mismatch(handler, spec, fields, "takes no chat")
    takes_any = any(p.kind is p.VAR_KEYWORD for p in others)
    named = {p.name: p for p in others if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}}
    for name in fields:
        if name not in named and not takes_any:
            raise _mismatch(handler, spec, fields, f"has no parameter {name!r}")
    for name, parameter in named.items():
        if name not in fields and parameter.default is parameter.empty:
            raise _mismatch(handler, spec, fields, f"wants {name!r}, which nothing fills")
    _check_types(handler, spec, fields)


def _check_types(handler: Handler, spec: object, fields: Mapping[str, type]) -> None:
    try:
        hints = get_type_hints(handler.call)
    except Exception:  # names that exist only for the type checker: then it checks them
        return
    for name, kind in fields.items():
        wanted = hints.get(name, kind)
        if isinstance(wanted, type) and not issubclass(kind, wanted):
            words = f"wants {name!r} as {wanted.__name__}, and the pattern gives {kind.__name__}"
            raise _mismatch(handler, spec, fields, words)


def _mismatch(
    handler: Handler, spec: object, fields: Mapping[str, type], why: str
) -> DefinitionError:
    signature = ", ".join(["chat", *(f"{name}: {kind.__name__}" for name, kind in fields.items())])
    shown = spec.pattern if isinstance(spec, re.Pattern) else spec
    return DefinitionError(
        f"{handler.name} {why}.\n"
        f"  on      {shown!r}\n"
        f"  def     {handler.name}{inspect.signature(handler.call)}    {handler.where}\n"
        f"  write   def {handler.name}({signature})"
    )


def _twice(what: str, first: Route, second: Route) -> DefinitionError:
    return DefinitionError(
        f"{what!r} is answered twice. Remove one of them.\n"
        f"  {first.handler.name}    {first.handler.where}\n"
        f"  {second.handler.name}    {second.handler.where}"
    )
