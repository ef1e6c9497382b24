"""Rules that the source cites exist in their pages, and the pages name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INTERNALS = ROOT / "docs" / "internals"
SOURCES = {
    file: file.read_text(encoding="utf-8")
    for pattern in ("*.py", "*.sql")
    for file in sorted((ROOT / "src").rglob(pattern))
}
CITATION = re.compile(r"\b(replay|storage|delivery) rules? (\d+)|\blaw (\d+)")
PAGES = [page.stem for page in INTERNALS.glob("*.md")]


def rules_of(page):
    """Return the numbers of the rules in a page: its headings `Rule 1`, or `1. …` of the laws."""
    path = ROOT / "docs" / "laws.md" if page == "law" else INTERNALS / f"{page}.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(
        map(int, re.findall(r"^(?:#+ |\*\*)(?:(?:Delivery )?[Rr]ule )?(\d+)\b", text, re.MULTILINE))
    )


def citations():
    for file, text in SOURCES.items():
        for page, number, law in CITATION.findall(text):
            yield file, page or "law", int(number or law)


def test_every_cited_rule_exists():
    missing = [
        f"{file.relative_to(ROOT)}: {page} rule {number}"
        for file, page, number in citations()
        if number not in rules_of(page)
    ]
    assert not missing


def test_every_rule_of_replay_is_cited():
    cited = {number for _, page, number in citations() if page == "replay"}
    assert rules_of("replay") == set(range(1, 16)) == cited


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(r"`([\w/.]+/[\w.]+\.py)`", (INTERNALS / f"{page}.md").read_text("utf-8"))
    package = ROOT / "src" / "cooee"
    assert [
        name for name in named if not ((package / name).exists() or (ROOT / name).exists())
    ] == []
