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
CITATION = re.compile(r"\b(replay|storage|delivery|dates|texts) rules? (\d+)|\blaw (\d+)")
PAGES = [page.stem for page in INTERNALS.glob("*.md")]


def rules_of(page):
    """Return the numbers of the rules in a page: its headings `Rule 1`, or `1. …` of the laws."""
    path = ROOT / "docs" / "laws.md" if page == "law" else INTERNALS / f"{page}.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(
        map(
            int,
            re.findall(
                r"^(?:#+ |\*\*)(?:(?:Delivery |Dates |Texts )?[Rr]ule )?(\d+)\b", text, re.MULTILINE
            ),
        )
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


RULE_COUNTS = {"replay": 19, "storage": 28, "delivery": 33, "dates": 9, "texts": 9}
OWN_LINE = re.compile(r"^\s*(?:#|--) (\w+) rule (\d+): \S", re.MULTILINE)


@pytest.mark.parametrize(("page", "count"), RULE_COUNTS.items())
def test_every_rule_is_cited_where_it_is_obeyed_and_no_number_is_skipped(page, count):
    cited = {number for _, cited_page, number in citations() if cited_page == page}
    assert cited == rules_of(page) == set(range(1, count + 1))


@pytest.mark.parametrize("page", ["storage", "delivery", "dates", "texts"])
def test_every_rule_is_cited_on_a_line_of_its_own_that_says_why(page):
    """A citation in a docstring tells of a rule; the comment stands at the line that obeys."""
    found = [match for text in SOURCES.values() for match in OWN_LINE.findall(text)]
    assert {int(number) for cited_page, number in found if cited_page == page} == rules_of(page)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(r"`([\w/.]+/[\w.]+\.py)`", (INTERNALS / f"{page}.md").read_text("utf-8"))
    package = ROOT / "src" / "cooee"
    assert [
        name for name in named if not ((package / name).exists() or (ROOT / name).exists())
    ] == []
