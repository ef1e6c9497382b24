"""A conversation as one writes it down: who texts what, what comes back, how time passes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

import msgspec


class Says(msgspec.Struct, frozen=True):
    """``> text``: the person texts us."""

    at: int
    text: str


class Hears(msgspec.Struct, frozen=True):
    """``< text``: the next text that the person gets."""

    at: int
    pattern: re.Pattern[str]

    def fits(self, text: str) -> bool:
        """Whether that text is the expected one, white space around it aside."""
        return self.pattern.fullmatch(text.strip()) is not None


class Waits(msgspec.Struct, frozen=True):
    """``... 65 seconds``: time passes."""

    at: int
    time: timedelta


Line: TypeAlias = Says | Hears | Waits


class Script(msgspec.Struct, frozen=True):
    """A script, read: its lines as they were written, and what they mean."""

    written: Sequence[str]
    lines: Sequence[Line]


def parse(script: str) -> Script:
    r"""Read a script, a line a step; ``# comments`` and blank lines say nothing.

    In an expected text ``*`` stands for anything, and in every text ``\*``, ``\n`` and ``\\``
    for a star, a new line and a backslash.

    Raises:
        ValueError: a line cannot be read; the message shows it, and what to write.
    """
    written = [line.strip() for line in script.strip().split("\n")]
    steps = [(at, line) for at, line in enumerate(written) if line and line[0] != "#"]
    return Script(written, [_line(at, line) for at, line in steps])


def report(script: Script, at: int, *, missing: bool, came: Sequence[str]) -> str:
    """A script with the place where a conversation left it, written like a diff.

    Args:
        script: what was to be said.
        at: the line; the last that went well unless it is `missing`.
        missing: whether the text that this line expects did not come.
        came: the texts that came instead, or besides.
    """
    heading = "After line {}, a text came that the script does not have."
    if missing:
        heading = "At line {}, " + ("another text came." if came else "no text came.")
    width = len(str(len(script.written)))
    shown = [f"{n:{width}}   {line}".rstrip() for n, line in enumerate(script.written, 1)]
    if missing:
        shown[at] = f"{at + 1:{width}} - {script.written[at]}"
    news = [f"< {quoted(text)}" for text in came] or ["(nothing came)"]
    shown[at + 1 : at + 1] = [f"{'':{width}} + {line}" for line in news]
    return "\n".join([heading.format(at + 1), "", *(f"  {line}" for line in shown)])


def quoted(text: str) -> str:
    """A text as a script would write it."""
    text = re.sub(r"\\(?=[*n\n\\])", r"\\\\", text.strip())
    return text.replace("*", r"\*").replace("\n", r"\n")


_SPECIAL = re.compile(r"\\(?P<literal>[*n\\])|\*")
_LITERALS = {"*": "*", "n": "\n", "\\": "\\"}

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_COUNT = rf"(\d+(?:\.\d+)?)\s*({'|'.join(_SECONDS)})s?"
_TIME = re.compile(rf"{_COUNT}(?:(?:\s*,)?(?:\s+and)?\s+{_COUNT})*", re.IGNORECASE)

_HOW = 'Write "> what the person texts", "< what they get", "... 65 seconds" or "# a comment".'


def _line(at: int, line: str) -> Line:
    if line.startswith("..."):
        return Waits(at, _time(at, line, line[3:].strip()))
    if line.startswith("…"):
        return Waits(at, _time(at, line, line[1:].strip()))
    if line[0] in "<>":
        words = line[1:].strip()
        return Hears(at, _pattern(words)) if line[0] == "<" else Says(at, _literal(words))
    raise ValueError(f"Line {at + 1} of the script cannot be read:\n    {line}\n{_HOW}")


def _time(at: int, line: str, words: str) -> timedelta:
    if not _TIME.fullmatch(words):
        units = ", ".join(f"{unit}s" for unit in _SECONDS)
        advice = f'Write a time like "... 1 minute 5 seconds", in {units}.'
        raise ValueError(f"Line {at + 1} of the script cannot be read:\n    {line}\n{advice}")
    counts = re.findall(_COUNT, words, re.IGNORECASE)
    return sum(
        (timedelta(seconds=float(n) * _SECONDS[unit.lower()]) for n, unit in counts), timedelta()
    )


def _literal(words: str) -> str:
    return _SPECIAL.sub(lambda found: _LITERALS[found["literal"] or "*"], words)


def _pattern(words: str) -> re.Pattern[str]:
    parts, end = [], 0
    for found in _SPECIAL.finditer(words):
        literal = found["literal"]
        parts.append(re.escape(words[end : found.start()]))
        parts.append(".*" if literal is None else re.escape(_LITERALS[literal]))
        end = found.end()
    return re.compile("".join(parts) + re.escape(words[end:]), re.DOTALL)
