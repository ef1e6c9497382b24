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


@pytest.mark.parametrize("page", ["replay", "delivery"])
def test_every_rule_is_cited_where_it_is_obeyed(page):
    cited = {number for _, cited_page, number in citations() if cited_page == page}
    assert cited == rules_of(page)


def test_every_rule_of_replay_and_delivery_has_a_number_and_none_is_skipped():
    assert rules_of("replay") == set(range(1, 16))
    assert rules_of("delivery") == set(range(1, 19))


OWN_LINE = re.compile(r"^\s*(?:#|--) delivery rule (\d+): \S", re.MULTILINE)


def test_every_rule_of_delivery_is_cited_on_a_line_of_its_own_that_says_why():
    """A citation in a docstring tells of a rule; the comment stands at the line that obeys."""
    cited = {int(number) for text in SOURCES.values() for number in OWN_LINE.findall(text)}
    assert cited == rules_of("delivery")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(r"`([\w/.]+/[\w.]+\.py)`", (INTERNALS / f"{page}.md").read_text("utf-8"))
    package = ROOT / "src" / "cooee"
    assert [
        name for name in named if not ((package / name).exists() or (ROOT / name).exists())
    ] == []
