"""What the code knows best, written into the pages when they are built.

A page asks for it by name: ``{cooee-front}``, ``{cooee-errors}``, ``{cooee-settings}``,
``{cooee-commands}``, ``{cooee-providers}``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar, TypeAlias

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import cooee
import cooee.core.errors
from cooee.cli.main import COMMANDS, cli
from cooee.providers import Features, Setting, default_features, find_provider, provider_names
from cooee.runtime.settings import KNOWN_SETTINGS


def front() -> str:
    """Every public name of `cooee`, but for the errors, which have a page of their own."""
    public = [(name, getattr(cooee, name)) for name in cooee.__all__]
    shown = [(name, it) for name, it in public if not _is_error(it)]
    shown.sort(key=lambda one: (_FIRST.index(one[0]) if one[0] in _FIRST else len(_FIRST), one[0]))
    entries = [_entry(name, it) for name, it in shown]
    return "\n\n".join(["```{eval-rst}", ".. py:module:: cooee", *entries, "```"])


def errors() -> str:
    """The tree of errors, then each of them in its order."""
    public = vars(cooee.core.errors)
    entries = [
        f".. autoexception:: {name}\n   :members:\n   :show-inheritance:"
        for name in public
        if _is_error(public[name])
    ]
    tree = inspect.cleandoc(cooee.core.errors.__doc__ or "").partition("\n\n")[2]
    directives = ["```{eval-rst}", ".. py:currentmodule:: cooee", *entries, "```"]
    return "\n\n".join([f"```text\n{tree}\n```", *directives])


_FIRST = (
    "App",
    "Routes",
    "Chat",
    "HistoryEntry",
    "Reply",
    "Inbound",
    "Outbound",
    "Receipt",
    "Status",
)
_GIVEN = ("Chat",)  # what nobody makes, so that how it is made says nothing


def _is_error(it: object) -> bool:
    return isinstance(it, type) and issubclass(it, BaseException)


def _entry(name: str, it: object) -> str:
    if not isinstance(it, type):
        return f".. auto{'function' if inspect.isroutine(it) else 'data'}:: {name}"
    every = "\n   :undoc-members:" if issubclass(it, Enum) else ""
    return f".. autoclass:: {name}{'()' * (name in _GIVEN)}\n   :members:{every}"


def settings() -> str:
    """Every setting: ours, then each provider's."""
    parts = ["## Of every app", _settings(KNOWN_SETTINGS)]
    for name in provider_names():
        parts += [f"## Of `{name}`", _settings(find_provider(name).settings)]
    return "\n\n".join(parts)


def _settings(known: Sequence[Setting]) -> str:
    return _table(
        ("setting", "what it is", "default"),
        [(_code(one.name), one.help + " (secret)" * one.secret, _default(one)) for one in known],
    )


def _default(setting: Setting) -> str:
    return "has to be given" if setting.default is None else _code(setting.default)


def commands() -> str:
    """Every command: what it does, its arguments and its options."""
    group = typer.main.get_command(cli)
    context = typer.Context(group)
    loaded = [(name, group.get_command(context, name)) for name in COMMANDS]  # type: ignore[attr-defined] # a typer app is a group
    return "\n\n".join(_command(name, command) for name, command in loaded)


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    shape = [_shape(one) for one in arguments] + ["[OPTIONS]"] * bool(options)
    rows = [(_code(_shape(one)), one.help or "", "") for one in arguments]
    rows += [(_code(_flags(one)), one.help or "", _shown(one.default)) for one in options]
    parts = [f"## cooee {name}", _code(" ".join(["cooee", name, *shape]))]
    parts += [inspect.cleandoc(command.help or "")]
    return "\n\n".join([*parts, _table(("", "what it is", "default"), rows)] if rows else parts)


def _shape(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    return word if argument.required else f"[{word}]"


def _flags(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or option.name.upper()}"


def _shown(default: object) -> str:
    return "" if default is None or default is False else _code(str(default))


def providers() -> str:
    """What each provider can do, from its `Features` as they are by default."""
    features_of = [(name, default_features(find_provider(name))) for name in provider_names()]
    rows = [
        [f"**{words}**", *(tell(getattr(features, field)) for _, features in features_of)]
        for field, (words, tell) in _questions().items()
    ]
    return _table(["", *(_code(name) for name, _ in features_of)], rows)


def _yes(what: object) -> str:
    return "yes" if what else "no"


def _offset(offset: timedelta | None) -> str:
    if offset is None:
        return "there are none"
    sign = "-" if offset < timedelta() else "+"
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def _seconds(length: timedelta | None) -> str:
    return "no" if length is None else f"yes, after {length.total_seconds():g} s"


Tell: TypeAlias = Callable[[Any], str]


def _words(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "none"


_QUESTIONS: dict[str, tuple[str, Tell]] = {
    "polling": ("texts can be read", lambda way: f"yes, *{way}*" if way else "no"),
    "push": ("texts can be pushed", _yes),
    "backfill": ("a push that was missed is read", _yes),
    "signed": ("pushes are signed", _yes),
    "receipts": (
        "news of our texts",
        lambda way: {"callback": "pushed", "poll": "asked for"}.get(way, "none"),
    ),
    "lookup_settles_after": ("a lost answer can be asked after", _seconds),
    "idempotency": ("sending twice sends once", _yes),
    "media": ("pictures", _yes),
    "max_text": ("characters in a text", lambda most: f"{most:,}"),
    "rate": ("texts a second, per number", lambda rate: f"{rate:g}" if rate else "not told"),
    "concurrency": ("sends at once", str),
    "replay_window": ("a text may come again for", lambda window: f"{window.days} days"),
    "timestamp_offset": ("stamps without an offset are at", _offset),
    "opt_out_words": ("opt-out words of its own", _words),
    "opt_in_words": ("opt-in words of its own", _words),
    "help_words": ("words that it answers itself", _words),
}


def _questions() -> dict[str, tuple[str, Tell]]:
    """A question for each feature; one that is new here is shown by its name."""
    new = [name for name in Features.__struct_fields__ if name not in _QUESTIONS]
    return _QUESTIONS | {name: (name.replace("_", " "), _plain) for name in new}


def _plain(value: object) -> str:
    return _yes(value) if value is None or isinstance(value, bool) else str(value)


def _code(words: str) -> str:
    return f"`{words}`" if words else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


class _Generated(SphinxDirective):
    """Puts a page's part in its place, as if it had been written there."""

    write: ClassVar[Callable[[], str]]

    def run(self) -> list[nodes.Node]:
        """Read the Markdown that the code wrote."""
        return self.parse_text_to_nodes(type(self).write(), allow_section_headings=True)


def _directives() -> Iterator[tuple[str, type[_Generated]]]:
    for write in (front, errors, settings, commands, providers):
        told = {"write": staticmethod(write)}
        yield f"cooee-{write.__name__}", type(write.__name__, (_Generated,), told)


def setup(app: Any) -> dict[str, bool]:
    """Make the directives known."""
    for name, directive in _directives():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
