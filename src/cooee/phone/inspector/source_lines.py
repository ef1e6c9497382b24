"""Statements of the app's source, as this process loaded it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

_MAX_STATEMENT_LINES = 8  # lines of a statement that are shown


class SourceFiles:
    """The lines of source files, kept as they are now; later saves change nothing.

    Args:
        files: files to read now; any other file is read when its first statement is wanted.
    """

    def __init__(self, files: Iterable[str]) -> None:
        self._lines = {file: _read_lines(file) for file in files}

    def statement_at(self, file: str, line: int) -> Sequence[tuple[int, str]]:
        """Return the statement on a line, as numbered lines; of one with a body, its head."""
        if file not in self._lines:
            self._lines[file] = _read_lines(file)
        lines = self._lines[file]
        if not 1 <= line <= len(lines):
            return []
        first, last = _statement_range(lines, line)
        shown = lines[first - 1 : min(last, first + _MAX_STATEMENT_LINES - 1)]
        margin = min((_indent_width(one) for one in shown if one.strip()), default=0)
        return [(n, one[margin:]) for n, one in enumerate(shown, first)]


def _read_lines(file: str) -> Sequence[str]:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()


def _statement_range(lines: Sequence[str], line: int) -> tuple[int, int]:
    """Return the first and last line of the innermost statement around a line."""
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return line, line
    ranges = [_head_range(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    enclosing = [(first, last) for first, last in ranges if first <= line <= last]
    return min(enclosing, key=lambda one: one[1] - one[0], default=(line, line))


def _head_range(node: ast.stmt) -> tuple[int, int]:
    body = getattr(node, "body", None)
    last = node.end_lineno or node.lineno
    return node.lineno, body[0].lineno - 1 if body and body[0].lineno > node.lineno else last


def _indent_width(line: str) -> int:
    return len(line) - len(line.lstrip())
