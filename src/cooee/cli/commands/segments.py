"""`cooee segments`: shows how many segments a text is billed as, and why."""

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

    The output names the encoding, the cuts, the characters that cost more, and the changes that
    would save a segment.

    With --json, {"encoding": "GSM-7" or "UCS-2", "segments": N, "parts": [...]} is printed on a
    line: for TEXT as it was typed, or for each line of a file or of standard input, where each line
    is a text written as a JSON string.
    """
    from cooee.core.segments import split_into_segments

    if text is not None and text != "-" and file is not None:
        raise SettingError("Give a text or a file, not both.")
    if text is not None and text != "-":
        _show_texts([text], json=json)
    elif json:
        _show_texts(_parse_json_lines(_read_lines(file)), json=True)
    else:
        _print_segments(split_into_segments(_read_text(file)))


def _show_texts(texts: Iterable[str], *, json: bool) -> None:
    from cooee.core.segments import split_into_segments

    for text in texts:
        split_text = split_into_segments(text)
        if json:
            print(_segments_json(split_text), flush=True)
        else:
            _print_segments(split_text)


def _segments_json(split_text: Segments) -> str:
    """Return a line of JSON in ASCII, where half of a surrogate pair survives a pipe."""
    from json import dumps

    totals = {"encoding": split_text.encoding.value, "segments": split_text.segment_count}
    return dumps({**totals, "parts": list(split_text.parts)})


def _print_segments(split_text: Segments) -> None:
    plural = "" if split_text.segment_count == 1 else "s"
    print(f"{split_text.encoding}, {split_text.segment_count} segment{plural}")
    rows = [(number, len(part), part) for number, part in enumerate(split_text.parts, 1)]
    show_table(("part", "characters", "text"), rows)
    if split_text.costly_characters:
        characters = ", ".join(map(_character_name, split_text.costly_characters))
        reason = "count double" if split_text.encoding == "GSM-7" else "are not in GSM-7"
        print(f"These characters {reason}: {characters}")
    for saving in split_text.suggestions:
        print(f"To need {saving.segment_count}, {saving.instruction}: {saving.text}")


def _character_name(character: str) -> str:
    """Return a character with its code point; the code point alone for an invisible character."""
    code = f"U+{ord(character):04X}"
    return f"{character} ({code})" if character.isprintable() and not character.isspace() else code


def _read_lines(file: str | None) -> Iterator[str]:
    try:
        with _open_input(file) as stream:
            yield from stream
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable_input(file, error) from error


def _read_text(file: str | None) -> str:
    """Read a whole file, without its last line end."""
    return "".join(_read_lines(file)).removesuffix("\n")


def _open_input(file: str | None) -> TextIO:
    if file is None or file == "-":
        return open(sys.stdin.fileno(), encoding="utf-8", newline="\n", closefd=False)
    return Path(file).open(encoding="utf-8", newline="\n")


def _unreadable_input(file: str | None, error: Exception) -> SettingError:
    source = "standard input" if file is None or file == "-" else file
    return SettingError(f"{source} cannot be read: {error}. Give a readable file of UTF-8 text.")


def _parse_json_lines(lines: Iterable[str]) -> Iterator[str]:
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
