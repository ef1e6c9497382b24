"""What the code knows best, written into the pages: `make reference`.

A page has a place for each part, between two comments. The part may be read as it is, on a host of
code too, and a test holds that it says what the code says today.

    <!-- generated: settings -->
    <!-- end -->

Parts are `front`, `errors`, `settings`, `commands`, `providers`, and `objects` with a module and
its public names: `objects cooee.storage Store open_store`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import typer
from docstrings import describe

import cooee
import cooee.core.errors
from cooee.cli.main import COMMANDS, cli
from cooee.providers import Features, Setting, default_features, find_provider, provider_names
from cooee.runtime.settings import KNOWN_SETTINGS

DOCS = Path(__file__).parent
_PART = re.compile(r"(<!-- generated: (.+?) -->\n)(?:.*\n)*?(<!-- end -->)")


def main() -> None:
    """Write every part anew, in place."""
    for page, text in fresh_pages():
        if page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")
            print(page.relative_to(DOCS.parent))


def fresh_pages() -> Iterator[tuple[Path, str]]:
    """Yield each page that has a part of the code's, as it should read."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        if "_build" not in page.parts and _PART.search(text):
            yield page, _PART.sub(_write_part, text)


def _write_part(found: re.Match[str]) -> str:
    """Return a part with its two comments."""
    headings = re.findall(r"^(#+) ", found.string[: found.start()], re.MULTILINE)
    name, *arguments = found[2].split()
    words = _PARTS[name](len(headings[-1]) + 1, *arguments)
    return f"{found[1]}\n{words}\n\n{found[3]}"


def front(level: int) -> str:
    """Every public name of `cooee`, but for the errors, which have a page of their own."""
    names = [name for name in cooee.__all__ if not _is_error(getattr(cooee, name))]
    names.sort(key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    return _described(level, [(name, getattr(cooee, name)) for name in names])


def errors(level: int) -> str:
    """The tree of errors, then each of them in its order."""
    public = vars(cooee.core.errors)
    tree = inspect.cleandoc(cooee.core.errors.__doc__ or "").partition("\n\n")[2]
    listed = _described(level, [(name, it) for name, it in public.items() if _is_error(it)])
    return f"```{{code-block}} text\n{tree}\n```\n\n{listed}"


def objects(level: int, module_name: str, *names: str) -> str:
    """Public names of a module: ``*`` is every name, ``-Name`` leaves one out of these.

    Of ``Name()`` the members are left out.
    """
    module = importlib.import_module(module_name)
    every = getattr(module, "__all__", None) or _functions(module)
    wanted = [each for name in names for each in (every if name == "*" else [name])]
    chosen = [name for name in wanted if f"-{name}" not in names and not name.startswith("-")]
    return "\n\n".join(
        describe(name, getattr(module, name.removesuffix("()")), level) for name in chosen
    )


def _functions(module: Any) -> list[str]:
    own = vars(module).items()
    return [name for name, it in own if inspect.isfunction(it) and it.__module__ == module.__name__]


def _described(level: int, listed: Sequence[tuple[str, Any]]) -> str:
    return "\n\n".join(describe(name, it, level) for name, it in listed)


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


def _is_error(it: object) -> bool:
    return isinstance(it, type) and issubclass(it, BaseException)


def settings(level: int) -> str:
    """Every setting: ours, then each provider's."""
    head = "#" * level
    parts = [f"{head} Of every app", _settings(KNOWN_SETTINGS)]
    for name in provider_names():
        parts += [f"{head} Of `{name}`", _settings(find_provider(name).settings)]
    return "\n\n".join(parts)


def _settings(known: Sequence[Setting]) -> str:
    return _table(
        ("setting", "what it is", "default"),
        [(_code(one.name), one.help + " (secret)" * one.secret, _default(one)) for one in known],
    )


def _default(setting: Setting) -> str:
    return "has to be given" if setting.default is None else _code(setting.default)


def commands(level: int) -> str:
    """Every command: what it does, its arguments and its options."""
    group = typer.main.get_command(cli)
    context = typer.Context(group)
    loaded = [(name, group.get_command(context, name)) for name in COMMANDS]  # type: ignore[attr-defined] # a typer app is a group
    return "\n\n".join(_command(level, name, command) for name, command in loaded)


def _command(level: int, name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    shape = [_shape(one) for one in arguments] + ["[OPTIONS]"] * bool(options)
    rows = [(_code(_shape(one)), one.help or "", "") for one in arguments]
    rows += [(_code(_flags(one)), one.help or "", _shown(one.default)) for one in options]
    parts = [f"{'#' * level} cooee {name}", _code(" ".join(["cooee", name, *shape]))]
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


def providers(_: int) -> str:
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
    "concurrency": ("sends at once", lambda most: str(most) if most else "as it answers"),
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


_PARTS: dict[str, Callable[..., str]] = {
    part.__name__: part for part in (front, errors, objects, settings, commands, providers)
}

if __name__ == "__main__":
    main()
