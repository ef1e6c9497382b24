"""Lets Sphinx read our docstrings: what stands indented in them is code, and so is a tree."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import takewhile
from textwrap import dedent
from typing import Any

_SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:", "Yields:")


def mark_code(_: object, __: str, ___: str, ____: Any, _____: Any, lines: list[str]) -> None:
    """Put ``.. code-block::`` before each indented block that belongs to no section."""
    marked: list[str] = []
    in_section = in_code = False
    for at, line in enumerate(lines):
        if line and not line.startswith(" "):
            in_section, in_code = line in _SECTIONS, False
        elif line.startswith("    ") and not in_section and not in_code:
            if marked and marked[-1] == "" and not _announced(marked):
                marked += [f".. code-block:: {_language(lines[at:])}", ""]
            in_code = True
        marked.append(line)
    lines[:] = _trees_kept(marked)


def _language(lines: Sequence[str]) -> str:
    """Python, where the block at the head of these lines is."""
    block = takewhile(lambda line: not line or line.startswith("    "), lines)
    try:
        compile(dedent("\n".join(block)), "a docstring", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return "text"
    return "python"


def _trees_kept(lines: list[str]) -> list[str]:
    """Indent a paragraph that draws a tree, below a line that says that it is code."""
    tree = [at for at, line in enumerate(lines) if line.startswith(("├", "└"))]
    if not tree:
        return lines
    first, last = tree[0] - 1, tree[-1]
    while last + 1 < len(lines) and lines[last + 1]:
        last += 1
    drawn = [f"    {line}" for line in lines[first : last + 1]]
    return [*lines[:first], ".. code-block:: text", "", *drawn, *lines[last + 1 :]]


def _announced(before: list[str]) -> bool:
    """Whether the text itself says that code follows."""
    words = [line for line in before if line]
    return bool(words) and words[-1].endswith("::")


def setup(app: Any) -> dict[str, bool]:
    """Go before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", mark_code, priority=100)
    return {"parallel_read_safe": True}
