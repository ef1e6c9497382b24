"""`cooee segments`: what a text costs, character by character."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from cooee.cli.output import show_table
from cooee.core.errors import SettingError

if TYPE_CHECKING:
    from cooee.core.segments import Segments


def segments(
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The words; - reads standard input.")
    ] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="A file of UTF-8; - is standard input."),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="A line of JSON for a text; what is read then holds a JSON string on each line.",
        ),
    ] = False,
) -> None:
    """Show how many segments a text is billed as.

    It names the encoding, where the text is cut, the characters that cost, and what would need
    fewer segments.

    With --json, {"encoding": "GSM-7" or "UCS-2", "segments": N, "parts": [...]} is printed on a
    line: for TEXT as it was typed, or for each line of a file or of standard input, where each
    line is a text written as a JSON string.
    """
    from cooee.core.segments import count

    if text is not None and text != "-" and file is not None:
        raise SettingError("Give a text or a file, not both.")
    if text is not None and text != "-":
        _show([text], json=json)
    elif json:
        _show(_strings(_lines(file)), json=True)
    else:
        _print(count(_whole(file)))


def _show(texts: Iterable[str], *, json: bool) -> None:
    from cooee.core.segments import count

    for text in texts:
        counted = count(text)
        if json:
            print(_plain(counted), flush=True)
        else:
            _print(counted)


def _plain(counted: Segments) -> str:
    """A line of JSON, in ASCII: so that half of a surrogate pair survives the pipe as well."""
    from json import dumps

    told = {"encoding": counted.encoding.value, "segments": counted.segments}
    return dumps({**told, "parts": list(counted.parts)})


def _print(counted: Segments) -> None:
    plural = "" if counted.segments == 1 else "s"
    print(f"{counted.encoding}, {counted.segments} segment{plural}")
    rows = [(number, len(part), part) for number, part in enumerate(counted.parts, 1)]
    show_table(("part", "characters", "text"), rows)
    if counted.costly:
        named = ", ".join(map(_named, counted.costly))
        why = "count double" if counted.encoding == "GSM-7" else "are not in GSM-7"
        print(f"These characters {why}: {named}")
    for saving in counted.savings:
        print(f"To need {saving.segments}, {saving.how}: {saving.text}")


def _named(letter: str) -> str:
    """A character with its code point; one that shows nothing by its code point alone."""
    code = f"U+{ord(letter):04X}"
    return f"{letter} ({code})" if letter.isprintable() and not letter.isspace() else code


def _lines(file: str | None) -> Iterator[str]:
    try:
        with _opened(file) as stream:
            yield from stream
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error


def _whole(file: str | None) -> str:
    """All of a file, without the line end that every file ends with."""
    return "".join(_lines(file)).removesuffix("\n")


def _opened(file: str | None) -> TextIO:
    if file is None or file == "-":
        return open(sys.stdin.fileno(), encoding="utf-8", newline="\n", closefd=False)
    return Path(file).open(encoding="utf-8", newline="\n")


def _unreadable(file: str | None, error: Exception) -> SettingError:
    what = "standard input" if file is None or file == "-" else file
    return SettingError(f"{what} cannot be read: {error}. Give a readable file of UTF-8 text.")


def _strings(lines: Iterable[str]) -> Iterator[str]:
    from json import loads

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            text = loads(line)
        except ValueError:
            text = None
        if not isinstance(text, str):
            raise SettingError(
                f"Line {number} is no JSON string: {line.strip():.60}. With --json each line is a"
                ' text in quotes, like "Hello.\\nBye."; without it the whole file is one text.'
            )
        yield text
