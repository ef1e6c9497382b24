"""Scripts of conversations: texts, expected replies, and pauses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

import msgspec


class SendStep(msgspec.Struct, frozen=True):
    """``> text``: the person texts us."""

    line_index: int
    text: str


class ExpectStep(msgspec.Struct, frozen=True):
    """``< text``: the person's next text."""

    line_index: int
    pattern: re.Pattern[str]

    def matches(self, text: str) -> bool:
        """Say whether a text is as expected, surrounding white space aside."""
        return self.pattern.fullmatch(text.strip()) is not None


class WaitStep(msgspec.Struct, frozen=True):
    """``... 65 seconds``: time passes."""

    line_index: int
    duration: timedelta


ScriptStep: TypeAlias = SendStep | ExpectStep | WaitStep


class Script(msgspec.Struct, frozen=True):
    """A parsed script: its source lines, and its steps."""

    source_lines: Sequence[str]
    steps: Sequence[ScriptStep]


def parse_script(script: str) -> Script:
    r"""Parse a script, a line a step; ``# comments`` and blank lines are skipped.

    In an expected text ``*`` stands for anything, and in every text ``\*``, ``\n`` and ``\\``
    for a star, a new line and a backslash.

    Raises:
        ValueError: a line cannot be read; the message shows it, and what to write.
    """
    source_lines = [line.strip() for line in script.strip().split("\n")]
    steps = [
        (line_index, line)
        for line_index, line in enumerate(source_lines)
        if line and line[0] != "#"
    ]
    return Script(source_lines, [_parse_line(at, line) for at, line in steps])


def format_failure(
    script: Script, line_index: int, *, is_missing: bool, texts: Sequence[str]
) -> str:
    """Return a script with the line of the departure, written like a diff.

    Args:
        script: the script.
        line_index: the line that failed, if `is_missing`; else the last one that went well.
        is_missing: whether the text that this line expects did not come.
        texts: the texts that came instead, or besides.
    """
    heading = "After line {}, a text came that the script does not have."
    if is_missing:
        heading = "At line {}, " + ("another text came." if texts else "no text came.")
    width = len(str(len(script.source_lines)))
    shown = [f"{n:{width}}   {line}".rstrip() for n, line in enumerate(script.source_lines, 1)]
    if is_missing:
        shown[line_index] = f"{line_index + 1:{width}} - {script.source_lines[line_index]}"
    added = [f"< {escape_text(text)}" for text in texts] or ["(nothing came)"]
    shown[line_index + 1 : line_index + 1] = [f"{'':{width}} + {line}" for line in added]
    return "\n".join([heading.format(line_index + 1), "", *(f"  {line}" for line in shown)])


def escape_text(text: str) -> str:
    """Return a text in a script's form."""
    text = re.sub(r"\\(?=[*n\n\\])", r"\\\\", text.strip())
    return text.replace("*", r"\*").replace("\n", r"\n")


_SPECIAL_CHARS = re.compile(r"\\(?P<literal>[*n\\])|\*")
_LITERALS = {"*": "*", "n": "\n", "\\": "\\"}

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_DURATION_PART = rf"(\d+(?:\.\d+)?)\s*({'|'.join(_SECONDS)})s?"
_DURATION = re.compile(
    rf"{_DURATION_PART}(?:(?:\s*,)?(?:\s+and)?\s+{_DURATION_PART})*", re.IGNORECASE
)

_SCRIPT_HELP = (
    'Write "> what the person texts", "< what they get", "... 65 seconds" or "# a comment".'
)


def _parse_line(line_index: int, line: str) -> ScriptStep:
    if line.startswith("..."):
        return WaitStep(line_index, _parse_wait(line_index, line, line[3:].strip()))
    if line.startswith("…"):
        return WaitStep(line_index, _parse_wait(line_index, line, line[1:].strip()))
    if line[0] in "<>":
        text = line[1:].strip()
        return (
            ExpectStep(line_index, _compile_pattern(text))
            if line[0] == "<"
            else SendStep(line_index, _unescape_text(text))
        )
    raise ValueError(
        f"Line {line_index + 1} of the script cannot be read:\n    {line}\n{_SCRIPT_HELP}"
    )


def _parse_wait(line_index: int, line: str, text: str) -> timedelta:
    if not _DURATION.fullmatch(text):
        units = ", ".join(f"{unit}s" for unit in _SECONDS)
        advice = f'Write a time like "... 1 minute 5 seconds", in {units}.'
        raise ValueError(
            f"Line {line_index + 1} of the script cannot be read:\n    {line}\n{advice}"
        )
    counts = re.findall(_DURATION_PART, text, re.IGNORECASE)
    return sum(
        (timedelta(seconds=float(n) * _SECONDS[unit.lower()]) for n, unit in counts), timedelta()
    )


def _unescape_text(text: str) -> str:
    return _SPECIAL_CHARS.sub(lambda found: _LITERALS[found["literal"] or "*"], text)


def _compile_pattern(text: str) -> re.Pattern[str]:
    parts, end = [], 0
    for special in _SPECIAL_CHARS.finditer(text):
        literal = special["literal"]
        parts.append(re.escape(text[end : special.start()]))
        parts.append(".*" if literal is None else re.escape(_LITERALS[literal]))
        end = special.end()
    return re.compile("".join(parts) + re.escape(text[end:]), re.DOTALL)
